# SPDX-License-Identifier: Apache-2.0
"""Score a predictor on a data set, optionally through a codec, with pictures of what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.perception.metrics import ConfusionMatrix
from plcv_ros.training.datasets import Dataset

Image = npt.NDArray[np.uint8]
Degrade = Callable[[Image], Image]
"""What happens to a picture between camera and network: (H, W, 3) uint8 -> the same shape."""


@dataclass
class Evaluation:
    """The outcome of :func:`evaluate`: summed confusion matrix and one mIoU a picture (over the classes in it)."""

    matrix: ConfusionMatrix
    pictures: list[float]

    def row(self) -> dict[str, Any]:
        """Flat figures: pictures, miou, pixel_accuracy and ``iou_<class>`` for each class, shares of 1."""
        iou = {f"iou_{name}": round(float(v), 5) for name, v in zip(self.matrix.label_set.classes, self.matrix.iou())}
        return {
            "pictures": len(self.pictures),
            "miou": round(self.matrix.miou(), 5),
            "pixel_accuracy": round(self.matrix.pixel_accuracy(), 5),
            **iou,
        }


def evaluate(
    predict: Callable[[Image], Image],
    dataset: Dataset,
    degrade: Degrade | None = None,
    limit: int = 0,
    picture_folder: Path | None = None,
    picture_count: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score ``predict`` (rgb8 -> class ids) on ``dataset``; ``limit`` above 0 takes that many pictures, evenly spread.

    With ``picture_folder``, writes ``picture_count`` of them: what the network saw, the truth, the prediction, side by side.
    """
    indices = _spread(len(dataset), limit)
    shown = {indices[i] for i in _spread(len(indices), picture_count)} if picture_folder else set()
    result = Evaluation(ConfusionMatrix(dataset.label_set), [])
    for done, index in enumerate(indices):
        image, truth = dataset[index]
        seen = degrade(image) if degrade else image
        predicted = predict(seen)
        one = ConfusionMatrix(dataset.label_set)
        one.update(truth, predicted)
        result.matrix.counts += one.counts
        result.pictures.append(one.miou())
        if picture_folder and index in shown:
            write_picture(picture_folder / f"{dataset.name.replace(' ', '_').replace(':', '-')}_{index:05d}.png", dataset, seen, truth, predicted)
        if progress:
            progress(done + 1, len(indices))
    return result


def _spread(count: int, wanted: int) -> list[int]:
    if wanted <= 0 or wanted >= count:
        return list(range(count))
    return [i * count // wanted for i in range(wanted)]


def write_picture(path: Path, dataset: Dataset, seen: Image, truth: Image, predicted: Image) -> None:
    """Write picture, truth and prediction side by side as PNG."""
    import cv2

    label_set = dataset.label_set
    panels = [seen, label_set.colourise(truth), label_set.overlay(seen, predicted, 0.3), label_set.colourise(predicted)]
    sheet = np.vstack([np.hstack(panels[:2]), np.hstack(panels[2:])])
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), sheet[..., ::-1]):
        raise OSError(f"cannot write {path}")


def codec_degradation(text: str) -> Degrade:
    """``astc:8x8:fast``, ``astc:12x12``, ``jpeg:90`` -> a function that sends a picture through that codec; ValueError for anything else."""
    from plcv_ros.codecs import decode, make_codec

    name, *options = text.split(":")
    if name == "astc":
        first, _, second = (options[0] if options else "8x8").partition("x")
        codec = make_codec("astc", block=(int(first), int(second or first)), preset=options[1] if len(options) > 1 else "fast")
    elif name == "jpeg":
        codec = make_codec("jpeg", quality=int(options[0]) if options else 90)
    else:
        raise ValueError(f"codec {text!r}: expected astc[:8x8[:fast]] or jpeg[:90]")
    return lambda image: decode(codec.encode(image))
