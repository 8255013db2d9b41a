# SPDX-License-Identifier: Apache-2.0
"""The parameters of every node: one table a node, the only place where a name, a default or a range is written down.

No ROS here, so that ``plcv params`` prints the tables anywhere; :mod:`plcv_ros.nodes.declaration` declares them on a node.
A parameter is read-only unless the node acts on a change at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Value = bool | int | float | str

MAX_TEXT = 4096
"""Characters of a text parameter: the longest path of Linux."""

TYPE_NAMES: dict[type, str] = {bool: "bool", int: "integer", float: "double", str: "string"}


_TOPIC = re.compile(r"(~/|/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)


class ParameterError(ValueError):
    """A parameter has a value that it cannot have: the message names the parameter, the value and what is expected."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"parameter {name} is {value!r}, expected {expected}")
        self.name = name


@dataclass(frozen=True)
class Row:
    """One parameter. Its type is that of ``default``; ``low`` and ``high`` bound numbers, both included; ``choices`` lists texts. ``floor``: the
    smallest number but 0, which then means something of its own."""

    name: str
    default: Value
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    read_only: bool = True
    topic: bool = False
    """A topic name; empty where the default is."""
    floor: float | None = None
    only_with: tuple[str, tuple[Value, ...]] | None = None
    """Another parameter and the values of it without which this one does nothing; no values stand for any but the empty text."""

    @property
    def type_name(self) -> str:
        """ROS's name of the type: bool, integer, double or string."""
        return TYPE_NAMES[type(self.default)]

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        if self.topic:
            return "a topic name: letters, digits and underscores in parts separated by slashes"
        if self.low is not None and self.high is not None:
            floor = "" if self.floor is None else f", and at least {_number(self.floor)} where it is not 0"
            return f"{_article(self.type_name)} from {_number(self.low)} to {_number(self.high)}{floor}"
        if isinstance(self.default, str):
            return f"a string of at most {MAX_TEXT} characters"
        return _article(self.type_name)

    @property
    def allowed(self) -> str:
        """Range or choices, as a table shows them; empty where everything of the type is allowed."""
        if self.choices is not None:
            return ", ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{'' if self.floor is None else '0, '}{_number(self.low if self.floor is None else self.floor)} .. {_number(self.high)}"
        return ""

    def idle(self, values: Mapping[str, Value]) -> str:
        """Why this parameter does nothing beside the other ``values``; empty where it acts."""
        if self.only_with is None:
            return ""
        name, needed = self.only_with
        if values[name] in needed if needed else values[name] != "":
            return ""
        return f"it acts only with {name} {' or '.join(_text(value) for value in needed) or 'given'}, and {name} is {_text(values[name]) or 'empty'}"

    def check(self, value: object) -> Value:
        """``value`` as this parameter takes it (an integer becomes a double where one is asked for); raises ParameterError."""
        kind = type(self.default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not kind or not isinstance(value, (bool, int, float, str)):
            raise ParameterError(self.name, value, self.expected)
        if self.choices is not None and value not in self.choices:
            raise ParameterError(self.name, value, self.expected)
        if self.topic and not (_TOPIC.fullmatch(str(value)) or value == self.default):
            raise ParameterError(self.name, value, self.expected)
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ParameterError(self.name, f"{value[:40]}... ({len(value)} characters)", self.expected)
        if self.floor is not None and isinstance(value, (int, float)) and value != 0 and not self.floor <= value:
            raise ParameterError(self.name, value, self.expected)
        # "not (low <= value)" rather than "value < low", so that NaN is refused too.
        if self.low is not None and not isinstance(value, str) and not self.low <= value:
            raise ParameterError(self.name, value, self.expected)
        if self.high is not None and not isinstance(value, str) and not value <= self.high:
            raise ParameterError(self.name, value, self.expected)
        return value


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _article(type_name: str) -> str:
    return f"{'an' if type_name == 'integer' else 'a'} {type_name}"


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"


_ASTC, _ASTC_OR_AUTO = ("codec", ("astc",)), ("codec", ("astc", "auto"))
_JXS, _JXS_OR_AUTO = ("codec", ("jxs",)), ("codec", ("jxs", "auto"))
_JPEG, _AUTO = ("codec", ("jpeg",)), ("codec", ("auto",))
_WITH_STRIPS = ("strips", (True,))

CODEC_ROWS = (
    Row(
        "codec",
        "astc",
        "Codec of the published frames; auto follows what the link delivers, raw publishes sensor_msgs/Image alone.",
        choices=("astc", "jxs", "jpeg", "raw", "auto"),
    ),
    Row(
        "astc_block", "8x8", "ASTC footprint: 8x8 is 2.00 bit/px, 12x12 is 0.889 bit/px.", choices=("8x8", "12x12"), read_only=False, only_with=_ASTC
    ),
    Row(
        "astc_preset",
        "fast",
        "ASTC encoder: fast, fine (better, slower), vision (for networks trained on it), vision_fine (better, slower), paper (its method).",
        choices=("fast", "fine", "vision", "vision_fine", "paper"),
        read_only=False,
        only_with=_ASTC_OR_AUTO,
    ),
    Row(
        "jxs_bpp",
        3.0,
        "JPEG XS rate in bits per pixel, of the whole codestream: the same for every frame.",
        low=0.1,
        high=30.0,
        read_only=False,
        only_with=_JXS,
    ),
    Row(
        "jxs_preset",
        "high",
        "JPEG XS encoder: main (Main profile), high (High profile, better) or pruned (faster).",
        choices=("main", "high", "pruned"),
        read_only=False,
        only_with=_JXS_OR_AUTO,
    ),
    Row(
        "jxs_significance",
        "preset",
        "Significance flags of JPEG XS: as the preset has them, always, or never (faster, at a loss).",
        choices=("preset", "always", "never"),
        read_only=False,
        only_with=_JXS_OR_AUTO,
    ),
    Row(
        "jxs_weights",
        "",
        "Weights of JPEG XS bands: the path of a JSON file (plcv tune makes such), or segmentation_main, an experiment; empty has the standard's.",
        only_with=_JXS_OR_AUTO,
    ),
    Row("jpeg_quality", 90, "JPEG quality.", low=1, high=100, read_only=False, only_with=_JPEG),
    Row(
        "latency_target_ms",
        60.0,
        "With codec auto: what 95 of 100 frames a second may take from capture to the other computer. The setting follows the link.",
        low=1.0,
        high=10_000.0,
        only_with=_AUTO,
    ),
    Row("strips", False, "Send frames in strips that leave as they are coded, on <topic>/<codec>_strips: a lost packet costs a strip, not a frame."),
    Row(
        "strip_bytes",
        5200,
        "Largest strip in bytes, at least one block row or slice: 5200 fill four Ethernet packets.",
        low=1,
        high=1_000_000,
        only_with=_WITH_STRIPS,
    ),
    Row(
        "strip_last_copies",
        2,
        "How often the last strip of a frame is sent: where it is lost, nothing but silence shows that the frame is over.",
        low=1,
        high=8,
        only_with=_WITH_STRIPS,
    ),
    Row(
        "threads", 1, "Threads that encode one frame; JPEG takes one.", low=1, high=64, read_only=False, only_with=("codec", ("astc", "jxs", "auto"))
    ),
)
"""The codec's parameters, the same for every node that encodes."""

_RELIABLE = Row("reliable", False, "Subscribe reliably and keep 5 frames, instead of best effort and the newest frame alone.")
_TRANSPORT = Row(
    "transport",
    "astc",
    "How frames arrive: topic <base>/astc, <base>/jxs (auto: both), <base>/compressed, or the base topic itself.",
    choices=("astc", "jxs", "compressed", "raw", "auto"),
)
_MAX_PIXELS = Row("max_pixels", 4096 * 4096, "Refuse frames of more pixels before they are decoded.", low=1, high=16384 * 16384)
_DECODE_THREADS = Row(
    "decode_threads", 1, "Threads that decode one frame; JPEG takes one.", low=1, high=64, only_with=("transport", ("astc", "jxs", "auto"))
)
_ASTC_MODES = Row(
    "astc_modes",
    "pruned",
    "ASTC block modes that are decoded: pruned (this package's encoder) or all (every LDR block of other encoders too, some 60 times slower "
    "each). Other blocks make a frame malformed.",
    choices=("pruned", "all"),
    only_with=("transport", ("astc", "auto")),
)
_STRIPS = (
    Row("strips", False, "Receive frames in strips, from <base>/<transport>_strips; both sides must agree."),
    Row(
        "strip_patience_ms",
        8.0,
        "Take the rest of a frame for lost after so long without a strip of it, or sooner where strips come in closer succession.",
        low=0.5,
        high=10_000.0,
        only_with=_WITH_STRIPS,
    ),
    Row(
        "strip_repair_ms",
        0.0,
        "Ask the sender for lost strips again, until none of a frame has come for so long; the next frame waits meanwhile. 0 conceals them at once.",
        low=0.0,
        floor=0.5,
        high=10_000.0,
        only_with=_WITH_STRIPS,
    ),
)
_IMAGE_TOPIC = Row("image_topic", "camera/image", "Base image topic.", topic=True)
_CLOCK_SYNC = Row(
    "clock_sync",
    "dds",
    "Clocks of two computers. dds: their offset is measured through the network and taken into account; external: PTP or chrony keeps them "
    "together, which is only checked.",
    choices=("dds", "external"),
)

CAMERA = (
    Row(
        "source",
        "scenes",
        "Where frames come from: scenes, an image folder, a video file, a device (/dev/video0 or 0), a URL (rtsp://, http://, ...) or a ROS 2 bag.",
    ),
    Row("topic", "", "Image topic in a bag; empty takes the only one."),
    Row("width", 0, "Width in pixels; 0 is the source's own (scenes: 640).", low=0, high=16384),
    Row("height", 0, "Height in pixels; 0 is the source's own (scenes: 360).", low=0, high=16384),
    Row(
        "rate",
        0.0,
        "Frames per second, at even intervals; 0 is the source's own (scenes: 15; a video: its own times). A device is asked for it; what comes "
        "sooner from a device or stream is left out.",
        low=0.0,
        floor=0.1,
        high=1000.0,
        read_only=False,
    ),
    Row("pixel_format", "", "Pixel format that a device is asked for, for example MJPG or YUYV; empty leaves it to the driver."),
    Row(
        "reconnect_s",
        60.0,
        "End when a device or stream has delivered nothing for so long; until then it is connected anew again and again. 0 never ends.",
        low=0.0,
        floor=0.5,
        high=86_400.0,
    ),
    Row("loop", True, "Start a finite source again at its end."),
    Row("seed", 0, "Seed of the generated scenes.", low=0, high=2**31 - 1),
    Row("frames", 0, "Stop after so many frames; 0 never stops.", low=0, high=2**31 - 1),
    Row("exit_at_end", True, "End the node after the last frame; false keeps it running without frames."),
    Row("start_when_subscribed", False, "Wait for a subscriber of the frames before the first one."),
    Row("recorded_stamps", False, "Stamp the frames of a bag as recorded; false stamps every frame when it is captured."),
    Row("publish_clock", False, "Publish every frame's stamp on /clock, for nodes that run with use_sim_time on a bag."),
    Row("frame_id", "", "frame_id of the headers; empty takes the source's, or else camera."),
    _IMAGE_TOPIC,
    *CODEC_ROWS,
)

ENCODER = (
    Row("input_topic", "image_raw", "Base topic of the sensor_msgs/Image to encode.", topic=True),
    Row("output_topic", "", "Base topic of the encoded frames; empty takes input_topic. Another one gets the camera_info too.", topic=True),
    _RELIABLE,
    *CODEC_ROWS,
)

DECODER = (
    Row("input_topic", "camera/image", "Base topic of the encoded frames; decoded ones go to <input_topic>/decoded.", topic=True),
    _TRANSPORT,
    *_STRIPS,
    _CLOCK_SYNC,
    _RELIABLE,
    _MAX_PIXELS,
    _DECODE_THREADS,
    _ASTC_MODES,
)

SEGMENTATION = (
    _IMAGE_TOPIC,
    _TRANSPORT,
    *_STRIPS,
    Row(
        "unlabel_concealed",
        False,
        "Label rows whose strip was lost 255 (unlabelled); they are concealed from the frame before.",
        read_only=False,
        only_with=_WITH_STRIPS,
    ),
    Row("cameras", "", "Namespaces of several cameras, separated by commas: frames come from <camera>/<image_topic>, in batches; empty: one camera."),
    Row(
        "deadline_ms",
        100.0,
        "With several cameras: a batch grows only as long as its oldest frame is done by this age.",
        low=1.0,
        high=60_000.0,
        only_with=("cameras", ()),
    ),
    Row("max_batch", 8, "With several cameras: frames in one pass of the network at most.", low=1, high=64, only_with=("cameras", ())),
    Row(
        "checkpoint",
        "default",
        "Network: a checkpoint's path, the name of one that comes with the package, or auto: those that do, each for the codec it was trained on.",
    ),
    Row("device", "auto", "Where the network runs: auto, cpu, cuda, or cuda:<index>."),
    Row("threads", 0, "CPU threads of the network; 0 takes half of the cores, which is faster beside busy neighbours.", low=0, high=256),
    Row(
        "max_age_ms",
        1000.0,
        "Drop frames whose stamp is older than this when their turn comes; 0 keeps all.",
        low=0.0,
        floor=1.0,
        high=1e6,
        read_only=False,
    ),
    Row("stale_after_s", 2.0, "Report STALE on /diagnostics after so many seconds without a frame.", low=0.1, high=3600.0, read_only=False),
    Row("overlay_opacity", 0.5, "Opacity of the class colours in ~/overlay.", low=0.0, high=1.0, read_only=False),
    _CLOCK_SYNC,
    _RELIABLE,
    _MAX_PIXELS,
    _DECODE_THREADS,
    _ASTC_MODES,
)

EVALUATION = (
    _IMAGE_TOPIC,
    _TRANSPORT,
    _STRIPS[0],
    _ASTC_MODES,
    Row("labels_topic", "segmentation/labels", "Labels to judge.", topic=True),
    Row("classes_topic", "segmentation/classes", "Their class table.", topic=True),
    Row("truth_topic", "camera/labels", "Labels to judge by; frames are matched by stamp.", topic=True),
    Row("output_directory", ".", "Folder of evaluation.json and overlay.png; made where it is missing."),
    Row("overlay_after", 30, "Take the overlay picture after so many labelled frames.", low=0, high=2**31 - 1),
    Row("history", 64, "Frames that wait for their labels, or labels for their truth.", low=1, high=1024),
)

LATENCY = (
    Row("nodes", "camera,encoder,segmentation", "Nodes to follow, separated by commas; their topics are <node>/frame_events."),
    _CLOCK_SYNC,
    Row("output_directory", "plcv_latency", "Folder of the report (latency.html, frames.csv, ...), written at the end; empty writes none."),
    Row("plot", True, "Also draw latency.png; needs matplotlib.", only_with=("output_directory", ())),
    Row("title", "", "Title of the plot.", only_with=("output_directory", ())),
    Row("max_frames", 20_000, "Frames kept for the report; older ones stay counted.", low=1, high=1_000_000),
    Row("window_s", 10.0, "Percentiles on /diagnostics are over so many seconds.", low=1.0, high=3600.0, read_only=False),
)

TABLES: dict[str, tuple[Row, ...]] = {
    "camera": CAMERA,
    "encoder": ENCODER,
    "decoder": DECODER,
    "segmentation": SEGMENTATION,
    "evaluation": EVALUATION,
    "latency": LATENCY,
}
"""Node (executable) -> its rows."""


def markdown(node: str) -> str:
    """The parameter table of ``node`` as Markdown. Raises KeyError for an unknown node."""
    lines = ["| parameter | type | default | allowed | at run time | meaning |", "| --- | --- | --- | --- | --- | --- |"]
    for row in TABLES[node]:
        default = str(row.default).lower() if isinstance(row.default, bool) else str(row.default) or '""'
        lines.append(f"| `{row.name}` | {row.type_name} | `{default}` | {row.allowed} | {'no' if row.read_only else 'yes'} | {row.description} |")
    return "\n".join(lines)
