# SPDX-License-Identifier: Apache-2.0
"""What the figures of benchmarks/link.py are measured by, and whether they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

STRIP_PACKETS = 4

EQUAL_RATE = {
    100.0: (("astc_12x12", "jxs_0.89"), ("jpeg_0.89", "h264_0.89")),
    1000.0: (("astc_8x8", "jxs_2.0"), ("jpeg_2.0", "h264_2.0")),
}
"""Link in Mbit/s -> our senders, and those that they are measured by: the same bits per pixel, whole frames, best effort, no loss."""


def verdicts(rows: Sequence[Any], scores: Sequence[Any]) -> list[str]:
    """One line a goal that can be judged by ``rows`` (Row of link.py) and ``scores`` (Accuracy): met or not met, and by what."""
    found = {r.key: r for r in rows}

    def row(sender: str, mode: str, qos: str, loss: float, rate: float = 100.0) -> Any:
        return found.get((sender, mode, qos, rate, 2.0, loss))

    lines: list[str] = []

    def judge(text: str, value: str, met: bool) -> None:
        lines.append(f"{'met' if met else 'NOT MET'}: {text}: {value}")

    for mode in ("whole", "strips"):
        if (r := row("astc_12x12", mode, "best effort", 0.0)) is not None:
            judge(f"100 Mbit/s, no loss, 12x12 {mode}: p50 added at most 3 ms", f"{r.added_p50:.2f} ms", r.added_p50 <= 3)
    for mode, how in (("whole", "TCP"), ("strips", "lost strips asked for again")):
        if (r := row("astc_12x12", mode, "reliable", 0.01)) is not None:
            judge(f"1 % loss, reliable ({how}): every frame whole", f"{r.whole} of {r.frames}", r.whole == r.frames)
            judge(f"1 % loss, reliable ({how}): p99 added under 22 ms", f"{r.added_p99:.1f} ms", r.added_p99 < 22)
    if (r := row("astc_12x12", "strips", "best effort", 0.01)) is not None:
        share = (1 - r.packets_lost) ** STRIP_PACKETS - 0.01
        judge(f"1 % loss, strips: share of rows at least {100 * share:.1f} %", f"{100 * r.strips_share:.1f} %", r.strips_share >= share)
        judge("1 % loss, strips: p99 added under 10 ms", f"{r.added_p99:.1f} ms", r.added_p99 < 10)
    for s in scores:
        if (s.sender, s.mode, s.qos, s.rate, s.loss) == ("astc_12x12", "strips", "best effort", 100.0, 0.01):
            cost = 100 * (s.miou_clean - s.miou_delivered)
            judge(f"1 % loss, strips, {s.data}: at most 2 pp of mIoU lost", f"{cost:.2f} pp", cost <= 2)
    for rate, (ours, others) in EQUAL_RATE.items():
        for mine in ours:
            for other in others:
                a, b = row(mine, "whole", "best effort", 0.0, rate), row(other, "whole", "best effort", 0.0, rate)
                if a is not None and b is not None:
                    value = f"{a.p50:.1f} / {a.p99:.1f} against {b.p50:.1f} / {b.p99:.1f} ms"
                    judge(f"{rate:g} Mbit/s, {mine} before {other} at p50 and p99", value, a.p50 < b.p50 and a.p99 < b.p99)
    return lines
