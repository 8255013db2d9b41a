# SPDX-License-Identifier: Apache-2.0
"""Scores as files, and what is computed from them: losses against the control, paired by seed, with bootstrap intervals. numpy only.

A results folder holds, for every run (one training with one seed), ``<run>.csv``, a row for each test, ``<run>.pictures.csv.gz``, a
row for each test and picture with the counts that scores are sums of, and ``<run>.training.csv``, the course of the training. Each run
has files of its own, so runs in parallel never meet.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

KEYS = ("run", "trained_on", "seed", "data", "tested_on")
"""First columns of every row: the run, its codecs and seed; the test data and the codec it went through."""

PICTURES = ".pictures.csv.gz"
TRAINING = ".training.csv"


@dataclass(frozen=True)
class Counts:
    """What a score is a ratio of, picture by picture: ``hits`` and ``totals`` are (pictures, C) int64.

    Segmentation: intersection and union of every class, in pixels. Classification: C = 1, right or not, and 1.
    """

    hits: npt.NDArray[np.int64]
    totals: npt.NDArray[np.int64]

    def score(self, weights: npt.NDArray[Any] | None = None) -> npt.NDArray[np.float64]:
        """(S,) mean over the classes of summed hits over summed totals, 0..1, for (S, pictures) weights; of all pictures once by default."""
        chosen = np.ones((1, len(self.hits))) if weights is None else weights
        hits, totals = chosen @ self.hits, chosen @ self.totals
        ratios = np.full(hits.shape, np.nan)
        np.divide(hits, totals, out=ratios, where=totals > 0)
        score: npt.NDArray[np.float64] = np.nanmean(ratios, 1)
        return score


@dataclass(frozen=True)
class Difference:
    """Mean over the seeds of control minus other, in percentage points, or of a score, in %, and a 95 % interval over the test pictures."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"

    def precise(self) -> str:
        """With a decimal more, for what is compared with a limit."""
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def concatenated(counts: Sequence[Counts]) -> Counts:
    """Several tests as one over all their pictures."""
    return Counts(np.concatenate([c.hits for c in counts]), np.concatenate([c.totals for c in counts]))


def paired_difference(control: Sequence[Counts], other: Sequence[Counts], samples: int = 2000, seed: int = 0, seeds: int = 0) -> Difference:
    """``control[i]`` against ``other[i]`` (equal seeds, equal pictures): percentile bootstrap, the same draw of pictures for all of them.

    ``seeds`` is what the outcome says of its runs, their number by default. Raises ValueError where the lists or the pictures do not match.
    """
    if not control or len(control) != len(other):
        raise ValueError(f"{len(control)} control runs and {len(other)} others: expected as many, in the order of their seeds")

    def differences(weights: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
        mean: npt.NDArray[np.float64] = 100 * np.mean([a.score(weights) - b.score(weights) for a, b in zip(control, other)], 0)
        return mean

    return _bootstrap(differences, [*control, *other], samples, seed, seeds or len(control))


def mean_score(counts: Sequence[Counts], samples: int = 2000, seed: int = 0, seeds: int = 0) -> Difference:
    """The mean score in % of one or more runs on equal pictures, with an interval as :func:`paired_difference` has it."""

    def scores(weights: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
        mean: npt.NDArray[np.float64] = 100 * np.mean([each.score(weights) for each in counts], 0)
        return mean

    return _bootstrap(scores, counts, samples, seed, seeds or len(counts))


def _bootstrap(
    values: Callable[[npt.NDArray[Any] | None], npt.NDArray[np.float64]], counts: Sequence[Counts], samples: int, seed: int, seeds: int
) -> Difference:
    """``values`` of the pictures as they are, and percentiles of it over draws of them (weights, (samples, pictures))."""
    pictures = {len(each.hits) for each in counts}
    if len(pictures) != 1:
        raise ValueError(f"runs were tested on different numbers of pictures: {sorted(pictures)}")
    count = pictures.pop()
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), samples)
    low, high = np.percentile(values(draws), [2.5, 97.5])
    return Difference(float(values(None)[0]), float(low), float(high), seeds)


def write_row(folder: Path, row: Mapping[str, Any], counts: Counts, names: Iterable[str]) -> None:
    """Add one test of a run: ``row`` starts with :data:`KEYS`; ``names`` are those of the columns of ``counts``. Replaces both files at once."""
    folder.mkdir(parents=True, exist_ok=True)
    run = str(row["run"])
    rows = [*read_run(folder, run), {key: str(value) for key, value in row.items()}]
    if list(rows[0]) != list(row):
        raise ValueError(f"{folder / run}.csv has other columns: {', '.join(rows[0])}")
    kept = read_counts(folder, run)
    kept[str(row["tested_on"])] = counts
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tested_on", "picture", *(f"{kind}_{name}" for kind in ("hits", "total") for name in names)])
    for tested_on, entry in kept.items():
        writer.writerows([tested_on, i, *h.tolist(), *t.tolist()] for i, (h, t) in enumerate(zip(entry.hits, entry.totals)))
    # Without a time stamp, so that equal scores are equal files.
    _replace(folder / f"{run}{PICTURES}", gzip.compress(text.getvalue().encode(), mtime=0))
    text = io.StringIO()
    table = csv.DictWriter(text, list(row), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    _replace(folder / f"{run}.csv", text.getvalue().encode())


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


def read_run(folder: Path, run: str) -> list[dict[str, str]]:
    """The rows of a run, in the order they were written; none where there is no file."""
    path = folder / f"{run}.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_counts(folder: Path, run: str) -> dict[str, Counts]:
    """Codec of the test -> counts of a run; empty where there is no file."""
    path = folder / f"{run}{PICTURES}"
    if not path.is_file():
        return {}
    rows: dict[str, list[list[int]]] = {}
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        for tested_on, _picture, *values in reader:
            rows.setdefault(tested_on, []).append([int(value) for value in values])
    arrays = {tested_on: np.array(values, np.int64) for tested_on, values in rows.items()}
    return {tested_on: Counts(a[:, : a.shape[1] // 2], a[:, a.shape[1] // 2 :]) for tested_on, a in arrays.items()}
