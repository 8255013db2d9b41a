# SPDX-License-Identifier: Apache-2.0
"""Cars: a side profile extruded across the car's width, with windows, wheels and lights.

Every corner of a model is known in advance, so a car costs one projection and some polygons.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from plcv_ros.labels import CAMVID
from plcv_ros.scenes.geometry import Points, View
from plcv_ros.scenes.mood import Mood
from plcv_ros.scenes.noise import Picture
from plcv_ros.scenes.painter import SHIFT, Canvas

CAR = CAMVID.index("car")
FAR = 80.0
PAINTS = (
    (36, 38, 42), (150, 154, 158), (190, 192, 194), (120, 22, 26), (30, 46, 92), (52, 74, 66), (222, 222, 218),
    (70, 74, 80), (150, 40, 34), (28, 60, 110),
    (24, 26, 28),
)  # fmt: skip

Profile = tuple[tuple[float, float, float], ...]
"""Corners of the body from the rear bumper over the roof to the front: metres from the rear, height, half width."""

HATCHBACK: Profile = (
    (0.1, 0.26, 0.80), (0.0, 0.5, 0.84), (0.05, 0.95, 0.84), (0.42, 1.42, 0.66), (1.1, 1.5, 0.66),
    (2.1, 1.45, 0.66), (2.85, 0.99, 0.8), (3.7, 0.8, 0.82), (3.95, 0.52, 0.82), (3.85, 0.26, 0.8),
)  # fmt: skip
SALOON: Profile = (
    (0.1, 0.26, 0.82), (0.0, 0.52, 0.86), (0.1, 0.96, 0.86), (0.75, 1.02, 0.82), (1.35, 1.42, 0.64), (1.8, 1.46, 0.64),
    (2.5, 1.42, 0.64), (3.3, 0.97, 0.8), (4.3, 0.8, 0.84), (4.5, 0.5, 0.84), (4.4, 0.26, 0.82),
)  # fmt: skip
ESTATE: Profile = (
    (0.1, 0.26, 0.82), (0.0, 0.52, 0.86), (0.05, 1.0, 0.86), (0.3, 1.52, 0.7), (1.4, 1.6, 0.7),
    (2.5, 1.55, 0.7), (3.3, 1.02, 0.82), (4.3, 0.86, 0.86), (4.5, 0.52, 0.86), (4.4, 0.26, 0.82),
)  # fmt: skip
VAN: Profile = (
    (0.05, 0.3, 0.94), (0.0, 0.6, 0.96), (0.0, 1.2, 0.96), (0.1, 2.1, 0.88), (1.6, 2.2, 0.88),
    (3.7, 2.1, 0.86), (4.4, 1.2, 0.92), (4.9, 1.0, 0.94), (5.0, 0.55, 0.94), (4.95, 0.3, 0.94),
)  # fmt: skip


class Model:
    """A body. ``points`` (N, 3): along, height, across, metres; ``parts`` names the slices of it that are polygons."""

    def __init__(self, profile: Profile, rear_window: int, windscreen: int, side_window: tuple[tuple[float, float], ...], pillar: float) -> None:
        p = np.array(profile)
        k = len(p)
        self.count = k
        self.length = float(p[:, 0].max())
        self.rear_window, self.windscreen = rear_window, windscreen
        first = np.arange(k - 1)
        self.quads = np.stack([first, first + k, first + k + 1, first + 1], 1)
        """Corner numbers of the faces between left and right profile."""
        self.roof = (p[:-1, 1] > 0.7) | ((p[:-1, 1] > 1.3) & (p[1:, 1] > 1.3))
        """Faces that see the sky."""
        self.parts: dict[str, slice] = {}
        self._rows: list[npt.NDArray[np.float64]] = []
        self._add("left", p[:, 0], p[:, 1], -p[:, 2])
        self._add("right", p[:, 0], p[:, 1], p[:, 2])
        long = self.length
        self._add("base", [0.1, 0.1, long - 0.1, long - 0.1], [0] * 4, [-0.84, 0.84, 0.84, -0.84])
        self._add("behind", [0.15, 0, 0, 0.15], [0.32, 0.02, 0.02, 0.32], [-0.78, -0.8, 0.8, 0.78])
        self._add("before", [long - 0.15, long, long, long - 0.15], [0.32, 0.02, 0.02, 0.32], [-0.78, -0.8, 0.8, 0.78])
        window = np.array(side_window)
        half = np.interp(window[:, 1], (0.95, 1.45), (p[1, 2], p[4, 2]))
        angle = np.arange(12) * (2 * np.pi / 12)
        for side, name in ((-1.0, "-"), (1.0, "+")):
            self._add("window" + name, window[:, 0], window[:, 1], side * half)
            self._add("pillar" + name, pillar + np.array([0, 0, 0.09, 0.09]), [1.0, 1.4, 1.4, 1.0], [side * half.mean()] * 4)
            self._add("sill" + name, [0.1, 0.1, long - 0.1, long - 0.1], [0.26, 0.42, 0.42, 0.26], [side * 0.82] * 4)
            for at, axle in ((0.2, "rear"), (0.8, "front")):
                for radius, what in ((0.33, "tyre"), (0.2, "rim")):
                    rim = at * long + radius * np.cos(angle), 0.32 + radius * np.sin(angle)
                    self._add(f"{what} {axle}{name}", *rim, [side * (p[1, 2] + 0.01)] * 12)
        self._end("rear", p[1], p[2], (0.7, 0.92))
        self._end("front", p[-2], p[-3], (p[-3, 1] - 0.18, p[-3, 1] - 0.04))
        self._glass("rear glass", p[rear_window], p[rear_window + 1], 0.6)
        self._glass("front glass", p[windscreen + 1], p[windscreen], 0.45)
        self.points = np.concatenate(self._rows)

    def _add(self, name: str, along: npt.ArrayLike, height: npt.ArrayLike, across: npt.ArrayLike) -> None:
        rows = np.stack([np.asarray(v, float) for v in (along, height, across)], 1)
        start = sum(len(row) for row in self._rows)
        self._rows.append(rows)
        self.parts[name] = slice(start, start + len(rows))

    def _face(self, name: str, low: Points, high: Points, f: tuple[float, float], across: tuple[float, float]) -> None:
        """A rectangle on the plane between two edges of the body; ``f`` from the low edge to the high one."""
        g = np.array([f[0], f[0], f[1], f[1]])
        width = low[2] + g * (high[2] - low[2])
        self._add(
            name, low[0] + g * (high[0] - low[0]), low[1] + g * (high[1] - low[1]), np.array([across[0], across[1], across[1], across[0]]) * width
        )

    def _end(self, name: str, low: Points, high: Points, lamps: tuple[float, float]) -> None:
        tall = high[1] - low[1]

        def at(y0: float, y1: float) -> tuple[float, float]:
            return (y0 - low[1]) / tall, (y1 - low[1]) / tall

        self._face(f"{name} lamp-", low, high, at(*lamps), (-0.98, -0.68))
        self._face(f"{name} lamp+", low, high, at(*lamps), (0.68, 0.98))
        self._face(f"{name} grille", low, high, at(lamps[0] + 0.01, lamps[1] - 0.02), (-0.5, 0.5))
        self._face(f"{name} bumper", low, high, at(0.3, 0.42), (-0.95, 0.95))
        self._face(f"{name} plate", low, high, at(low[1] + 0.02, low[1] + 0.13), (-0.3, 0.3))

    def _glass(self, name: str, low: Points, high: Points, split: float) -> None:
        self._face(name, low, high, (0.08, 0.92), (-0.88, 0.88))
        self._face(name + " sky", low, high, (split, 0.92), (-0.88, 0.88))


MODELS = (
    Model(HATCHBACK, 2, 5, ((0.38, 1.0), (0.6, 1.36), (1.95, 1.38), (2.62, 1.0)), 1.35),
    Model(SALOON, 3, 6, ((0.98, 1.02), (1.42, 1.36), (2.42, 1.36), (3.1, 1.0)), 2.0),
    Model(ESTATE, 2, 5, ((0.3, 1.06), (0.5, 1.46), (2.38, 1.48), (3.1, 1.05)), 1.8),
    Model(VAN, 2, 5, ((3.0, 1.3), (3.1, 1.9), (3.66, 1.92), (4.25, 1.28)), 3.5),
)


@dataclass(frozen=True)
class Car:
    """``away``: seen from behind (driving the camera's way); else oncoming. ``paint`` rgb."""

    model: Model
    paint: tuple[float, float, float]
    away: bool
    braking: bool

    @classmethod
    def random(cls, rng: np.random.Generator, away: bool) -> Car:
        paint = PAINTS[int(rng.integers(len(PAINTS)))]
        g = float(rng.uniform(0.85, 1.15))
        model = MODELS[int(rng.choice(4, p=[0.4, 0.25, 0.2, 0.15]))]
        if model is MODELS[3] and rng.random() < 0.6:
            paint = (222, 222, 218)
        return cls(model, (paint[0] * g, paint[1] * g, paint[2] * g), away, bool(rng.random() < 0.4))

    def draw(self, canvas: Canvas, view: View, mood: Mood, s: float, d: float) -> None:
        """Paint the car with its nearer end at ``s`` and its middle line at ``d``, metres."""
        z0, model = s - view.s, self.model
        length = model.length
        if z0 + length < 1.0 or z0 > FAR:
            return
        base_x, slope = view.lateral(s, d), view.slope_at(s)
        if abs(base_x) - 1.0 > view.limit * (z0 + length) + abs(slope) * length:
            return
        points = model.points
        along = points[:, 0] if self.away else length - points[:, 0]
        world = np.empty_like(points)
        world[:, 0] = base_x + slope * along + points[:, 2]
        world[:, 1] = points[:, 1]
        # what is beside or behind the camera is off the image anyway, but must not be projected through it
        world[:, 2] = np.maximum(along + z0, 0.55)
        pixels = view.project(world)
        fixed = np.rint(np.clip(pixels, -20000, 20000) * (1 << SHIFT)).astype(np.int32)
        near, k, parts, image, labels = max(z0, 1.0), model.count, model.parts, canvas.image, canvas.labels
        light = 0.5 * (mood.right + mood.left)
        lit, flank = mood.shade(near, light * 1.08).colour(self.paint), mood.shade(near, light * 0.72).colour(self.paint)
        plain = mood.shade(near, light)
        glass, sky, dark = plain.colour((40, 46, 52)), plain.colour((96, 108, 118)), plain.colour((24, 24, 26))
        end = "rear" if self.away else "front"
        canvas.shadow(pixels[parts["base"]], 0.55)
        _fill(image, labels, fixed[parts["behind" if self.away else "before"]], (14, 14, 16), CAR)

        faces = fixed[model.quads]
        e, f = (faces[:, 1] - faces[:, 0]).astype(np.int64), (faces[:, 3] - faces[:, 0]).astype(np.int64)
        # Corners run from the rear to the front: reversing the car reverses the outline of the faces that show.
        turn = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]
        shown = turn < 0 if self.away else turn > 0
        wide = abs(int(fixed[k + 1, 0]) - int(fixed[1, 0])) >> SHIFT
        detail = wide > 9
        for i in range(k - 2, -1, -1) if self.away else range(k - 1):
            if not shown[i]:
                continue
            _fill(image, labels, faces[i], lit if model.roof[i] else flank, CAR)
            if detail and i == (model.rear_window if self.away else model.windscreen):
                _fill(image, labels, fixed[parts[f"{end} glass"]], glass, None)
                _fill(image, labels, fixed[parts[f"{end} glass sky"]], sky, None)
        self._draw_flank(canvas, mood, fixed, "-" if base_x + slope * length / 2 > 0 else "+", flank, glass, dark, near, wide)
        if detail:
            lamp = ((232, 40, 32) if self.braking else (140, 26, 24)) if self.away else (236, 236, 224)
            bright = mood.shade(near, max(0.75, mood.ground))
            for name in ("lamp-", "lamp+"):
                _fill(image, labels, fixed[parts[f"{end} {name}"]], bright.colour(lamp), None)
            if not self.away:
                _fill(image, labels, fixed[parts["front grille"]], dark, None)
            _fill(image, labels, fixed[parts[f"{end} bumper"]], dark, None)
            plate = (206, 176, 60) if self.away else (214, 214, 208)
            _fill(image, labels, fixed[parts[f"{end} plate"]], mood.shade(near, mood.ground).colour(plate), None)

    def _draw_flank(
        self,
        canvas: Canvas,
        mood: Mood,
        fixed: npt.NDArray[np.int32],
        side: str,
        paint: tuple[int, int, int],
        glass: tuple[int, int, int],
        dark: tuple[int, int, int],
        near: float,
        wide: int,
    ) -> None:
        """The side that the camera sees, with wheels and windows."""
        parts, image, labels = self.model.parts, canvas.image, canvas.labels
        outline = fixed[parts["left" if side == "-" else "right"]]
        if int(np.ptp(outline[:, 0])) >> SHIFT < 2:
            return
        cv2.fillPoly(image, [outline], paint, cv2.LINE_8, SHIFT)
        cv2.fillPoly(labels, [outline], CAR, cv2.LINE_8, SHIFT)
        _fill(image, labels, fixed[parts["sill" + side]], dark, None)
        _fill(image, labels, fixed[parts["window" + side]], glass, None)
        if wide > 9:
            _fill(image, labels, fixed[parts["pillar" + side]], paint, None)
        rubber, metal = mood.shade(near, 0.9).colour((20, 20, 22)), mood.shade(near, 0.9 * mood.ground).colour((116, 118, 122))
        for axle in ("rear", "front"):
            _fill(image, labels, fixed[parts[f"tyre {axle}{side}"]], rubber, CAR)
            if wide > 14:
                _fill(image, labels, fixed[parts[f"rim {axle}{side}"]], metal, None)


def _fill(image: Picture, labels: Picture, corners: npt.NDArray[np.int32], colour: tuple[int, int, int], label: int | None) -> None:
    cv2.fillConvexPoly(image, corners, colour, cv2.LINE_8, SHIFT)
    if label is not None:
        cv2.fillConvexPoly(labels, corners, label, cv2.LINE_8, SHIFT)
