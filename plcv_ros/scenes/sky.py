# SPDX-License-Identifier: Apache-2.0
"""What is far away: the sky with its clouds and a skyline of trees and roofs, one panorama a sequence."""

from __future__ import annotations

import cv2
import numpy as np

from plcv_ros.labels import CAMVID
from plcv_ros.scenes.geometry import PinholeCamera, View
from plcv_ros.scenes.mood import Mood
from plcv_ros.scenes.noise import fractal, octave, to_picture
from plcv_ros.scenes.painter import Canvas

SKY, BUILDING, TREE = CAMVID.index("sky"), CAMVID.index("building"), CAMVID.index("tree")
DISTANCE = 190.0
"""Metres to the skyline."""


class Backdrop:
    """A panorama wider than the image; :meth:`draw` fills the canvas above the horizon."""

    def __init__(self, rng: np.random.Generator, camera: PinholeCamera, mood: Mood) -> None:
        self._margin = int(0.24 * camera.fx) + 2
        height = int(camera.cy + 0.02 * camera.fy) + 4
        width = camera.width + 2 * self._margin
        rise = np.linspace(1, 0, height, dtype=np.float32)[:, None, None] ** 0.8
        zenith, horizon = np.asarray(mood.zenith, np.float32), np.asarray(mood.horizon, np.float32)
        sky = np.repeat(horizon * (1 - rise) + zenith * rise, width, 1)
        coarse = cv2.resize(fractal(rng, 96, 256, 32, 1, 0.62), (width, height), interpolation=cv2.INTER_CUBIC)
        billow = cv2.resize(fractal(rng, 96, 256, 16, 1, 0.7), (width, height), interpolation=cv2.INTER_CUBIC)
        cover = np.clip((coarse + 3.0 * (mood.cloud - 0.55)) * 0.8, 0, 1)[..., None]
        cloud = np.asarray(mood.cloud_colour, np.float32) * (1 + 0.07 * billow)[..., None]
        image = sky * (1 - cover * 0.9) + cloud * cover * 0.9
        labels = np.full((height, width), SKY, np.uint8)
        self._skyline(rng, camera, mood, image, labels)
        self._image, self._labels = to_picture(image), labels

    @staticmethod
    def _skyline(rng: np.random.Generator, camera: PinholeCamera, mood: Mood, image: np.ndarray, labels: np.ndarray) -> None:  # type: ignore[type-arg]
        height, width = labels.shape
        metre = camera.fy / DISTANCE
        rows = np.arange(height)[:, None]
        shade = mood.shade(DISTANCE, 0.8)
        x = 0
        while x < width:  # roofs between the trees
            wide = int(rng.uniform(8, 20) * metre) + 2
            tall = rng.uniform(5, 13) * metre
            if rng.random() < 0.5:
                area = np.zeros((height, width), bool)
                area[max(0, height - int(tall)) :, x : x + wide] = True
                grey = float(rng.uniform(95, 165))
                colour = shade.colour((grey * 1.08, grey, grey * 0.9))
                image[area] = colour
                labels[area] = BUILDING
            x += wide
        outline = 7.0 + 2.6 * octave(rng, 1, width, (1, max(2, int(9 * metre))))[0] + 1.2 * octave(rng, 1, width, (1, max(1, int(2 * metre))))[0]
        outline += 5.5 * octave(rng, 1, width, (1, max(8, int(40 * metre))))[0]
        trees = rows > height - np.maximum(outline, 0.8)[None] * metre
        base = np.asarray((58, 68, 44), np.float32) * (1 + 0.35 * fractal(rng, height, width, 8, 1, 0.9))[..., None]
        image[trees] = (base * shade.gain + shade.offset)[trees]
        labels[trees] = TREE

    def draw(self, canvas: Canvas, view: View) -> None:
        rows = min(max(int(np.floor(view.horizon)) + 1, 0), canvas.height, self._labels.shape[0])
        turn = view.slope * view.camera.fx + view.camera.cx - view.centre
        column = min(max(round(self._margin + turn), 0), 2 * self._margin)
        top = self._labels.shape[0] - rows
        canvas.image[:rows] = self._image[top:, column : column + canvas.width]
        canvas.labels[:rows] = self._labels[top:, column : column + canvas.width]
