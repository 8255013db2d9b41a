# SPDX-License-Identifier: Apache-2.0
"""ConfusionMatrix against a count by hand, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from plcv_ros.labels import CAMVID, IGNORE_INDEX, LabelSet
from plcv_ros.perception.metrics import ConfusionMatrix

THREE = LabelSet("three", ("a", "b", "c"), ((0, 0, 0), (1, 1, 1), (2, 2, 2)))


def by_hand(truth: np.ndarray, predicted: np.ndarray, classes: int) -> list[float]:
    iou = []
    for c in range(classes):
        known = truth != IGNORE_INDEX
        inter = sum(1 for t, p, k in zip(truth.flat, predicted.flat, known.flat) if k and t == c and p == c)
        union = sum(1 for t, p, k in zip(truth.flat, predicted.flat, known.flat) if k and (t == c or p == c))
        iou.append(inter / union if union else float("nan"))
    return iou


@pytest.mark.parametrize("seed", range(6))
def test_against_a_count_by_hand(seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = ConfusionMatrix(THREE)
    truths, guesses = [], []
    for _ in range(3):
        truth = random.choice(np.array([0, 1, 2, IGNORE_INDEX], np.uint8), (7, 9), p=[0.5, 0.2, 0.1, 0.2])
        predicted = random.choice(np.array([0, 1, 2, 3, IGNORE_INDEX], np.uint8), (7, 9))
        matrix.update(truth, predicted)
        truths.append(truth)
        guesses.append(predicted)
    truth, predicted = np.stack(truths), np.stack(guesses)
    expected = by_hand(truth, predicted, 3)
    np.testing.assert_allclose(matrix.iou(), expected)
    assert matrix.miou() == pytest.approx(np.nanmean(expected))
    known = truth != IGNORE_INDEX
    assert matrix.pixel_accuracy() == pytest.approx(float((truth == predicted)[known].mean()))
    np.testing.assert_allclose(matrix.share(), [(truth == c).sum() / known.sum() for c in range(3)])


def test_perfect_and_absent_classes() -> None:
    matrix = ConfusionMatrix(CAMVID)
    truth = np.array([[0, 1, IGNORE_INDEX]], np.uint8)
    matrix.update(truth, np.array([[0, 1, 5]], np.uint8))
    assert matrix.miou() == 1
    assert np.isnan(matrix.iou()[5])


def test_nothing_counted() -> None:
    matrix = ConfusionMatrix(CAMVID)
    matrix.update(np.full((2, 2), IGNORE_INDEX, np.uint8), np.zeros((2, 2), np.uint8))
    assert np.isnan(matrix.miou())
    assert np.isnan(matrix.pixel_accuracy())


def test_refusals() -> None:
    matrix = ConfusionMatrix(THREE)
    with pytest.raises(ValueError, match="shape"):
        matrix.update(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
    with pytest.raises(ValueError, match="class id 3"):
        matrix.update(np.full((2, 2), 3, np.uint8), np.zeros((2, 2), np.uint8))
