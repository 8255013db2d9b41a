# SPDX-License-Identifier: Apache-2.0
"""Cut-outs: trees, pedestrians in mid-step, cyclists, traffic signs."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np

from plcv_ros.scenes.noise import Picture, fractal, octave
from plcv_ros.scenes.painter import Sprite

SKIN = ((206, 164, 138), (178, 132, 104), (120, 84, 64), (222, 184, 160))
COATS = (
    (34, 36, 42),
    (52, 48, 44),
    (60, 66, 86),
    (108, 34, 36),
    (70, 74, 70),
    (142, 132, 112),
    (28, 46, 40),
    (150, 60, 44),
    (176, 172, 164),
    (44, 62, 110),
)
LEGS = ((28, 30, 38), (40, 46, 66), (54, 50, 46), (22, 22, 24), (96, 88, 76), (58, 70, 98))
BRIGHT = ((206, 214, 60), (220, 116, 40), (176, 44, 40), (60, 110, 170), (54, 56, 60))

Colour = tuple[float, float, float]


def _shaded(rng: np.random.Generator, picture: Picture, mask: Picture, strength: float = 0.1) -> Sprite:
    """Add cloth texture and a light from one side, then make the sprite."""
    h, w = mask.shape
    light = 1 + strength * fractal(rng, h, w, 16, 1) + np.linspace(0.16, -0.16, w, dtype=np.float32)[None]
    return Sprite.of(np.clip(picture * light[..., None], 0, 255).astype(np.uint8), mask)


class _Pen:
    """Draws on a picture and its mask with the same strokes; unit: fraction of the height."""

    def __init__(self, height: int, width: int) -> None:
        self.picture: Picture = np.full((height, width, 3), 60, np.uint8)
        self.mask: Picture = np.zeros((height, width), np.uint8)
        self.h, self.centre = height, width / 2

    def at(self, x: float, y: float) -> tuple[int, int]:
        return round(self.centre + x * self.h), round(self.h - 1 - y * self.h)

    def limb(self, points: list[tuple[float, float]], thick: float, colour: Colour) -> None:
        t = max(1, round(thick * self.h))
        for a, b in itertools.pairwise(points):
            cv2.line(self.picture, self.at(*a), self.at(*b), colour, t, cv2.LINE_8)
            cv2.line(self.mask, self.at(*a), self.at(*b), 255, t, cv2.LINE_8)

    def blob(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        axes = (max(1, round(rx * self.h)), max(1, round(ry * self.h)))
        cv2.ellipse(self.picture, self.at(x, y), axes, 0, 0, 360, colour, -1)
        cv2.ellipse(self.mask, self.at(x, y), axes, 0, 0, 360, 255, -1)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        fixed = np.array([self.at(*p) for p in points], np.int32)
        cv2.fillPoly(self.picture, [fixed], colour)
        cv2.fillPoly(self.mask, [fixed], 255)

    def ring(self, x: float, y: float, rx: float, ry: float, thick: float, colour: Colour) -> None:
        axes = (max(1, round(rx * self.h)), max(1, round(ry * self.h)))
        t = max(1, round(thick * self.h))
        cv2.ellipse(self.picture, self.at(x, y), axes, 0, 0, 360, colour, t)
        cv2.ellipse(self.mask, self.at(x, y), axes, 0, 0, 360, 255, t)


def _pick(rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...]) -> Colour:
    c = colours[int(rng.integers(len(colours)))]
    g = float(rng.uniform(0.8, 1.2))
    return (c[0] * g, c[1] * g, c[2] * g)


def _darker(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


STEPS = 8


def walker(rng: np.random.Generator, side: bool) -> list[Sprite]:
    """The :data:`STEPS` phases of one pedestrian's stride, seen from the ``side`` (walking to the right) or along the street."""
    coat, legs, skin = _pick(rng, COATS), _pick(rng, LEGS), _pick(rng, SKIN)
    hair = _pick(rng, ((40, 30, 24), (24, 22, 22), (96, 70, 44), (120, 116, 112)))
    long_coat, bag = rng.random() < 0.4, rng.random() < 0.4
    bag_colour = _pick(rng, BRIGHT)
    stout = float(rng.uniform(0.9, 1.15))
    state = rng.bit_generator.state
    phases = []
    for k in range(STEPS):
        rng.bit_generator.state = state  # the same cloth in every phase
        swing = math.sin(2 * math.pi * k / STEPS)
        lift = math.cos(2 * math.pi * k / STEPS)
        pen = _Pen(192, 104)
        hip, shoulder = 0.5, 0.8
        for sign in (-1, 1):
            arm, leg = -sign * swing, sign * swing
            colour = _darker(legs, 0.75 if sign < 0 else 1.0)
            sleeve = _darker(coat, 0.75 if sign < 0 else 0.95)
            if side:
                bent = max(0.0, -sign * lift) * 0.06
                pen.limb([(0, hip), (leg * 0.09 + bent * 0.7, 0.26), (leg * 0.2 - bent * 0.3, 0.03 + bent)], 0.078 * stout, colour)
                pen.limb([(leg * 0.2 - bent * 0.3, 0.025 + bent), (leg * 0.2 + 0.055 - bent * 0.3, 0.02 + bent)], 0.045, (24, 22, 22))
            else:
                up = max(0.0, leg) * 0.05
                pen.limb([(sign * 0.045, hip), (sign * 0.05, 0.26), (sign * 0.052, 0.03 + up)], 0.082 * stout, colour)
                pen.limb([(sign * 0.05, 0.025 + up), (sign * 0.062, 0.022 + up)], 0.05, (24, 22, 22))
                pen.limb(
                    [(sign * 0.105 * stout, shoulder - 0.02), (sign * 0.13 * stout, 0.62), (sign * 0.125 * stout, 0.47 + 0.03 * arm)], 0.055, sleeve
                )
                pen.blob(sign * 0.125 * stout, 0.455 + 0.03 * arm, 0.022, 0.025, skin)
        bottom = 0.36 if long_coat else 0.47
        breadth = 0.085 if side else 0.118
        b = breadth * stout
        pen.shape([(-b * 0.8, 0.84), (b * 0.8, 0.84), (b, 0.78), (b * 0.92, 0.6), (b, bottom), (-b, bottom), (-b * 0.92, 0.6), (-b, 0.78)], coat)
        if side:
            pen.limb([(0, shoulder - 0.02), (-swing * 0.07 - 0.01, 0.63), (-swing * 0.14 + 0.03, 0.5)], 0.055, _darker(coat, 0.85))
            pen.blob(-swing * 0.14 + 0.035, 0.485, 0.022, 0.024, skin)
        if bag:
            pen.shape([(-b * 1.25, 0.78), (-b * 0.2, 0.79), (-b * 0.2, 0.6), (-b * 1.25, 0.58)], bag_colour)
        pen.limb([(0, 0.83), (0, 0.87)], 0.05, skin)
        pen.blob(0.012 if side else 0, 0.915, 0.05, 0.066, skin)
        pen.blob(-0.012 if side else 0, 0.935, 0.053, 0.055, hair)
        phases.append(_shaded(rng, pen.picture, pen.mask))
    return phases


