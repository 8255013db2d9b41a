# SPDX-License-Identifier: Apache-2.0
"""Pictures for the codec tests: made from a seed, or photographs of the shared data folder where it is present."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def noise(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def extremes(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    return (rng.integers(0, 2, (height, width, channels)) * 255).astype(np.uint8)


def gradient(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return (
        np.stack([x * rng.uniform(-2, 2) + y * rng.uniform(-2, 2) + rng.integers(0, 256) for _ in range(channels)], -1).clip(0, 255).astype(np.uint8)
    )


def flat(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.broadcast_to(rng.integers(0, 256, channels, dtype=np.uint8), (height, width, channels)).copy()


def two_colours(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    edge = (np.add.outer(np.arange(height) * 3, np.arange(width) * 5) // 29 % 2)[..., None]
    return np.where(edge, rng.integers(0, 256, channels), rng.integers(0, 256, channels)).astype(np.uint8)


KINDS = (noise, extremes, gradient, flat, two_colours)


def street(height: int = 360, width: int = 480) -> np.ndarray:
    """A picture with the statistics that matter to a block codec (soft shading, hard edges, texture, noise), the same on every machine."""
    rng = np.random.default_rng(7)
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    image = np.stack([120 + 0.2 * y, 140 + 0.12 * y, 190 - 0.1 * y], -1)
    for _ in range(60):
        left, top = rng.integers(0, width), rng.integers(0, height)
        w, h = rng.integers(6, 90), rng.integers(6, 70)
        texture = rng.uniform(0, 30) * np.sin(
            x[top : top + h, left : left + w] * rng.uniform(0.1, 1.2) + y[top : top + h, left : left + w] * rng.uniform(0.1, 1.2)
        )
        image[top : top + h, left : left + w] = rng.uniform(20, 235, 3) + texture[..., None] * rng.uniform(0.5, 1, 3)
    grain = rng.normal(0, 3, (height, width, 1)) + rng.normal(0, 1.5, (height, width, 3))
    return np.rint(image + grain).clip(0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all channels, dB."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
