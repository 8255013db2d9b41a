# SPDX-License-Identifier: Apache-2.0
"""What a data set is to the training loop and to evaluation, and finding the pictures of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.labels import LabelSet

Image = npt.NDArray[np.uint8]

SUFFIXES = (".webp", ".png", ".jpg", ".jpeg")

KEPT_BYTES = 2 << 30
"""Pictures and labels of a data set that stay in memory at most; every process of a training has its own."""


@dataclass
class Dataset:
    """``count`` labelled pictures; ``load(i)`` returns (H, W, 3) uint8 rgb8 and its truth: (H, W) uint8 class ids of ``label_set``, or,
    for classification, the class id of the whole picture, an int.

    ``share`` is how much of the data set one training epoch draws: 1 every picture once, 0.5 half of them, 2 each twice.
    """

    name: str
    label_set: LabelSet
    licence: str
    count: int
    load: Callable[[int], tuple[Image, Any]]
    share: float = 1.0
    keeps: bool = True
    """Whether pictures stay in memory once read, as far as :data:`KEPT_BYTES` go."""
    spec: str = ""
    """What opens it again elsewhere, with the last part of its path alone: ``camvid=camvid,split=test``. Scores name their data by it."""
    _kept: dict[int, tuple[Image, Any]] = field(default_factory=dict, repr=False)
    _kept_bytes: int = field(default=0, repr=False)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Image, Any]:
        """Picture ``index``; with ``keeps``, read once where there is room (0.7 MB each at 480x360)."""
        if not 0 <= index < self.count:
            raise IndexError(f"picture {index} of {self.name}: it has {self.count}")
        if index in self._kept:
            return self._kept[index]
        picture, truth = self.load(index)
        size = picture.nbytes + (truth.nbytes if isinstance(truth, np.ndarray) else 0)
        if self.keeps and self._kept_bytes + size <= KEPT_BYTES:
            self._kept[index] = picture, truth
            self._kept_bytes += size
        return picture, truth


def find_picture(folder: Path, stem: str, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """The picture of that name, whatever its format; raises ValueError where there is none."""
    for suffix in suffixes:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    raise ValueError(f"no picture {folder / stem}{{{','.join(suffixes)}}}")


def list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, sorted by name, in any letter case."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
