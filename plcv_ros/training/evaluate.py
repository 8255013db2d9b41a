# SPDX-License-Identifier: Apache-2.0
"""Score a predictor on a data set, optionally through a codec, with pictures of what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.perception.metrics import ConfusionMatrix
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import Degradation, parse_degradation, psnr

Image = npt.NDArray[np.uint8]


@dataclass
class Evaluation:
    """The outcome of :func:`evaluate`: summed confusion matrix and, for every picture, its mIoU (over the classes in it) and counts.

    ``hits`` and ``unions`` are (pictures, C) int64, pixels: the IoU of a class over any pictures is the sum of the one over the sum of the
    other. ``bits_per_pixel`` and ``psnr`` (dB, infinite where nothing changed) have one value a picture.
    """

    matrix: ConfusionMatrix
    pictures: list[float] = field(default_factory=list)
    hits: list[npt.NDArray[np.int64]] = field(default_factory=list)
    unions: list[npt.NDArray[np.int64]] = field(default_factory=list)
    bits_per_pixel: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Pixels of every picture, by which its bits per pixel weigh in the mean."""

    name = "mIoU"

    def score(self) -> float:
        """mIoU, 0..1."""
        return self.matrix.miou()

    def by_class(self) -> list[tuple[str, float, float]]:
        """Of every class its name, share of the labelled pixels, and IoU."""
        return list(zip(self.matrix.label_set.classes, self.matrix.share().tolist(), self.matrix.iou().tolist()))

    def details(self) -> dict[str, Any]:
        """What is not in :meth:`row`, as plain data: mIoU of every picture, and the confusion matrix."""
        return {"miou_by_picture": self.pictures, "confusion": self.matrix.counts.tolist()}

    def row(self) -> dict[str, Any]:
        """Flat figures: pictures, bits_per_pixel, psnr (dB; empty without a codec), miou, pixel_accuracy, ``iou_<class>``; shares of 1."""
        iou = {f"iou_{name}": round(float(v), 5) for name, v in zip(self.matrix.label_set.classes, self.matrix.iou())}
        mean_psnr = float(np.mean(self.psnr))
        return {
            "pictures": len(self.pictures),
            "bits_per_pixel": round(float(np.average(self.bits_per_pixel, weights=self.sizes)), 4),
            "psnr": round(mean_psnr, 3) if np.isfinite(mean_psnr) else "",
            "miou": round(self.matrix.miou(), 5),
            "pixel_accuracy": round(self.matrix.pixel_accuracy(), 5),
            **iou,
        }


def evaluate(
    predict: Callable[[Image], Image],
    dataset: Dataset,
    degradation: Degradation | None = None,
    limit: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score ``predict`` (rgb8 -> class ids) on ``dataset``; ``limit`` above 0 takes that many pictures, evenly spread.

    Raises ValueError where the data set has no picture, or none of their pixels has a class: there is no score then.
    """
    degradation = degradation or parse_degradation("original")
    indices = spread(len(dataset), limit)
    result = Evaluation(ConfusionMatrix(dataset.label_set))
    for done, index in enumerate(indices):
        image, truth = dataset[index]
        seen = degradation.see(image)
        one = ConfusionMatrix(dataset.label_set)
        one.update(truth, predict(seen.image))
        result.matrix.counts += one.counts
        result.pictures.append(one.miou())
        result.hits.append(np.diag(one.counts).copy())
        result.unions.append(one.unions())
        result.bits_per_pixel.append(seen.bits_per_pixel())
        result.sizes.append(truth.size)
        result.psnr.append(psnr(image, seen.image))
        if progress:
            progress(done + 1, len(indices))
    if not result.matrix.counts.any():
        raise ValueError(
            f"nothing to score in {dataset.name}: all pixels of its {len(indices)} label images are unlabelled, or of ids that are no class of "
            f"{dataset.label_set.name} (0 to {len(dataset.label_set) - 1})"
        )
    return result


def spread(count: int, wanted: int) -> list[int]:
    """``wanted`` indices of ``count``, evenly spread; all of them where ``wanted`` is 0 or too large."""
    if wanted <= 0 or wanted >= count:
        return list(range(count))
    return [i * count // wanted for i in range(wanted)]


def worst(result: Evaluation, count: int) -> list[int]:
    """Positions (in the order of evaluation) of the ``count`` pictures with the lowest mIoU, worst first."""
    order = np.argsort(np.nan_to_num(result.pictures, nan=1.0), kind="stable")
    return [int(i) for i in order[:count]]


def write_pictures(
    folder: Path, indices: list[int], predict: Callable[[Image], Image], dataset: Dataset, degradation: Degradation | None = None
) -> None:
    """Write pictures ``indices`` of the data set as PNG: what the network saw, the truth, the prediction over it and alone."""
    import cv2

    label_set = dataset.label_set
    folder.mkdir(parents=True, exist_ok=True)
    for index in indices:
        image, truth = dataset[index]
        seen = degradation(image) if degradation else image
        predicted = predict(seen)
        panels = [seen, label_set.colourise(truth), label_set.overlay(seen, predicted, 0.3), label_set.colourise(predicted)]
        sheet = np.vstack([np.hstack(panels[:2]), np.hstack(panels[2:])])
        path = folder / f"{dataset.name.replace(' ', '_').replace(':', '-')}_{index:05d}.png"
        if not cv2.imwrite(str(path), sheet[..., ::-1]):
            raise OSError(f"cannot write {path}")
