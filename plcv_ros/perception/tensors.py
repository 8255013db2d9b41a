# SPDX-License-Identifier: Apache-2.0
"""Pictures as tensors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


def tensor_of(picture: npt.NDArray[Any]) -> torch.Tensor:
    """A tensor to read from: the array's own memory where it is contiguous, else a copy. Nothing may write into it.

    Pictures that are views of a message are read-only, of which torch knows nothing: it warns of each, and a copy would cost time.
    """
    rows = np.ascontiguousarray(picture)
    if not rows.flags.writeable:
        interface = {**rows.__array_interface__, "data": (rows.__array_interface__["data"][0], False)}
        rows = np.asarray(SimpleNamespace(__array_interface__=interface, keeps=rows))
    return torch.from_numpy(rows)
