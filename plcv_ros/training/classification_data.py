# SPDX-License-Identifier: Apache-2.0
"""Pictures with one class each: a folder for every class, as ImageNet and Caltech-101 come."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from plcv_ros.labels import class_list
from plcv_ros.pictures import read_picture
from plcv_ros.training.dataset import Dataset, Image, list_pictures


def classes(path: str, options: dict[str, str]) -> Dataset:
    """``PATH/<split>/<class>/*`` (ImageNet), or, where there is no folder of the split's name, ``PATH/images/<class>/*`` or ``PATH/<class>/*``.

    Class ids follow the sorted names of the folders. ``size=160`` makes the shorter side that long first: what a camera of that size
    would see, before any codec. ``fold=0,folds=5`` splits every class into parts instead of folders: ``split=test`` is that part,
    ``split=train`` the others.
    """
    root, split = Path(path), options.pop("split")
    size = int(options.pop("size", "0"))
    folds, fold = int(options.pop("folds", "0")), int(options.pop("fold", "0"))
    licence = options.pop("licence", "not stated")
    if not path or not root.is_dir():
        raise ValueError(f"expected classes=PATH with a folder for every class, got {path!r}")
    if folds and (folds < 2 or not 0 <= fold < folds or split not in {"train", "test"}):
        raise ValueError(f"fold {fold} of {folds}, split {split!r}: expected at least 2 folds, a fold from 0 on, split train or test")
    if split == "test" and not folds and not (root / split).is_dir() and (root / "val").is_dir():
        split = "val"  # ImageNet's test labels are nobody's: its validation pictures are what everybody reports
    if (root / split).is_dir() and not folds:
        root = root / split
    elif split in {"val", "held-out"} and not folds:
        raise ValueError(f"{root} has no folder {split!r}: its pictures are for training as well; expected fold=0,folds=5, or such a folder")
    else:
        root, split = (root / "images" if (root / "images").is_dir() else root), split if folds else "all"
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir())
    if not folders:
        raise ValueError(f"{root} has no folders, expected one for every class")
    pictures = [(picture, i) for i, folder in enumerate(folders) for picture in part(list_pictures(folder), fold, folds, split == "test")]
    label_set = class_list(Path(path).name, tuple(folder.name for folder in folders))

    def load(index: int) -> tuple[Image, int]:
        picture, truth = pictures[index]
        return shorter_side(read_picture(picture).rgb8, size), truth

    name = f"{Path(path).name} {split}" + (f" fold {fold}/{folds}" if folds else "")
    # Small pictures of small data sets stay in memory: 2000 of 160 pixels take 200 MB.
    return Dataset(name, label_set, licence, len(pictures), load, keeps=0 < size <= 256 and len(pictures) <= 10000)


def part(pictures: list[Path], fold: int, folds: int, test: bool) -> list[Path]:
    """Every ``folds``-th picture of a shuffled list, from ``fold`` on, or all others; all of them where ``folds`` is 0."""
    if not folds:
        return pictures
    order = list(pictures)
    random.Random(0).shuffle(order)
    return sorted(picture for i, picture in enumerate(order) if (i % folds == fold) == test)


def shorter_side(image: Image, size: int) -> Image:
    """The picture scaled such that its shorter side is ``size`` pixels long, by averaging where it shrinks; as it is for 0."""
    import cv2

    height, width = image.shape[:2]
    if not size or min(height, width) == size:
        return image
    scale = size / min(height, width)
    wanted = (max(round(width * scale), size), max(round(height * scale), size))
    return np.asarray(cv2.resize(image, wanted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)
