# SPDX-License-Identifier: Apache-2.0
"""Which topics and services each node of a graph has: the table from which SROS2 policies are made (:mod:`plcv_ros.graph.policies`).

A node's codec, transport and strips choose among the topics of its images; the table has all of them, so that keys stay good where these change.
A test compares the table with what real nodes have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from plcv_ros.graph import parameter_files
from plcv_ros.graph.graphs import Graph, NodeSpec
from plcv_ros.graph.locations import share_directory

CODED = ("astc", "astc_strips", "jxs", "jxs_strips", "compressed")
"""Last parts of the topics of encoded frames."""

PARAMETER_SERVICES = (
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
)

DEFAULTS = "astc_8x8"
"""The configuration whose topics are the nodes' defaults."""

SENDERS = ("camera", "encoder")
"""Executables that publish frames."""


@dataclass(frozen=True)
class Access:
    """What a node may do: absolute names of topics and services, sorted, each once. ``enclave`` is the node's; empty where it has none."""

    name: str
    namespace: str
    enclave: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    """Services that it offers."""
    request: tuple[str, ...] = ()
    """Services that it calls."""


@dataclass(frozen=True)
class Row:
    """Names with places in braces, which stand for one name each or for several (:func:`_places`); ``~`` is the node's own name."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


EVERY_NODE = Row(
    publish=(
        "/rosout",
        "/parameter_events",
        "/diagnostics",
        "~/frame_events",
        "~/clock/reply",
        "~/debug/processing_time_ms",
        "~/debug/pipeline_latency_ms",
    ),
    subscribe=("/clock", "~/clock/request"),
)

SERVICES = (*(f"~/{name}" for name in PARAMETER_SERVICES), "~/get_type_description")
"""Of every node."""

_REQUESTS = ("{base}/delivered", "{base}/missing")
_SENDER_CLOCKS = Row(publish=("/{sender}/clock/request",), subscribe=("/{sender}/clock/reply",))

NODES: Mapping[str, Row] = {
    "camera": Row(
        publish=("{base}", "{base}/{coded}", "{base:beside}/camera_info", "{base:beside}/labels", "~/codec_changes"),
        subscribe=_REQUESTS,
    ),
    "encoder": Row(
        publish=("{base}/{coded}", "~/codec_changes"),
        subscribe=("{input}", *_REQUESTS),
    ),
    "decoder": Row(
        publish=("{base}/decoded", "{base}/camera_info", *_REQUESTS, *_SENDER_CLOCKS.publish),
        subscribe=("{base}", "{base}/{coded}", "{base:beside}/camera_info", *_SENDER_CLOCKS.subscribe),
    ),
    "segmentation": Row(
        publish=(
            *(f"{{results}}/{name}" for name in ("labels", "overlay", "classes", "label_info")),
            "~/checkpoint_changes",
            *_REQUESTS,
            *_SENDER_CLOCKS.publish,
        ),
        subscribe=("{base}", "{base}/{coded}", *_SENDER_CLOCKS.subscribe),
    ),
    "evaluation": Row(subscribe=("{labels}", "{classes}", "{truth}", "{base}", "{base}/{coded}")),
    "latency": Row(
        publish=("/{followed}/clock/request",),
        subscribe=("/diagnostics", *(f"/{{followed}}/{what}" for what in ("frame_events", "codec_changes", "checkpoint_changes", "clock/reply"))),
    ),
}
"""Executable -> what it has beside EVERY_NODE."""

ENCODER_WITH_OUTPUT = Row(publish=("{base}", "{base:beside}/camera_info"), subscribe=("{input:beside}/camera_info",))
"""More of an encoder whose output has a base topic of its own."""

CLOCK_PUBLISHER = Row(publish=("/clock",))
"""More of a camera that publishes the time of its bag."""

TOOLS: Mapping[str, Row] = {
    "monitor": Row(publish=("/parameter_events",), subscribe=("/diagnostics",)),
    "operator": Row(publish=("/rosout", "/parameter_events")),
}
"""Programs beside the graph: ``plcv latency``, and whoever sets parameters (``ros2 param``), which alone calls the parameter services."""

_TOOL_NODES = {"monitor": "monitor", "operator": "_ros2cli_*"}
"""The names of their nodes: those of the ros2 command end in a number."""

TOOL_SERVICES = ("~/get_type_description",)


def accesses(graph: Graph, enclaves: str = "") -> tuple[Access, ...]:
    """What every node of ``graph`` may do, and the tools beside it, whose enclaves are right below ``enclaves`` (a path, or empty: none).

    Raises ArgumentError where a parameter file cannot be read.
    """
    parameters = {node.qualified_name: _parameters(node) for node in graph.nodes}
    sending = {
        node.qualified_name: base for node in graph.nodes if node.executable in SENDERS for base in _bases(node, parameters[node.qualified_name])
    }
    nodes = tuple(_access(node, parameters[node.qualified_name], sending) for node in graph.nodes)
    operated = {node.qualified_name for node in graph.nodes} | _on_the_other_computer(graph, parameters)
    return (*nodes, *_tools(sorted(operated), enclaves))


def _access(node: NodeSpec, values: Mapping[str, str], sending: Mapping[str, str]) -> Access:
    rows = [EVERY_NODE, NODES[node.executable]]
    places = _places(node, values, sending)
    if node.executable == "encoder" and places["base"] != places["input"]:
        rows.append(ENCODER_WITH_OUTPUT)
    if values.get("publish_clock", "").lower() == "true":
        rows.append(CLOCK_PUBLISHER)
    own = f"/{node.qualified_name}"
    return Access(
        node.name,
        node.namespace,
        node.enclave,
        publish=_expand((name for row in rows for name in row.publish), own, places),
        subscribe=_expand((name for row in rows for name in row.subscribe), own, places),
        reply=_expand(SERVICES, own, {}),
    )


def _on_the_other_computer(graph: Graph, parameters: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Names of the nodes that the other side of two computers may have: one operator is there for both."""
    executables = {node.executable for node in graph.nodes}
    found = set[str]()
    for node in graph.nodes:
        if graph.name == "edge":
            found |= {f"{node.namespace}/{other}".strip("/") for other in (*SENDERS, "segmentation", "decoder", "latency")}
        elif node.executable == "segmentation" and not executables & set(SENDERS):
            found |= {*_places(node, parameters[node.qualified_name], {})["sender"], f"{node.namespace}/decoder".strip("/")}
    return found


