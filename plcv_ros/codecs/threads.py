# SPDX-License-Identifier: Apache-2.0
"""The `threads` argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import CodecError

MAX_THREADS = 64


def check_threads(threads: Any) -> int:
    """Return `threads` as an int; CodecError unless it is 1..64."""
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)):
        raise CodecError(f"threads is {threads!r}, expected an int")
    if not 1 <= threads <= MAX_THREADS:
        raise CodecError(f"threads is {threads}, expected 1 to {MAX_THREADS}")
    return int(threads)
