# SPDX-License-Identifier: Apache-2.0
"""What a network's pixels are scaled by before it sees them."""

from __future__ import annotations

from typing import NamedTuple

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


class Normalisation(NamedTuple):
    """A network sees ``(pixel / 255 - mean) / std``, red, green and blue each with their own."""

    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
