# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG text: axes, lines, areas, bands, bars. Colours of text and grid come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = "npt.NDArray[np.floating[Any]]"  # a text: numpy before 1.22 has no np.floating[...] at run time


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from ``low`` to ``high``, some ``about`` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A tick's text: no more digits than it needs."""
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-4:
        return f"{value:.3g}"
    return f"{value:.6f}".rstrip("0").rstrip(".")


class Chart:
    """A drawing area with axes; ``svg`` gives the finished picture. x and y are in the units of the axes."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        width: int = 1040,
        height: int = 300,
        x_label: str = "",
        y_label: str = "",
        log_x: bool = False,
        name: str = "",
        below: int = 0,
    ) -> None:
        self._left, self._right, self._top, self._bottom = 58, 16, 12, 42
        self._width, self._height, self._below = width, height, below
        self._x, self._y, self._log = x, y, log_x
        self._name = name
        self._inside: list[str] = []
        self._outside: list[str] = []
        self._axes(x_label, y_label)

    def px(self, x: Values | float) -> Values:
        """x -> pixels."""
        low, high = self._x
        if self._log:
            low, high, x = math.log10(low), math.log10(high), np.log10(np.maximum(x, 1e-12))
        share = (np.asarray(x, np.float64) - low) / ((high - low) or 1.0)
        return self._left + share * (self._width - self._left - self._right)

    def py(self, y: Values | float) -> Values:
        """y -> pixels."""
        low, high = self._y
        share = (np.asarray(y, np.float64) - low) / ((high - low) or 1.0)
        return self._floor - share * (self._floor - self._top)

    @property
    def _floor(self) -> float:
        return self._height - self._bottom - self._below

    def _axes(self, x_label: str, y_label: str) -> None:
        add = self._outside.append
        for tick in ticks(*self._y, about=5):
            y = float(self.py(tick))
            add(f'<line class="grid" x1="{self._left}" x2="{self._width - self._right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            add(f'<text class="tick" x="{self._left - 7}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        base = self._height - self._bottom
        for tick in self._x_ticks():
            x = float(self.px(tick))
            add(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self._top}" y2="{base}"/>')
            add(f'<text class="tick" x="{x:.1f}" y="{base + 16}" text-anchor="middle">{number(tick)}</text>')
        add(f'<line class="axis" x1="{self._left}" x2="{self._width - self._right}" y1="{self._floor}" y2="{self._floor}"/>')
        middle = (self._left + self._width - self._right) / 2
        add(f'<text class="label" x="{middle:.0f}" y="{self._height - 6}" text-anchor="middle">{escape(x_label)}</text>')
        up = (self._top + self._floor) / 2
        add(f'<text class="label" x="14" y="{up:.0f}" text-anchor="middle" transform="rotate(-90 14 {up:.0f})">{escape(y_label)}</text>')

    def _x_ticks(self) -> list[float]:
        if not self._log:
            return ticks(*self._x, about=10)
        low, high = math.log10(self._x[0]), math.log10(self._x[1])
        factors = (1, 2, 5) if high - low < 4 else (1,)
        found = [f * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for f in factors]
        return [t for t in found if self._x[0] * 0.999 <= t <= self._x[1] * 1.001]

    def line(self, x: Values, y: Values, colour: str, *, width: float = 1.6, steps: bool = False, dashed: bool = False) -> None:
        """A line; NaN in ``y`` breaks it. ``steps``: each value holds until the next."""
        parts: list[str] = []
        pen_up = True
        previous = 0.0
        for a, b in zip(self.px(x), self.py(y)):
            if not math.isfinite(b):
                pen_up = True
                continue
            if pen_up:
                parts.append(f"M{a:.1f} {b:.1f}")
            elif steps:
                parts.append(f"H{a:.1f}V{b:.1f}" if b != previous else f"H{a:.1f}")
            else:
                parts.append(f"L{a:.1f} {b:.1f}")
            pen_up, previous = False, b
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._inside.append(f'<path d="{"".join(parts)}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"{dash}/>')

    def band(self, x: Values, low: Values, high: Values, colour: str) -> None:
        """The area between two lines, translucent."""
        if x.size:
            points = [*zip(self.px(x), self.py(high)), *reversed(list(zip(self.px(x), self.py(low))))]
            self._inside.append(f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" fill="{colour}" fill-opacity="0.22"/>')

    def bars(self, x: Values, width: float, bottom: Values, top: Values, colour: str) -> None:
        """Bars from x to x + width, one path for all; those without height are left out."""
        left, right = self.px(x), self.px(x + width)
        low, high = self.py(bottom), self.py(top)
        parts = [f"M{a:.1f} {d:.1f}H{b:.1f}V{c:.1f}H{a:.1f}Z" for a, b, c, d in zip(left, right, low, high) if c - d > 0.02]
        if parts:
            self._inside.append(f'<path d="{"".join(parts)}" fill="{colour}"/>')

    def hints(self, x: Values, width: float, texts: Sequence[str]) -> None:
        """What appears over each column when the pointer rests on it."""
        top, height = self._top, self._height - self._bottom - self._top
        for a, b, text in zip(self.px(x), self.px(x + width), texts):
            self._outside.append(
                f'<rect class="hint" x="{a:.1f}" y="{top}" width="{max(b - a, 1):.1f}" height="{height}"><title>{escape(text)}</title></rect>'
            )

    def marks(self, x: Values, row: int, colour: str) -> None:
        """Ticks in a row below the axis, as many rows as ``below`` (11 pixels each) has room for."""
        top = self._floor + 4 + 11 * row
        # Thousands of them on one pixel look like one.
        parts = [f"M{a:.0f} {top:.1f}v8" for a in np.unique(np.round(self.px(x)))]
        if parts:
            self._outside.append(f'<path d="{"".join(parts)}" stroke="{colour}" stroke-width="1.6"/>')

    def text(self, x: float, y: float, text: str, *, anchor: str = "middle", css: str = "note") -> None:
        """A note at a place."""
        self._outside.append(
            f'<text class="{css}" x="{float(self.px(x)):.1f}" y="{float(self.py(y)):.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def event(self, x: float, text: str) -> None:
        """A vertical line at something that happened, which says what when the pointer rests on it."""
        at = float(self.px(x))
        self._inside.append(
            f'<line class="event" x1="{at:.1f}" x2="{at:.1f}" y1="{self._top}" y2="{self._floor:.1f}"><title>{escape(text)}</title></line>'
        )

    def level(self, y: float, text: str) -> None:
        """A dotted line across, with its name at the right end."""
        at = float(self.py(y))
        self._outside.append(f'<line class="level" x1="{self._left}" x2="{self._width - self._right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        self._outside.append(f'<text class="note" x="{self._width - self._right - 3}" y="{at + 13:.1f}" text-anchor="end">{escape(text)}</text>')

    def svg(self) -> str:
        """The picture."""
        clip = f"clip-{self._name}"
        area = f'x="{self._left}" y="{self._top}" width="{self._width - self._left - self._right}" height="{self._floor - self._top:.1f}"'
        grid, rest = self._split()
        drawn = f'<g clip-path="url(#{clip})">{"".join(self._inside)}</g>'
        return (
            f'<svg viewBox="0 0 {self._width} {self._height}" role="img" aria-label="{escape(self._name)}">'
            f'<clipPath id="{clip}"><rect {area}/></clipPath>{"".join(grid)}{drawn}{"".join(rest)}</svg>'
        )

    def _split(self) -> tuple[list[str], list[str]]:
        """Grid lines lie below what is drawn, everything else above."""
        grid = [part for part in self._outside if 'class="grid"' in part]
        return grid, [part for part in self._outside if 'class="grid"' not in part]


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """(colour, text) of every entry, as HTML."""
    items = "".join(f'<span><i style="background:{colour}"></i>{escape(text)}</span>' for colour, text in entries)
    return f'<p class="legend">{items}</p>'
