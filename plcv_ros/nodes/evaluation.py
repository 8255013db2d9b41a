# SPDX-License-Identifier: Apache-2.0
"""The evaluation node: the judge of a run. Scores labels against the camera's own where it has them, matched by stamp, and keeps a picture.

It subscribes to frames only until it has its picture (camera frame, decoded frame and labels of one stamp), so that the raw image
loads the network for a moment and not for the run.
"""

from __future__ import annotations

import json
import math
import sys
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from plcv_ros import codecs
from plcv_ros.labels import MAX_PIXEL_CLASSES, LabelSet
from plcv_ros.nodes import conversion, diagnostics, label_images, overlay_picture, qos, wire
from plcv_ros.nodes.node import FrameNode, NodeError
from plcv_ros.nodes.pairing import Pair, Pairing
from plcv_ros.nodes.parameters import ParameterError
from plcv_ros.nodes.runner import run
from plcv_ros.nodes.stamps import complaint, key_of
from plcv_ros.perception.metrics import ConfusionMatrix
from plcv_ros.strips import Assembled, StripAssembler, StripError, read_tag
from plcv_ros.texts import MAX_NAME_BYTES, is_name, shown

SUMMARY_FILE = "evaluation.json"
OVERLAY_FILE = "overlay.png"

SETTLED_FRAMES = 5
"""After so many labels and true labels some must have been scored."""

Pixels = npt.NDArray[np.uint8]


