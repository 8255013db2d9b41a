# SPDX-License-Identifier: Apache-2.0
"""Scores of a segmentation. numpy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plcv_ros.labels import IGNORE_INDEX, LabelSet


class ConfusionMatrix:
    """Counts pixels by true class (row) and predicted class (column); pixels whose truth is :data:`IGNORE_INDEX` do not count.

    ``counts`` is (C, C + 1) int64: the last column holds pixels predicted as no class at all (255 or an id beyond the label set),
    which are errors of the true class.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self.label_set = label_set
        self.counts: npt.NDArray[np.int64] = np.zeros((len(label_set), len(label_set) + 1), np.int64)

    def update(self, truth: npt.NDArray[np.uint8], predicted: npt.NDArray[np.uint8]) -> None:
        """Add one picture: two (H, W) uint8 class id images. Raises ValueError where shapes differ or the truth has an unknown id."""
        if truth.shape != predicted.shape:
            raise ValueError(f"label images differ in shape: truth {truth.shape}, predicted {predicted.shape}")
        classes = len(self.label_set)
        known = truth != IGNORE_INDEX
        rows = truth[known].astype(np.int64)
        if rows.size and int(rows.max()) >= classes:
            raise ValueError(f"true class id {int(rows.max())}: label set {self.label_set.name!r} has ids 0 to {classes - 1}")
        columns = np.minimum(predicted[known], classes).astype(np.int64)
        self.counts += np.bincount(rows * (classes + 1) + columns, minlength=self.counts.size).reshape(self.counts.shape)

    def iou(self) -> npt.NDArray[np.float64]:
        """(C,) intersection over union of every class; NaN for a class that is neither in the truth nor predicted."""
        hits = np.diag(self.counts).astype(np.float64)
        union = self.unions()
        iou = np.full(len(hits), np.nan)
        np.divide(hits, union, out=iou, where=union > 0)
        return iou

    def unions(self) -> npt.NDArray[np.int64]:
        """(C,) pixels that are of a class or predicted as it; IoU is the diagonal of ``counts`` divided by this."""
        unions: npt.NDArray[np.int64] = self.counts.sum(1) + self.counts[:, :-1].sum(0) - np.diag(self.counts)
        return unions

    def miou(self) -> float:
        """Mean of :meth:`iou` over the classes that occur, 0..1; NaN where nothing was counted."""
        iou = self.iou()
        return float(np.nanmean(iou)) if np.isfinite(iou).any() else float("nan")

    def pixel_accuracy(self) -> float:
        """Share of labelled pixels with the right class, 0..1; NaN where nothing was counted."""
        total = int(self.counts.sum())
        return float(np.trace(self.counts)) / total if total else float("nan")

    def share(self) -> npt.NDArray[np.float64]:
        """(C,) share of each class in the labelled pixels of the truth, 0..1."""
        share: npt.NDArray[np.float64] = self.counts.sum(1) / max(int(self.counts.sum()), 1)
        return share
