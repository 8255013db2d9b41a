# SPDX-License-Identifier: Apache-2.0
"""Textures of walls: brick, render and stone facades with windows, doors and shops, roofs, end walls, fences."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from plcv_ros.scenes.noise import Picture, Plane, fractal, octave, tint, to_picture
from plcv_ros.scenes.painter import Texture

BAY, FLOOR = 112, 104
"""Pixels of one window's width of wall and of one storey."""
BAY_METRES, FLOOR_METRES = 3.1, 2.95

WALLS = (
    (172, 152, 118), (158, 138, 104), (142, 84, 62), (126, 72, 56), (208, 204, 194), (188, 176, 152), (150, 144, 134), (112, 92, 74), (96, 78, 66),
    (176, 166, 146),
)  # fmt: skip
DOORS = ((40, 62, 46), (112, 30, 32), (34, 42, 78), (64, 44, 30), (190, 188, 182), (28, 28, 30))
FASCIAS = ((24, 70, 48), (132, 24, 36), (26, 40, 92), (214, 206, 190), (38, 36, 40), (196, 152, 44), (70, 122, 132))


@dataclass(frozen=True)
class Facade:
    texture: Texture
    end: Texture
    roof: Texture
    bays: int
    floors: int
    pitched: bool

    @property
    def length(self) -> float:
        return self.bays * BAY_METRES

    @property
    def height(self) -> float:
        return self.floors * FLOOR_METRES + 0.5