def _tools(nodes: Iterable[str], enclaves: str) -> tuple[Access, ...]:
    services = tuple(sorted(f"/{node}/{name}" for node in nodes for name in PARAMETER_SERVICES))
    tools = []
    for tool, row in TOOLS.items():
        name = _TOOL_NODES[tool]
        tools.append(
            Access(
                name,
                "",
                f"{enclaves.rstrip('/')}/{tool}" if enclaves else "",
                publish=_expand(row.publish, f"/{name}", {}),
                subscribe=_expand(row.subscribe, f"/{name}", {}),
                reply=_expand(TOOL_SERVICES, f"/{name}", {}),
                request=services if tool == "operator" else (),
            )
        )
    return tuple(tools)


def _parameters(node: NodeSpec) -> dict[str, str]:
    # What a file of the user's leaves out has the node's default, as the package's own files have it.
    files = (share_directory() / "config" / f"{DEFAULTS}.yaml", *node.parameter_files)
    values = parameter_files.values(files, f"/{node.qualified_name}")
    return values | {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in node.parameters.items()}


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _absolute(name: str, node: NodeSpec) -> str:
    if name.startswith("~"):
        return f"/{node.qualified_name}{name[1:]}"
    return name if name.startswith("/") else f"/{node.namespace}/{name}".replace("//", "/")


def _bases(node: NodeSpec, values: Mapping[str, str]) -> tuple[str, ...]:
    """The base image topics that a node publishes or receives."""
    if node.executable == "encoder":
        return (_absolute(values["output_topic"] or values["input_topic"], node),)
    base = values["input_topic" if node.executable == "decoder" else "image_topic"]
    cameras = [name.strip("/") for name in _names(values.get("cameras", ""))]
    return tuple(_absolute(f"{camera}/{base}", node) for camera in cameras) if cameras else (_absolute(base, node),)


def _places(node: NodeSpec, values: Mapping[str, str], sending: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What the places of a node's rows stand for."""
    if node.executable == "latency":
        return {"followed": tuple(_absolute(name, node).strip("/") for name in _names(values["nodes"]))}
    cameras = [name.strip("/") for name in _names(values.get("cameras", ""))]
    bases = _bases(node, values)
    places = {"base": bases, "coded": CODED, "results": tuple(_absolute(f"{camera}/{node.name}", node) for camera in cameras) or ("~",)}
    if node.executable == "encoder":
        places["input"] = (_absolute(values["input_topic"], node),)
    if node.executable == "evaluation":
        places |= {name: (_absolute(values[f"{name}_topic"], node),) for name in ("labels", "classes", "truth")}
    # Who sends is known where it is of the same graph; a sender on another computer is one or the other.
    here = tuple(name for name, base in sending.items() if base in bases)
    spaces = [f"{node.namespace}/{camera}".strip("/") for camera in cameras] or [node.namespace]
    places["sender"] = here or tuple(f"{space}/{sender}".strip("/") for space in spaces for sender in SENDERS)
    return places


_PLACE = re.compile(r"\{(\w+)(:beside)?\}")


def _expand(templates: Iterable[str], own: str, places: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    names = set()
    for template in templates:
        used = list(dict.fromkeys(name for name, _ in _PLACE.findall(template)))
        for values in product(*(places[name] for name in used)):
            text = template
            for name, value in zip(used, values, strict=True):
                text = text.replace(f"{{{name}}}", value).replace(f"{{{name}:beside}}", _beside(value))
            names.add(own + text[1:] if text.startswith("~") else text)
    return tuple(sorted(names))


def _beside(base: str) -> str:
    return base.rpartition("/")[0]