def cyclist(rng: np.random.Generator, side: bool) -> list[Sprite]:
    """The phases of one cyclist's pedalling, seen from the ``side`` (riding to the right) or from behind."""
    coat, legs, skin, helmet = _pick(rng, BRIGHT), _pick(rng, LEGS), _pick(rng, SKIN), _pick(rng, BRIGHT)
    frame = _pick(rng, ((150, 34, 34), (34, 60, 120), (30, 30, 32), (60, 110, 70)))
    tyre = (26.0, 26.0, 28.0)
    state = rng.bit_generator.state
    phases = []
    for k in range(STEPS):
        rng.bit_generator.state = state
        turn = 2 * math.pi * k / STEPS
        if side:
            pen = _Pen(176, 196)
            for x in (-0.3, 0.3):
                pen.ring(x, 0.19, 0.175, 0.175, 0.03, tyre)
                pen.limb(
                    [(x - 0.12 * math.cos(turn), 0.19 - 0.12 * math.sin(turn)), (x + 0.12 * math.cos(turn), 0.19 + 0.12 * math.sin(turn))],
                    0.012,
                    (110, 110, 112),
                )
                pen.blob(x, 0.19, 0.03, 0.03, (80, 80, 84))
            pen.limb([(-0.3, 0.19), (-0.03, 0.18), (-0.1, 0.47), (-0.3, 0.19)], 0.024, frame)
            pen.limb([(-0.03, 0.18), (0.23, 0.43), (-0.09, 0.44)], 0.024, frame)
            pen.limb([(0.3, 0.19), (0.22, 0.5), (0.17, 0.53)], 0.024, frame)
            for sign in (-1, 1):
                px, py = -0.03 + 0.07 * math.cos(turn) * sign, 0.18 + 0.07 * math.sin(turn) * sign
                pen.limb([(-0.1, 0.51), (0.06 + px * 0.4, 0.36 + (py - 0.18) * 0.5), (px, py)], 0.068, _darker(legs, 0.75 if sign < 0 else 1.0))
            pen.shape([(-0.17, 0.5), (-0.03, 0.49), (0.12, 0.78), (0.02, 0.84), (-0.1, 0.72)], coat)
            pen.limb([(0.06, 0.76), (0.1, 0.62), (0.19, 0.54)], 0.05, _darker(coat, 0.85))
            pen.blob(0.12, 0.89, 0.05, 0.06, skin)
            pen.blob(0.105, 0.925, 0.065, 0.05, helmet)
        else:
            pen = _Pen(192, 112)
            pen.limb([(0, 0.02), (0, 0.36)], 0.03, tyre)
            pen.limb([(0, 0.3), (0, 0.5)], 0.05, (40, 40, 42))
            pen.blob(0, 0.34, 0.02, 0.02, (170, 30, 28))
            for sign in (-1, 1):
                y = 0.14 + 0.07 * math.sin(turn) * sign
                pen.limb([(sign * 0.06, 0.5), (sign * 0.085, 0.33 + (y - 0.14) * 0.6), (sign * 0.07, y)], 0.078, legs)
                pen.limb([(sign * 0.07, y), (sign * 0.08, y - 0.01)], 0.05, (24, 22, 22))
                pen.limb([(sign * 0.12, 0.78), (sign * 0.185, 0.66), (sign * 0.16, 0.55)], 0.058, _darker(coat, 0.85))
            pen.limb([(-0.19, 0.54), (0.19, 0.54)], 0.022, (36, 36, 38))
            pen.shape([(-0.1, 0.84), (0.1, 0.84), (0.135, 0.77), (0.11, 0.5), (0.1, 0.46), (-0.1, 0.46), (-0.11, 0.5), (-0.135, 0.77)], coat)
            if rng.random() < 0.5:
                pen.shape([(-0.08, 0.8), (0.08, 0.8), (0.085, 0.58), (-0.085, 0.58)], _darker(coat, 0.45))
            pen.blob(0, 0.9, 0.05, 0.06, skin)
            pen.blob(0, 0.925, 0.06, 0.058, helmet)
        phases.append(_shaded(rng, pen.picture, pen.mask))
    return phases


