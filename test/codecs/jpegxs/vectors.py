# SPDX-License-Identifier: Apache-2.0
"""The test vectors of test/vectors/jpegxs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parents[2] / "vectors/jpegxs"
MANIFEST: list[dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text())["vectors"]
VALID = [v for v in MANIFEST if v["expect"] == "ok"]
INVALID = [v for v in MANIFEST if v["expect"] == "error"]


def payload(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def digest(planes: Iterable[npt.NDArray[Any]]) -> str:
    """SHA-256 of planes as the manifest defines it: row by row, two bytes little endian above 8 bits."""
    sha = hashlib.sha256()
    for plane in planes:
        sha.update(plane.astype("<u2" if plane.dtype == np.uint16 else np.uint8).tobytes())
    return sha.hexdigest()
