# SPDX-License-Identifier: Apache-2.0
"""What the package needs of other packages, and from which version on: one table for setup.py, ``plcv doctor`` and the errors at run time.

Standard library only: setup.py reads this file before anything is installed. The versions are those that ``make test-lowest`` runs.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
from types import ModuleType

INSTALL = ("numpy>=1.21.3", "PyYAML>=5.4.1", "rich>=11.2")
"""Everywhere. Ubuntu 22.04 (ROS 2 Humble) brings numpy 1.21.5, PyYAML 5.4.1 and rich 11.2."""

_PICTURES = ("simplejpeg>=1.8", "opencv-python-headless>=4.5.4")
# simplejpeg 1.8 is the first that takes rows with padding as they are.

EXTRAS: dict[str, tuple[str, ...]] = {
    # The edge computer: frames in, payloads out. No torch.
    "edge": (*_PICTURES, "rosbags>=0.10.9", "av>=15.0"),
    # The remote computer: payloads in, labels out. No camera libraries beyond OpenCV's drawing.
    "remote": (*_PICTURES, "torch>=2.1", "safetensors>=0.4"),
    "report": ("matplotlib>=3.5",),
    # The search of `plcv tune`.
    "tune": ("cmaes>=0.10",),
    # ROS 2 Kilted as wheels (x86-64), for machines without a ROS installation.
    "ros": (
        "ros-rclpy[fastrtps]>=9.1",
        "ros-builtin-interfaces",
        "ros-sensor-msgs",
        "ros-diagnostic-msgs",
        "ros-std-msgs",
        "ros-rosgraph-msgs",
        "ros-rcl-interfaces",
    ),
    "test": (
        "pytest>=7",
        "pytest-timeout>=2.1",
        "pytest-xdist>=3.7",
        "hypothesis>=6.36",
        "astc-encoder-py>=0.1.10",
        "catkin-pkg>=1",
        "ruff>=0.6",
        "mypy>=1.10",
        "clang-format>=18",
    ),
}

MODULES = {"PyYAML": "yaml", "opencv-python-headless": "cv2"}
"""Distribution -> the module it brings, where the names differ. OpenCV has several distributions: the module's own version counts."""


class TooOldError(ImportError):
    """A library is installed in a version that does not do; the text says which is needed, which was found, and the command that helps."""


def requirement(distribution: str) -> str:
    """The line of the table that names ``distribution``, for example ``torch>=2.1``; KeyError where there is none."""
    for lines in (INSTALL, *EXTRAS.values()):
        for line in lines:
            if re.split(r"[\[>]", line)[0] == distribution:
                return line
    raise KeyError(distribution)


def minimum(distribution: str) -> str:
    """The lowest version of ``distribution`` that does; empty where any does."""
    return requirement(distribution).partition(">=")[2]


def too_old(distribution: str, version: str) -> str:
    """Why ``version`` of ``distribution`` does not do, with the remedy; empty where it does, or cannot be read."""
    lowest = minimum(distribution)
    found = _release(version)
    if not lowest or not found or found >= _release(lowest):
        return ""
    return f'{distribution} {lowest} or newer, found {version}: pip install "{requirement(distribution)}"'


def _release(version: str) -> tuple[int, ...]:
    """(2, 13) of ``2.13.0+cpu``; trailing zeros do not count."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def version_of(module: ModuleType, distribution: str) -> str:
    """The version of an imported library; empty where it does not say."""
    version = getattr(module, "__version__", "")
    if not version:
        try:
            version = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            return ""
    return str(version)


@functools.cache
def check(module: ModuleType, distribution: str) -> None:
    """Raise TooOldError where the imported ``module`` is older than what the package needs of ``distribution``."""
    problem = too_old(distribution, version_of(module, distribution))
    if problem:
        raise TooOldError(problem)


def explain(what: str, error: ImportError, extra: str) -> str:
    """One line for the person who asked for ``what`` and lacks a library of ``extra``, or has too old a one."""
    if isinstance(error, TooOldError):
        return f"{what} needs {error}"
    return f"{what} needs {error.name or error}: {install(extra)}"


def install(extra: str) -> str:
    """The command that installs ``extra``. No package index has plcv_ros: pip takes it from a checkout."""
    what = f'".[{extra}]"' if extra else "."
    return f"pip install {what} in the checkout of plcv_ros"


def extra_of(error: ImportError) -> str | None:
    """The first extra that brings the library that is missing, "" where it comes with the package, None where it is none of the table's."""
    if isinstance(error, TooOldError):
        return ""  # its text says it all
    module = (error.name or "").partition(".")[0]
    for extra, lines in {**EXTRAS, "": INSTALL}.items():
        for line in lines:
            distribution = re.split(r"[\[>]", line)[0]
            if module and module == MODULES.get(distribution, distribution.replace("-", "_")):
                return extra
    return None
