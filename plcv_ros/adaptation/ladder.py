# SPDX-License-Identifier: Apache-2.0
"""The ladder: settings from the least to the most a link has to carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rung:
    """One setting: parameters of the node that encodes, its constant rate in bits per pixel, and that every ``divider``-th frame is sent."""

    name: str
    bits_per_pixel: float
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    divider: int = 1

    def bits_per_frame(self, pixels: int) -> float:
        """Bits of one frame of so many pixels."""
        return self.bits_per_pixel * pixels

    def bit_rate(self, pixels: int, frames_per_second: float) -> float:
        """Bits a second at a camera's own rate."""
        return self.bits_per_frame(pixels) * frames_per_second / self.divider


_ASTC_12 = {"codec": "astc", "astc_block": "12x12"}
_ASTC_8 = {"codec": "astc", "astc_block": "8x8"}

LADDER: tuple[Rung, ...] = (
    Rung("12x12, every 4th frame", 8 / 9, _ASTC_12, 4),
    Rung("12x12, every 2nd frame", 8 / 9, _ASTC_12, 2),
    Rung("12x12", 8 / 9, _ASTC_12),
    Rung("8x8", 2.0, _ASTC_8),
    Rung("jxs 3 bit/px", 3.0, {"codec": "jxs", "jxs_bpp": 3.0}),
    Rung("jxs 4 bit/px", 4.0, {"codec": "jxs", "jxs_bpp": 4.0}),
)
"""From the bottom up. Frames are left out last, since a network sees more in a coarse new picture than in a fine old one."""
