# SPDX-License-Identifier: Apache-2.0
"""Parameter files (YAML, as rcl reads them): whose parameters they hold, and whether a graph has those nodes.

rcl leaves out what is for other nodes without a word, which is right for one node and wrong for a whole graph: there a key that matches no
node is a slip of the pen, or a namespace that was forgotten.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from plcv_ros.graph.arguments import ArgumentError

_PARAMETERS = "ros__parameters"


def node_keys(path: Path, argument: str) -> list[str]:
    """The keys of a parameter file, each a node's name with namespace (``/robot/camera``) in which ``*`` is one part and ``**`` any number.

    ``argument``: the launch argument that names the file, for errors. Raises ArgumentError where the file cannot be read, is no YAML, or no
    parameter file.
    """
    return [key for key, _ in _sections(path, f"argument {argument}:={path}")]


def values(paths: Iterable[Path], node: str) -> dict[str, str]:
    """The parameters that files give to ``node``, a name with namespace and leading slash: name -> its value as text, those of later files first
    to count. Raises ArgumentError as :func:`node_keys`."""
    found: dict[str, str] = {}
    for path in paths:
        for key, section in _sections(path, f"parameter file {path}"):
            if matches(key, node) and isinstance(section.value, list):
                found |= {name.value: value.value for name, value in section.value if isinstance(value.value, str)}
    return found


def _sections(path: Path, where: str) -> list[tuple[str, Any]]:
    """Every node's key, and what is below its ``ros__parameters`` as a node of YAML."""
    import yaml

    try:
        # rcl reads the first document.
        root = next(iter(yaml.compose_all(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)), None)
    except OSError as error:
        raise ArgumentError(f"{where}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{where} is no YAML: {' '.join(str(error).split())}") from error
    return [] if root is None else list(_keys(root, "", where))


def _keys(value: Any, name: str, where: str) -> Iterator[tuple[str, Any]]:
    import yaml

    if not isinstance(value, yaml.MappingNode):
        place = f"{where}, line {value.start_mark.line + 1}"
        raise ArgumentError(f"{place}: {name or 'the file'} holds a value, expected <node>: {_PARAMETERS}: <parameter>: <value>")
    for key, below in value.value:
        if key.value == _PARAMETERS:
            yield f"/{name}", below
        else:
            yield from _keys(below, "/".join(part for part in (name, str(key.value).strip("/")) if part), where)


def matches(key: str, node: str) -> bool:
    """Whether rcl gives the parameters under ``key`` to ``node``, a name with namespace and leading slash."""
    pattern = "".join("(/[^/]+)*" if part == "**" else "/[^/]+" if part == "*" else f"/{re.escape(part)}" for part in key.strip("/").split("/"))
    return re.fullmatch(pattern, node) is not None


def complaints(path: Path, argument: str, nodes: Collection[str], others: Collection[str]) -> list[str]:
    """What a file holds that no node of a graph will read, a sentence each.

    ``nodes``: the graph's, ``others``: nodes that the same file may be for on another computer, all with namespace and leading slash. Raises
    ArgumentError as :func:`node_keys`.
    """
    keys = node_keys(path, argument)
    if not keys:
        return [f"argument {argument}:={path} holds no parameters: it changes nothing"]
    have = f"the nodes are {', '.join(nodes)}"
    if not any(matches(key, node) for key in keys for node in nodes):
        return [
            f"argument {argument}:={path}: {', '.join(keys)} matches no node of the graph, its parameters are ignored; {have}{_hint(keys, nodes)}"
        ]
    strange = [key for key in keys if not any(matches(key, node) for node in (*nodes, *others))]
    if not strange:
        return []
    return [f"argument {argument}:={path}: {', '.join(strange)} matches no node of the graph and is ignored; {have}{_hint(strange, nodes)}"]


def _hint(keys: list[str], nodes: Collection[str]) -> str:
    for key in keys:
        last = key.rpartition("/")[2]
        for name in difflib.get_close_matches(last, [node.rpartition("/")[2] for node in nodes], n=1):
            return f"; did you mean /**/{name}?"
    return ""
