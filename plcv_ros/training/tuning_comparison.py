# SPDX-License-Identifier: Apache-2.0
"""Tuned weights against the encoder's own: loss at the same rate, and the rate at which the encoder's own lose as little."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from plcv_ros.codecs.jpegxs.weights import Weights
from plcv_ros.training.results import Difference, paired_difference
from plcv_ros.training.tuning import Loss, Objective, TuningSettings, encoder

COMPARISON = "comparison.csv"

ORIGINAL, DEFAULT, TUNED = "original", "default", "tuned"


@dataclass(frozen=True)
class Comparison:
    """Losses on one data set: without a codec, by the encoder's own weights at every rate asked for (the first is that of the search), and
    by the tuned ones at the first rate. ``gain`` is the mIoU of the tuned over that of the default weights there, in percentage points."""

    data: str
    original: Loss
    default: list[Loss]
    tuned: Loss
    gain: Difference

    def equal_rates(self) -> tuple[float | None, float | None]:
        """Bits per pixel at which the default weights have the divergence, and the mIoU, of the tuned ones; None beyond the rates measured."""
        rates = [loss.bits_per_pixel for loss in self.default]
        return (
            crossing(rates, [-math.log(max(loss.divergence, 1e-12)) for loss in self.default], -math.log(max(self.tuned.divergence, 1e-12))),
            crossing(rates, [loss.miou for loss in self.default], self.tuned.miou),
        )

    def rows(self) -> list[dict[str, Any]]:
        """Flat figures, a row for each loss; ``miou_gain`` with its interval stands in that of the tuned weights."""
        losses = [(ORIGINAL, self.original), *((DEFAULT, loss) for loss in self.default), (TUNED, self.tuned)]
        return [
            {
                "data": self.data,
                "weights": name,
                "pictures": len(loss.counts.hits),
                "bits_per_pixel": round(loss.bits_per_pixel, 4),
                "psnr": round(loss.psnr, 3) if np.isfinite(loss.psnr) else "",
                "divergence": round(loss.divergence, 6),
                "cross_entropy": round(loss.cross_entropy, 6),
                "miou": round(loss.miou, 5),
                **{f"miou_gain{part}": round(value, 3) if name == TUNED else "" for part, value in self._gain()},
            }
            for name, loss in losses
        ]

    def _gain(self) -> list[tuple[str, float]]:
        return [("", self.gain.mean), ("_low", self.gain.low), ("_high", self.gain.high)]


def crossing(rates: Sequence[float], scores: Sequence[float], wanted: float) -> float | None:
    """Where straight lines through (rates, scores), rates rising, first reach ``wanted``; None where they stay below, or start above it."""
    for (before, low), (after, high) in pairwise(zip(rates, scores)):
        if low <= wanted <= high:
            return before if high == low else before + (after - before) * (wanted - low) / (high - low)
    return None


def compare(
    objective: Objective,
    data: str,
    settings: TuningSettings,
    default: Weights,
    tuned: Weights,
    rates: Sequence[float] = (),
    progress: Callable[[], None] | None = None,
) -> Comparison:
    """Measure both weights on the objective's pictures, ``data`` by name, at the rate of the search; the default ones at ``rates`` as well."""
    first = float(settings.options["bpp"])
    chosen = [first, *sorted(rate for rate in set(rates) if rate > first)]
    original = objective(None, progress)
    losses = [objective(encoder(replace(settings, options={**settings.options, "bpp": rate}), default), progress) for rate in chosen]
    found = objective(encoder(settings, tuned), progress)
    return Comparison(data, original, losses, found, paired_difference([found.counts], [losses[0].counts]))


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write ``comparison.csv`` in ``folder``; what it has of the same data is replaced. Returns its path."""
    path = folder / COMPARISON
    rows = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["data"] != comparison.data]
    rows += comparison.rows()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(comparison.rows()[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
