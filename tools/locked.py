# SPDX-License-Identifier: Apache-2.0
"""The lock file: every package that ``make`` installs, at one version, with the hashes of its files. What is locked, and how the file is read.

Standard library only: it is read before anything is installed.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "plcv_ros" / "requirements.py"
LOCK = ROOT / "tools" / "requirements-locked.txt"

TORCH = "torch==2.13.0"
BUILD = ("setuptools>=77.0.3,<80", "wheel", "pybind11>=2.11")
"""For the codecs. 77.0.3 is torch's lower bound; colcon and this build take no setuptools from 80 on."""
LOCK_TOOL = ("uv",)
SOURCES = ("empy",)
"""Packages without wheels, built from their source; every other package is taken as a wheel, which runs no code when it is installed."""
CUDA = re.compile(r"(torch|triton|(nvidia|cuda)-.*)")
"""What torch's build with CUDA brings. The CPU build has the same version and needs none of the others."""

_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_PIN = re.compile(rf"({_NAME})==([0-9][a-z0-9.!]*)(?: ; ([\w\s.'<>=!()*]+))?")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


class LockError(ValueError):
    """The lock file cannot be read, or holds what does not belong there; the text says which line."""


@dataclass(frozen=True)
class Pin:
    """One package at one version; ``marker`` (PEP 508, or empty) says on which machines, ``groups`` for what it is installed."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    groups: tuple[str, ...]

    def text(self) -> str:
        """The lines of the lock file, as pip reads them."""
        head = f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")
        return " \\\n    ".join([head, *(f"--hash={value}" for value in self.hashes)]) + f"\n    # for: {', '.join(self.groups)}\n"


def extras() -> dict[str, tuple[str, ...]]:
    """The package's extras, from plcv_ros/requirements.py."""
    return dict(runpy.run_path(str(REQUIREMENTS))["EXTRAS"])


def groups() -> dict[str, tuple[str, ...]]:
    """Name -> the requirements it stands for: ``install`` and the extras of plcv_ros/requirements.py, ``build``, ``torch-cuda`` and ``lock``."""
    found = {"install": runpy.run_path(str(REQUIREMENTS))["INSTALL"], **extras(), "build": BUILD, "torch-cuda": (TORCH,), "lock": LOCK_TOOL}
    # torch has a way of its own into the environment: the CPU build lies on another index.
    found["remote"] = tuple(line for line in found["remote"] if not line.startswith("torch"))
    found["ros"] = tuple(f"{line} ; platform_machine == 'x86_64'" for line in found["ros"])
    return found


def pin(requirement: str, groups: Iterable[str]) -> Pin:
    """A requirement with hashes, as pip-compile and uv write it (lines joined); LockError where it is not exact or has no hashes."""
    head, *hashes = re.split(r"\s+(?=--)", requirement.strip())
    match = _PIN.fullmatch(head)
    values = [_HASH.fullmatch(value) for value in hashes]
    if not match or not values or None in values:
        raise LockError(f"expected NAME==VERSION with an optional marker and --hash=sha256:..., found {requirement[:200]!r}")
    return Pin(match[1], match[2], match[3] or "", tuple(value[1] for value in values if value), tuple(groups))


def read(path: Path = LOCK) -> list[Pin]:
    """The pins of a lock file. Raises LockError where it cannot be read or a line is none of a lock file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path}: {error}") from error
    pins: list[Pin] = []
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        names = re.fullmatch(r"    # for: ([a-z-]+(?:, [a-z-]+)*)", line)
        if names:
            try:
                pins.append(pin(" ".join(parts), names[1].split(", ")))
            except LockError as error:
                raise LockError(f"{path}:{number}: {error}") from None
            parts = []
        elif line and not line.startswith("#"):
            parts.append(line.removesuffix("\\").strip())
    if parts:
        raise LockError(f"{path}: {parts[0][:200]!r} is followed by no line '# for: ...'")
    return pins


def select(pins: Iterable[Pin], wanted: Collection[str]) -> list[Pin]:
    """The pins of the groups in ``wanted``: together with what each of them needs, as the lock file names the groups of those too."""
    return [one for one in pins if not set(one.groups).isdisjoint(wanted)]