def brickwork(rng: np.random.Generator, height: int, width: int, base: tuple[float, float, float]) -> Plane:
    """(height, width, 3) float32: courses of bricks with mortar joints, each brick its own shade."""
    course, brick = 5, 14
    rows = -(-height // course)
    cells = rng.standard_normal((rows, -(-width // brick) + 1), dtype=np.float32) * 0.1
    shades = np.repeat(np.repeat(cells, brick, 1), course, 0)[:height]
    shades[(np.arange(height) % course) == 0] = 0.09
    plane = shades[:, :width].copy()
    odd = (np.arange(height) // course) % 2 == 1
    plane[odd] = shades[odd, brick // 2 : brick // 2 + width]
    plane += 0.07 * fractal(rng, height, width, 64, 2)
    return tint(base, plane)


def _wall(rng: np.random.Generator, height: int, width: int) -> Plane:
    base: tuple[float, float, float] = WALLS[int(rng.integers(len(WALLS)))]
    gain = float(rng.uniform(0.78, 1.06))
    base = (base[0] * gain, base[1] * gain, base[2] * gain)
    if max(base) - min(base) > 26 or rng.random() < 0.3:
        return brickwork(rng, height, width, base)
    plane = 0.05 * fractal(rng, height, width, 64, 1) + 0.03 * octave(rng, height, width, (26, 1))
    return tint(base, plane)


def _window(rng: np.random.Generator, wall: Plane, x: int, y: int, w: int, h: int, frame: tuple[float, float, float], bars: int) -> None:
    """Glass that mirrors some sky above and a dark room below, in a frame with a sill."""
    sill = max(3, h // 14)
    wall[y - sill : y, x - 3 : x + w + 3] = np.asarray(frame, np.float32) * 0.86
    wall[y + h : y + h + sill, x - 5 : x + w + 5] = np.asarray(frame, np.float32) * 1.04
    wall[y + h + sill : y + h + sill + 3, x - 5 : x + w + 5] *= 0.55
    wall[y : y + h, x : x + w] = frame
    b = 4
    gh, gw = h - 2 * b, w - 2 * b
    sky = float(rng.uniform(0.05, 0.75))
    fade = np.linspace(1, 0, gh, dtype=np.float32)[:, None] ** float(rng.uniform(0.6, 2.5))
    glass = 26 + 120 * sky * fade + 16 * octave(rng, gh, gw, (12, 9))
    pane = np.repeat(glass[..., None], 3, 2) * np.asarray((0.92, 1.0, 1.08), np.float32)
    if rng.random() < 0.4:
        curtain = int(gw * rng.uniform(0.12, 0.28))
        cloth = np.asarray(rng.uniform(110, 190, 3), np.float32)
        pane[:, :curtain] = cloth
        pane[:, gw - curtain :] = cloth * 0.9
    wall[y + b : y + h - b, x + b : x + w - b] = pane
    for k in range(1, bars):
        at = x + k * w // bars
        wall[y : y + h, at - 1 : at + 2] = frame
    if bars:
        wall[y + h // 2 - 1 : y + h // 2 + 2, x : x + w] = frame


def _shop(rng: np.random.Generator, wall: Plane, top: int, bottom: int) -> None:
    """A shop front across the ground floor: fascia with lettering, display windows, a door."""
    width = wall.shape[1]
    x = 0
    while x < width - 40:
        w = int(min(width - x, rng.integers(2, 4) * BAY))
        colour = np.asarray(FASCIAS[int(rng.integers(len(FASCIAS)))], np.float32)
        board = top + 2
        board_end = top + 24
        front = wall[top:bottom, x : x + w]
        front[:] = colour * 0.8
        wall[board:board_end, x : x + w] = colour
        ink = (230.0, 226, 214) if colour.mean() < 130 else (40.0, 36, 34)
        at = x + int(rng.integers(8, max(9, w // 3)))
        while at < x + w - 24 and at < x + w * 0.8:
            letter = int(rng.integers(5, 11))
            wall[board + 6 : board_end - 6, at : at + letter] = ink
            at += letter + int(rng.choice([3, 3, 3, 10]))
        door = x + int(rng.integers(0, max(1, w - 36)))
        pane_y = board_end + 6
        for left in range(x + 6, x + w - 12, 52):
            right = min(left + 47, x + w - 6)
            gh, gw = bottom - 12 - pane_y, right - left
            if gh < 4 or gw < 4:
                continue
            glow = 30 + 40 * abs(octave(rng, gh, gw, (9, 7))) + 18 * np.linspace(1, 0, gh, dtype=np.float32)[:, None]
            wall[pane_y : pane_y + gh, left:right] = glow[..., None] * np.asarray(rng.uniform(0.75, 1.25, 3), np.float32)
        wall[pane_y:bottom, door : door + 32] = colour * 0.55
        wall[pane_y + 5 : bottom - 26, door + 5 : door + 27] = (58, 64, 70)
        x += w


def _door(rng: np.random.Generator, wall: Plane, x: int, top: int, bottom: int) -> None:
    colour = np.asarray(DOORS[int(rng.integers(len(DOORS)))], np.float32)
    wall[top - 6 : bottom, x - 5 : x + 37] = (198, 194, 184)
    wall[top:bottom, x : x + 32] = colour
    wall[top + 4 : top + 14, x + 4 : x + 28] = (70, 78, 86)
    for row in (top + 22, top + 44):
        wall[row : row + 16, x + 5 : x + 14] = colour * 0.8
        wall[row : row + 16, x + 18 : x + 27] = colour * 0.8
    wall[bottom - 4 : bottom, x - 5 : x + 37] = (130, 126, 120)


def _office(rng: np.random.Generator, wall: Plane, floors: int) -> None:
    """Bands of glass between bands of wall: a later building."""
    width = wall.shape[1]
    for f in range(floors):
        y = 14 + f * FLOOR + int(FLOOR * 0.2)
        h = int(FLOOR * 0.55)
        glass = (
            40 + 60 * np.linspace(1, 0, h, dtype=np.float32)[:, None] + 22 * octave(rng, h, width, (h, BAY // 2)) + 10 * octave(rng, h, width, (9, 9))
        )
        wall[y : y + h] = glass[..., None] * np.asarray((0.9, 1.0, 1.1), np.float32)
        wall[y - 3 : y] *= 1.15
        wall[y + h : y + h + 4] *= 0.7
        for x in range(0, width, BAY // 2):
            wall[y : y + h, x : x + 4] = (176, 178, 178)


def roof(rng: np.random.Generator) -> Texture:
    """Slates or tiles in courses."""
    h, w = 96, 256
    base = ((84, 82, 84), (112, 74, 58), (98, 86, 76))[int(rng.integers(3))]
    plane = 0.12 * octave(rng, h, w, (6, 8)) + 0.1 * fractal(rng, h, w, 32, 1)
    plane[(np.arange(h) % 6) == 0] -= 0.25
    picture = tint(base, plane)
    picture[:5] *= 1.25
    picture[-6:] = (62, 60, 60)
    return Texture.of(to_picture(picture), 4)


def facade(rng: np.random.Generator, kind: str) -> Facade:
    """One building's front, end and roof. ``kind``: house, shop or office."""
    bays = int(rng.integers(2, 5)) if kind == "house" else int(rng.integers(3, 6))
    floors = 2 if kind == "house" else int(rng.integers(2, 5))
    height, width = floors * FLOOR + 14, bays * BAY
    wall = _wall(rng, height, width)
    corner = wall[:, :160].copy()
    corner *= 0.94
    pitched = kind != "office"
    if kind == "office":
        _office(rng, wall, floors)
    else:
        frame = (216.0, 214.0, 206.0) if rng.random() < 0.8 else (74.0, 66.0, 58.0)
        w, h = int(BAY * rng.uniform(0.36, 0.52)), int(FLOOR * rng.uniform(0.46, 0.58))
        bars = int(rng.integers(0, 4))
        first_door = int(rng.integers(bays))
        for f in range(floors):
            y = 14 + f * FLOOR + (FLOOR - h) // 2
            ground = f == floors - 1
            if ground and kind == "shop":
                continue
            for b in range(bays):
                x = b * BAY + (BAY - w) // 2
                if ground and b % max(2, bays - 1) == first_door % 2:
                    _door(rng, wall, b * BAY + 38, height - 84, height)
                else:
                    _window(rng, wall, x, y, w, h, frame, bars)
        if kind == "shop":
            _shop(rng, wall, height - FLOOR, height)
        elif rng.random() < 0.4:
            band = 14 + FLOOR - 4
            wall[band : band + 6] *= 1.2
    wall[:10] = np.asarray((168.0, 162, 150)) * float(rng.uniform(0.5, 1.15))
    wall[10:15] *= 0.55  # the shadow of the eaves
    wall[:, 2:6] *= 0.5  # a drain pipe
    wall[-7:] *= 0.75
    wall *= 1 + 0.045 * octave(rng, height, width, (1, 1))[..., None]
    return Facade(Texture.of(to_picture(wall)), Texture.of(to_picture(corner), 4), roof(rng), bays, floors, pitched)


def fence(rng: np.random.Generator, kind: str) -> Texture:
    """Two metres of fence to repeat: ``panel`` (boards), ``railing`` (bars before shade) or ``picket``."""
    h, w = 64, 256
    grain = fractal(rng, h, w, 32, 1)
    if kind == "panel":
        base = ((124, 92, 62), (104, 84, 66), (138, 116, 88))[int(rng.integers(3))]
        picture = tint(base, 0.1 * grain + 0.09 * octave(rng, h, w, (h, 8)))
        picture[:, ::8] *= 0.5
        picture[:, 0:7] = np.asarray(base, np.float32) * 0.7
        picture[:4] *= 1.15
        picture[30:33] *= 0.7
    else:
        dark = kind == "railing"
        picture = tint((62, 70, 50) if dark else (70, 76, 58), 0.3 * grain)
        bar = (26.0, 28, 30) if dark else (206.0, 204, 198)
        step, thick = (16, 6) if dark else (20, 12)
        for x in range(0, w, step):
            picture[4:, x : x + thick] = bar
        picture[6:11] = bar
        picture[50:55] = bar
        picture[:, :8] = bar
    return Texture.of(to_picture(cv2.GaussianBlur(picture, (3, 3), 0.6)), 5)


def facades(rng: np.random.Generator, kinds: tuple[str, ...]) -> list[Facade]:
    return [facade(rng, kind) for kind in kinds]


__all__ = ["BAY_METRES", "FLOOR_METRES", "Facade", "Picture", "brickwork", "facade", "facades", "fence"]
