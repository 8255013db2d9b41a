# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures as a camera, with labels where a folder of labels lies beside it (SegNet's CamVid layout)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import Frame
from plcv_ros.camera.source import Source, resize_image, resize_labels, target_size
from plcv_ros.labels import CAMVID, LabelSet

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
DEFAULT_RATE = 15.0


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key that reads numbers as numbers: frame9 before frame10."""
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", name) if part]


def labels_folder(images: Path) -> Path | None:
    """The folder of labels that belongs to a folder of images: ``.../labels/<split>`` for ``.../images/<split>``, else ``labels`` beside it."""
    parts = images.resolve().parts
    if "images" in parts:
        position = len(parts) - 1 - parts[::-1].index("images")
        candidate = Path(*parts[:position], "labels", *parts[position + 1 :])
        if candidate.is_dir():
            return candidate
    return None


class FolderSource(Source):
    """Pictures in natural order of their names. Labels are single-channel PNG files of the same stem, ids of ``label_set``."""

    def __init__(self, path: Path, width: int | None, height: int | None, rate: float | None, loop: bool, label_set: LabelSet = CAMVID) -> None:
        self._files = sorted((p for p in path.iterdir() if p.suffix.lower() in SUFFIXES), key=lambda p: natural_key(p.name))
        if not self._files:
            raise SourceError(f"{path} holds no pictures; expected files ending in {', '.join(SUFFIXES)}")
        self._labels = labels_folder(path)
        self._wanted = (width, height)
        self._loop = loop
        self._next = 0
        first = self._image(self._files[0])
        self.width, self.height = target_size(first.shape[1], first.shape[0], width, height)
        self.rate = rate or DEFAULT_RATE
        self.label_set = label_set if self._labels else None
        self.description = f"{len(self._files)} pictures of {path}" + (", labelled" if self._labels else "")

    def read(self) -> Frame | None:
        """The next picture; None after the last one unless ``loop``."""
        if self._next >= len(self._files) and not self._loop:
            return None
        file = self._files[self._next % len(self._files)]
        image = self._image(file)
        size = target_size(image.shape[1], image.shape[0], *self._wanted)
        frame = Frame(resize_image(image, *size), self._next, pixel_format="bgr8", labels=self._label_image(file, size))
        self._next += 1
        return frame

    def _image(self, file: Path) -> npt.NDArray[np.uint8]:
        import cv2

        image: npt.NDArray[np.uint8] | None = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise SourceError(f"{file} cannot be read as a picture: it is damaged or of a format that this OpenCV was built without")
        return image

    def _label_image(self, image_file: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
        if self._labels is None or self.label_set is None:
            return None
        file = self._labels / f"{image_file.stem}.png"
        if not file.exists():
            return None
        import cv2

        ids = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
            found = "not a picture" if ids is None else f"shape {ids.shape}, {ids.dtype}"
            raise SourceError(f"{file}: {found}; expected an 8-bit grey PNG of class ids")
        return resize_labels(self.label_set.from_file_ids(ids), *size)