class _Waiting(OrderedDict[int, Any]):
    """Stamp -> what arrived with it, the oldest forgotten first."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def keep(self, stamp: int, thing: Any) -> None:
        self[stamp] = thing
        while len(self) > self._limit:
            self.popitem(last=False)


class EvaluationNode(FrameNode):
    """Subscribes labels, truth and the class table; writes ``evaluation.json`` and ``overlay.png`` into ``output_directory``."""

    stop_limit_s = 30.0
    """The summary and the pictures."""

    def __init__(self) -> None:
        super().__init__("evaluation")
        self._directory = Path(self.text("output_directory")).expanduser()
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NodeError(
                f"parameter output_directory is {str(self._directory)!r}, expected a folder that can be written: {error.strerror}"
            ) from error
        if self.flag("strips") and not set(wire.transports_of(self.text("transport"))) <= set(wire.CODECS_WITH_STRIPS):
            have = ", ".join(wire.CODECS_WITH_STRIPS)
            raise ParameterError("strips", True, f"false with transport {self.text('transport')}: only {have} have strips")
        history = self.integer("history")
        self._assembler = StripAssembler(codecs.MAX_PIXELS, astc_modes=self.text("astc_modes"))
        self._labels: _Waiting = _Waiting(history)
        self._pairing = Pairing(history)
        self._pairs: deque[Pair] = deque(maxlen=history)
        """Those that wait for the class table."""
        self._frames: dict[str, _Waiting] = {"camera": _Waiting(history), "decoded": _Waiting(history)}
        self._label_set: LabelSet | None = None
        self._matrix: ConfusionMatrix | None = None
        self._counts = {"labels": 0, "truth": 0, "scored": 0, "unscored": 0, "unreadable": 0, "malformed": 0}
        self._why_unscored = ""
        self._complaints: set[str] = set()
        self._overlay_path: Path | None = None
        self._looking_for_picture = True
        self._frame_subscriptions: list[Any] = []
        reliable = qos.frames_requested(reliable=True)
        qos.create_subscription(self, String, self.text("classes_topic"), self._on_classes, qos.latched())
        qos.create_subscription(self, Image, self.text("labels_topic"), self._on_labels, reliable)
        qos.create_subscription(self, Image, self.text("truth_topic"), self._on_truth, reliable)
        for message_type, topic in self._frame_topics():
            self.inputs.expect(message_type, topic)
        self.get_logger().info(f"judging {self.resolve_topic_name(self.text('labels_topic'))}; results go to {self._directory.resolve()}")

    def _on_classes(self, message: String) -> None:
        try:
            label_set = LabelSet.from_json(message.data)
            _check_names(label_set)
        except ValueError as error:
            self.checks.refuse("class_table", self.text("classes_topic"), str(error))
            return
        if self._label_set is None or label_set != self._label_set:
            self._label_set = label_set
            self._matrix = ConfusionMatrix(label_set)
            while self._pairs:  # frames may have come before the table
                self._score(self._pairs.popleft())

    def _on_labels(self, message: Image) -> None:
        stamp = conversion.to_ns(message.header.stamp)
        self._counts["labels"] += 1
        labels = self._read(message, "labels_topic")
        if labels is None:
            return
        self._labels.keep(stamp, labels)
        self._score(self._pairing.add_labels(stamp, message.header.frame_id, labels))
        if self._pairing.unsure:
            self.get_logger().warning(complaint(self.resolve_topic_name(self.text("labels_topic")), key_of(message.header)), once=True)
        self._look_for_picture(stamp)

    def _on_truth(self, message: Image) -> None:
        stamp = conversion.to_ns(message.header.stamp)
        self._counts["truth"] += 1
        truth = self._read(message, "truth_topic")
        if truth is not None:
            self._score(self._pairing.add_truth(stamp, message.header.frame_id, truth))

    def _read(self, message: Image, parameter: str) -> npt.NDArray[Any] | None:
        try:
            return label_images.read(message)
        except conversion.ImageError as error:
            self._counts["unreadable"] += 1
            self._not_scored(parameter, f"labels on {self.resolve_topic_name(self.text(parameter))} are dropped: {error}")
            return None

    def _not_scored(self, kind: str, why: str) -> None:
        if kind not in self._complaints:
            self._complaints.add(kind)
            self.get_logger().warning(f"{why}; more of them are only counted (unscored and unreadable on /diagnostics)")
        self._why_unscored = why

    def _score(self, pair: Pair | None) -> None:
        if pair is None:
            return
        if self._matrix is None or self._label_set is None:
            self._pairs.append(pair)
            return
        try:
            self._matrix.update(*(label_images.class_ids(one, self._label_set) for one in pair))
        except ValueError as error:
            self._counts["unscored"] += 1
            self._not_scored("frame", f"a frame is not scored: {error}")
            return
        self._counts["scored"] += 1

    def _look_for_picture(self, stamp: int) -> None:
        if not self._looking_for_picture or self._counts["labels"] < self.integer("overlay_after"):
            return
        if not self._frame_subscriptions:
            self._subscribe_frames()
            return
        frames = {name: waiting.get(stamp) for name, waiting in self._frames.items()}
        if all(frame is not None for frame in frames.values()):
            self._save_picture(frames["camera"], frames["decoded"], self._labels[stamp])
            if self._looking_for_picture:
                return
            while self._frame_subscriptions:
                self.destroy_subscription(self._frame_subscriptions.pop())
            self._frames.clear()

    def _subscribe_frames(self) -> None:
        handlers = {Image: self._on_raw, CompressedImage: self._on_strip if self.flag("strips") else self._on_compressed}
        profile = qos.strips_requested(True) if self.flag("strips") else qos.frames_requested(reliable=True)
        for message_type, topic in self._frame_topics():
            chosen = qos.frames_requested(reliable=True) if message_type is Image else profile
            self._frame_subscriptions.append(qos.create_subscription(self, message_type, topic, handlers[message_type], chosen))

    def _frame_topics(self) -> list[tuple[Any, str]]:
        """Message type and topic of what the picture is made of."""
        base, transports = self.text("image_topic"), wire.transports_of(self.text("transport"))
        coded = [name for name in transports if name != "raw"]
        return [(Image, base), *((CompressedImage, wire.topic(base, name, self.flag("strips"))) for name in coded)]

    def _on_raw(self, message: Image) -> None:
        self._keep_frame("camera", message)
        if self.text("transport") == "raw":
            self._keep_frame("decoded", message)

    def _on_compressed(self, message: CompressedImage) -> None:
        self._keep_frame("decoded", message)

    def _on_strip(self, message: CompressedImage) -> None:
        try:
            tag, codec = read_tag(message.format), wire.parse_format(message.format).codec
            done = self._assembler.add(key_of(message.header), message, tag, codec, conversion.payload_of(message))
        except (StripError, codecs.CodecError) as error:
            self._counts["malformed"] += 1
            self.get_logger().warning(f"a strip is not shown: {error}", once=True)
            return
        for frame in done:
            self._frames["decoded"].keep(conversion.to_ns(frame.header.header.stamp), frame)

    def _keep_frame(self, name: str, message: Any) -> None:
        # Messages, not pictures: only one of them will be decoded.
        if name in self._frames:
            self._frames[name].keep(conversion.to_ns(message.header.stamp), message)

    def _save_picture(self, camera: Image | None, decoded: Any, labels: npt.NDArray[Any]) -> None:
        if self._label_set is None:
            return
        try:
            panels = []
            if camera is not None:
                panels.append(("camera", conversion.image_rgb(camera)))
            shown, caption = self._decoded(decoded)
            panels.append((caption, shown))
            panels.append(("labels", self._label_set.overlay(shown, label_images.class_ids(labels, self._label_set), 0.6)))
            path = self._directory / OVERLAY_FILE
            overlay_picture.save(path, panels, list(zip(self._label_set.classes, self._label_set.colours)))
        except (codecs.CodecError, conversion.ImageError) as error:
            self._counts["malformed"] += 1
            self.get_logger().warning(f"a frame is not shown, the next one will be tried: {error}", once=True)
            return
        except (ValueError, ImportError, OSError) as error:
            self._looking_for_picture = False
            self.get_logger().warning(f"no overlay picture: {error}")
            return
        self._looking_for_picture = False
        self._overlay_path = path
        self.get_logger().info(f"overlay picture: {path.resolve()}")

    def _decoded(self, message: Any) -> tuple[Pixels, str]:
        if isinstance(message, Image):
            return conversion.image_rgb(message), "raw"
        if isinstance(message, Assembled):
            return message.image, f"{wire.parse_format(message.header.format).codec}, {message.strips} of {message.count} strips"
        info = codecs.info(conversion.payload_of(message))
        bits = 8 * info["bytes"] / (info["width"] * info["height"])
        image = conversion.decode_message(message, astc_modes=self.text("astc_modes"))
        return image, f"{info['codec']} {info['detail']}".rstrip() + f", {bits:.2f} bit/px"

    def _counted(self) -> dict[str, int]:
        """Labels whose truth cannot be told from that of other frames are not scored either."""
        return {**self._counts, "unscored": self._counts["unscored"] + self._pairing.unsure}

    def summary(self) -> dict[str, Any]:
        """What ``evaluation.json`` says."""
        result: dict[str, Any] = {**self._counted(), "miou": None, "pixel_accuracy": None, "iou": {}, "label_set": None}
        if self._label_set is not None and self._matrix is not None:
            result["label_set"] = self._label_set.name
            result["miou"] = _finite(self._matrix.miou())
            result["pixel_accuracy"] = _finite(self._matrix.pixel_accuracy())
            result["iou"] = {name: _finite(float(value)) for name, value in zip(self._label_set.classes, self._matrix.iou())}
        result["overlay"] = None if self._overlay_path is None else str(self._overlay_path.resolve())
        return result

    def stop(self) -> None:
        """Write the summary."""
        path = self._directory / SUMMARY_FILE
        try:
            path.write_text(json.dumps(self.summary(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            self.get_logger().error(f"{path}: {error.strerror}")
            return
        self.get_logger().info(f"{self._score_text()}; summary: {path.resolve()}")

    def _score_text(self) -> str:
        """The mIoU so far, or why there is none."""
        counts = self._counts
        if counts["scored"] and self._matrix is not None:
            miou = self._matrix.miou()
            if math.isnan(miou):
                return f"no mIoU: every pixel of the truth of {counts['scored']} frames is unlabelled"
            return f"mIoU {100 * miou:.1f} % over {counts['scored']} frames"
        topics = {name: self.resolve_topic_name(self.text(f"{name}_topic")) for name in ("labels", "truth", "classes")}
        reason = self._why_unscored or "no stamp of a label image is that of a true one"
        if self._label_set is None:
            reason = f"no class table on {topics['classes']}"
        for name in ("truth", "labels"):
            if not counts[name]:
                reason = f"nothing on {topics[name]}"
        return f"no frame could be scored: {reason}"

    def status(self) -> diagnostics.Status:
        """Level and counters for ``/diagnostics``."""
        miou = self._matrix.miou() if self._matrix is not None and self._counts["scored"] else math.nan
        values = {**self._counted(), "miou": miou, "overlay": "" if self._overlay_path is None else str(self._overlay_path.resolve())}
        text = f"{self._counts['labels']} labelled frames, {self._counts['scored']} scored, {self._score_text()}"
        # Without truth there is nothing to judge by, and no fault: the picture is kept all the same.
        lost = self._counts["labels"] > SETTLED_FRAMES and self._counts["truth"] > SETTLED_FRAMES and math.isnan(miou)
        return diagnostics.Status(diagnostics.WARN if lost else diagnostics.OK, text, values)


def _check_names(label_set: LabelSet) -> None:
    """ValueError where a class table is none of label images: it would take memory with the square of its classes."""
    if len(label_set) > MAX_PIXEL_CLASSES:
        raise ValueError(f"{len(label_set)} classes, expected at most {MAX_PIXEL_CLASSES}: label images tell no more apart")
    for name in (label_set.name, *label_set.classes):
        if not is_name(name):
            raise ValueError(f"a name of {len(name)} characters: {shown(name, 40)!r}, expected at most {MAX_NAME_BYTES} bytes of text")


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def main() -> int:
    """Run the node; returns the exit status."""
    return run("evaluation", EvaluationNode)


if __name__ == "__main__":
    sys.exit(main())