def tree(rng: np.random.Generator, kind: str) -> Sprite:
    """``broad`` (crown of leaf clumps), ``fir`` (dark, pointed), ``bare`` (winter branches) or ``bush``."""
    h, w = (288, 256) if kind != "bush" else (128, 224)
    rows, columns = np.mgrid[0:h, 0:w].astype(np.float32)
    y, x = 1 - rows / h, (columns - w / 2) / h
    crown = np.zeros((h, w), np.float32)
    if kind == "bush":
        for _ in range(9):
            cx, cy, r = rng.uniform(-0.55, 0.55), rng.uniform(0.1, 0.5), rng.uniform(0.25, 0.42)
            crown = np.maximum(crown, 1.2 - ((x - cx) ** 2 + (y - cy) ** 2) / r**2)
    elif kind == "fir":
        crown = 1.0 - np.abs(x) / np.maximum(0.02, 0.3 * (1.02 - y)) * 0.62 + 0.1 * np.sin(y * 60)
        crown[y < 0.1] = 0
    else:
        crown_centre = 0.62
        for _ in range(16):
            a, rad = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.24)
            cx, cy, r = math.cos(a) * rad * 1.1, crown_centre + math.sin(a) * rad, rng.uniform(0.1, 0.19)
            crown = np.maximum(crown, 1.25 - ((x - cx) ** 2 + (y - cy) ** 2) / r**2)
    ragged = fractal(rng, h, w, 32, 2, 0.75)
    cover = (crown + 0.2 * ragged > 0.45).astype(np.uint8) * 255
    base = ((58, 74, 36), (70, 84, 42), (46, 62, 34), (84, 82, 46))[int(rng.integers(4))]
    if kind == "fir":
        base = ((34, 48, 32), (42, 54, 34))[int(rng.integers(2))]
    clumps = fractal(rng, h, w, 32, 1, 0.85)
    light = 0.92 + 0.42 * clumps + 0.35 * (y - 0.55) - 0.25 * x
    leaves = np.clip(light, 0.18, 2.2)[..., None] * np.asarray(base, np.float32)
    if kind == "bare":
        # winter: twigs as fine noise over the sky's brightness, denser towards the middle
        density = np.clip(crown, 0, 1)
        twigs = octave(rng, h, w, (1, 1)) + 0.8 * octave(rng, h, w, (4, 2)) + 0.8 * octave(rng, h, w, (2, 4))
        gaps = np.clip(0.55 - 0.5 * density + 0.3 * twigs, 0, 1)[..., None]
        wood = np.asarray((92, 80, 68), np.float32) * (1 + 0.2 * clumps[..., None])
        leaves = wood * (1 - gaps) + np.asarray((196, 200, 204), np.float32) * gaps
    picture = np.clip(leaves, 0, 255).astype(np.uint8)
    if kind != "bush":
        bark = (62, 52, 44) if kind != "bare" else (76, 66, 58)
        pen = _Pen(h, w)
        pen.picture, pen.mask = picture, cover
        lean = float(rng.uniform(-0.02, 0.02))
        pen.shape([(-0.024, 0), (0.024, 0), (0.013 + lean, 0.5), (-0.013 + lean, 0.5)], bark)
        if kind == "bare":
            for _ in range(14):
                y0 = float(rng.uniform(0.34, 0.56))
                a = float(rng.uniform(-1.0, 1.0))
                reach = float(rng.uniform(0.16, 0.34))
                end = (lean + math.sin(a) * reach, y0 + math.cos(a) * reach)
                middle = (lean + math.sin(a) * reach * 0.45, y0 + math.cos(a) * reach * 0.55)
                cv2.polylines(picture, [np.array([pen.at(lean, y0), pen.at(*middle), pen.at(*end)], np.int32)], False, _darker(bark, 0.9), 2)
    return Sprite.of(picture, cover)


