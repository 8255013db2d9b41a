# SPDX-License-Identifier: Apache-2.0
"""What stands along the street and what moves on it.

The street has no end: each stretch of :data:`CHUNK` metres is made from (seed, stretch, side) alone when it comes into view, and moving
things sit on endless lattices that travel at a speed of their own. So any frame can be drawn without the ones before it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from plcv_ros.scenes.facades import Facade, facade, fence
from plcv_ros.scenes.figures import cyclist, sign, tree, walker
from plcv_ros.scenes.ground import LANE, Section
from plcv_ros.scenes.painter import Sprite, Texture

CHUNK = 40.0
SIGNS = ("limit", "warning", "order", "board", "lights")
TREES = ("broad", "broad", "broad", "fir", "bare", "bare")

T = TypeVar("T")


@dataclass(frozen=True)
class Plant:
    """A tree or bush of the stock."""

    s: float
    d: float
    tall: float
    kind: int


@dataclass(frozen=True)
class Lot:
    """A stretch of one side behind the pavement, from ``s0`` to ``s1``: perhaps a building, perhaps a fence, plants."""

    s0: float
    s1: float
    side: int
    building: Facade | None = None
    front: float = 0.0
    """Signed offset of the building's front."""
    b0: float = 0.0
    b1: float = 0.0
    fence: int | None = None
    fence_height: float = 0.0
    plants: tuple[Plant, ...] = ()


@dataclass(frozen=True)
class Post:
    """A lamp post, a bollard, or a sign on its pole."""

    s: float
    d: float
    tall: float
    thick: float
    arm: float = 0.0
    sign: int | None = None
    size: float = 0.0


@dataclass(frozen=True)
class Parked:
    s: float
    d: float
    number: int
    away: bool


@dataclass
class Stretch:
    lots: list[Lot] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    plants: list[Plant] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)


@dataclass(frozen=True)
class Mover:
    """Something at ``s`` now: ``number`` picks its looks, ``phase`` its step; ``d`` is a fraction 0..1."""

    s: float
    d: float
    number: int
    phase: float


