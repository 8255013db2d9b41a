# SPDX-License-Identifier: Apache-2.0
"""Shared memory that Fast DDS left behind: a process that is killed cannot remove its segments, 8 to 64 MB each."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

SHM = Path("/dev/shm")
PROC = Path("/proc")

_PREFIXES = ("fastdds_", "fastrtps_", "sem.fastdds_", "sem.fastrtps_")

YOUNG_S = 10.0
"""A file that new may belong to a process that has not mapped it yet."""


def _in_use(proc: Path, shm: Path) -> tuple[set[str], bool]:
    """Names below ``shm`` that a process has mapped or open, and whether all processes could be looked at."""
    names: set[str] = set()
    every = True
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            for line in (process / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
                path = line.rpartition(" ")[2]
                if path.startswith(f"{shm}/"):
                    names.add(Path(path).name)
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    target = descriptor.readlink()
                    if target.parent == shm:
                        names.add(target.name)
        except FileNotFoundError:
            continue  # it has ended meanwhile
        except ProcessLookupError:
            continue
        except PermissionError:
            every = False
    return names, every


def left_behind(shm: Path | None = None, proc: Path | None = None) -> list[Path]:
    """Fast DDS's files in shared memory that no process has mapped or open, of this user alone where other users' processes cannot be looked at.
    Raises OSError where the folders cannot be read."""
    shm, proc = shm or SHM, proc or PROC
    files = [path for path in shm.iterdir() if path.name.startswith(_PREFIXES)]
    if not files:
        return []
    used, every = _in_use(proc, shm)
    found = []
    for path in sorted(files):
        with contextlib.suppress(FileNotFoundError):
            state = path.lstat()
            mine = every or state.st_uid == os.geteuid()
            # The lock beside a segment (_el) is held by whoever holds the segment.
            alive = {path.name, path.name.removesuffix("_el")} & used or f"{path.name}_el" in used
            if mine and not alive and time.time() - state.st_mtime > YOUNG_S:
                found.append(path)
    return found


def megabytes(paths: list[Path]) -> float:
    """What the files occupy, MB: their blocks, since segments are sparse."""
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total / 1e6


def remove(paths: list[Path]) -> int:
    """Remove the files; returns how many. Those that are gone or belong to somebody else are passed by."""
    count = 0
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
            count += 1
    return count
