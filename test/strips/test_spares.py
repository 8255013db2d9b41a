# SPDX-License-Identifier: Apache-2.0
"""Memory of pictures that is used again."""

from __future__ import annotations

import numpy as np

from plcv_ros.strips.spares import Spares


def test_a_picture_of_the_same_size_is_used_again() -> None:
    spares = Spares(2)
    picture = spares.picture((4, 6, 3))
    spares.keep(picture)
    assert spares.picture((4, 8, 3)) is not picture
    assert spares.picture((4, 6, 3)) is picture
    assert spares.picture((4, 6, 3)) is not picture


def test_sizes_that_do_not_come_any_more_give_way() -> None:
    spares = Spares(2)
    for width in range(1, 20):
        spares.keep(np.zeros((4, width, 3), np.uint8))
        assert len(spares) <= 2
    latest = np.zeros((4, 6, 3), np.uint8)
    spares.keep(latest)
    assert spares.picture((4, 6, 3)) is latest
