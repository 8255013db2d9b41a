# SPDX-License-Identifier: Apache-2.0
"""The receiving half of the segmentation node without its network: receives and decodes every frame, sends its frame events, and throws
the picture away. A node of benchmarks/offload.py; takes the parameters of the decoder node."""

from __future__ import annotations

import sys

from plcv_ros.nodes.diagnostics import Status
from plcv_ros.nodes.node import FrameNode
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.strip_receiver import make_receiver


class ReceiverNode(FrameNode):
    """Decodes what arrives on ``input_topic`` over ``transport``."""

    def __init__(self) -> None:
        super().__init__("decoder")
        self._receiver = make_receiver(
            self,
            self.text("input_topic"),
            self.text("transport"),
            reliable=self.flag("reliable"),
            handle=lambda _header, _image: None,
            accept=lambda _header: True,
        )
        self._receiver.subscribe()

    def start(self) -> None:
        """Start the worker thread."""
        self._receiver.start()

    def stop(self) -> None:
        """End the worker thread."""
        self._receiver.stop()

    def status(self) -> Status:
        """The counters."""
        return Status(values=dict(vars(self._receiver.counters)))


if __name__ == "__main__":
    sys.exit(run("decoder", ReceiverNode))
