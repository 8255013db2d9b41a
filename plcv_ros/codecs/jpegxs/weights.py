# SPDX-License-Identifier: Apache-2.0
"""Gains and priorities of the bands from a JSON file, in place of those that the norms of the wavelets give."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CodecError

TUNED = Path(__file__).parent / "tuned"
"""Folder of the weights that come with the package, files that `plcv tune` made."""

MAX_FILE_BYTES = 1 << 20

MAX_GAIN = 15
MAX_PRIORITY = 254


@dataclass(frozen=True)
class Weights:
    """Gain and priority of every band, in the order of the standard's WGT segment: by position from coarse to fine, then by component."""

    gains: tuple[int, ...]
    priorities: tuple[int, ...]


def load_weights(weights: str | Path | Mapping[str, Any] | None) -> Weights | None:
    """Weights from a JSON file, from one that comes with the package by its name ("segmentation_main"), or from what such a file holds:
    ``{"gains": [...], "priorities": [...]}``, other keys are comments.

    A gain of 0 to 15 is the number of bit planes that the band keeps beyond those of a band of gain 0; at the next refinement R, bands with
    priorities (0 to 254) below R keep one more. Raises CodecError.
    """
    if weights is None:
        return None
    name = "weights"
    if isinstance(weights, (str, Path)):
        name = f"weights file {weights}"
        try:
            weights = json.loads(_read(_find(Path(weights)), name))
        except OSError as error:
            raise CodecError(f"{name} cannot be read: {error.strerror}; by name there are {', '.join(tuned_names())}") from None
        except ValueError as error:
            raise CodecError(f"{name} is not JSON: {error}") from None
    if not isinstance(weights, Mapping):
        raise CodecError(f"{name} holds a {type(weights).__name__}, expected an object with gains and priorities")
    gains = _integers(name, weights, "gains", MAX_GAIN)
    priorities = _integers(name, weights, "priorities", MAX_PRIORITY)
    if len(gains) != len(priorities) or not gains:
        raise CodecError(f"{name} has {len(gains)} gains and {len(priorities)} priorities, expected one of each for every band")
    return Weights(gains, priorities)


def _read(path: Path, name: str) -> str:
    """The text of a small regular file: a pipe would wait, a device never end. Raises CodecError and OSError."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise CodecError(f"{name} is no regular file, expected a JSON file")
    if state.st_size > MAX_FILE_BYTES:
        raise CodecError(f"{name} has {state.st_size} bytes, expected at most {MAX_FILE_BYTES}")
    return path.read_text(encoding="utf-8")


def tuned_names() -> list[str]:
    """Names of the weights that come with the package."""
    return sorted(path.stem for path in TUNED.glob("*.json"))


def _find(path: Path) -> Path:
    return TUNED / f"{path}.json" if str(path) in tuned_names() and not path.is_file() else path


def _integers(name: str, weights: Mapping[str, Any], key: str, last: int) -> tuple[int, ...]:
    values = weights.get(key)
    if not isinstance(values, (list, tuple)):
        raise CodecError(f"{name}: {key} is {values!r}, expected a list of integers from 0 to {last}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= last:
            raise CodecError(f"{name}: {key} has {value!r}, expected integers from 0 to {last}")
    return tuple(values)
