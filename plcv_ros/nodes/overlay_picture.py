# SPDX-License-Identifier: Apache-2.0
"""A picture of a run: panels of one size side by side, each with a caption. Needs OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

GAP = 4
CAPTION_HEIGHT = 24
SWATCH = 14
FONT_SIZE = 0.5
INK = (20, 20, 20)

Legend = Sequence[tuple[str, tuple[int, int, int]]]


def save(path: Path, panels: Sequence[tuple[str, npt.NDArray[np.uint8]]], legend: Legend = ()) -> None:
    """Write (caption, (H, W, 3) uint8 rgb8) panels as one PNG, with a line of (name, colour) below. Raises ValueError where the sizes differ,
    OSError where it cannot be written."""
    import cv2

    sizes = {image.shape[:2] for _, image in panels}
    if len(sizes) != 1:
        raise ValueError(f"panels of different sizes: {', '.join(f'{image.shape[1]}x{image.shape[0]}' for _, image in panels)}")
    height, width = sizes.pop()
    canvas = np.full((CAPTION_HEIGHT + height, len(panels) * (width + GAP) - GAP, 3), 255, np.uint8)
    for index, (caption, image) in enumerate(panels):
        left = index * (width + GAP)
        canvas[CAPTION_HEIGHT:, left : left + width] = image
        cv2.putText(canvas, caption, (left + 4, CAPTION_HEIGHT - 8), cv2.FONT_HERSHEY_SIMPLEX, FONT_SIZE, INK, 1, cv2.LINE_AA)
    if legend:
        canvas = np.concatenate([canvas, _legend(legend, canvas.shape[1])])
    ok, data = cv2.imencode(".png", canvas[..., ::-1])
    if not ok:
        raise OSError(f"{path}: OpenCV cannot write PNG")
    path.write_bytes(data.tobytes())


def _legend(legend: Legend, width: int) -> npt.NDArray[np.uint8]:
    """(rows * CAPTION_HEIGHT, width, 3) rgb8: swatches with their names, as many a row as fit."""
    import cv2

    places: list[tuple[int, int]] = []
    left, row = GAP, 0
    for name, _ in legend:
        size = SWATCH + 6 + cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, FONT_SIZE, 1)[0][0] + 16
        if left + size > width and left > GAP:
            left, row = GAP, row + 1
        places.append((left, row))
        left += size
    canvas = np.full(((row + 1) * CAPTION_HEIGHT, width, 3), 255, np.uint8)
    for (name, colour), (x, line) in zip(legend, places):
        top = line * CAPTION_HEIGHT + 6
        canvas[top : top + SWATCH, x : x + SWATCH] = colour
        cv2.putText(canvas, name, (x + SWATCH + 6, top + SWATCH - 2), cv2.FONT_HERSHEY_SIMPLEX, FONT_SIZE, INK, 1, cv2.LINE_AA)
    return canvas
