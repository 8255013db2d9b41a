# SPDX-License-Identifier: Apache-2.0
"""The range of a number that a person gives, and the sentence that says so where the number is outside it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """``low`` to ``high``, both included unless ``above_low`` or ``below_high``. ``zero``: what 0 means where it is allowed beside the range."""

    low: float
    high: float
    above_low: bool = False
    below_high: bool = False
    zero: str = ""

    @property
    def expected(self) -> str:
        """What a number must be, in words."""
        low = f"more than {_text(self.low)}" if self.above_low else f"at least {_text(self.low)}"
        high = f"below {_text(self.high)}" if self.below_high else f"at most {_text(self.high)}"
        return f"{low}, {high}" + (f", or 0 for {self.zero}" if self.zero else "")

    def __contains__(self, value: float) -> bool:
        """Whether ``value`` is allowed; NaN never is."""
        if not math.isfinite(value):
            return False
        if self.zero and value == 0:
            return True
        return (self.low < value if self.above_low else self.low <= value) and (value < self.high if self.below_high else value <= self.high)

    def complaint(self, name: str, value: float) -> str:
        """``NAME VALUE: expected ...`` where ``value`` is outside, else an empty text."""
        return "" if value in self else f"{name} {_text(value)}: expected {self.expected}"


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}" if abs(value) < 1e6 or not math.isfinite(value) else f"{value:.0f}"
