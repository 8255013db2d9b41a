# SPDX-License-Identifier: Apache-2.0
"""zstd and lz4, by whichever of the libraries is there that rosbags brings along."""

from __future__ import annotations

import shutil
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_ZSTD_LIBRARIES = ("compression.zstd", "backports.zstd", "zstandard")
"""Of Python 3.14, of later and of earlier releases of rosbags."""


@lru_cache(maxsize=1)
def _zstd() -> Any:
    name = next(filter(_installed, _ZSTD_LIBRARIES), None)
    if name is None:
        raise ImportError("zstd is not installed", name="zstd")
    return import_module(name)


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:  # not even the package that it would be in
        return False


def _stream(file: BinaryIO) -> Any:
    library = _zstd()
    if library.__name__ == "zstandard":
        return library.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return library.open(file, "rb")


def zstd(data: bytes | memoryview) -> bytes:
    """The content of one zstd frame. Raises ImportError, and what the library raises where the data are damaged."""
    library = _zstd()
    content: bytes = library.ZstdDecompressor().decompressobj().decompress(data) if library.__name__ == "zstandard" else library.decompress(data)
    return content


def lz4(data: bytes | memoryview) -> bytes:
    """The content of one lz4 frame. Raises ImportError, and what the library raises where the data are damaged."""
    content: bytes = import_module("lz4.frame").decompress(data)
    return content


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of what a zstd file holds; fewer where it is damaged."""
    with path.open("rb") as file:
        try:
            head: bytes = _stream(file).read(count)
        except ImportError:
            raise
        except Exception:
            return b""
    return head


def unpack(path: Path, target: Path) -> str:
    """Write what the zstd file ``path`` holds to ``target``; returns what is wrong with it, empty where nothing is. Raises OSError, ImportError."""
    with path.open("rb") as file, target.open("wb") as out:
        try:
            shutil.copyfileobj(_stream(file), out, 1 << 20)
        except (OSError, ImportError):
            raise
        except Exception as error:  # each library has errors of its own
            return f"its zstd data are damaged ({error})"
    return ""
