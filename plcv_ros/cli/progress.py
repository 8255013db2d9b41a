# SPDX-License-Identifier: Apache-2.0
"""Showing how a run goes: one live line in a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

Values = Mapping[str, Mapping[str, str]]

LINE_PERIOD_S = 2.0


class Progress(Protocol):
    """Where a run's progress is shown."""

    def say(self, text: str) -> None:
        """A sentence on what happens now."""

    def update(self, values: Values, frames: int) -> None:
        """The nodes' latest diagnostics; ``frames`` are planned, 0: it is not known how many."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def describe(values: Values) -> str:
    """Frames sent, received, segmented, and what is known of latency, bit rate and score."""
    # The counts are the latency node's: each node speaks once a second, and one node's counts fit together.
    camera, latency, evaluation = (values.get(name, {}) for name in ("camera", "latency", "evaluation"))
    parts = [f"sent {latency.get('published', '0')}, received {latency.get('received', '0')}, segmented {latency.get('segmented', '0')}"]
    if "total_p50_ms" in latency:
        parts.append(f"latency {float(latency['total_p50_ms']):.0f} ms")
    if float(camera.get("bits_per_pixel", 0)) > 0:
        parts.append(f"{float(camera['bits_per_pixel']):.2f} bit/px")
    miou = evaluation.get("miou", "")
    # A frame is scored before the latency node has heard of it; the two shall not contradict each other.
    if miou and miou not in {"nan", "None"} and latency.get("segmented", "0") != "0":
        parts.append(f"mIoU {100 * float(miou):.1f} %")
    return " · ".join(parts)


class LineProgress:
    """For logs: a line every two seconds."""

    def __init__(self) -> None:
        self._next = 0.0
        self._last = ""

    def say(self, text: str) -> None:
        """Print ``text``."""
        print(text, flush=True)

    def update(self, values: Values, frames: int) -> None:
        """Print a line where it is time and something is new."""
        line = describe(values)
        if time.monotonic() >= self._next and line != self._last and "camera" in values:
            self._next = time.monotonic() + LINE_PERIOD_S
            self._last = line
            print(line, flush=True)

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return


def done_column() -> Any:
    """``3/10`` beside a bar, ``3/?`` where the total is not known. (rich before 12, as Ubuntu 22.04 has it, brings no such column.)"""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class DoneColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            total = "?" if task.total is None else f"{task.total:.0f}"
            return Text(f"{task.completed:{len(total)}.0f}/{total}", style="progress.download")

    return DoneColumn()


class LiveProgress:
    """For terminals: a bar, and the figures below it, updated in place."""

    def __init__(self) -> None:
        from rich.live import Live
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar
        from rich.table import Table
        from rich.text import Text

        self._bar = Bar(SpinnerColumn(), BarColumn(bar_width=40), done_column(), TextColumn("frames captured"), TimeElapsedColumn())
        self._text = Text(no_wrap=True, overflow="ellipsis")
        self._task: Any = None
        both = Table.grid()
        both.add_row(self._bar)
        both.add_row(self._text)
        self._live = Live(both, refresh_per_second=8)

    def say(self, text: str) -> None:
        """Print ``text`` above the bar."""
        self._live.console.print(text, highlight=False)

    def update(self, values: Values, frames: int) -> None:
        """Move the bar to the frames captured."""
        if self._task is None:
            self._task = self._bar.add_task("", total=frames or None)
        captured = int(values.get("camera", {}).get("captured", 0))
        self._bar.update(self._task, completed=captured, total=max(frames, captured) if frames else None)
        self._text.plain = describe(values)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()
