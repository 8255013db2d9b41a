# SPDX-License-Identifier: Apache-2.0
"""Classification as a task of the training loop, and the top-1 score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from plcv_ros.labels import LabelSet
from plcv_ros.perception.checkpoint import Checkpoint
from plcv_ros.perception.classifier import Classifier
from plcv_ros.training import loop
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import Degradation, parse_degradation, psnr
from plcv_ros.training.evaluate import spread
from plcv_ros.training.settings import Settings

Image = npt.NDArray[np.uint8]

SMOOTHING = 0.1
"""Label smoothing of the cross-entropy (Szegedy et al., CVPR 2016)."""


@dataclass
class Top1:
    """The outcome of :func:`evaluate_classes`: what every picture is (``truths``), was taken for (``predicted``), and cost."""

    label_set: LabelSet
    truths: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    bits_per_pixel: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Pixels of every picture, by which its bits per pixel weigh in the mean."""

    def hits(self) -> npt.NDArray[np.int64]:
        """(pictures,) 1 where the class is right, else 0."""
        hits: npt.NDArray[np.int64] = (np.array(self.truths) == np.array(self.predicted)).astype(np.int64)
        return hits

    name = "top-1"

    def score(self) -> float:
        """Share of pictures whose class is right, 0..1."""
        return float(self.hits().mean())

    def by_class(self) -> list[tuple[str, float, float]]:
        """Of every class its name, share of the pictures, and recall (NaN where there is none of it)."""
        truths, hits = np.array(self.truths), self.hits()
        own = [(name, hits[truths == i]) for i, name in enumerate(self.label_set.classes)]
        return [(name, len(h) / len(truths), float(h.mean()) if h.size else float("nan")) for name, h in own]

    def details(self) -> dict[str, Any]:
        """What is not in :meth:`row`, as plain data: true and predicted class ids."""
        return {"truths": self.truths, "predicted": self.predicted}

    def row(self) -> dict[str, Any]:
        """Flat figures: pictures, bits_per_pixel, psnr (dB; empty without a codec), top1 and ``recall_<class>``, shares of 1."""
        truths, hits, mean_psnr = np.array(self.truths), self.hits(), float(np.mean(self.psnr))
        recall = {
            f"recall_{name}": round(float(hits[truths == i].mean()), 5) if (truths == i).any() else ""
            for i, name in enumerate(self.label_set.classes)
        }
        return {
            "pictures": len(self.truths),
            "bits_per_pixel": round(float(np.average(self.bits_per_pixel, weights=self.sizes)), 4),
            "psnr": round(mean_psnr, 3) if np.isfinite(mean_psnr) else "",
            "top1": round(self.score(), 5),
            **recall,
        }


def evaluate_classes(
    predict: Callable[[Image], int],
    dataset: Dataset,
    degradation: Degradation | None = None,
    limit: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Top1:
    """Score ``predict`` (rgb8 -> class id) on ``dataset``; ``limit`` above 0 takes that many pictures, evenly spread."""
    degradation = degradation or parse_degradation("original")
    indices = spread(len(dataset), limit)
    result = Top1(dataset.label_set)
    for done, index in enumerate(indices):
        image, truth = dataset[index]
        seen = degradation.see(image)
        result.truths.append(int(truth))
        result.predicted.append(predict(seen.image))
        result.bits_per_pixel.append(seen.bits_per_pixel())
        result.sizes.append(image.shape[0] * image.shape[1])
        result.psnr.append(psnr(image, seen.image))
        if progress:
            progress(done + 1, len(indices))
    return result


def _augment(settings: Settings, image: Image, truth: int, random: np.random.Generator) -> tuple[Image, int]:
    # The crop of a small picture is filled up by its mirror image; there are no pixel labels to keep in step.
    return settings.augmentation(image, np.zeros(image.shape[:2], np.uint8), random)[0], truth


def _loss(settings: Settings, answer: Tensor, truths: Tensor, weights: Tensor) -> Tensor:
    del settings
    return functional.cross_entropy(answer, truths, weights, label_smoothing=SMOOTHING)


def _weigh(datasets: list[Dataset], label_set: LabelSet) -> Tensor:
    del datasets
    return torch.ones(len(label_set))


def _score(checkpoint: Checkpoint, device: str, dataset: Dataset, codec: Degradation) -> float:
    return evaluate_classes(Classifier(checkpoint, device).predict, dataset, codec).score()


CLASSIFICATION = loop.Task(name="classification", augment=_augment, loss=_loss, weigh=_weigh, score=_score)

train = partial(loop.train, CLASSIFICATION)
"""Train a classification network: :func:`plcv_ros.training.loop.train`."""


def default_settings() -> Settings:
    """The recipe for classification: pictures of 160 pixels, batches of 32, and crops that keep most of the picture."""
    base = Settings()
    return replace(
        base,
        architecture="espnetv2_classifier",
        arguments={"scale": 2.0, "width": 512},
        epochs=30,
        batch=32,
        augmentation=replace(base.augmentation, crop=160, zoom=(0.8, 1.4), rotation=8.0),
    )
