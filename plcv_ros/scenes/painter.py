# SPDX-License-Identifier: Apache-2.0
"""A canvas of two planes, picture and labels, painted together from far to near: polygons, textured quadrilaterals, sprites, shadows.

Every call takes the same outline for both planes, so the labels are exact to the pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from plcv_ros.scenes.geometry import Points
from plcv_ros.scenes.noise import Picture

SHIFT = 3
"""Fractional bits of polygon corners: edges move smoothly between frames."""


@dataclass(frozen=True)
class Shade:
    """Light on a surface and haze before it: painted value = texture * gain + offset."""

    gain: float
    offset: float

    def colour(self, rgb: tuple[float, float, float]) -> tuple[int, int, int]:
        g, o = self.gain, self.offset
        return int(rgb[0] * g + o), int(rgb[1] * g + o), int(rgb[2] * g + o)


@dataclass(frozen=True)
class Texture:
    """A facade or fence: ``levels[j][i]`` is shrunk 2**j vertically and 2**i horizontally (a ripmap: walls recede sideways)."""

    levels: tuple[tuple[Picture, ...], ...]

    @classmethod
    def of(cls, picture: Picture, count: int = 5) -> Texture:
        rows = []
        h, w = picture.shape[:2]
        column = picture
        for j in range(count):
            row = [column]
            for i in range(1, count):
                row.append(cv2.resize(row[-1], (max(2, w >> i), row[-1].shape[0]), interpolation=cv2.INTER_AREA))
            rows.append(tuple(row))
            column = cv2.resize(column, (w, max(2, h >> (j + 1))), interpolation=cv2.INTER_AREA)
        return cls(tuple(rows))


@dataclass(frozen=True)
class Sprite:
    """An upright cut-out: ``levels`` of (picture, mask), each half the size of the one before; the foot is the bottom centre."""

    levels: tuple[tuple[Picture, Picture], ...]

    @classmethod
    def of(cls, picture: Picture, mask: Picture, count: int = 6) -> Sprite:
        chain = [(picture, mask)]
        while len(chain) < count and min(chain[-1][1].shape) >= 8:
            p, m = chain[-1]
            size = (m.shape[1] // 2, m.shape[0] // 2)
            # weighted by the mask, or the background colour would bleed into the outline
            weight = cv2.resize(m, size, interpolation=cv2.INTER_AREA)
            small = cv2.resize(cv2.bitwise_and(p, p, mask=m), size, interpolation=cv2.INTER_AREA).astype(np.float32)
            filled = small * (255.0 / np.maximum(weight, 1).astype(np.float32))[..., None]
            hard = np.where(weight >= 96, 255, 0).astype(np.uint8)
            chain.append((np.clip(filled, 0, 255).astype(np.uint8), hard))
        return cls(tuple(chain))

    @property
    def aspect(self) -> float:
        h, w = self.levels[0][1].shape
        return float(w / h)


class Canvas:
    """``image`` (H, W, 3) uint8 rgb8 and ``labels`` (H, W) uint8."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.image: Picture = np.empty((height, width, 3), np.uint8)
        self.labels: Picture = np.empty((height, width), np.uint8)

    def polygon(self, corners: Points, colour: tuple[int, int, int], label: int | None) -> None:
        """Fill a convex polygon, (N, 2) pixels; ``label`` None leaves the labels (a detail on something painted already)."""
        fixed = np.rint(corners * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(self.image, fixed, colour, cv2.LINE_8, SHIFT)
        if label is not None:
            cv2.fillConvexPoly(self.labels, fixed, label, cv2.LINE_8, SHIFT)

    def outline(self, corners: Points, colour: tuple[int, int, int], label: int) -> None:
        """Fill any simple polygon, (N, 2) pixels."""
        fixed = [np.rint(corners * (1 << SHIFT)).astype(np.int32)]
        cv2.fillPoly(self.image, fixed, colour, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.labels, fixed, label, cv2.LINE_8, SHIFT)

    def _box(self, low: Sequence[float], high: Sequence[float]) -> tuple[int, int, int, int] | None:
        x0, y0 = max(0, math.floor(low[0])), max(0, math.floor(low[1]))
        x1, y1 = min(self.width, math.ceil(high[0]) + 1), min(self.height, math.ceil(high[1]) + 1)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def quad(self, corners: Points, texture: Texture, span: tuple[float, float], shade: Shade, label: int) -> None:
        """Paint a planar textured quadrilateral.

        ``corners`` (4, 2) pixels: top left, top right, bottom right, bottom left of the part ``span`` (from, to; fractions of the
        texture's width) of the texture.
        """
        box = self._box(corners.min(0).tolist(), corners.max(0).tolist())
        if box is None:
            return
        x0, y0, x1, y1 = box
        base = texture.levels[0][0]
        wide = max(abs(corners[1, 0] - corners[0, 0]), 1.0)
        tall = max(abs(corners[3, 1] - corners[0, 1]), abs(corners[2, 1] - corners[1, 1]), 1.0)
        top = len(texture.levels) - 1
        i = min(top, max(0, int(math.log2(max(base.shape[1] * abs(span[1] - span[0]) / wide, 1.0)) + 0.3)))
        j = min(top, max(0, int(math.log2(max(base.shape[0] / tall, 1.0)) + 0.3)))
        source = texture.levels[j][i]
        h, w = source.shape[:2]
        a, b = span[0] * w - 0.5, span[1] * w - 0.5
        source_corners = np.array([[a, -0.5], [b, -0.5], [b, h - 0.5], [a, h - 0.5]], np.float32)
        moved = corners - (x0, y0)
        matrix = cv2.getPerspectiveTransform(source_corners, moved.astype(np.float32))
        patch = cv2.warpPerspective(source, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        patch = cv2.convertScaleAbs(patch, alpha=shade.gain, beta=shade.offset)
        fixed = np.rint(moved * (1 << SHIFT)).astype(np.int32)
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillConvexPoly(mask, fixed, 255, cv2.LINE_8, SHIFT)
        cv2.copyTo(patch, mask, self.image[y0:y1, x0:x1])
        self.labels[y0:y1, x0:x1][mask > 0] = label

    def sprite(self, sprite: Sprite, foot: tuple[float, float], tall: float, shade: Shade, label: int, mirror: bool = False) -> None:
        """Paint a cut-out ``tall`` pixels high standing on ``foot`` (column, row)."""
        wide = tall * sprite.aspect
        left, top = foot[0] - wide / 2, foot[1] - tall
        box = self._box((left, top), (left + wide, foot[1]))
        if box is None or tall < 2:
            return
        x0, y0, x1, y1 = box
        full = sprite.levels[0][1].shape[0]
        level = min(len(sprite.levels) - 1, max(0, int(math.log2(max(full / tall, 1.0)) + 0.4)))
        picture, mask = sprite.levels[level]
        h, w = mask.shape
        sx, sy = wide / w, tall / h
        dx, dy = left - x0 + 0.5 * sx - 0.5, top - y0 + 0.5 * sy - 0.5
        if mirror:
            sx, dx = -sx, dx + wide - sx * 1.0
        matrix = np.array([[sx, 0, dx], [0, sy, dy]])
        size = (x1 - x0, y1 - y0)
        patch = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        patch = cv2.convertScaleAbs(patch, alpha=shade.gain, beta=shade.offset)
        if sy > 1:  # enlarged: a smooth outline instead of steps
            cover = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
            cover = cv2.threshold(cover, 127, 255, cv2.THRESH_BINARY)[1]
        else:
            cover = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        cv2.copyTo(patch, cover, self.image[y0:y1, x0:x1])
        self.labels[y0:y1, x0:x1][cover > 0] = label

    def shadow(self, corners: Points, strength: float) -> None:
        """Darken a convex polygon of the picture; ``strength`` 0..1. Labels stay."""
        box = self._box(corners.min(0).tolist(), corners.max(0).tolist())
        if box is None:
            return
        x0, y0, x1, y1 = box
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillConvexPoly(mask, np.rint((corners - (x0, y0)) * (1 << SHIFT)).astype(np.int32), 255, cv2.LINE_8, SHIFT)
        area = self.image[y0:y1, x0:x1]
        cv2.copyTo(cv2.convertScaleAbs(area, alpha=1 - strength), mask, area)
