# SPDX-License-Identifier: Apache-2.0
"""A drive along a generated street, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from plcv_ros.labels import CAMVID, LabelSet
from plcv_ros.scenes.cars import Car
from plcv_ros.scenes.figures import STEPS
from plcv_ros.scenes.geometry import PinholeCamera, Ride, View
from plcv_ros.scenes.ground import LANE, Ground, Section
from plcv_ros.scenes.mood import choose_mood
from plcv_ros.scenes.noise import Picture
from plcv_ros.scenes.painter import Canvas, Sprite, Texture
from plcv_ros.scenes.sky import Backdrop
from plcv_ros.scenes.street import CHUNK, Lot, Mover, Plant, Post, Stock, Street

BUILDING, POLE, TREE, SIGN = (CAMVID.index(name) for name in ("building", "pole", "tree", "sign"))
FENCE, PEDESTRIAN, BICYCLIST = (CAMVID.index(name) for name in ("fence", "pedestrian", "bicyclist"))
FAR = 125.0
SIZES = ((32, 32), (8192, 8192))
_ROUND = np.stack([np.cos(np.arange(8) * (math.pi / 4)), np.sin(np.arange(8) * (math.pi / 4))], 1)


@dataclass(frozen=True)
class Standing:
    """A cut-out on the ground at ``s``, ``d``, ``tall`` metres high."""

    s: float
    d: float
    sprite: Sprite
    tall: float
    label: int
    mirror: bool


def _shuttle(way: float, half: float) -> tuple[float, bool]:
    """Back and forth between -``half`` and +``half`` after ``way`` metres; and whether it is on the way back."""
    way %= 4 * half
    return (way - half, False) if way < 2 * half else (3 * half - way, True)


def _walking(m: Mover, d: float, stock: list[list[Sprite]], t: float, mirror: bool) -> Standing:
    sprite = stock[m.number % len(stock)][int((t * 0.95 + m.phase) * STEPS) % STEPS]
    return Standing(m.s, d, sprite, 1.6 + 0.22 * ((m.number >> 8) % 100) / 100, PEDESTRIAN, mirror)


class SceneSequence:
    """A labelled drive of any length.

    ``frame(i)`` depends on (seed, i, size, rate) alone: frames can be asked for in any order, and the same OpenCV draws the same bytes
    every time. Another seed is another street in other weather. Not thread-safe; make one a thread.

    ``width`` and ``height`` in pixels (at least 32 x 32), ``rate`` in frames per second. Raises ValueError for values out of range.
    """

    label_set: LabelSet = CAMVID

    def __init__(self, width: int = 640, height: int = 360, seed: int = 0, rate: float = 15.0) -> None:
        (low_w, low_h), (high_w, high_h) = SIZES
        if not (low_w <= width <= high_w and low_h <= height <= high_h):
            raise ValueError(f"scenes cannot be {width}x{height} pixels; expected {low_w}x{low_h} to {high_w}x{high_h}")
        if seed < 0:
            raise ValueError(f"seed {seed} of a scene is negative; expected 0 or more")
        if not rate > 0:
            raise ValueError(f"rate {rate} of a scene is not positive; expected frames per second")
        self.width, self.height, self.seed, self.rate = int(width), int(height), int(seed), float(rate)
        self.camera = PinholeCamera.for_size(self.width, self.height)
        rng = np.random.default_rng([self.seed, 1])
        self._mood = choose_mood(rng)
        self._ride = Ride(self.camera, rng)
        section = Section.random(rng)
        self._leader = rng.random() < 0.7
        self._leader_car = Car.random(rng, away=True)
        self._gap = (float(rng.uniform(11, 17)), float(rng.uniform(0, 6.28)))
        self._exposure_phase = float(rng.uniform(0, 6.28))
        look = np.random.default_rng([self.seed, 2])  # looks do not depend on the size
        self._stock = Stock(look)
        self._ground = Ground(look, self.camera, section, self._mood)
        self._sky = Backdrop(np.random.default_rng([self.seed, 4]), self.camera, self._mood)
        self._street = Street(self.seed, section, self._stock)
        self._cars: dict[tuple[int, bool], Car] = {}
        grain = np.random.default_rng([self.seed, 6]).standard_normal((self.height + 64, self.width + 64, 3), dtype=np.float32)
        # chroma noise is weaker and coarser than luma noise, as after a camera's demosaicing
        luma = cv2.GaussianBlur(grain[..., 0], (3, 3), 0.5) * 1.2
        self._noise = np.rint(self._mood.noise * (luma[..., None] + 0.35 * cv2.GaussianBlur(grain, (3, 3), 0.8))).astype(np.int16)

    def frame(self, index: int) -> tuple[Picture, Picture]:
        """Frame ``index`` (0, 1, ...): (H, W, 3) uint8 rgb8 and its labels (H, W) uint8, CamVid class ids."""
        view = self._ride.view(index / self.rate)
        canvas = Canvas(self.width, self.height)
        self._sky.draw(canvas, view)
        self._ground.draw(canvas, view)
        self._draw_world(canvas, view)
        return self._develop(canvas.image, index), canvas.labels

    def _draw_world(self, canvas: Canvas, view: View) -> None:
        """Everything that stands on the ground, far to near."""
        items: list[tuple[float, int, Callable[[], None]]] = []
        for number in range(int((view.s - 10) // CHUNK), int((view.s + FAR) // CHUNK) + 1):
            for side in (-1, 1):
                stretch = self._street.stretch(number, side)
                items += [(lot.s1, 0, partial(self._draw_lot, canvas, view, lot)) for lot in stretch.lots if lot.s1 > view.s + 1.5]
                items += [(p.s, 1, partial(self._draw_post, canvas, view, p)) for p in stretch.posts if 2.0 < p.s - view.s < 58]
                items += [(p.s, 2, partial(self._draw_plant, canvas, view, p)) for p in stretch.plants if 2.5 < p.s - view.s < 100]
                items += [(p.s, 3, partial(self._car(p.number, p.away).draw, canvas, view, self._mood, p.s, p.d)) for p in stretch.parked]
        items += [(s, 3, partial(car.draw, canvas, view, self._mood, s, d)) for s, d, car in self._traffic(view)]
        items += [(person.s, 4, partial(self._stand, canvas, view, person)) for person in self._people(view)]
        items.sort(key=lambda item: (-item[0], item[1]))
        for _, _, draw in items:
            draw()

    def _car(self, number: int, away: bool) -> Car:
        if (number, away) not in self._cars:
            if len(self._cars) > 2000:
                self._cars.clear()
            self._cars[number, away] = Car.random(np.random.default_rng([self.seed, 13, number]), away)
        return self._cars[number, away]

    def _traffic(self, view: View) -> list[tuple[float, float, Car]]:
        t, s = view.time, view.s
        cars = []
        if self._leader:
            gap = self._gap[0] + 4.5 * math.sin(0.31 * t + self._gap[1])
            cars.append((s + gap, -1.6 + 0.15 * math.sin(0.2 * t), self._leader_car))
        cars += [
            (m.s, -1.6, self._car(m.number, True))
            for m in self._street.lattice(1, 55.0, 0.6, self._ride.speed * 1.02, t, s + (34 if self._leader else 10), s + 80)
        ]
        cars += [(m.s, 1.6 + 0.3 * (m.d - 0.5), self._car(m.number, False)) for m in self._street.lattice(2, 30.0, 0.62, -8.0, t, s - 5, s + 80)]
        return cars

    def _people(self, view: View) -> list[Standing]:
        t, s, street, stock = view.time, view.s, self._street, self._stock
        people: list[Standing] = []
        for which, side, speed in ((3, -1, 1.35), (4, -1, -1.25), (5, 1, 1.3), (6, 1, -1.4)):
            kerb, back = street.section.kerb(side), street.section.back(side)
            room = back - kerb - 1.1
            found = street.lattice(which, 9.0, 0.62, speed, t, s + 3, s + 50)
            people += [_walking(m, side * (kerb + 0.7 + room * m.d), stock.walkers, t, False) for m in found]
        for m in street.lattice(7, 34.0, 0.6, 0.0, t, s + 8, s + 55):  # across the street and back
            d, back_again = _shuttle(m.phase * 40 + 1.3 * t, LANE + 3.0)
            people.append(_walking(m, d, stock.crossers, t, back_again))
        for which, spacing, speed, lane in ((8, 22.0, 4.4, -LANE + 0.4), (9, 30.0, -4.6, LANE - 0.35)):
            for m in street.lattice(which, spacing, 0.62, speed, t, s + 4, s + 55):
                sprite = stock.riders[m.number % len(stock.riders)][int(t * 8 + m.phase * STEPS) % STEPS]
                people.append(Standing(m.s, lane + 0.5 * (m.d - 0.5), sprite, 1.72, BICYCLIST, False))
        for m in street.lattice(10, 90.0, 0.6, 0.0, t, s + 12, s + 60):
            d, back_again = _shuttle(m.phase * 90 + 4.0 * t, LANE + 12.0)
            sprite = stock.side_riders[m.number % len(stock.side_riders)][int(t * 8 + m.phase * STEPS) % STEPS]
            people.append(Standing(m.s, d, sprite, 1.68, BICYCLIST, back_again))
        return people

    def _stand(self, canvas: Canvas, view: View, thing: Standing) -> None:
        """An upright cut-out on the ground, with its shadow."""
        z = thing.s - view.s
        x = view.lateral(thing.s, thing.d)
        if z < 1.5 or abs(x) > view.limit * z + thing.tall:
            return
        scale = view.camera.fx / z
        column, row = view.centre + x * scale, view.horizon + view.height * scale
        mood = self._mood
        if thing.label != TREE:
            half = 0.3 * scale * thing.sprite.aspect * thing.tall
            flat = 0.1 * scale * view.height / z + 0.5
            shift = -mood.sun_side * half * 0.8
            canvas.shadow(_ROUND * (1.4 * half, flat) + (column + shift, row), 0.25 + mood.shadow / 2)
        light = (mood.left if thing.d < 0 else mood.right) * 0.6 + mood.ground * 0.4
        canvas.sprite(thing.sprite, (column, row), thing.tall * scale, mood.shade(z, light), thing.label, thing.mirror)

    def _draw_plant(self, canvas: Canvas, view: View, plant: Plant) -> None:
        if not 2.5 < plant.s - view.s < (100.0 if plant.kind >= 0 else 55.0):
            return
        sprite = self._stock.trees[plant.kind] if plant.kind >= 0 else self._stock.bushes[-1 - plant.kind]
        self._stand(canvas, view, Standing(plant.s, plant.d, sprite, plant.tall, TREE, False))

    def _draw_post(self, canvas: Canvas, view: View, post: Post) -> None:
        z = post.s - view.s
        x = view.lateral(post.s, post.d)
        if abs(x) > view.limit * z + 2.0:
            return
        scale = view.camera.fx / z
        shade = self._mood.shade(z, 0.9 * self._mood.ground)
        foot, column = view.horizon + view.height * scale, view.centre + x * scale
        top = foot - post.tall * scale
        half = max(post.thick * scale / 2, 0.8)
        colour = shade.colour((88, 92, 92) if post.arm or post.sign is not None else (58, 58, 60))
        canvas.polygon(
            np.array([[column - half, foot], [column - half * 0.75, top], [column + half * 0.75, top], [column + half, foot]]), colour, POLE
        )
        if post.arm:
            end, droop = column + post.arm * scale, 0.12 * scale
            slim = max(half * 0.6, 0.6)
            canvas.polygon(np.array([[column, top - slim], [end, top - droop - slim], [end, top - droop + slim], [column, top + slim]]), colour, POLE)
            lamp = 0.35 * scale * math.copysign(1, post.arm)
            canvas.polygon(
                np.array(
                    [
                        [end - lamp, top - droop - slim * 1.6],
                        [end + lamp, top - droop - slim * 1.6],
                        [end + lamp, top - droop + slim * 1.2],
                        [end - lamp, top - droop + slim * 1.2],
                    ]
                ),
                shade.colour((150, 150, 146)),
                POLE,
            )
        if post.sign is not None:
            sprite = self._stock.signs[post.sign]
            canvas.sprite(sprite, (column, top + post.size * scale), post.size * scale, self._mood.shade(z, max(0.7, self._mood.ground)), SIGN)

    def _draw_lot(self, canvas: Canvas, view: View, lot: Lot) -> None:
        if lot.s0 - view.s > FAR:
            return
        mood, side = self._mood, lot.side
        light = mood.left if side < 0 else mood.right
        plants = sorted(lot.plants, key=lambda plant: -plant.s)
        behind = [plant for plant in plants if lot.building is None or abs(plant.d) > abs(lot.front)]
        for plant in behind:
            self._draw_plant(canvas, view, plant)
        if lot.building is not None:
            self._draw_building(canvas, view, lot, light)
            for plant in plants:
                if plant not in behind:
                    self._draw_plant(canvas, view, plant)
        if lot.fence is not None:
            d = side * (self._street.section.back(side) + 0.02)
            s = lot.s0
            while s < lot.s1 - 0.1:  # in pieces: a fence runs from very near to far
                e = min(s + (8.0 if s - view.s < 40 else 24.0), lot.s1)
                self._sheet(canvas, view, (s, e), (d, d), (0.0, lot.fence_height), self._stock.fences[lot.fence], light, FENCE)
                s = e

    def _draw_building(self, canvas: Canvas, view: View, lot: Lot, light: float) -> None:
        building, side, d = lot.building, lot.side, lot.front
        assert building is not None
        span, h = (lot.b0, lot.b1), building.height
        deep = side * 8.0
        z = lot.b0 - view.s
        if building.pitched:
            if 2 < z < 60:  # chimneys
                for s in (lot.b0 + 0.6, lot.b1 - 1.6):
                    self._block(canvas, view, s, (d + deep * 0.42, d + deep * 0.55), (h + 1.5, h + 4.3), light)
            self._sheet(canvas, view, span, (d - side * 0.25, d + deep / 2), (h - 0.1, h + 2.6), building.roof, light * 0.95, BUILDING)
        if 1.0 < z < 85:
            self._end_wall(canvas, view, lot.b0, d, deep, h, building.pitched, building.end, light)
        self._sheet(canvas, view, span, (d, d), (0.0, h), building.texture, light, BUILDING)

    def _block(self, canvas: Canvas, view: View, s: float, ds: tuple[float, float], ys: tuple[float, float], light: float) -> None:
        z = s - view.s
        if z < 1:
            return
        x0, x1 = sorted((view.lateral(s, ds[0]), view.lateral(s, ds[1])))
        corners = view.project(np.array([[x0, ys[1], z], [x1, ys[1], z], [x1, ys[0], z], [x0, ys[0], z]]))
        canvas.polygon(corners, self._mood.shade(z, light * 0.8).colour((124, 92, 76)), BUILDING)

    def _end_wall(self, canvas: Canvas, view: View, s: float, d: float, deep: float, h: float, pitched: bool, texture: Texture, light: float) -> None:
        """The wall that faces the camera, with its gable."""
        z = s - view.s
        x0, x1 = view.lateral(s, d), view.lateral(s, d + deep)
        if min(abs(x0), abs(x1)) > view.limit * z:
            return
        shade = self._mood.shade(z, light * 0.85)
        corners = view.project(np.array([[x0, h, z], [x1, h, z], [x1, 0, z], [x0, 0, z]]))
        canvas.quad(corners, texture, (0.0, 1.0), shade, BUILDING)
        if pitched:
            gable = view.project(np.array([[x0, h, z], [(x0 + x1) / 2, h + 2.6, z], [x1, h, z]]))
            canvas.polygon(gable, shade.colour((124, 110, 94)), BUILDING)

    def _sheet(
        self,
        canvas: Canvas,
        view: View,
        span: tuple[float, float],
        ds: tuple[float, float],
        ys: tuple[float, float],
        texture: Texture,
        light: float,
        label: int,
    ) -> None:
        """A flat sheet along the street, from ``span[0]`` to ``span[1]``; ``ds``, ``ys``: offset and height of its lower and upper edge."""
        z0, z1 = span[0] - view.s, span[1] - view.s
        x0, x1 = view.lateral(span[0], ds[0]), view.lateral(span[1], ds[0])
        # cut away what is behind the camera or beside the image: a + b * t >= 0 for 0 <= t <= 1
        low, high = 0.0, 1.0
        limit = view.limit + 0.05
        for a, b in ((z0 - 0.7, z1 - z0), (limit * z0 - x0, limit * (z1 - z0) - (x1 - x0)), (limit * z0 + x0, limit * (z1 - z0) + (x1 - x0))):
            if a < 0 and a + b < 0:
                return
            if a < 0:
                low = max(low, -a / b)
            elif a + b < 0:
                high = min(high, -a / b)
        if high - low < 1e-4:
            return
        lean = ds[1] - ds[0]
        za, zb = z0 + low * (z1 - z0), z0 + high * (z1 - z0)
        xa, xb = x0 + low * (x1 - x0), x0 + high * (x1 - x0)
        corners = view.project(np.array([[xa + lean, ys[1], za], [xb + lean, ys[1], zb], [xb, ys[0], zb], [xa, ys[0], za]]))
        canvas.quad(corners, texture, (low, high), self._mood.shade((za * zb) ** 0.5, light), label)

    def _develop(self, image: Picture, index: int) -> Picture:
        """Lens and sensor: a little blur, exposure and colour, noise."""
        mood = self._mood
        image = cv2.GaussianBlur(image, (3, 3), 0.5)
        t = index / self.rate
        mean, swing = mood.exposure
        gain = mean + swing * math.sin(0.45 * t + self._exposure_phase) + 0.4 * swing * math.sin(1.7 * t + 2 * self._exposure_phase)
        steps = np.arange(256, dtype=np.float64)
        curve = np.clip(steps[:, None] * (gain * np.asarray(mood.tint)), 0, 255)
        image = cv2.LUT(image, np.rint(curve).astype(np.uint8)[None])
        y, x = np.random.default_rng([self.seed, 8, index]).integers(0, 65, 2).tolist()
        return np.asarray(cv2.add(image, self._noise[y : y + self.height, x : x + self.width], dtype=cv2.CV_8U), np.uint8)