class Stock:
    """The textures and cut-outs of one sequence, made once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.houses = [facade(rng, "house") for _ in range(4)]
        self.shops = [facade(rng, "shop") for _ in range(4)]
        self.offices = [facade(rng, "office") for _ in range(2)]
        self.trees: list[Sprite] = [tree(rng, kind) for kind in TREES]
        self.bushes: list[Sprite] = [tree(rng, "bush") for _ in range(2)]
        self.walkers = [walker(rng, side=False) for _ in range(5)]
        self.crossers = [walker(rng, side=True) for _ in range(4)]
        self.riders = [cyclist(rng, side=False) for _ in range(4)]
        self.side_riders = [cyclist(rng, side=True) for _ in range(2)]
        self.signs = [sign(rng, kind) for kind in SIGNS]
        self.fences: list[Texture] = [fence(rng, kind) for kind in ("panel", "railing", "picket", "railing")]


class Street:
    """Layout of the street of one seed."""

    def __init__(self, seed: int, section: Section, stock: Stock) -> None:
        self._seed, self.section, self._stock = seed, section, stock
        self._stretches: dict[tuple[int, int], Stretch] = {}
        self._hashes: dict[tuple[int, int], tuple[float, ...]] = {}
        rng = np.random.default_rng([seed, 3])
        self._built = rng.uniform(0.55, 0.95, 2)
        self._busy = float(rng.uniform(0.4, 0.85))

    def _remember(self, cache: dict[tuple[int, int], T], key: tuple[int, int], make: Callable[[], T]) -> T:
        if key not in cache:
            if len(cache) > 4000:  # a long drive forgets what lies behind; it is made again the same
                cache.clear()
            cache[key] = make()
        return cache[key]

    def stretch(self, number: int, side: int) -> Stretch:
        """The ``number``-th stretch of the left (-1) or right (+1) side."""
        return self._remember(self._stretches, (number, side), lambda: self._make(number, side))

    def _make(self, number: int, side: int) -> Stretch:
        rng = np.random.default_rng([self._seed, 5, number + 100, side + 1])
        style_rng = np.random.default_rng([self._seed, 7, (number + 100) // 2, side + 1])
        built = float(self._built[int(side > 0)])
        roll = float(style_rng.random())
        style = "high" if roll < built * 0.65 else "houses" if roll < built else "park"
        stretch = Stretch()
        start, end = number * CHUNK, (number + 1) * CHUNK
        back = self.section.back(side)
        at = start
        while at < end - 1:
            room = end - at
            if style == "high" and room > 7 and rng.random() < 0.93:
                pool = self._stock.shops * 2 + self._stock.houses + self._stock.offices
                building = pool[int(rng.integers(len(pool)))]
                wide = min(building.length, room)
                if room - wide < 5:
                    wide = room
                stretch.lots.append(Lot(at, at + wide, side, building, side * (back + 0.05), at, at + wide))
            elif style == "houses" and room > 11:
                building = self._stock.houses[int(rng.integers(len(self._stock.houses)))]
                wide = min(building.length + 3.5, room)
                if room - wide < 6:
                    wide = room
                setback = float(rng.uniform(2.0, 4.0))
                kind = int(rng.integers(4)) if rng.random() < 0.85 else None
                plants = tuple(
                    Plant(
                        float(rng.uniform(at + 1, at + wide - 1)),
                        side * (back + float(rng.uniform(1.0, 2.4))),
                        float(rng.uniform(1.0, 2.4)),
                        -1 - int(rng.integers(2)),
                    )
                    for _ in range(int(rng.integers(0, 4)))
                )
                if rng.random() < 0.35:
                    plants += (Plant(at + wide - 1.5, side * (back + 1.8), float(rng.uniform(4.5, 8)), int(rng.integers(len(TREES)))),)
                height = 1.7 if kind == 0 else 1.1
                stretch.lots.append(Lot(at, at + wide, side, building, side * (back + setback), at + 1.2, at + wide - 1.2, kind, height, plants))
            else:
                wide = min(float(rng.uniform(10, 16)), room)
                if room - wide < 4:
                    wide = room
                density = 3 if style == "park" else 1
                plants = tuple(
                    Plant(
                        float(rng.uniform(at, at + wide)),
                        side * (back + float(rng.uniform(0.8, 9.0))),
                        float(rng.uniform(5.5, 11)),
                        int(rng.integers(len(TREES))),
                    )
                    for _ in range(density)
                ) + tuple(
                    Plant(
                        float(rng.uniform(at, at + wide)),
                        side * (back + float(rng.uniform(1, 2.5))),
                        float(rng.uniform(1.3, 2.8)),
                        -1 - int(rng.integers(2)),
                    )
                    for _ in range(3)
                )
                kind = int(rng.integers(4)) if rng.random() < 0.85 else None
                stretch.lots.append(Lot(at, at + wide, side, fence=kind, fence_height=1.8 if kind == 0 else 1.2, plants=plants))
            at += wide
        self._furnish(stretch, rng, start, side, style)
        return stretch

    def _furnish(self, stretch: Stretch, rng: np.random.Generator, start: float, side: int, style: str) -> None:
        kerb, back = self.section.kerb(side), self.section.back(side)
        near_kerb = side * (kerb + 0.5)
        for k in (0, 1):
            s = start + 20 * k + (10 if side > 0 else 0) + float(rng.uniform(-1, 1))
            stretch.posts.append(Post(s, near_kerb, float(rng.uniform(6.0, 7.5)), 0.19, arm=-side * float(rng.uniform(1.2, 2.0))))
        for _ in range(int(rng.integers(2, 5))):
            kind = int(rng.choice(5, p=[0.22, 0.18, 0.16, 0.22, 0.22]))
            size = {3: 1.25, 4: 1.3}.get(kind, 0.95)
            s = start + float(rng.uniform(0, CHUNK))
            tall = float(rng.uniform(2.0, 2.5)) + size
            stretch.posts.append(Post(s, side * (kerb + float(rng.uniform(0.45, 0.8))), tall, 0.11, sign=kind, size=size))
        if rng.random() < 0.35:
            s = start + float(rng.uniform(0, 25))
            stretch.posts.extend(Post(s + 1.6 * k, side * (kerb + 0.35), 1.0, 0.16) for k in range(int(rng.integers(3, 7))))
        if style != "high" or rng.random() < 0.3:
            for _ in range(int(rng.integers(0, 3))):
                stretch.plants.append(
                    Plant(start + float(rng.uniform(0, CHUNK)), side * (back - 0.4), float(rng.uniform(5, 9)), int(rng.integers(len(TREES))))
                )
        if self.section.parking[side > 0]:
            s = start + 1.0
            while s < start + CHUNK - 5.5:
                if rng.random() < self._busy:
                    stretch.parked.append(Parked(s, side * (LANE + 1.35), int(rng.integers(1 << 30)), side < 0 or rng.random() < 0.15))
                s += 5.85

    def _looks(self, which: int, k: int) -> tuple[float, ...]:
        return tuple(np.random.default_rng([self._seed, 11, which, k + (1 << 20)]).random(5).tolist())

    def lattice(self, which: int, spacing: float, share: float, speed: float, time: float, near: float, far: float) -> list[Mover]:
        """The things of an endless procession now between ``near`` and ``far`` along the street.

        One every ``spacing`` metres with probability ``share``, all moving at ``speed`` m/s. ``which`` names the procession.
        """
        shift = speed * time
        found = []
        for k in range(int((near - shift) // spacing) - 1, int((far - shift) // spacing) + 2):
            row = self._remember(self._hashes, (which, k), functools.partial(self._looks, which, k))
            if row[0] >= share:
                continue
            s = (k + 0.15 + 0.7 * row[1]) * spacing + shift
            if near <= s <= far:
                found.append(Mover(s, row[2], int(row[3] * (1 << 30)), row[4]))
        return found
