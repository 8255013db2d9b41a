# SPDX-License-Identifier: Apache-2.0
"""Which recording a path means: a file is that file alone, a folder is the recording that its metadata.yaml lists, else the files in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from plcv_ros.camera.bag import compression, mcap, ros1, sqlite
from plcv_ros.camera.bag.storage import read_head
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.folder import SUFFIXES as PICTURES
from plcv_ros.camera.folder import natural_key

SUFFIXES = (".mcap", ".db3", ".bag")
COMPRESSED = (".zstd", ".zst")
_MAGICS = (mcap.MAGIC, sqlite.MAGIC, ros1.MAGIC, compression.ZSTD_MAGIC)
METADATA = "metadata.yaml"


@dataclass(frozen=True)
class Found:
    """The files of a recording. ``ordered``: they follow one another as they are listed; else their log times say it."""

    files: list[Path]
    ordered: bool


def find(path: Path) -> Found | None:
    """The recording that an existing ``path`` means; None where it means none.

    Raises SourceError where it is a recording that lacks a file, or could mean several.
    """
    if path.is_dir():
        return _in_folder(path)
    if path.name == METADATA and _listed(path) is not None:
        return _in_folder(path.parent)
    return Found([path], True) if _is_recording(path) else None


def _is_recording(path: Path) -> bool:
    if _has_suffix(path.name):
        return True
    try:
        # A link may have any name, and so may what was downloaded.
        return path.is_file() and read_head(path).startswith(_MAGICS)
    except OSError:
        return False


def _stem(name: str) -> str:
    """A name in small letters without the suffix of compression."""
    name = name.lower()
    return next((name.removesuffix(suffix) for suffix in COMPRESSED if name.endswith(suffix)), name)


def _has_suffix(name: str) -> bool:
    return _stem(name) != name.lower() or _stem(name).endswith(SUFFIXES)


def _in_folder(folder: Path) -> Found | None:
    entries = sorted(folder.iterdir(), key=lambda p: natural_key(p.name))
    # Files that begin with a dot are those that other systems leave beside a copy.
    files = [p for p in entries if not p.name.startswith(".") and _stem(p.name).endswith(SUFFIXES) and p.is_file()]
    listed = _listed(folder / METADATA)
    if listed:
        return Found([_listed_file(folder, name, files) for name in listed], True)
    pictures = any(p.suffix.lower() in PICTURES for p in entries)
    if not files:
        if listed is not None:
            raise SourceError(f"{folder}: {METADATA} lists no file of the recording, and none lies beside it")
        if not pictures:
            _refuse_folder_of_bags(folder, entries)
        return None
    if pictures:
        raise SourceError(f"{folder} holds pictures and recordings ({_names(files)}): name one of the recordings, or put the pictures elsewhere")
    _refuse_copies(folder, files)
    return Found(files, False)


def _refuse_copies(folder: Path, files: list[Path]) -> None:
    """Of one recording in two formats every frame would be played twice."""
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(_stem(file.name).rpartition(".")[0], []).append(file)
    for same in by_name.values():
        if len(same) > 1:
            raise SourceError(f"{folder} holds {_names(same)}, which seem to be one recording: name one of them")


def _refuse_folder_of_bags(folder: Path, entries: list[Path]) -> None:
    bags = [entry for entry in entries if _looks_like_a_bag(entry)]
    if bags:
        raise SourceError(f"{folder} holds {len(bags)} recordings in folders of their own ({_names(bags)}): name one of them")


def _looks_like_a_bag(folder: Path) -> bool:
    try:
        return folder.is_dir() and (_listed(folder / METADATA) is not None or any(_stem(p.name).endswith(SUFFIXES) for p in folder.iterdir()))
    except OSError:  # a folder that may not be read
        return False


def _names(paths: list[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:5])
    return shown if len(paths) <= 5 else f"{shown}, ..."


def _listed(metadata: Path) -> list[str] | None:
    """The files that a metadata.yaml of a bag lists; None where it is absent, damaged or somebody else's."""
    try:
        content = yaml.safe_load(metadata.read_bytes())
        names = content["rosbag2_bagfile_information"]["relative_file_paths"]
        return [str(name).replace("\\", "/") for name in names or []]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None


def _listed_file(folder: Path, name: str, present: list[Path]) -> Path:
    """The file of that name in the folder, packed or unpacked since: older rosbag2 writes the folder's own name before it."""
    for candidate in (folder / name, folder / PurePosixPath(name).name):
        if candidate.is_file():
            return candidate
    for file in present:
        if _stem(file.name) == _stem(PurePosixPath(name).name):
            return file
    beside = f"the folder holds {_names(present)}: name that instead, or" if present else "copy it there, or"
    raise SourceError(f"{folder}: {METADATA} lists {name}, which is not there; {beside} have the list written anew by `ros2 bag reindex`")
