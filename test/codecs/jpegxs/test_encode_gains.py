# SPDX-License-Identifier: Apache-2.0
"""Default gains and priorities against the tables in common use (ISO/IEC 21122-1 encoders), which the formula reproduces."""

from __future__ import annotations

import pytest

from plcv_ros.codecs import _native
from plcv_ros.codecs.jpegxs import JxsCodec

NUMBERS = {"rgb8": 0, "mono8": 4, "yuv422": 5}

# (pixel format, colour transform, levels) -> gains, priorities in order of b.
TABLES = {
    ("rgb8", True, "5/2"): (
        "4 3 3  3 2 2  3 2 2  2 1 1  2 1 1  2 1 1  1 0 0  1 0 0  1 0 0  1 0 0",
        "12 15 14  3 11 10  24 26 27  0 4 5  18 21 20  19 23 22  13 16 17  2 9 6  1 7 8  25 28 29",
    ),
    ("rgb8", True, "5/1"): (
        "4 2 2  3 2 2  2 1 1  2 1 1  1 0 0  1 0 0  1 0 0  1 0 0",
        "21 1 0  15 19 18  5 9 8  14 17 16  2 4 3  7 13 11  6 12 10  20 23 22",
    ),
    ("rgb8", True, "5/0"): ("3 2 2  2 1 1  2 1 1  1 0 0  1 0 0  1 0 0", "6 8 7  1 4 5  12 14 15  0 2 3  9 11 10  13 16 17"),
    ("rgb8", False, "5/2"): (
        "3 3 3  2 2 2  2 2 2  1 1 1  1 1 1  1 1 1  0 0 0  0 0 0  0 0 0  0 0 0",
        "12 13 14  9 10 11  24 25 26  0 1 2  18 19 20  21 22 23  15 16 17  3 4 5  6 7 8  27 28 29",
    ),
    ("rgb8", False, "5/1"): (
        "2 2 2  2 2 2  1 1 1  1 1 1  0 0 0  0 0 0  0 0 0  0 0 0",
        "0 1 2  18 19 20  6 7 8  15 16 17  3 4 5  9 10 11  12 13 14  21 22 23",
    ),
    ("rgb8", False, "5/0"): ("2 2 2  1 1 1  1 1 1  0 0 0  0 0 0  0 0 0", "6 7 8  3 4 5  12 13 14  0 1 2  9 10 11  15 16 17"),
    ("yuv422", True, "5/2"): (
        "3 3 3  2 2 2  2 2 2  1 1 1  1 1 1  1 1 1  0 0 0  0 0 0  0 0 0  0 0 0",
        "14 13 12  9 11 10  25 24 26  0 1 2  19 20 18  23 22 21  17 15 16  4 8 5  3 6 7  28 27 29",
    ),
    ("yuv422", True, "5/1"): (
        "2 2 2  2 2 2  1 1 1  1 1 1  0 0 0  0 0 0  0 0 0  0 0 0",
        "0 1 2  18 19 20  6 7 8  15 16 17  3 4 5  10 12 14  9 11 13  21 22 23",
    ),
    ("yuv422", True, "5/0"): ("2 2 2  1 1 1  1 1 1  0 0 0  0 0 0  0 0 0", "8 7 6  5 3 4  13 12 14  1 0 2  9 11 10  16 15 17"),
    ("mono8", True, "5/2"): ("3 2 2 1 1 1 0 0 0 0", "4 3 8 0 6 7 5 1 2 9"),
    ("mono8", True, "5/1"): ("2 2 1 1 0 0 0 0", "0 6 2 5 1 3 4 7"),
    ("mono8", True, "5/0"): ("2 1 1 0 0 0", "2 1 4 0 3 5"),
}


@pytest.mark.parametrize("case", TABLES, ids=lambda case: f"{case[0]} {'RCT' if case[1] else 'no RCT'} {case[2]}")
def test_tables(case: tuple[str, bool, str]) -> None:
    pixel_format, colour_transform, levels = case
    codec = JxsCodec(colour_transform=colour_transform, levels=levels)
    gains, priorities = _native.jpegxs_default_weights(1920, 1080, NUMBERS[pixel_format], codec._options(pixel_format))
    table_gains, table_priorities = ([int(n) for n in text.split()] for text in TABLES[case])
    assert gains == table_gains
    # Bands of one weight (those of components of the same kind, and HL and LH of one level) are ordered at will: what counts is that the
    # priorities are a permutation, and that bands of different weights stand in the table's order.
    assert sorted(priorities) == list(range(len(gains)))
    components = 1 if pixel_format == "mono8" else 3
    horizontal, vertical = (int(n) for n in levels.split("/"))

    def kind(b: int) -> tuple[int, int]:
        beta, component = divmod(b, components)
        first = horizontal - vertical + 1
        # HL and LH of one level weigh the same where both are split as often in both directions.
        weight = beta - 1 if beta >= first and (beta - first) % 3 == 1 else beta
        return weight, 0 if component == 0 and colour_transform and pixel_format == "rgb8" else 1

    def order(values: list[int]) -> list[tuple[int, int]]:
        return [kind(b) for b in sorted(range(len(values)), key=values.__getitem__)]

    assert order(priorities) == order(table_priorities)
