# SPDX-License-Identifier: Apache-2.0
"""The segmentation node: decodes frames in its own process, predicts, publishes labels, an overlay and the class table, for one camera or many.

The executor's thread keeps the newest payload of each camera, and a worker a camera decodes it and predicts (torch lets the other threads run
meanwhile). The frames of several cameras go through the network together, see :mod:`plcv_ros.perception.batching`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

from plcv_ros.nodes import diagnostics
from plcv_ros.nodes.checkpoint_changes import CheckpointChanges
from plcv_ros.nodes.node import FrameNode, NodeError
from plcv_ros.nodes.parameters import ParameterError
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.segmentation_stream import SegmentationStream
from plcv_ros.requirements import explain

WARMUP_SIZE = (360, 640)


class SegmentationNode(FrameNode):
    """Publishes ``~/labels`` (mono8 class ids, the frame's header), ``~/overlay`` while somebody looks, ``~/classes`` and ``~/label_info``; with
    several ``cameras`` the same for each, in the camera's namespace."""

    stop_limit_s = 20.0
    """A pass of a large network on a CPU takes seconds, and cannot be interrupted."""

    result_event = "labels_published"

    def __init__(self) -> None:
        super().__init__("segmentation")
        self._networks = self._load()
        label_set = self._networks.label_set
        cameras = self._cameras()
        self._batcher: Any = None
        if cameras:
            from plcv_ros.perception.batching import Batcher

            self._batcher = Batcher(self._networks[self._networks.default].predict_batch, self.integer("max_batch"))
        changes = CheckpointChanges(self)
        self._streams = [SegmentationStream(self, camera, self._networks, self._predict, changes) for camera in cameras or [""]]
        self._meter = diagnostics.Meter()
        start = time.monotonic()
        self._networks.warmup(*WARMUP_SIZE)
        if self._batcher is not None:
            self._batcher.warmup(*WARMUP_SIZE)
        warmup_s = time.monotonic() - start
        for stream in self._streams:
            stream.receiver.subscribe()
        ready = f" ({', '.join(self._networks)})" if len(self._networks) > 1 else ""
        self.get_logger().info(
            f"{self.text('checkpoint')}{ready}: {len(label_set)} classes ({label_set.name}) on {self._networks.device}, "
            f"warmed up in {warmup_s:.1f} s; waiting for frames on {', '.join(stream.receiver.topic for stream in self._streams)}"
        )

    def _predict(self, image: Any, network: str, deadline: float, expires: float) -> Any:
        predictor = self._networks[network]
        return self._batcher.predict(image, deadline, expires, predictor.predict_batch) if self._batcher else predictor.predict(image)

    def _cameras(self) -> list[str]:
        cameras = [name.strip().strip("/") for name in self.text("cameras").split(",") if name.strip()]
        if len(set(cameras)) != len(cameras):
            raise ParameterError("cameras", self.text("cameras"), "different namespaces separated by commas")
        return cameras

    def _load(self) -> Any:
        try:
            from plcv_ros.perception.by_codec import load_networks

            return load_networks(self.text("checkpoint"), device=self.text("device"), threads=self.integer("threads"))
        except ImportError as error:
            raise NodeError(explain("the segmentation node", error, "remote")) from error
        except ValueError as error:
            raise NodeError(str(error)) from error

    def start(self) -> None:
        """Start the worker threads."""
        for stream in self._streams:
            stream.receiver.start()

    def stop(self) -> None:
        """End the worker threads after the frames that they work on."""
        for stream in self._streams:
            stream.receiver.stop()

    def shut_down(self) -> None:
        """As every node, and end the batches once no worker waits for one."""
        super().shut_down()
        if self._batcher is not None:
            self._batcher.close()

    def age_ns(self, header: Any) -> int:
        """How old a frame is, its camera's clock taken into account where it is known which camera that is."""
        mine = [stream for stream in self._streams if stream.frame_id == header.frame_id]
        return mine[0].age_ns(header) if len(mine) == 1 else super().age_ns(header)

    def status(self) -> diagnostics.Status:
        """Level and counters for ``/diagnostics``."""
        values = self._values()
        fps = float(values["fps"])
        bad = self._meter.rate("malformed", int(values["malformed"]))
        failed = self._meter.rate("failed", int(values["failed"]))
        old = self._meter.rate("dropped_old", int(values["dropped_old"]))
        repeated = self._meter.rate("stamps_repeated", int(values["stamps_repeated"]))
        silence = {stream.receiver.topic: stream.receiver.seconds_since_arrival() for stream in self._streams}
        limit_s = self.number("stale_after_s")
        silent = [
            f"no frame yet on {topic}: does the camera publish there?" if seconds is None else f"no frame for {seconds:.1f} s on {topic}"
            for topic, seconds in silence.items()
            if seconds is None or seconds > limit_s
        ]
        if len(silent) == len(self._streams):
            return diagnostics.Status(diagnostics.STALE, silent[0], values)
        many = f" from {len(self._streams)} cameras" if len(self._streams) > 1 else ""
        text = f"{fps:.1f} fps of {values['width']}x{values['height']}{many}, {values['inference_ms']:.0f} ms inference"
        if failed:
            return diagnostics.Status(diagnostics.ERROR, f"{text}; the network fails on {failed:.1f} fps, see the log", values)
        idle = [why for stream in self._streams if (why := stream.receiver.why_idle())]
        if idle:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {'; '.join(idle)}", values)
        if silent:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {'; '.join(silent)}", values)
        if bad:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {bad:.1f} malformed messages/s", values)
        if old:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {old:.1f} fps dropped: older than max_age_ms", values)
        if repeated:
            return diagnostics.Status(diagnostics.WARN, f"{text}; {repeated:.1f} fps with the stamp of an earlier frame, see the log", values)
        return diagnostics.Status(diagnostics.OK, text, values)

    def _values(self) -> dict[str, Any]:
        """Counters of all cameras together; what belongs to a frame is that of the camera that was first in the parameter."""
        first = self._streams[0]
        values: dict[str, Any] = {**first.receiver.values(), **vars(first.counters)}
        if len(self._streams) > 1:
            sums: Counter[str] = Counter()
            for stream in self._streams:
                counted = {**stream.receiver.values(), **vars(stream.counters)}
                sums.update({k: v for k, v in counted.items() if isinstance(v, int) and k not in {"width", "height"}})
                values[f"fps_{stream.camera}"] = self._meter.rate(stream.camera, stream.counters.segmented)
                values[f"checkpoint_{stream.camera}"] = stream.counters.checkpoint
            values.update(sums)
        if len(self._networks) > 1:
            for name in self._networks:
                values[f"segmented_by_{name}"] = sum(stream.segmented_by[name] for stream in self._streams)
        if self._batcher is not None:
            passes = self._batcher.counters
            values.update(passes=passes.passes, largest_batch=passes.largest, late=passes.late)
        values["fps"] = self._meter.rate("segmented", int(values["segmented"]))
        values["topic"] = first.receiver.topic
        return values


def main() -> int:
    """Run the node; returns the exit status."""
    return run("segmentation", SegmentationNode)


if __name__ == "__main__":
    sys.exit(main())
