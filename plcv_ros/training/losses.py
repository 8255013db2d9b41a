# SPDX-License-Identifier: Apache-2.0
"""Losses of segmentation and distillation, and the class weights of the cross-entropy."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from plcv_ros.labels import IGNORE_INDEX, LabelSet
from plcv_ros.perception.networks import resize_scores
from plcv_ros.training.datasets import Dataset


def segmentation_loss(scores: tuple[Tensor, Tensor], labels: Tensor, weights: Tensor, overlap: float, auxiliary: float) -> Tensor:
    """Cross-entropy with class weights at full resolution, soft Jaccard, and cross-entropy of the auxiliary scores.

    ``scores`` are the main ones (N, C, H/2, W/2) and auxiliary ones at a coarser stride; ``labels`` (N, H, W) int64; ``weights`` (C,);
    ``overlap`` and ``auxiliary`` are the weights of the second and third part.
    """
    main, coarse = scores
    height, width = labels.shape[-2:]
    full = resize_scores(main, height, width)
    # All pixels of a batch may be unlabelled (small crops): the mean over none would be NaN.
    known = (labels != IGNORE_INDEX).sum().clamp_min(1)
    total = functional.cross_entropy(full, labels, weights, ignore_index=IGNORE_INDEX, reduction="sum") / known
    halved = labels[:, ::2, ::2]
    if overlap:
        # At the resolution of the scores: a sum over regions gains nothing from interpolated pixels, and takes a quarter of the time.
        total = total + overlap * soft_jaccard(main, halved)
    if auxiliary:
        resized = functional.interpolate(coarse, size=halved.shape[-2:], mode="bilinear", align_corners=False)
        side = functional.cross_entropy(resized, halved, weights, ignore_index=IGNORE_INDEX, reduction="sum")
        total = total + auxiliary * side / (known / 4)
    return total


def soft_jaccard(scores: Tensor, labels: Tensor) -> Tensor:
    """One minus the mean, over the classes in the batch, of the intersection over union of probabilities and truth."""
    known = (labels != IGNORE_INDEX).unsqueeze(1)
    probabilities = scores.softmax(1) * known
    truth = torch.zeros_like(probabilities).scatter_(1, labels.unsqueeze(1).clamp_max(scores.shape[1] - 1), 1.0) * known
    shared = (probabilities * truth).sum((0, 2, 3))
    actual = truth.sum((0, 2, 3))
    union = probabilities.sum((0, 2, 3)) + actual - shared
    present = actual > 0
    return 1 - (shared[present] / union[present]).mean() if bool(present.any()) else scores.sum() * 0


def distillation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Cross-entropy of the student's probabilities against the teacher's, less the teacher's own entropy (Kullback-Leibler divergence).

    Both are scores (N, C, ...), classes on axis 1; the mean is over all other axes. Hinton, Vinyals, Dean, 2015, at temperature 1.
    """
    told = functional.log_softmax(teacher, 1)
    return functional.kl_div(functional.log_softmax(student, 1), told, reduction="sum", log_target=True) * student.shape[1] / student.numel()


def class_weights(datasets: list[Dataset], label_set: LabelSet, pictures: int = 60) -> Tensor:
    """(C,) float32: square root of inverse frequency, the mean weight of a labelled pixel being 1; estimated on some pictures of each set."""
    frequency = np.zeros(len(label_set))
    for dataset in datasets:
        counts = np.zeros(256)
        for index in range(0, len(dataset), max(len(dataset) // pictures, 1)):
            counts += np.bincount(dataset[index][1].ravel(), minlength=256)
        frequency += counts[: len(label_set)] / max(counts[: len(label_set)].sum(), 1) * len(dataset) * dataset.share
    frequency /= frequency.sum()
    weights = 1 / np.sqrt(np.maximum(frequency, 1e-3))
    return torch.from_numpy((weights / (weights * frequency).sum()).astype(np.float32))
