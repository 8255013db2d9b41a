# SPDX-License-Identifier: Apache-2.0
"""Curves of runs for TensorBoard, where that is installed."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from plcv_ros.training.run import Sample


class Boards:
    """Writes what steps report as event files, while entered: those of a run into ``folder``, those of several into its folders of their names.

    ``enabled`` False: writes nothing. Raises ValueError where TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path, enabled: bool) -> None:
        self._folder = folder
        self._name = ""
        self._writer: Any = None
        self._make: Any = None
        if enabled:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise ValueError(f"TensorBoard is not installed ({error}); install it with: pip install tensorboard") from error
            self._make = SummaryWriter

    def __call__(self, sample: Sample, name: str = "") -> None:
        """Take a step's report; ``name`` is that of the run, where there are several."""
        if self._make is None:
            return
        if self._writer is None or name != self._name:
            # A table trains one run after the other.
            self.close()
            self._name, self._writer = name, self._make(str(self._folder / name))
        self._writer.add_scalar("loss", sample.loss, sample.step)
        self._writer.add_scalar("rate", sample.rate, sample.step)
        for score, value in (sample.scores or {}).items():
            self._writer.add_scalar(f"score/{score}", value, sample.step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def __enter__(self) -> Boards:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
