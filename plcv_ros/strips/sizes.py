# SPDX-License-Identifier: Apache-2.0
"""Which sizes of frames are believed: those of which every row has come once.

Any strip names the height of its frame, and one of two kilobytes can name 16384 rows. What has come in full once is a camera's picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Size = tuple[int, int]
"""(height, width) in pixels."""

MAX_BELIEVED = 16
MAX_CANDIDATES = 8


class Sizes:
    """Sizes of which all rows have come, of one frame or, where a link loses strips, of several; the least recently used are forgotten."""

    def __init__(self, believed: Iterable[Size] = ()) -> None:
        self._believed: OrderedDict[Size, None] = OrderedDict.fromkeys(believed)
        self._candidates: OrderedDict[Size, npt.NDArray[np.bool_]] = OrderedDict()

    def believed(self, size: Size) -> bool:
        """Whether frames of that size may be concealed and handed on."""
        return size in self._believed

    def note(self, size: Size, rows: npt.NDArray[np.bool_]) -> bool:
        """A frame of that size is finished, of which ``rows``, (H,) bool, have come; returns whether the size is believed now."""
        if size in self._believed:
            self._believed.move_to_end(size)
            return True
        seen = self._candidates.pop(size, None)
        rows = rows.copy() if seen is None else seen | rows
        if rows.all():
            self._believed[size] = None
            if len(self._believed) > MAX_BELIEVED:
                self._believed.popitem(last=False)
            return True
        self._candidates[size] = rows
        if len(self._candidates) > MAX_CANDIDATES:
            self._candidates.popitem(last=False)
        return False
