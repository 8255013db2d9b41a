# SPDX-License-Identifier: Apache-2.0
"""The launch arguments: names (Nav2's where it has one), defaults, descriptions, and the node parameters that they set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = bool | int | float | str


class ArgumentError(ValueError):
    """A launch argument is unknown, missing or has a value that it cannot have."""


@dataclass(frozen=True)
class Argument:
    """One ``name:=value``. Empty means: not given, the configuration file decides. ``sets`` maps an executable to the parameter that takes
    the value; ``kind`` is that parameter's type."""

    name: str
    description: str
    default: str = ""
    choices: tuple[str, ...] = ()
    kind: type = str
    required: bool = False
    sets: Mapping[str, str] = field(default_factory=dict)

    def value(self, text: str) -> Value:
        """``text`` as this argument's type; raises ArgumentError saying what was expected."""
        if self.choices and text not in self.choices:
            raise ArgumentError(f"argument {self.name}:={text}: expected one of {', '.join(self.choices)}")
        if self.kind is str:
            return text
        if self.kind is bool:
            if text.lower() not in {"true", "false"}:
                raise ArgumentError(f"argument {self.name}:={text}: expected true or false")
            return text.lower() == "true"
        try:
            return int(text) if self.kind is int else float(text)
        except ValueError:
            raise ArgumentError(f"argument {self.name}:={text}: expected {'an integer' if self.kind is int else 'a number'}") from None


_BOOLEAN = ("true", "false")

MIDDLEWARE = ("profile", "large_data", "as_is")

COMMON = (
    Argument("namespace", "Namespace of all nodes, for example the robot's name."),
    Argument("use_sim_time", "Take the time from /clock, for replayed bags and simulators.", "false", _BOOLEAN, bool),
    Argument("params_file", "Parameter file (YAML) read after the configuration: what it says wins."),
    Argument(
        "use_respawn",
        "Start a node that ends again, instead of ending the graph. The graph still ends where its source has come to its end.",
        "false",
        _BOOLEAN,
        bool,
    ),
    Argument("respawn_delay", "Seconds until such a node is started again.", "3.0", kind=float),
    Argument("log_level", "Log level of the nodes.", "info", ("debug", "info", "warn", "error", "fatal")),
    Argument(
        "configuration",
        "Codec: config/<configuration>.yaml of the package (astc_8x8, astc_12x12, jxs_main, jxs_high, jxs_pruned, auto, jpeg, raw), "
        "or the path of such a file.",
        "astc_8x8",
    ),
    Argument(
        "peer",
        "Address of the other computer, for networks without multicast; several with commas. Discovery then uses unicast to these alone. "
        "Give each side the other's address.",
    ),
    Argument(
        "enclaves",
        "Path below which every node has a security enclave of its own (SROS2), <enclaves>/<namespace>/<node>: /robot gives /robot/camera and so on.",
    ),
)


_MIDDLEWARE = Argument(
    "middleware",
    "DDS transports that large frames need (what you have set yourself is left alone). profile: shared memory and UDP, of config/fastdds.xml; "
    "large_data: TCP between computers, for exactly one receiver: one that stops or is unplugged stops all others; as_is: leave DDS alone.",
    "profile",
    MIDDLEWARE,
)


CAMERA = (
    Argument(
        "source",
        "Where frames come from: scenes, an image folder, a video file, a device, a URL (rtsp://, http://, ...) or a ROS 2 bag.",
        sets={"camera": "source"},
    ),
    Argument("topic", "Image topic in a bag; empty takes the only one.", sets={"camera": "topic"}),
    Argument("width", "Width of the frames in pixels; 0 is the source's own.", kind=int, sets={"camera": "width"}),
    Argument("height", "Height of the frames in pixels; 0 is the source's own.", kind=int, sets={"camera": "height"}),
    Argument("rate", "Frames per second; 0 is the source's own.", kind=float, sets={"camera": "rate"}),
    Argument(
        "pixel_format", "Pixel format that a device is asked for, for example MJPG; empty leaves it to the driver.", sets={"camera": "pixel_format"}
    ),
    Argument(
        "reconnect_s", "End when a device or stream has delivered nothing for so many seconds; 0 never.", kind=float, sets={"camera": "reconnect_s"}
    ),
    Argument("loop", "Start a finite source again at its end.", choices=_BOOLEAN, kind=bool, sets={"camera": "loop"}),
    Argument("frames", "Stop after so many frames; 0 never stops.", kind=int, sets={"camera": "frames"}),
)

_STRIPS = Argument(
    "strips",
    "Send frames in strips, each a message of its own, for links that lose packets (astc and jxs). Both computers must be given the same.",
    choices=_BOOLEAN,
    kind=bool,
    sets=dict.fromkeys(("camera", "encoder", "segmentation", "decoder", "evaluation"), "strips"),
)

