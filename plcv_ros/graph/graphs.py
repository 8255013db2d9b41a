# SPDX-License-Identifier: Apache-2.0
"""The graphs: offload (one machine), edge and remote (two machines), replay (a bag), many_cameras (several cameras, one network)."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from plcv_ros.graph import arguments as args
from plcv_ros.graph import parameter_files, security, transport
from plcv_ros.graph.arguments import Argument, ArgumentError, Value, resolve
from plcv_ros.graph.locations import configurations, share_directory

EXECUTABLES = ("camera", "encoder", "decoder", "segmentation", "evaluation", "latency")
"""The nodes of the package."""


@dataclass(frozen=True)
class NodeSpec:
    """One node: ``executable`` of the package, its ``name``, and what it is started with. Later parameter files win over earlier ones,
    ``parameters`` over all files."""

    executable: str
    name: str
    namespace: str = ""
    parameter_files: tuple[Path, ...] = ()
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    log_level: str = "info"
    enclave: str = ""
    """Its security enclave (SROS2); empty leaves it in the root enclave, ``/``."""
    required: bool = True
    """Without it the graph does nothing of use: where it dies, the graph ends."""
    source: bool = False
    """Frames come from it: where all sources have come to their end, the graph ends."""

    @property
    def qualified_name(self) -> str:
        """Namespace and name without the leading slash, as frame events name the node."""
        return f"{self.namespace}/{self.name}".strip("/")

    def ros_arguments(self) -> list[str]:
        """The command line after the executable."""
        words = ["--ros-args", "-r", f"__node:={self.name}"]
        if self.namespace:
            words += ["-r", f"__ns:=/{self.namespace}"]
        for source, target in self.remappings:
            words += ["-r", f"{source}:={target}"]
        for path in self.parameter_files:
            words += ["--params-file", str(path)]
        for name, value in self.parameters.items():
            # Values are read as YAML: quotes keep the text "0" (a camera device) a text. JSON's quoting is YAML's.
            words += ["-p", f"{name}:={json.dumps(value)}"]
        if self.enclave:
            words += ["--enclave", self.enclave]
        return [*words, "--log-level", self.log_level]

    def command(self) -> list[str]:
        """A command that runs the node in this Python environment, installed or not."""
        return [sys.executable, "-m", "plcv_ros.nodes", self.executable, *self.ros_arguments()]


@dataclass(frozen=True)
class Graph:
    """Nodes, and the environment variables they all run with (on top of the process's own).

    ``warnings``: what was given and changes nothing; whoever runs the graph shows them.
    """

    name: str
    nodes: tuple[NodeSpec, ...]
    environment: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    respawn: bool = False
    """A node that ends is started again, ``respawn_delay`` seconds later, instead of ending the graph."""
    respawn_delay: float = 3.0

    def node(self, executable: str) -> NodeSpec:
        """The node of ``executable``; raises KeyError where the graph has none."""
        for node in self.nodes:
            if node.executable == executable:
                return node
        raise KeyError(f"graph {self.name} has no node {executable}; it has {', '.join(n.executable for n in self.nodes)}")


def configuration_file(configuration: str) -> Path:
    """``config/<configuration>.yaml``, or ``configuration`` itself where it is a file; raises ArgumentError naming the known ones."""
    if configuration in configurations():
        return share_directory() / "config" / f"{configuration}.yaml"
    path = Path(configuration).expanduser()
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path.resolve()
    if path.suffix in {".yaml", ".yml"}:
        raise ArgumentError(f"argument configuration:={configuration}: no such file")
    raise ArgumentError(
        f"argument configuration:={configuration}: expected one of {', '.join(configurations())}, or the path of a parameter file (.yaml)"
    )


def _namespace(text: str, argument: str = "namespace") -> str:
    namespace = text.strip("/")
    parts = namespace.split("/") if namespace else []
    if any(not part.replace("_", "a").isalnum() or not part.isascii() or part[0].isdigit() for part in parts):
        raise ArgumentError(f"argument {argument}:={text}: expected names of letters, digits and underscores, separated by slashes")
    return namespace


MAX_ENCLAVE = 255
"""Characters of an enclave's path."""


def enclave_path(text: str) -> str:
    """The path below which nodes have their enclaves, with a leading slash; empty for none. Raises ArgumentError."""
    return f"/{_namespace(text, 'enclaves')}" if text else ""


SOURCES = ("camera",)
"""Executables whose end, without an error, is the end of the frames."""

OBSERVERS = ("latency", "evaluation")
"""Executables that only watch: a vehicle needs its labels also where these have died."""


class _Builder:
    """Turns resolved arguments into nodes."""

    def __init__(self, name: str, arguments: tuple[Argument, ...], given: Mapping[str, str]) -> None:
        self.name = name
        self.arguments = arguments
        self.given = {argument.name for argument in arguments if given.get(argument.name, "") not in ("", argument.default)}
        self.values = resolve(arguments, given, name)
        self.namespace = _namespace(self.values["namespace"])
        self.elsewhere: list[str] = []
        """Namespaces of nodes that run on another computer."""
        self.files = [configuration_file(self.values["configuration"])]
        self.checked = {} if self.values["configuration"] in configurations() else {"configuration": self.files[0]}
        if self.values["params_file"]:
            path = Path(self.values["params_file"]).expanduser()
            if not path.is_file():
                raise ArgumentError(f"argument params_file:={path}: no such file")
            self.files.append(path.resolve())
            self.checked["params_file"] = path

    def flag(self, name: str) -> bool:
        return self.values[name].lower() == "true"

    def node(self, executable: str, **parameters: Value) -> NodeSpec:
        """A node with the arguments that set its parameters; ``parameters`` are the graph's own."""
        given: dict[str, Value] = {"use_sim_time": self.flag("use_sim_time"), **parameters}
        for argument in self.arguments:
            text = self.values[argument.name]
            if text and executable in argument.sets:
                given[argument.sets[executable]] = argument.value(text)
        return NodeSpec(
            executable=executable,
            name=executable,
            namespace=self.namespace,
            parameter_files=tuple(self.files),
            parameters=given,
            log_level=self.values["log_level"],
            required=executable not in OBSERVERS,
            source=executable in SOURCES,
        )

    def remote_nodes(self) -> list[NodeSpec]:
        nodes = [self.node("segmentation")]
        if self.flag("decoder"):
            nodes.append(self.node("decoder"))
        if self.flag("latency"):
            nodes.append(self.node("latency"))
        return nodes

    def graph(self, nodes: list[NodeSpec]) -> Graph:
        # OpenMP's threads spin while they wait for each other. Beside other processes on the same cores that makes the network not a
        # little but many times slower: 2 threads on 2 busy cores took 463 ms a frame, and 126 ms with waiting threads asleep.
        environment = {} if "OMP_WAIT_POLICY" in os.environ else {"OMP_WAIT_POLICY": "PASSIVE"}
        environment |= transport.environment(
            middleware=self.values["middleware"],
            addresses=transport.peers(self.values["peer"]),
            local=self.values.get("localhost_only", "").lower() == "true",
        )
        self._refuse_idle(nodes)
        nodes = self._in_enclaves(nodes)
        respawn_delay = float(self.values["respawn_delay"])
        if not 0.5 <= respawn_delay <= 3600:
            raise ArgumentError(f"argument respawn_delay:={self.values['respawn_delay']}: expected 0.5 to 3600 s")
        warnings = tuple(self._warnings(nodes))
        return Graph(self.name, tuple(nodes), environment, warnings, respawn=self.flag("use_respawn"), respawn_delay=respawn_delay)

    def _in_enclaves(self, nodes: list[NodeSpec]) -> list[NodeSpec]:
        """Each node in an enclave of its own, named after the node with its namespace, where ``enclaves`` is given."""
        prefix = enclave_path(self.values["enclaves"])
        if not prefix:
            return nodes
        placed = [replace(node, enclave=f"{prefix.rstrip('/')}/{node.qualified_name}") for node in nodes]
        longest = max((node.enclave for node in placed), key=len)
        if len(longest) > MAX_ENCLAVE:
            raise ArgumentError(
                f"argument enclaves:={self.values['enclaves']}: {longest} has {len(longest)} characters, expected {MAX_ENCLAVE} at most"
            )
        return placed

    def _refuse_idle(self, nodes: list[NodeSpec]) -> None:
        """Arguments that set parameters of nodes which the graph does not have would do nothing."""
        running = {node.executable for node in nodes}
        for argument in self.arguments:
            if argument.name in self.given and argument.sets and not running & set(argument.sets):
                raise ArgumentError(
                    f"{self.name}: {argument.name}:={self.values[argument.name]} would do nothing: it is for {' and '.join(argument.sets)}, "
                    f"and the graph has {', '.join(sorted(running))} alone"
                )

    def _warnings(self, nodes: list[NodeSpec]) -> list[str]:
        names = [f"/{node.qualified_name}" for node in nodes]
        spaces = dict.fromkeys([self.namespace, *self.elsewhere, *(node.namespace for node in nodes)])
        others = ["/" + f"{space}/{executable}".lstrip("/") for space in spaces for executable in EXECUTABLES]
        found = [text for argument, path in self.checked.items() for text in parameter_files.complaints(path, argument, names, others)]
        idle = security.idle_enclaves(self.values["enclaves"], os.environ)
        return [*found, idle] if idle else found


def offload(given: Mapping[str, str]) -> Graph:
    """Camera, segmentation and latency on one machine; with ``evaluation:=true`` and ``decoder:=true`` those too."""
    builder = _Builder("offload", args.OFFLOAD_ARGUMENTS, given)
    nodes = [builder.node("camera"), *builder.remote_nodes()]
    if builder.flag("evaluation"):
        nodes.append(builder.node("evaluation"))
    return builder.graph(nodes)


def edge(given: Mapping[str, str]) -> Graph:
    """The camera computer: the camera node, or with ``input_topic:=...`` an encoder of an existing camera's images."""
    builder = _Builder("edge", args.EDGE_ARGUMENTS, given)
    if not builder.values["input_topic"]:
        return builder.graph([builder.node("camera")])
    camera = [a.name for a in args.CAMERA if builder.values[a.name]]
    if camera:
        raise ArgumentError(f"edge: with input_topic:=... an encoder takes the place of the camera node, so {', '.join(camera)} would do nothing")
    return builder.graph([builder.node("encoder")])


def remote(given: Mapping[str, str]) -> Graph:
    """The computer with the network: segmentation and latency, with ``decoder:=true`` the decoder."""
    builder = _Builder("remote", args.REMOTE_ARGUMENTS, given)
    return builder.graph(builder.remote_nodes())


def replay(given: Mapping[str, str]) -> Graph:
    """A bag through the whole chain: the camera node reads it, keeps the recorded stamps and publishes their time on /clock."""
    builder = _Builder("replay", args.replay_arguments(), given)
    simulated = builder.flag("use_sim_time")
    # The node that publishes the clock cannot wait for it: the camera's own timers run on the system's time.
    camera = builder.node("camera", recorded_stamps=simulated, publish_clock=simulated, start_when_subscribed=True)
    camera = NodeSpec(**{**camera.__dict__, "parameters": {**camera.parameters, "use_sim_time": False}})
    nodes = [camera, *builder.remote_nodes()]
    if builder.flag("evaluation"):
        nodes.append(builder.node("evaluation"))
    return builder.graph(nodes)


MAX_CAMERAS = 32


def _cameras(text: str) -> list[str]:
    """Names of the cameras of ``cameras:=text``."""
    given = [f"camera{i}" for i in range(int(text))] if text.isdigit() else text.split(",")
    names = [_namespace(name.strip()) for name in given if name.strip()]
    if not 1 <= len(names) <= MAX_CAMERAS or len(set(names)) != len(names):
        raise ArgumentError(f"argument cameras:={text}: expected a number from 1 to {MAX_CAMERAS}, or as many different namespaces")
    return names


def many_cameras(given: Mapping[str, str]) -> Graph:
    """Cameras in namespaces of their own and one segmentation node that batches their frames; on one computer or two (``side``)."""
    builder = _Builder("many_cameras", args.MANY_CAMERAS_ARGUMENTS, given)
    names = _cameras(builder.values["cameras"])
    builder.elsewhere = [f"{builder.namespace}/{name}".strip("/") for name in names]
    side = builder.values["side"]
    # A space may follow a comma; one that ends a path is a part of it.
    sources = [source for source in re.split(r",\s*", builder.values["sources"]) if source.strip()]
    if len(sources) not in {0, 1, len(names)}:
        raise ArgumentError(
            f"argument sources:={builder.values['sources']}: {len(sources)} for {len(names)} cameras, expected one for all or one each"
        )
    if sources and side == "remote":
        raise ArgumentError(f"many_cameras: sources:={builder.values['sources']} would do nothing with side:=remote: the cameras run elsewhere")
    nodes: list[NodeSpec] = []
    if side != "remote":
        for i, name in enumerate(names):
            own: dict[str, Value] = {"frame_id": name, "seed": i}
            if sources:
                own["source"] = sources[i % len(sources)]
            nodes.append(replace(builder.node("camera", **own), namespace=f"{builder.namespace}/{name}".strip("/")))
    if side != "edge":
        nodes.append(builder.node("segmentation", cameras=",".join(names)))
        if builder.flag("latency"):
            nodes.append(builder.node("latency", nodes=",".join([*(f"{name}/camera" for name in names), "segmentation"])))
    return builder.graph(nodes)


@dataclass(frozen=True)
class GraphKind:
    """A graph before its arguments are known."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    build: Callable[[Mapping[str, str]], Graph]


GRAPHS = {
    kind.name: kind
    for kind in (
        GraphKind("offload", "camera, segmentation and latency on one machine", args.OFFLOAD_ARGUMENTS, offload),
        GraphKind("edge", "the camera computer: camera, or an encoder of an existing image topic", args.EDGE_ARGUMENTS, edge),
        GraphKind("remote", "the computer with the network: segmentation, latency", args.REMOTE_ARGUMENTS, remote),
        GraphKind("many_cameras", "several cameras, one network that batches their frames", args.MANY_CAMERAS_ARGUMENTS, many_cameras),
        GraphKind("replay", "a ROS 2 bag through the whole chain, in the bag's time", args.replay_arguments(), replay),
    )
}
"""Name -> graph; ``launch/<name>.launch.py`` is the same graph."""


def build(name: str, given: Mapping[str, str]) -> Graph:
    """The graph ``name`` with the arguments ``given`` (texts, as on a command line). Raises ArgumentError."""
    if name not in GRAPHS:
        raise ArgumentError(f"no graph {name!r}; there are {', '.join(GRAPHS)}")
    return GRAPHS[name].build(given)
