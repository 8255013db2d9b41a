# SPDX-License-Identifier: Apache-2.0
"""Scores of benchmarks/loss_accuracy.py, kept as CSV for the table and the picture of benchmarks/link.py."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Accuracy:
    """mIoU (0 to 1) of one combination on ``data`` (scenes or camvid) with ``network``; ``rows_lost``: share of the 1080p rows."""

    sender: str
    mode: str
    qos: str
    rate: float
    delay_ms: float
    loss: float
    data: str
    network: str
    frames: int
    rows_lost: float
    miou_clean: float
    miou_delivered: float

    @property
    def key(self) -> tuple[Any, ...]:
        """What names the combination and the data."""
        return (self.sender, self.mode, self.qos, self.rate, self.delay_ms, self.loss, self.data)


def read(path: Path) -> list[Accuracy]:
    """The scores in ``path``; none where it is missing."""
    if not path.exists():
        return []
    kinds = {f.name: {"str": str, "int": int, "float": float}[str(f.type)] for f in dataclasses.fields(Accuracy)}
    with path.open(newline="", encoding="utf-8") as file:
        return [Accuracy(**{name: kinds[name](value) for name, value in line.items()}) for line in csv.DictReader(file)]


def write(path: Path, scores: list[Accuracy]) -> None:
    """Write them, in the order of links and senders."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in dataclasses.fields(Accuracy)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(s) for s in sorted(scores, key=lambda s: (s.rate, s.delay_ms, s.loss, s.sender, s.mode, s.qos, s.data)))
