# SPDX-License-Identifier: Apache-2.0
"""What all figures of a combination of benchmarks/link.py begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Combined:
    """Which combination it is: way of coding, whole frames or strips, QoS, and the link (Mbit/s, ms one way, share of packets lost)."""

    sender: str
    mode: str
    qos: str
    rate: float
    delay_ms: float
    loss: float

    @property
    def key(self) -> tuple[Any, ...]:
        """What names the combination."""
        return (self.sender, self.mode, self.qos, self.rate, self.delay_ms, self.loss)
