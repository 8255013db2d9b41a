# SPDX-License-Identifier: Apache-2.0
"""Cars: a side profile extruded across the car's width, with windows, wheels and lights."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from plcv_ros.labels import CAMVID
from plcv_ros.scenes.geometry import Points, View
from plcv_ros.scenes.mood import Mood
from plcv_ros.scenes.painter import SHIFT, Canvas

CAR = CAMVID.index("car")
PAINTS = (
    (36, 38, 42),
    (150, 154, 158),
    (190, 192, 194),
    (120, 22, 26),
    (30, 46, 92),
    (52, 74, 66),
    (222, 222, 218),
    (70, 74, 80),
    (150, 40, 34),
    (28, 60, 110),
    (24, 26, 28),
)

# (metres from the rear, height, half width, window above this segment); segments run from the rear bumper over the roof to the front
HATCHBACK = (
    (0.1, 0.26, 0.80),
    (0.0, 0.5, 0.84),
    (0.05, 0.95, 0.84),
    (0.42, 1.42, 0.66),
    (1.1, 1.5, 0.66),
    (2.1, 1.45, 0.66),
    (2.85, 0.99, 0.8),
    (3.7, 0.8, 0.82),
    (3.95, 0.52, 0.82),
    (3.85, 0.26, 0.8),
)
SALOON = (
    (0.1, 0.26, 0.82),
    (0.0, 0.52, 0.86),
    (0.1, 0.96, 0.86),
    (0.75, 1.02, 0.82),
    (1.35, 1.42, 0.64),
    (1.8, 1.46, 0.64),
    (2.5, 1.42, 0.64),
    (3.3, 0.97, 0.8),
    (4.3, 0.8, 0.84),
    (4.5, 0.5, 0.84),
    (4.4, 0.26, 0.82),
)
ESTATE = (
    (0.1, 0.26, 0.82),
    (0.0, 0.52, 0.86),
    (0.05, 1.0, 0.86),
    (0.3, 1.52, 0.7),
    (1.4, 1.6, 0.7),
    (2.5, 1.55, 0.7),
    (3.3, 1.02, 0.82),
    (4.3, 0.86, 0.86),
    (4.5, 0.52, 0.86),
    (4.4, 0.26, 0.82),
)
VAN = (
    (0.05, 0.3, 0.94),
    (0.0, 0.6, 0.96),
    (0.0, 1.2, 0.96),
    (0.1, 2.1, 0.88),
    (1.6, 2.2, 0.88),
    (3.7, 2.1, 0.86),
    (4.4, 1.2, 0.92),
    (4.9, 1.0, 0.94),
    (5.0, 0.55, 0.94),
    (4.95, 0.3, 0.94),
)


@dataclass(frozen=True)
class Model:
    """A body: ``profile`` (K, 3) rear to front: along, height, half width; indices of the segments that are glass."""

    profile: Points
    rear_window: int
    windscreen: int
    side_window: Points
    """(M, 2) along, height."""
    pillar: float
    wheels: tuple[float, float]

    @property
    def length(self) -> float:
        return float(self.profile[:, 0].max())


def _model(profile: tuple[tuple[float, float, float], ...], rear: int, front: int, side: tuple[tuple[float, float], ...], pillar: float) -> Model:
    points = np.array(profile)
    length = points[:, 0].max()
    return Model(points, rear, front, np.array(side), pillar, (0.2 * length, 0.8 * length))


MODELS = (
    _model(HATCHBACK, 2, 5, ((0.38, 1.0), (0.6, 1.36), (1.95, 1.38), (2.62, 1.0)), 1.35),
    _model(SALOON, 3, 6, ((0.98, 1.02), (1.42, 1.36), (2.42, 1.36), (3.1, 1.0)), 2.0),
    _model(ESTATE, 2, 5, ((0.3, 1.06), (0.5, 1.46), (2.38, 1.48), (3.1, 1.05)), 1.8),
    _model(VAN, 2, 5, ((3.0, 1.3), (3.1, 1.9), (3.66, 1.92), (4.25, 1.28)), 3.5),
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
        """Paint the car with its nearer end at ``s`` and its middle line at ``d``."""
        z0 = s - view.s
        model = self.model
        length = model.length
        if z0 + length < 1.0 or z0 > 95:
            return
        base_x, slope = view.lateral(s, d), view.slope_at(s)
        if abs(base_x) - 1.0 > view.limit * (z0 + length) + abs(slope) * length:
            return
        near = max(z0, 1.0)
        light = mood.right * 0.5 + mood.left * 0.5
        lit = mood.shade(near, light * 1.08)
        shaded = mood.shade(near, light * 0.72)
        side = -1.0 if base_x + slope * length / 2 > 0 else 1.0  # the flank that the camera sees

        def place(along: Points, height: Points, across: Points) -> Points:
            a = along if self.away else length - along
            z = np.maximum(a + z0, 0.55)
            return view.project(np.stack([base_x + slope * a + across, height, z], 1))

        p = model.profile
        k = len(p)
        # one projection for everything: left and right profile, the flank's windows, lights and plate
        left = place(p[:, 0], p[:, 1], -p[:, 2])
        right = place(p[:, 0], p[:, 1], p[:, 2])
        ends = place(np.array([0.0, 0, length, length]), np.zeros(4), np.array([-0.95, 0.95, 0.95, -0.95]))
        canvas.shadow(ends, 0.55)
        body, glass = lit.colour(self.paint), mood.shade(near, light).colour((44, 50, 56))
        flank = shaded.colour(self.paint)
        under = place(np.array([0.15, 0.15, length - 0.15, length - 0.15]), np.full(4, 0.3), np.array([-0.8, 0.8, 0.8, -0.8]))
        canvas.outline(
            np.concatenate([under[:1], ends[:2], under[1:2]]) if self.away else np.concatenate([under[3:4], ends[3:1:-1], under[2:3]]),
            (16, 16, 18),
            CAR,
        )
        wide = abs(right[1, 0] - left[1, 0])
        detail = wide > 9
        order = range(k - 1) if not self.away else range(k - 2, -1, -1)
        for i in order:
            quad = np.array([left[i], right[i], right[i + 1], left[i + 1]])
            # the outline's turning direction tells front from back
            e, f = quad[1] - quad[0], quad[3] - quad[0]
            turn = e[0] * f[1] - e[1] * f[0]
            if turn * (-1.0 if self.away else -1.0) <= 0:
                continue
            roof = p[i, 1] > 1.3 and p[i + 1, 1] > 1.3
            colour = body if roof or p[i, 1] > 0.7 else flank
            canvas.polygon(quad, colour, CAR)
            if detail and i in (model.rear_window, model.windscreen):
                inner = quad.mean(0) + (quad - quad.mean(0)) * (0.86, 0.84)
                canvas.polygon(inner, glass, None)
                upper = np.array([inner[0] * 0.45 + inner[3] * 0.55, inner[1] * 0.3 + inner[2] * 0.7, inner[2], inner[3]])
                if i == model.windscreen:
                    upper = np.array([inner[0], inner[1], inner[1] * 0.6 + inner[2] * 0.4, inner[0] * 0.4 + inner[3] * 0.6])
                canvas.polygon(upper, mood.shade(near, light).colour((92, 104, 114)), None)
        self._flank(canvas, view, mood, place, side, flank, glass, near)
        if detail:
            self._end(canvas, mood, place, near)

    def _flank(self, canvas: Canvas, view: View, mood: Mood, place, side: float, colour, glass, near: float) -> None:  # type: ignore[no-untyped-def]
        model, p = self.model, self.model.profile
        outline = place(p[:, 0], p[:, 1], side * p[:, 2])
        if np.ptp(outline[:, 0]) < 2:
            return
        canvas.outline(outline, colour, CAR)
        canvas.polygon(
            place(np.array([0.1, 0.1, model.length - 0.1, model.length - 0.1]), np.array([0.26, 0.42, 0.42, 0.26]), side * np.full(4, 0.82)),
            mood.shade(near, 0.3).colour((40, 40, 42)),
            None,
        )
        w = model.side_window
        half = np.interp(w[:, 1], (0.95, 1.45), (p[1, 2], p[4, 2])) if model is not MODELS[3] else np.full(len(w), 0.93)
        window = place(w[:, 0], w[:, 1], side * half)
        canvas.polygon(window, glass, None)
        post = np.array([model.pillar, model.pillar, model.pillar + 0.09, model.pillar + 0.09])
        canvas.polygon(place(post, np.array([1.0, 1.4, 1.4, 1.0]), side * np.full(4, (half.min() + half.max()) / 2)), colour, None)
        scale = view.camera.fx / max(near + model.length / 2, 0.8)
        angle = np.arange(12) * (2 * np.pi / 12)
        for along in model.wheels:
            for radius, shade in ((0.33, (20, 20, 22)), (0.2, (112, 114, 118))):
                rim = place(along + radius * np.cos(angle), 0.32 + radius * np.sin(angle), side * np.full(12, p[1, 2] + 0.01))
                canvas.polygon(rim, mood.shade(near, 0.9).colour(shade), CAR if radius > 0.3 else None)
                if scale < 16:
                    break

    def _end(self, canvas: Canvas, mood: Mood, place, near: float) -> None:  # type: ignore[no-untyped-def]
        """Lights, bumper and number plate of the end that the camera sees."""
        p = self.model.profile
        half = p[1, 2]
        low, high = (p[1], p[2]) if self.away else (p[-2], p[-3])

        def patch(y0: float, y1: float, x0: float, x1: float) -> Points:
            f = (np.array([y0, y0, y1, y1]) - low[1]) / (high[1] - low[1])
            along = low[0] + f * (high[0] - low[0])
            return place(along, np.array([y0, y0, y1, y1]), np.array([x0, x1, x1, x0]) * half)

        lamp: tuple[float, float, float]
        if self.away:
            lamp = (232, 40, 32) if self.braking else (140, 26, 24)
            y0, y1 = (0.7, 0.92)
            plate = (206, 176, 60)
        else:
            lamp, y0, y1, plate = (236, 236, 224), high[1] - 0.18, high[1] - 0.04, (214, 214, 208)
            canvas.polygon(patch(high[1] - 0.17, high[1] - 0.06, -0.5, 0.5), mood.shade(near, 0.4).colour((40, 42, 44)), None)
        shade = mood.shade(near, max(0.75, mood.ground))
        for sign in (-1, 1):
            canvas.polygon(patch(y0, y1, sign * 0.68, sign * 0.98), shade.colour(lamp), None)
        canvas.polygon(patch(0.3, 0.42, -0.95, 0.95), mood.shade(near, 0.4).colour((52, 52, 54)), None)
        canvas.polygon(patch(0.5, 0.61, -0.3, 0.3), mood.shade(near, mood.ground).colour(plate), None)


__all__ = ["CAR", "MODELS", "SHIFT", "Car", "Model", "cv2"]
