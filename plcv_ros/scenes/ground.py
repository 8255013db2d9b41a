# SPDX-License-Identifier: Apache-2.0
"""The street's surface: asphalt with its markings, kerbs, pavements and verges, painted once and looked up in perspective.

The surface repeats along the street every :data:`ROWS` pixels of texture. Each band of image rows reads the level of a ripmap that is
shrunk as much along the street and across it as that band sees it, so nothing flickers in the distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plcv_ros.labels import CAMVID
from plcv_ros.scenes.geometry import PinholeCamera, View
from plcv_ros.scenes.mood import Mood
from plcv_ros.scenes.noise import Picture, Plane, fractal, octave, to_picture
from plcv_ros.scenes.painter import Canvas

ROWS, COLUMNS, PER_METRE = 2048, 1024, 25.0
HALF = COLUMNS / PER_METRE / 2
ROAD, PAVEMENT, GRASS = CAMVID.index("road"), CAMVID.index("pavement"), CAMVID.index("tree")
LANE = 3.2
GRAIN_TILE, GRAIN_FROM = 512, 600.0
"""Side of the tile of fine grain, one pixel a centimetre, and the focal length in pixels from which it is added."""


@dataclass(frozen=True)
class Section:
    """The street's cross-section, metres. Index 0: left of the centre line, 1: right."""

    parking: tuple[bool, bool]
    pavement: tuple[float, float]

    def kerb(self, side: int) -> float:
        """Distance of the kerb from the centre line; ``side`` -1 or +1."""
        return LANE + 0.3 + (2.0 if self.parking[side > 0] else 0.0)

    def back(self, side: int) -> float:
        """Distance of the far edge of the pavement."""
        return self.kerb(side) + self.pavement[side > 0]

    @classmethod
    def random(cls, rng: np.random.Generator) -> Section:
        parking = rng.random(2) < 0.4
        pavement = rng.uniform(2.4, 4.2, 2)
        return cls((bool(parking[0]), bool(parking[1])), (float(pavement[0]), float(pavement[1])))


def _column(d: float) -> int:
    return round((d + HALF) * PER_METRE)


def _stripe(surface: Plane, s0: float, s1: float, d0: float, d1: float, colour: tuple[float, float, float], wear: Plane) -> None:
    """Paint, worn off in places."""
    rows = slice(round(s0 * PER_METRE), round(s1 * PER_METRE))
    columns = slice(_column(min(d0, d1)), max(_column(max(d0, d1)), _column(min(d0, d1)) + 1))
    alpha = np.clip(0.82 - 0.28 * wear[rows, columns], 0.25, 1)[..., None]
    surface[rows, columns] = surface[rows, columns] * (1 - alpha) + np.asarray(colour, np.float32) * alpha


