# SPDX-License-Identifier: Apache-2.0
"""What the training commands share: stopping at a signal, and a bar in a terminal with a line for every epoch."""

from __future__ import annotations

import signal
from collections import deque
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from plcv_ros.cli.progress import done_column

if TYPE_CHECKING:
    from plcv_ros.training.run import Sample


class Stopping:
    """While entered, the first Ctrl-C or SIGTERM sets a flag instead of ending the process: training saves its state then."""

    def __init__(self) -> None:
        self.asked = False
        self._previous: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.asked

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True

    def __enter__(self) -> Stopping:
        self._previous = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


class TrainingProgress:
    """A live bar with steps, loss and times; finished epochs as lines above it. In a log, the lines alone."""

    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            done_column(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._console = console
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None, loss=float("nan"))
        self._losses: deque[float] = deque(maxlen=50)
        self._epoch: tuple[str, int] | None = None

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, sample: Sample, name: str = "") -> None:
        """Take a step's report; ``name`` is that of the run, where there are several."""
        prefix = f"{name} " if name else ""
        if self._epoch is None or self._epoch[0] != name:
            self._losses.clear()
            self._bar.reset(self._task)
            self._epoch = (name, sample.epoch)
        self._losses.append(sample.loss)
        mean = sum(self._losses) / len(self._losses)
        self._bar.update(self._task, total=sample.steps, completed=sample.step, description=f"{prefix}epoch {sample.epoch}", loss=mean)
        if self._epoch[1] != sample.epoch:
            self._epoch = (name, sample.epoch)
            scores = "".join(f"   {key} {value:.1%}" for key, value in (sample.scores or {}).items())
            self._console.print(f"{prefix}epoch {sample.epoch}   step {sample.step}/{sample.steps}   loss {mean:.3f}{scores}", highlight=False)
