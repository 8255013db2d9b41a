# SPDX-License-Identifier: Apache-2.0
"""The configuration that a user's own parameter file is read on top of, so that a file for one node alone does not leave the others on another
codec."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from plcv_ros.graph import ArgumentError, configurations
from plcv_ros.graph.parameter_files import matches

DEFAULT = "astc_8x8"

_CODECS = {"astc": "astc", "jxs": "jxs", "compressed": "jpeg", "raw": "raw", "auto": "auto"}
"""What a receiver's ``transport`` says of the sender's ``codec``."""

_PARAMETERS = "ros__parameters"


def base_configuration(path: Path, option: str, sender: str, receivers: Collection[str]) -> str:
    """The shipped configuration with the codec of the parameter file ``path``, which holds parameters of ``sender``, of ``receivers`` (names with
    leading slash), of both or of neither.

    Raises ArgumentError, which names ``option``, where the file sets them to codecs that do not meet: no frame would arrive. What is no parameter
    file is left to those who check it.
    """
    import yaml

    try:
        root = next(iter(yaml.safe_load_all(path.read_text(encoding="utf-8-sig"))), None)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return DEFAULT
    sent = _values(root, sender)
    received = {name: str(value) for name in receivers if (value := _values(root, name).get("transport")) in _CODECS}
    codec = str(sent["codec"]) if "codec" in sent else next((_CODECS[t] for t in received.values() if t != "raw"), "")
    wrong = {name: transport for name, transport in received.items() if codec and not _meet(codec, transport)}
    if wrong:
        waiting = ", ".join(f"{name.strip('/')} waits for transport {transport}" for name, transport in wrong.items())
        raise ArgumentError(f"{option} {path}: {sender.strip('/')} sends {codec}, {waiting}: no frame would arrive")
    likely = {"astc": f"astc_{sent.get('astc_block', '8x8')}", "jxs": f"jxs_{sent.get('jxs_preset', 'high')}"}.get(codec, codec)
    # A value that the camera node will refuse, by name.
    return likely if likely in configurations() else {"jxs": "jxs_high"}.get(codec, DEFAULT)


def _meet(codec: str, transport: str) -> bool:
    # The camera offers plain images beside every codec.
    return transport == "raw" or _CODECS[transport] == codec or (transport == "auto" and codec in {"astc", "jxs"})


def _values(root: Any, node: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, parameters in _sections(root, ""):
        if matches(key, node):
            found.update(parameters)
    return found


def _sections(value: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, Mapping):
        return
    for key, below in value.items():
        if key != _PARAMETERS:
            yield from _sections(below, "/".join(part for part in (name, str(key).strip("/")) if part))
        elif isinstance(below, Mapping):
            yield f"/{name}", below