def paint_surface(rng: np.random.Generator, section: Section, mood: Mood) -> tuple[Picture, Picture]:
    """(ROWS, COLUMNS, 3) rgb8 and its (ROWS, COLUMNS) class ids; row = along the street, column = across it."""
    grain = octave(rng, ROWS, COLUMNS, (1, 1))
    rough = fractal(rng, ROWS, COLUMNS, 128, 2, 0.65)
    grey = np.asarray((86, 89, 94), np.float32) * float(rng.uniform(0.85, 1.1))
    level = 1 + 0.085 * rough + 0.11 * grain
    offset = (np.arange(COLUMNS) + 0.5) / PER_METRE - HALF
    for track in (-2.35, -0.85, 0.85, 2.35):
        level *= 1 - 0.06 * np.exp(-(((offset - track) / 0.35) ** 2)).astype(np.float32)
    surface = np.asarray(level[..., None] * grey, np.float32)
    labels = np.full((ROWS, COLUMNS), ROAD, np.uint8)
    length = ROWS / PER_METRE
    for _ in range(9):  # trenches dug and filled again
        s, d = rng.uniform(0, length - 8), rng.uniform(-4, 3)
        rows = slice(round(s * PER_METRE), round((s + rng.uniform(1, 7)) * PER_METRE))
        surface[rows, _column(d) : _column(d + rng.uniform(0.5, 1.6))] *= float(rng.choice([0.78, 0.84, 1.12]))
    for _ in range(26):  # cracks
        s, d = rng.uniform(2, length - 6), rng.uniform(-4, 4)
        steps = np.cumsum(rng.normal(0, (3, 9), (12, 2)), 0) + np.array([_column(d), s * PER_METRE])
        cv2.polylines(surface, [np.rint(steps).astype(np.int32)], False, (grey * 0.6).tolist(), 1)
    for _ in range(6):  # covers
        centre = (_column(rng.uniform(-3, 3)), round(rng.uniform(3, length - 3) * PER_METRE))
        cv2.circle(surface, centre, 9, (grey * 0.55).tolist(), -1)
        cv2.circle(surface, centre, 9, (grey * 1.15).tolist(), 1)
    white = (206.0, 206.0, 200.0)
    if rng.random() < 0.3:  # a cycle lane of red asphalt
        columns = slice(_column(-LANE - 0.2), _column(-LANE + 1.2))
        surface[:, columns] *= np.asarray((1.25, 0.82, 0.8), np.float32)
        for s in np.arange(0, length - 1, 3.0):
            _stripe(surface, s, s + 1.6, -LANE + 1.2, -LANE + 1.32, white, rough)
    period = length / 14
    solid = rng.random() < 0.2
    for k in range(14):
        _stripe(surface, k * period, k * period + (period if solid else 2.4), -0.08, 0.08, white, rough)
    for side in (-1, 1):
        if section.parking[side > 0]:
            for k in range(14):
                _stripe(surface, k * period, k * period + 0.16, side * (LANE + 0.3), side * (section.kerb(side) - 0.2), white, rough)
                _stripe(surface, k * period, k * period + 1.2, side * (LANE + 0.3), side * (LANE + 0.4), white, rough)
        else:
            yellow = (196.0, 164.0, 62.0)
            for gap in (0.28, 0.48):
                _stripe(surface, 0, length, side * (section.kerb(side) - gap), side * (section.kerb(side) - gap + 0.08), yellow, rough)
    zebra = float(rng.uniform(10, length - 20))
    if rng.random() < 0.6:
        for d in np.arange(-LANE, LANE, 1.0):
            _stripe(surface, zebra, zebra + 2.8, d + 0.2, d + 0.75, white, rough)
        _stripe(surface, zebra - 1.6, zebra - 1.3, -LANE, 0, white, rough)
    arrow = (zebra + 30) % (length - 8) + 2
    head = np.array([[-1.6, 3.4], [-2.1, 2.2], [-1.75, 2.2], [-1.75, 0], [-1.45, 0], [-1.45, 2.2], [-1.1, 2.2]]) + np.array([HALF, arrow])
    cv2.fillPoly(surface, [np.rint(head * PER_METRE).astype(np.int32)], (188.0, 188.0, 184.0))

    slab = 15
    for side in (-1, 1):
        kerb, back = section.kerb(side), section.back(side)
        inner = sorted((_column(side * kerb), _column(side * back)))
        columns = slice(inner[0], inner[1])
        width = inner[1] - inner[0]
        base = np.asarray((122, 118, 110), np.float32) * float(rng.uniform(0.85, 1.08))
        cells = 0.05 * rng.standard_normal((ROWS // slab + 1, width // slab + 1), dtype=np.float32)
        slabs = np.repeat(np.repeat(cells, slab, 0), slab, 1)[:ROWS, :width]
        slabs[(np.arange(ROWS) % slab) == 0] -= 0.22
        slabs[:, (np.arange(width) % slab) == 0] -= 0.22
        surface[:, columns] = (1 + slabs + 0.07 * rough[:, columns] + 0.06 * grain[:, columns])[..., None] * base
        labels[:, columns] = PAVEMENT
        edge = sorted((_column(side * kerb), _column(side * (kerb + 0.16))))
        surface[:, edge[0] : edge[1]] = (168, 165, 158)
        surface[::23, edge[0] : edge[1]] = (110, 108, 104)
        gutter = sorted((_column(side * kerb), _column(side * (kerb - 0.14))))
        surface[:, gutter[0] : gutter[1]] *= 0.55
        outer = slice(0, _column(side * back)) if side < 0 else slice(_column(side * back), COLUMNS)
        green = (0.9 + 0.28 * rough[:, outer] + 0.2 * grain[:, outer])[..., None] * np.asarray((74, 88, 44), np.float32)
        surface[:, outer] = green
        labels[:, outer] = GRASS
    if mood.sun_side:
        _cast_shadows(rng, surface, offset, section, mood)
    return to_picture(surface), labels


def _cast_shadows(rng: np.random.Generator, surface: Plane, offset: npt.NDArray[np.floating[Any]], section: Section, mood: Mood) -> None:
    """Shadows of the roofs on the sun's side, and dapples of trees."""
    reach = np.repeat(rng.uniform(-1.5, 7.0, 16), ROWS // 16)
    reach = np.convolve(np.concatenate([reach[-24:], reach, reach[:24]]), np.ones(49) / 49, "valid")
    edge = section.back(mood.sun_side) - reach
    dapple = fractal(rng, ROWS, COLUMNS, 64, 4, 0.8)
    trees = (fractal(rng, ROWS, COLUMNS, 256, 256) > 0.6) & (dapple > -0.2)
    shaded = (offset[None] * mood.sun_side > edge[:, None]) | trees
    surface *= np.where(shaded, np.float32(1 - mood.shadow), np.float32(1))[..., None]


class Ground:
    """The painted surface with its ripmap; :meth:`draw` fills the canvas below the horizon."""

    def __init__(self, rng: np.random.Generator, camera: PinholeCamera, section: Section, mood: Mood) -> None:
        self.mood = mood
        self._levels: list[tuple[Picture, Picture, int]] = []
        picture, labels = paint_surface(rng, section, mood)
        self._drop = camera.fy * 1.45
        for ky in range(10):
            # the level's share of shrinking across the street, at the distance where it is used
            z = (self._drop * 2.0**ky / PER_METRE) ** 0.5
            kx = min(5, max(0, int(np.log2(max(z / camera.fx * PER_METRE, 1.0)) + 0.3)))
            step = 1 << kx
            wide = cv2.resize(picture, (COLUMNS >> kx, picture.shape[0]), interpolation=cv2.INTER_AREA) if kx else picture
            thin = np.ascontiguousarray(labels[(1 << ky) // 2 :: 1 << ky, step // 2 :: step])
            self._levels.append((np.concatenate([wide[-1:], wide, wide[:1]]), np.concatenate([thin[-1:], thin, thin[:1]]), kx))
            picture = cv2.resize(picture, (COLUMNS, picture.shape[0] // 2), interpolation=cv2.INTER_AREA)
        # Large images see more of the asphalt than the surface's 4 cm a pixel hold.
        self._grain: npt.NDArray[np.int16] | None = None
        if camera.fx > GRAIN_FROM:
            self._grain = np.rint(fractal(rng, GRAIN_TILE, GRAIN_TILE, 8, 1, 0.9) * 12 * mood.ground).astype(np.int16)
        self._columns = np.arange(camera.width, dtype=np.float32)

    def draw(self, canvas: Canvas, view: View) -> None:
        first = max(0, int(np.floor(view.horizon)) + 1)
        if first >= canvas.height:
            return
        fx = view.camera.fx
        drop = np.maximum(np.arange(first, canvas.height) - view.horizon, 0.3)
        z = fx * view.height / drop
        along = (z + view.s) * PER_METRE % ROWS
        scale = z / fx
        start = HALF - view.bend(z) - view.centre * scale
        across_a = (scale * PER_METRE).astype(np.float32)[:, None]
        across_b = (start * PER_METRE).astype(np.float32)[:, None]
        level = np.clip(np.log2(np.maximum(z * z / (fx * view.height) * PER_METRE, 1.0)) + 0.2, 0, 9).astype(int)
        light = self.mood.ground
        row = 0
        while row < len(z):
            ky = int(level[row])
            end = row + 1
            while end < len(z) and level[end] == ky:
                end += 1
            picture, labels, kx = self._levels[ky]
            map_x = self._columns[None] * (across_a[row:end] / (1 << kx)) + (across_b[row:end] / (1 << kx) - 0.5)
            map_y = np.empty_like(map_x)
            map_y[:] = (along[row:end] / (1 << ky) + 0.5)[:, None]
            rows = slice(first + row, first + end)
            shade = self.mood.shade(float(z[(row + end) // 2 if end - row > 1 else row]), light)
            band = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            cv2.convertScaleAbs(band, dst=canvas.image[rows], alpha=shade.gain, beta=shade.offset)
            cv2.remap(labels, map_x, map_y, cv2.INTER_NEAREST, dst=canvas.labels[rows], borderMode=cv2.BORDER_REPLICATE)
            if self._grain is not None and ky < 2:
                map_x = map_x * np.float32(4 << kx)
                map_y[:] = (along[row:end] * 4 % GRAIN_TILE)[:, None]
                grain = cv2.remap(self._grain >> ky, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
                cv2.add(canvas.image[rows], cv2.merge([grain, grain, grain]), dst=canvas.image[rows], dtype=cv2.CV_8U)
            row = end