_IMAGE_TOPIC = Argument(
    "image_topic",
    "Base image topic; encoded frames are on <image_topic>/astc, /jxs or /compressed.",
    sets={"camera": "image_topic", "encoder": "output_topic", "segmentation": "image_topic", "evaluation": "image_topic", "decoder": "input_topic"},
)

ENCODER = (
    Argument(
        "input_topic",
        "Raw image topic of a camera driver that runs already: an encoder of that topic then takes the place of the camera node.",
        sets={"encoder": "input_topic"},
    ),
)

REMOTE = (
    Argument(
        "checkpoint",
        "Network: a checkpoint's path, the name of one that comes with the package, or auto: those that do, each for the codec it was trained on.",
        sets={"segmentation": "checkpoint"},
    ),
    Argument("device", "Where the network runs: auto, cpu, cuda or cuda:<index>.", sets={"segmentation": "device"}),
    Argument("decoder", "Also run the decoder: sensor_msgs/Image on <image_topic>/decoded, for rviz and others.", "false", _BOOLEAN, bool),
    Argument("latency", "Also run the latency node.", "true", _BOOLEAN, bool),
    Argument(
        "clock_sync",
        "Clocks of the two computers: dds measures their offset and corrects times by it, external trusts PTP or chrony and only checks.",
        choices=("dds", "external"),
        sets=dict.fromkeys(("segmentation", "decoder", "latency"), "clock_sync"),
    ),
    Argument("output", "Folder for the latency report (CSV, plot), written when the graph ends.", sets={"latency": "output_directory"}),
)

LOCAL = (Argument("localhost_only", "Keep the graph on this computer, out of sight of others on the network.", "false", _BOOLEAN, bool),)

EVALUATION = (
    Argument(
        "evaluation",
        "Also score the labels against the source's own, where it has them, and save an overlay picture; into evaluation_output.",
        "false",
        _BOOLEAN,
        bool,
    ),
    Argument("evaluation_output", "Folder for what the evaluation writes.", sets={"evaluation": "output_directory"}),
)

OFFLOAD_ARGUMENTS = (*COMMON, _MIDDLEWARE, *LOCAL, *CAMERA, _IMAGE_TOPIC, _STRIPS, *REMOTE, *EVALUATION)
EDGE_ARGUMENTS = (*COMMON, _MIDDLEWARE, *CAMERA, *ENCODER, _IMAGE_TOPIC, _STRIPS)
REMOTE_ARGUMENTS = (*COMMON, _MIDDLEWARE, _IMAGE_TOPIC, _STRIPS, *REMOTE)


SIDES = ("both", "edge", "remote")

_MANY = (
    Argument(
        "cameras",
        "How many cameras (then called camera0, camera1, ...), or their namespaces, separated by commas.",
        "2",
    ),
    Argument("side", "What runs here: both, edge (the cameras) or remote (the network). Give both computers the same cameras.", "both", SIDES),
    Argument(
        "sources",
        "Where the frames of each camera come from, separated by commas: scenes, image folders, video files, devices, URLs or bags. One for all: "
        "give it alone.",
    ),
    Argument(
        "deadline_ms",
        "A batch of frames grows only as long as its oldest frame is done by this age.",
        kind=float,
        sets={"segmentation": "deadline_ms"},
    ),
)

_OF_ONE_CAMERA = ("source", "topic")

MANY_CAMERAS_ARGUMENTS = (
    *COMMON,
    *_MANY,
    _MIDDLEWARE,
    *LOCAL,
    *(argument for argument in CAMERA if argument.name not in _OF_ONE_CAMERA),
    _IMAGE_TOPIC,
    _STRIPS,
    *(argument for argument in REMOTE if argument.name != "decoder"),
)


def replay_arguments() -> tuple[Argument, ...]:
    """Those of offload, with a bag as the source and its time."""
    changed = {
        "source": Argument("source", "The ROS 2 bag: its folder, or one .mcap or .db3 file.", required=True, sets={"camera": "source"}),
        "use_sim_time": Argument("use_sim_time", "Take the time from the bag, which the camera node publishes on /clock.", "true", _BOOLEAN, bool),
        "loop": Argument("loop", "Start the bag again at its end; its stamps then go on.", "false", _BOOLEAN, bool, sets={"camera": "loop"}),
    }
    return tuple(changed.get(argument.name, argument) for argument in OFFLOAD_ARGUMENTS)


def resolve(arguments: tuple[Argument, ...], given: Mapping[str, str], graph: str) -> dict[str, str]:
    """Every argument's text: as given, else its default. Raises ArgumentError for unknown names, missing and impossible values."""
    known = {argument.name: argument for argument in arguments}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ArgumentError(f"{graph} has no argument {', '.join(unknown)}; it takes {', '.join(known)}")
    values = {}
    for argument in arguments:
        text = given.get(argument.name, "") or argument.default
        if argument.required and not text:
            raise ArgumentError(f"{graph} needs {argument.name}:=...: {argument.description}")
        if text:
            argument.value(text)
        values[argument.name] = text
    return values
