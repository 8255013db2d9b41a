# SPDX-License-Identifier: Apache-2.0
"""Curves of a run for TensorBoard, where that is installed."""

from __future__ import annotations

from pathlib import Path

from plcv_ros.training.run import Sample


class Board:
    """Writes what steps report as event files into a run's folder. Raises ValueError where TensorBoard is not installed."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ValueError(f"TensorBoard is not installed ({error}); install it with: pip install tensorboard") from error
        self._writer = SummaryWriter(str(folder))  # type: ignore[no-untyped-call]

    def __call__(self, sample: Sample) -> None:
        """Take a step's report."""
        self._writer.add_scalar("loss", sample.loss, sample.step)  # type: ignore[no-untyped-call]
        self._writer.add_scalar("rate", sample.rate, sample.step)  # type: ignore[no-untyped-call]
        for name, value in (sample.scores or {}).items():
            self._writer.add_scalar(f"score/{name}", value, sample.step)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()  # type: ignore[no-untyped-call]
