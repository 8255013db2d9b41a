# SPDX-License-Identifier: Apache-2.0
"""The checkpoints that come with the package, by what their headers say of them. Reads no weights and needs no torch."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plcv_ros.perception.errors import CheckpointError

WEIGHTS = Path(__file__).parents[1] / "weights"
"""Folder of the shipped checkpoints."""

DEFAULT = "espnetv2_average"
"""Name of the shipped checkpoint that ``default`` stands for."""

KEY = "plcv_ros"
FORMAT = 1
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Shipped:
    """A checkpoint file and the description in its header (the entries are those of :mod:`plcv_ros.perception.checkpoint`)."""

    path: Path
    header: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called: its file's name without the suffix."""
        return self.path.stem

    @property
    def codec(self) -> str:
        """What the training pictures went through: ``original``, ``astc:8x8:fast``, or a mixture joined by ``+``."""
        return str(self.header.get("codec", ""))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its classes, in the order of their ids."""
        return tuple(str(row.get("name")) for row in self.header["label_set"]["classes"])

    @property
    def parameters(self) -> int:
        """How many numbers training has set: all tensors but the statistics of batch normalisation."""
        tensors = {name: entry for name, entry in read_safetensors_header(self.path).items() if name != "__metadata__"}
        return sum(math.prod(t["shape"]) for name, t in tensors.items() if not name.endswith(("running_mean", "running_var", "num_batches_tracked")))

    @property
    def kinds_of_data(self) -> frozenset[str]:
        """``camvid``, ``scenes``, ...: the first words of the names of all data sets that its weights have seen."""
        return frozenset(str(entry["name"]).partition(" ")[0] for entry in self.header.get("data", ()))


def description(entries: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object under ``plcv_ros`` of a safetensors header's metadata; raises ValueError or TypeError where it is none of this format."""
    if KEY not in entries:
        raise ValueError(f"no {KEY!r} entry in the safetensors header: not a checkpoint of this package")
    header = json.loads(entries[KEY])
    if not isinstance(header, dict):
        raise TypeError(f"the {KEY!r} entry of the header is not a JSON object")
    if header.get("format") != FORMAT:
        raise ValueError(f"checkpoint format {header.get('format')!r}, this version reads {FORMAT}")
    return header


def read_safetensors_header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file: eight bytes of length, the header, the tensors. Raises CheckpointError."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size - 8:
                raise ValueError(f"a header of {length} bytes, expected at most those of the file")
            content = json.loads(file.read(length))
        if not isinstance(content, dict):
            raise TypeError("the header is not a JSON object")
    except (OSError, ValueError, TypeError, struct.error) as error:
        raise CheckpointError(f"{path}: {error}") from error
    return content


def read_header(path: Path) -> dict[str, Any]:
    """The description of a checkpoint file; raises CheckpointError."""
    entries = read_safetensors_header(path).get("__metadata__")
    try:
        return description(entries if isinstance(entries, dict) else {})
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def shipped(folder: Path = WEIGHTS) -> dict[str, Shipped]:
    """Name -> checkpoint of ``folder``, by name; raises CheckpointError for a file that is none."""
    return {path.stem: Shipped(path, read_header(path)) for path in sorted(folder.glob(f"*{SUFFIX}"))}