def sign(rng: np.random.Generator, kind: str) -> Sprite:
    """``limit`` (red ring), ``warning`` (triangle), ``order`` (blue disc), ``board`` (direction sign) or ``lights`` (traffic lights)."""
    h, w = (96, 96) if kind != "board" else (96, 144)
    if kind == "lights":
        h, w = 144, 60
    pen = _Pen(h, w)
    if kind == "limit":
        pen.blob(0, 0.5, 0.49, 0.49, (196, 26, 32))
        pen.blob(0, 0.5, 0.36, 0.36, (236, 236, 232))
        cv2.putText(pen.picture, str(rng.choice(["20", "30", "40"])), (26, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.15, (20, 20, 22), 5)
    elif kind == "warning":
        pen.shape([(-0.49, 0.05), (0.49, 0.05), (0.0, 0.97)], (196, 26, 32))
        pen.shape([(-0.33, 0.14), (0.33, 0.14), (0.0, 0.75)], (238, 238, 234))
        pen.limb([(0, 0.24), (0, 0.55)], 0.08, (22, 22, 24))
    elif kind == "order":
        pen.blob(0, 0.5, 0.49, 0.49, (28, 74, 168))
        pen.limb([(-0.2, 0.28), (0.14, 0.62)], 0.1, (238, 238, 238))
        pen.shape([(0.24, 0.74), (-0.04, 0.7), (0.2, 0.44)], (238, 238, 238))
    elif kind == "board":
        base = ((20, 92, 60), (28, 74, 160), (232, 232, 226))[int(rng.integers(3))]
        ink = (240, 240, 236) if base[0] < 100 else (24, 24, 26)
        pen.shape([(-0.74, 0.02), (0.74, 0.02), (0.74, 0.98), (-0.74, 0.98)], ink)
        pen.shape([(-0.71, 0.05), (0.71, 0.05), (0.71, 0.95), (-0.71, 0.95)], base)
        for row in (0.72, 0.46, 0.2):
            pen.limb([(-0.6, row), (float(rng.uniform(0, 0.4)), row)], 0.1, ink)
            pen.limb([(0.48, row), (0.62, row)], 0.1, ink)
    else:
        pen.shape([(-0.2, 0), (0.2, 0), (0.2, 0.99), (-0.2, 0.99)], (22, 24, 24))
        lit = int(rng.integers(3))
        for k, (y, on, off) in enumerate(
            ((0.8, (255, 60, 48), (66, 22, 22)), (0.5, (255, 190, 60), (64, 48, 20)), (0.2, (80, 255, 150), (20, 54, 40)))
        ):
            pen.blob(0, y, 0.115, 0.115, on if k == lit else off)
    return Sprite.of(pen.picture, pen.mask)
