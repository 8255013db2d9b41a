# SPDX-License-Identifier: Apache-2.0
"""The remote computer of benchmarks/link.py: receives and decodes frames or strips and writes down when each was there, and which rows of it.

A node with the parameters of the decoder node; the CSV file is named by PLCV_RECORD. Lines: stamp in ns, time of the decoded picture in ns,
rows that are concealed as ``first-last`` pairs.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.nodes.conversion import to_ns
from plcv_ros.nodes.diagnostics import Status
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.receiver import Received
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.strip_receiver import make_receiver

HEADER = ("stamp_ns", "decoded_ns", "missing_rows")


def ranges(missing: npt.NDArray[np.bool_]) -> str:
    """True runs of a (H,) bool array as text: ``24-31 64-71``, both ends included."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    return " ".join(f"{first}-{end - 1}" for first, end in zip(edges[::2], edges[1::2]))


def write(path: Path, rows: list[tuple[int, int, str]]) -> None:
    """The CSV file that benchmarks/link.py reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)


class RecorderNode(FrameNode):
    """Writes the file when it ends."""

    def __init__(self) -> None:
        super().__init__("decoder")
        self._rows: list[tuple[int, int, str]] = []
        self._receiver = make_receiver(
            self,
            self.text("input_topic"),
            self.text("transport"),
            reliable=self.flag("reliable"),
            handle=self._note,
            accept=lambda _header: True,
        )
        self._receiver.subscribe()

    def start(self) -> None:
        """Start the worker thread."""
        self._receiver.start()

    def _note(self, header: Any, received: Received) -> None:
        missing = "" if received.missing_rows is None else ranges(received.missing_rows)
        self._rows.append((to_ns(header.stamp), time.time_ns(), missing))

    def stop(self) -> None:
        """Write the file."""
        self._receiver.stop()
        write(Path(os.environ["PLCV_RECORD"]), self._rows)

    def status(self) -> Status:
        """The counters."""
        return Status(values=self._receiver.values())


if __name__ == "__main__":
    sys.exit(run("decoder", RecorderNode))
