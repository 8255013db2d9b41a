# SPDX-License-Identifier: Apache-2.0
"""Whether a result can be written where it shall go: found out by writing, before the work whose result it is."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from plcv_ros import writing


class OutputError(OSError):
    """A place cannot be written to; the message names the option, the place and the reason."""


def probe_folder(option: str, folder: Path) -> None:
    """Make ``folder`` where it is missing, and write and remove a file in it; raises OutputError. Files that are there stay as they are."""
    try:
        writing.probe(folder)
    except OSError as error:
        raise OutputError(f"{option} {folder}: {_reason(folder, error)}") from error


def probe_file(option: str, path: Path) -> None:
    """Like :func:`probe_folder` for the folder of ``path``, which must be no folder itself and, where it exists, open for writing."""
    if path.is_dir():
        raise OutputError(f"{option} {path}: a folder, expected a file")
    if path.exists():
        try:
            with path.open("ab"):
                return
        except OSError as error:
            raise OutputError(f"{option} {path}: {error.strerror}") from error
    try:
        probe_folder(option, path.parent)
    except OutputError as error:
        raise OutputError(str(error).replace(f"{option} {path.parent}: ", f"{option} {path}: ", 1)) from error


def probe(args: argparse.Namespace, folders: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> None:
    """Probe what these options of a command name, each by its name in the namespace; None is passed over."""
    for names, check in ((folders, probe_folder), (files, probe_file)):
        for name in names:
            if getattr(args, name) is not None:
                check(f"--{name.replace('_', '-')}", getattr(args, name))


def _reason(folder: Path, error: OSError) -> str:
    taken = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
    return f"{taken} is a file, expected a folder" if taken else error.strerror or os.strerror(error.errno or 0)
