# SPDX-License-Identifier: Apache-2.0
"""What a message says of its strip: the end of the ``format`` text of its sensor_msgs/CompressedImage, ``strip 3/135 row 16/1080``.

A frame whose header an earlier frame had too is numbered by its sender, ``frame 7 strip 3/135 row 16/1080``: nothing else tells which of the two
a strip belongs to. Readers that look for the strip alone find it at the same place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plcv_ros.strips.errors import StripError

MAX_ROWS = 16384
"""Largest height of a frame, in pixels, and so the largest number of its strips."""

MAX_TEXT = 256
"""Characters of a ``format`` text."""

_FRAME = re.compile(r"\bframe (\d{1,10}) $", re.ASCII)
_TEXT = re.compile(r"\bstrip (\d{1,5})/(\d{1,5}) row (\d{1,5})/(\d{1,5})$", re.ASCII)


@dataclass(frozen=True)
class StripTag:
    """Strip ``index`` (from 0, top to bottom) of the ``count`` strips of a frame of ``height`` rows; it starts at row ``first_row``.

    ``frame``: what tells the frame from others of the same header; None where the header does.
    """

    index: int
    count: int
    first_row: int
    height: int
    frame: int | None = None

    @property
    def last(self) -> bool:
        """Whether no other strip of the frame is sent after this one."""
        return self.index == self.count - 1


def write_tag(tag: StripTag) -> str:
    """The text that :func:`read_tag` reads; strips are counted from 1 in it, rows from 0."""
    text = f"strip {tag.index + 1}/{tag.count} row {tag.first_row}/{tag.height}"
    return text if tag.frame is None else f"frame {tag.frame} {text}"


def read_tag(text: str) -> StripTag:
    """The strip that the end of a ``format`` text describes. Raises StripError where there is none or its numbers cannot be."""
    if len(text) > MAX_TEXT:
        raise StripError(f"format of {len(text)} characters, expected at most {MAX_TEXT}")
    match = _TEXT.search(text)
    if match is None:
        raise StripError(f"format {text[:100]!r} does not end with its strip, expected e.g. 'strip 3/135 row 16/1080'")
    number, count, first_row, height = (int(group) for group in match.groups())
    if not 1 <= height <= MAX_ROWS:
        raise StripError(f"strip of a frame of {height} rows, expected 1 to {MAX_ROWS}")
    if not 1 <= count <= height:
        raise StripError(f"strip of {count} strips in {height} rows, expected 1 to {height}")
    if not 1 <= number <= count:
        raise StripError(f"strip {number} of {count}, expected 1 to {count}")
    if not number - 1 <= first_row < height or (number == 1) != (first_row == 0):
        raise StripError(f"strip {number} of {count} starts at row {first_row} of {height}, expected 0 for the first one, more for others")
    # Few frames have a number, and every strip is read here.
    at = text.rfind("frame ", 0, match.start())
    frame = None if at < 0 else _FRAME.search(text[max(0, at - 1) : match.start()])
    return StripTag(number - 1, count, first_row, height, None if frame is None else int(frame[1]))
