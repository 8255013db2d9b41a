# SPDX-License-Identifier: Apache-2.0
"""Scores of benchmarks/loss_accuracy.py, kept as CSV for the table and the picture of benchmarks/link.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from links.combined import Combined


@dataclass(frozen=True)
class Accuracy(Combined):
    """mIoU (0 to 1) of one combination on ``data`` (scenes or camvid) with ``network``; ``rows_lost``: share of the 1080p rows."""

    data: str
    network: str
    frames: int
    rows_lost: float
    miou_clean: float
    miou_delivered: float

    @property
    def place(self) -> tuple[Any, ...]:
        """What names the combination and the data; sorted by it, scores stand in the order of links and senders."""
        return (self.rate, self.delay_ms, self.loss, self.sender, self.mode, self.qos, self.data)
