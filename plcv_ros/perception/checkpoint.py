# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files: safetensors with a JSON description in the header. Nothing in a file is executed.

The header's metadata holds one entry, ``plcv_ros``, a JSON object:

``format``          1
``architecture``    {"name": "espnetv2_fpn", "arguments": {...}}, see :mod:`plcv_ros.perception.networks`
``label_set``       the class table: name, ids, names, colours (:meth:`plcv_ros.labels.LabelSet.to_json`)
``normalisation``   {"mean": [r, g, b], "std": [r, g, b]} of pixels scaled to 0..1
``codec``           what the training pictures went through: "original", "astc 8x8 fast", ...
``data``            [{"name": ..., "licence": ..., "pictures": n}] that the weights were trained on
``licence``         of the weights
``training``        command, seed, epochs and the like
``scores``          [{"data": ..., "miou": ..., ...}]
``version``         of plcv_ros that wrote the file
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plcv_ros import __version__
from plcv_ros.labels import LabelSet
from plcv_ros.perception.errors import CheckpointError
from plcv_ros.perception.networks import build_network
from plcv_ros.perception.normalisation import IMAGENET_MEAN, IMAGENET_STD
from plcv_ros.perception.shipped import DEFAULT, FORMAT, KEY, SUFFIX, WEIGHTS, description

MAX_BYTES = 2 << 30


@dataclass
class Checkpoint:
    """A network's weights and everything needed to use them honestly."""

    architecture: str
    arguments: dict[str, Any]
    label_set: LabelSet
    tensors: dict[str, Tensor]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    metadata: dict[str, Any] = field(default_factory=dict)
    """The remaining entries of the header: codec, data, licence, training, scores, version."""

    def network(self) -> nn.Module:
        """The network with these weights in float32, in evaluation mode; raises ValueError where names or shapes do not fit."""
        network = build_network(self.architecture, len(self.label_set), self.arguments, on="meta")
        expected = network.state_dict()
        missing, unknown = sorted(expected.keys() - self.tensors.keys()), sorted(self.tensors.keys() - expected.keys())
        if missing or unknown:
            raise ValueError(f"weights do not fit {self.architecture}: missing {missing[:3]}, unknown {unknown[:3]}")
        weights: dict[str, Tensor] = {}
        for name, like in expected.items():
            tensor = self.tensors[name]
            if tensor.shape != like.shape:
                raise ValueError(f"tensor {name!r} has shape {tuple(tensor.shape)}, {self.architecture} needs {tuple(like.shape)}")
            if tensor.is_floating_point() != like.is_floating_point():
                raise ValueError(f"tensor {name!r} is {tensor.dtype}, {self.architecture} needs {like.dtype}")
            weights[name] = tensor.to(like.dtype)
            if not bool(torch.isfinite(weights[name]).all()):
                raise ValueError(f"tensor {name!r} holds values that are not finite")
        network.load_state_dict(weights, assign=True)
        return network.requires_grad_(False).eval()


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint``: convolution weights in half precision, the small per-channel values in float32. Replaces ``path`` at once."""
    from safetensors.torch import save_file

    header = {
        **checkpoint.metadata,
        "format": FORMAT,
        "version": __version__,
        "architecture": {"name": checkpoint.architecture, "arguments": checkpoint.arguments},
        "label_set": json.loads(checkpoint.label_set.to_json()),
        "normalisation": {"mean": list(checkpoint.mean), "std": list(checkpoint.std)},
    }
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).detach().cpu().contiguous()
        for name, tensor in checkpoint.tensors.items()
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.touch()
    mode = partial.stat().st_mode
    save_file(tensors, partial, {KEY: json.dumps(header)})
    partial.chmod(mode)  # safetensors writes a file that only its owner can read
    partial.replace(path)


def record_score(path: Path, row: Mapping[str, Any]) -> None:
    """Add ``row`` to the scores in a checkpoint's header, with today's date, in place of an earlier one of the same ``data`` and ``codec``."""
    stored = read_checkpoint(path)
    others = [s for s in stored.metadata.get("scores", []) if (s.get("data"), s.get("codec")) != (row["data"], row["codec"])]
    stored.metadata["scores"] = [*others, {**row, "date": datetime.now(timezone.utc).date().isoformat()}]
    save_checkpoint(path, stored)


def find_checkpoint(name: str | Path) -> Path:
    """Path of a checkpoint: a file, or the name of a shipped one (``default`` or any in the weights folder); CheckpointError if neither."""
    path = Path(name)
    if path.is_file():
        return path
    shipped = WEIGHTS / f"{DEFAULT if str(name) == 'default' else name}{SUFFIX}"
    if path.name == str(name) and shipped.is_file():
        return shipped
    names = ", ".join(["default", *sorted(p.stem for p in WEIGHTS.glob(f"*{SUFFIX}"))])
    raise CheckpointError(f"{name}: no such checkpoint file; shipped ones: {names}")


def read_checkpoint(name: str | Path) -> Checkpoint:
    """Read a checkpoint by path or shipped name; raises :class:`CheckpointError` naming the path and the problem."""
    path = find_checkpoint(name)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"{size} bytes, expected at most {MAX_BYTES}")
        return _parse(path)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path}: {error}") from error


def _parse(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            header = description(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except SafetensorError as error:
        raise ValueError(f"not a readable safetensors file: {error}") from error
    architecture = _entry(header, "architecture", dict)
    normalisation = _entry(header, "normalisation", dict)
    checkpoint = Checkpoint(
        architecture=_entry(architecture, "name", str),
        arguments=_entry(architecture, "arguments", dict),
        label_set=LabelSet.from_json(json.dumps(_entry(header, "label_set", dict))),
        tensors=tensors,
        mean=_triple(normalisation, "mean"),
        std=_triple(normalisation, "std"),
        metadata={k: v for k, v in header.items() if k not in {"architecture", "label_set", "normalisation"}},
    )
    if min(checkpoint.std) <= 0:
        raise ValueError(f"normalisation std {checkpoint.std}, expected more than 0")
    return checkpoint


def _entry(table: Mapping[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if not isinstance(value, kind):
        raise TypeError(f"header entry {key!r} is {value!r}, expected a {kind.__name__}")
    return value


def _triple(table: Mapping[str, Any], key: str) -> tuple[float, float, float]:
    values = _entry(table, key, list)
    if len(values) != 3 or not all(isinstance(v, (int, float)) and math.isfinite(v) for v in values):
        raise ValueError(f"normalisation {key} is {values!r}, expected three finite numbers")
    return float(values[0]), float(values[1]), float(values[2])
