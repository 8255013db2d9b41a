# SPDX-License-Identifier: Apache-2.0
"""A picture of a run: panels of one size side by side, each with a caption. Needs OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

GAP = 4
CAPTION_HEIGHT = 24


def save(path: Path, panels: Sequence[tuple[str, npt.NDArray[np.uint8]]]) -> None:
    """Write (caption, (H, W, 3) uint8 rgb8) panels as one PNG. Raises ValueError where the sizes differ, OSError where it cannot be written."""
    import cv2

    sizes = {image.shape[:2] for _, image in panels}
    if len(sizes) != 1:
        raise ValueError(f"panels of different sizes: {', '.join(f'{image.shape[1]}x{image.shape[0]}' for _, image in panels)}")
    height, width = sizes.pop()
    canvas = np.full((CAPTION_HEIGHT + height, len(panels) * (width + GAP) - GAP, 3), 255, np.uint8)
    for index, (caption, image) in enumerate(panels):
        left = index * (width + GAP)
        canvas[CAPTION_HEIGHT:, left : left + width] = image
        cv2.putText(canvas, caption, (left + 4, CAPTION_HEIGHT - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    ok, data = cv2.imencode(".png", canvas[..., ::-1])
    if not ok:
        raise OSError(f"{path}: OpenCV cannot write PNG")
    path.write_bytes(data.tobytes())
