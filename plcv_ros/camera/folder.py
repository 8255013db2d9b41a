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
from plcv_ros.pictures import Picture, PictureError, read_labels, read_picture

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
    """Pictures in natural order of their names. Labels are PNG files of the same stem, ids of ``label_set``, of the picture's size.

    A file that is refused (:mod:`plcv_ros.pictures`), or whose labels are, is counted in ``damaged`` once and passed by.
    """

    def __init__(self, path: Path, width: int | None, height: int | None, rate: float | None, loop: bool, label_set: LabelSet = CAMVID) -> None:
        self._files = sorted((p for p in path.iterdir() if p.suffix.lower() in SUFFIXES), key=lambda p: natural_key(p.name))
        if not self._files:
            raise SourceError(f"{path} holds no pictures; expected files ending in {', '.join(SUFFIXES)}")
        self._path = path
        self._labels = labels_folder(path)
        self._refused: set[Path] = set()
        self._wanted = (width, height)
        self._loop = loop
        self._next = self._at = 0
        self.label_set = label_set if self._labels else None
        self.rate = rate or DEFAULT_RATE
        self._pending: Frame | None = None
        first, self._pending = self._next_good()
        if first is None or self._pending is None:
            raise SourceError(f"none of the {len(self._files)} pictures of {path} can be used; the last one: {self.damage}")
        self.height, self.width = self._pending.image.shape[:2]
        self.description = f"{len(self._files)} pictures of {path}" + (", labelled" if self._labels else "")
        if first.note:
            self.description += f" (the first one: {first.note})"

    def read(self) -> Frame | None:
        """The next picture; None after the last one unless ``loop``. Raises SourceError where, looping, no file can be used any more."""
        frame, self._pending = self._pending, None
        if frame is None:
            _, frame = self._next_good()
        if frame is not None:
            frame.index = self._next
            self._next += 1
        return frame

    def _next_good(self) -> tuple[Picture, Frame] | tuple[None, None]:
        """The next file that can be used, and the frame made of it; None at the end."""
        for _ in self._files:
            if self._at >= len(self._files):
                if not self._loop:
                    return None, None
                self._at = 0
            file = self._files[self._at]
            self._at += 1
            if file in self._refused:
                continue
            try:
                picture = read_picture(file)
                return picture, self._frame(file, picture)
            except (PictureError, OSError) as error:
                self._refused.add(file)
                self.damaged += 1
                self.damage = str(error)
        if not self._loop or self._next == 0:
            return None, None
        raise SourceError(f"none of the {len(self._files)} pictures of {self._path} can be used any more; the last one: {self.damage}")

    def _frame(self, file: Path, picture: Picture) -> Frame:
        image = picture.bgr8
        size = target_size(image.shape[1], image.shape[0], *self._wanted)
        return Frame(resize_image(image, *size), 0, pixel_format="bgr8", labels=self._label_image(file, picture, size))

    def _label_image(self, image_file: Path, picture: Picture, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
        if self._labels is None or self.label_set is None:
            return None
        file = self._labels / f"{image_file.stem}.png"
        if not file.exists():
            return None
        return resize_labels(self.label_set.from_file_ids(read_labels(file, picture)), *size)
