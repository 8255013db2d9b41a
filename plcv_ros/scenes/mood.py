# SPDX-License-Identifier: Apache-2.0
"""Weather and time of day: one mood a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plcv_ros.scenes.painter import Shade

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Mood:
    """Light of a sequence. Gains multiply colours; haze adds ``haze`` (grey value) with distance over ``haze_length`` metres."""

    name: str
    zenith: Colour
    horizon: Colour
    cloud: float
    """How much of the sky is cloud, 0..1."""
    cloud_colour: Colour
    left: float
    right: float
    ground: float
    shadow: float
    """Strength of cast shadows, 0..1."""
    sun_side: int
    """+1: the sun stands to the right and throws shadows to the left; -1 the other way; 0: none."""
    haze: float
    haze_length: float
    exposure: tuple[float, float]
    """Slowest and strongest drift of the exposure: mean and swing."""
    tint: Colour
    noise: float
    """Standard deviation of the sensor noise, code values."""

    def shade(self, z: float, light: float) -> Shade:
        """Light and haze of a surface ``z`` metres away that catches ``light``."""
        clear = 2.718281828 ** (-z / self.haze_length)
        return Shade(light * clear, self.haze * (1 - clear))


def choose_mood(rng: np.random.Generator) -> Mood:
    """Sunny, bright, overcast or dusk, with the sun on either side."""
    side = int(rng.choice([-1, 1]))
    lit, dark = 1.12, 0.55
    kind = rng.choice(["sunny", "bright", "overcast", "dusk"], p=[0.34, 0.28, 0.22, 0.16])
    wobble = float(rng.uniform(0.93, 1.07))
    noise = float(rng.uniform(1.8, 2.8))
    if kind == "sunny":
        left, right = (lit, dark) if side > 0 else (dark, lit)
        return Mood(
            "sunny", (120, 176, 226), (226, 240, 250), 0.35, (252, 252, 252), left, right, 0.92, 0.5, side,
            205, 520, (1.02 * wobble, 0.07), (1.0, 1.0, 0.98), noise,
        )  # fmt: skip
    if kind == "bright":
        left, right = (0.95, 0.7) if side > 0 else (0.7, 0.95)
        return Mood(
            "bright", (226, 240, 250), (250, 252, 252), 0.6, (254, 254, 254), left, right, 0.85, 0.38, side,
            220, 420, (1.0 * wobble, 0.08), (1.0, 1.0, 1.0), noise,
        )  # fmt: skip
    if kind == "overcast":
        return Mood(
            "overcast", (178, 190, 202), (226, 230, 232), 0.8, (206, 212, 218), 0.74, 0.7, 0.8, 0.3, 0,
            188, 300, (0.95 * wobble, 0.06), (0.98, 1.0, 1.02), noise,
        )  # fmt: skip
    return Mood(
        "dusk", (112, 126, 138), (206, 204, 196), 0.75, (150, 156, 160), 0.62, 0.5, 0.58, 0.22, 0,
        128, 330, (1.04 * wobble, 0.06), (1.0, 0.99, 0.97), noise * 1.6,
    )  # fmt: skip
