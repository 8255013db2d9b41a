# SPDX-License-Identifier: Apache-2.0
"""Segmentation as a task of the training loop."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from plcv_ros.perception.checkpoint import Checkpoint
from plcv_ros.perception.predictor import Predictor
from plcv_ros.training import loop
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import Degradation
from plcv_ros.training.evaluate import evaluate
from plcv_ros.training.losses import class_weights, segmentation_loss
from plcv_ros.training.settings import Settings


def _loss(settings: Settings, answer: tuple[Tensor, Tensor], labels: Tensor, weights: Tensor) -> Tensor:
    return segmentation_loss(answer, labels, weights, settings.overlap, settings.auxiliary)


def _score(checkpoint: Checkpoint, device: str, dataset: Dataset, codec: Degradation) -> float:
    return evaluate(Predictor(checkpoint, device).predict, dataset, codec).matrix.miou()


SEGMENTATION = loop.Task(
    name="segmentation",
    augment=lambda settings, image, labels, random: settings.augmentation(image, labels, random),
    loss=_loss,
    weigh=class_weights,
    score=_score,
)

train = partial(loop.train, SEGMENTATION)
"""Train a segmentation network: :func:`plcv_ros.training.loop.train`."""
