# SPDX-License-Identifier: Apache-2.0
"""The one exception of this package."""

from __future__ import annotations


class CodecError(ValueError):
    """A bad argument, image or payload. The message names the offending value and what was expected."""
