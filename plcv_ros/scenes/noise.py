# SPDX-License-Identifier: Apache-2.0
"""Multi-octave noise, the raw material of every texture here."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]


def octave(rng: np.random.Generator, height: int, width: int, cell: tuple[int, int]) -> Plane:
    """(height, width) float32 value noise with features of ``cell`` (rows, columns) pixels, unit variance before interpolation.

    Tiles seamlessly where the cell divides the size.
    """
    rows, columns = max(1, -(-height // cell[0])), max(1, -(-width // cell[1]))
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    if cell == (1, 1):
        return grid[:height, :width]
    padded = np.pad(grid, 2, mode="wrap")
    big = cv2.resize(padded, ((columns + 4) * cell[1], (rows + 4) * cell[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(big[2 * cell[0] : 2 * cell[0] + height, 2 * cell[1] : 2 * cell[1] + width], np.float32)


def fractal(rng: np.random.Generator, height: int, width: int, largest: int, smallest: int = 1, gain: float = 0.6) -> Plane:
    """(height, width) float32 noise of about unit variance: cells from ``largest`` down to ``smallest`` pixels by halves,
    each octave ``gain`` times as strong as the one before."""
    total = np.zeros((height, width), np.float32)
    weight, power, cell = 1.0, 0.0, largest
    while cell >= smallest:
        total += np.float32(weight) * octave(rng, height, width, (cell, cell))
        power += weight * weight * (0.45 if cell > 1 else 1.0)
        weight *= gain
        cell //= 2
    return np.asarray(total / np.float32(power**0.5), np.float32)


def tint(base: tuple[float, float, float], plane: Plane) -> Plane:
    """(H, W) brightness variation -> (H, W, 3): ``base`` colour (rgb) scaled by ``1 + plane``."""
    return np.asarray((1 + plane)[..., None] * np.asarray(base, np.float32), np.float32)


def to_picture(values: npt.NDArray[np.floating]) -> Picture:
    """Float colours 0..255 -> uint8, clipped."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)
