#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a virtual environment in which the whole package runs, on a machine with only Python and a C++ compiler.

Standard library only: it runs before anything is installed. ROS 2 (Kilted), OpenCV and torch come as wheels, at the versions and with the hashes
of the lock file (locked.py). The CPU build of torch is taken unless an NVIDIA GPU is found; ``TORCH_INDEX`` names another package index for torch.
Safe to run again: what is there at its locked version is kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Collection
from pathlib import Path

import locked

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "plcv_ros"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST, NEWEST = (3, 10), (3, 13)
"""Python versions for which ROS 2 wheels exist."""


class SetupError(Exception):
    """Something a person has to change before the environment can be made; the text says what."""


def check_machine() -> None:
    """Raise SetupError with the remedy where Python, its headers or a C++ compiler are missing."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SetupError(
            f"Python {platform.python_version()} is no version the ROS 2 wheels exist for (3.10 to 3.13). "
            "Name another one: make demo PYTHON=python3.12"
        )
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise SetupError(
            f"the ROS 2 wheels exist for Linux on x86-64 only, this is {sys.platform} on {platform.machine()}. "
            "Install ROS 2 from its distribution and build with colcon (README, 'The ROS way')."
        )
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        raise SetupError(f"Python.h is missing for {sys.executable}: install the headers (Debian and Ubuntu: apt install python3-dev)")
    compiler = os.environ.get("CXX", "c++")
    if not shutil.which(compiler.split()[0]):
        raise SetupError(f"no C++ compiler {compiler!r} found: install one (Debian and Ubuntu: apt install g++) or set CXX")


def make_venv(venv: Path) -> Path:
    """Create ``venv`` unless it is there; returns its Python."""
    python = venv / "bin" / "python"
    if python.exists():
        return python
    print(f"creating {venv} with Python {platform.python_version()}", flush=True)
    result = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        raise SetupError(f"python3 -m venv failed: {(result.stdout + result.stderr).strip()}\n(Debian and Ubuntu: apt install python3-venv)")
    return python


def pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError(f"this command failed, see above: {' '.join(command)}")


def has_module(python: Path, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([str(python), "-c", code], check=False).returncode == 0


def reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10):
            return True
    except urllib.error.HTTPError:
        return True  # it answered: some indexes refuse HEAD on the root
    except OSError:
        return False


def install_locked(python: Path, groups: Collection[str], lock: Path = locked.LOCK) -> None:
    """Install the packages that the lock file names for ``groups``, and no others; the list stays in the environment as requirements-*.txt.

    Raises SetupError where a file has none of the hashes that the lock file gives for it, or a package is missing from the lock file.
    """
    try:
        pins = locked.select(locked.read(lock), groups)
    except locked.LockError as error:
        raise SetupError(f"the lock file cannot be used: {error}") from error
    listed = python.parents[1] / f"requirements-{'-'.join(sorted(groups))}.txt"
    listed.write_text("".join(pin.text() for pin in pins), encoding="utf-8")
    sources = [word for name in locked.SOURCES for word in ("--no-binary", name)]
    # Without isolation: the few that are built use the build tools installed before, which are locked as well.
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", *sources, "--use-pep517", "--no-build-isolation"]
    try:
        pip(python, "install", *options, "--requirement", str(listed))
    except SetupError as error:
        raise SetupError(
            f"{error}\nOnly files with the hashes of {lock} are installed. Where pip says that hashes do not match, the package index (or a proxy "
            "or cache before it) gave another file than the one that was tested: do not use it, find out why. "
            "After a change of the requirements: make lock"
        ) from error


def install_torch(python: Path) -> None:
    """Install torch at its locked version, and print from where and how much will be downloaded.

    The build with CUDA is in the lock file. The CPU builds lie on an index of their own, and TORCH_INDEX may name any: pip checks those files
    against the hashes that the index itself gives.
    """
    index = os.environ.get("TORCH_INDEX", "")
    if index:
        print(f"torch: {locked.TORCH} from TORCH_INDEX={index}; its hash is not checked against the lock file", flush=True)
        # From that index alone, whatever other indexes have under this name; then what that build needs beside the locked packages.
        pip(python, "install", "--no-deps", "--index-url", index, locked.TORCH)
        pip(python, "install", "--extra-index-url", index, locked.TORCH)
    elif shutil.which("nvidia-smi"):
        print(f"torch: {locked.TORCH} with CUDA, an NVIDIA GPU was found; download about 3 GB", flush=True)
        install_locked(python, ["torch-cuda"])
    elif reachable(TORCH_CPU_INDEX):
        print(f"torch: {locked.TORCH}, CPU build; download about 200 MB", flush=True)
        pip(python, "install", "--no-deps", "--index-url", TORCH_CPU_INDEX, locked.TORCH)
    else:
        print(
            f"torch: {TORCH_CPU_INDEX} does not answer, so {locked.TORCH} comes from pip's configured indexes, and its hash is not checked against "
            "the lock file; download about 200 MB where they hold the CPU build, about 3 GB otherwise. TORCH_INDEX=... names another index.",
            flush=True,
        )
        pip(python, "install", locked.TORCH)


def link_ament_prefix(venv: Path) -> None:
    """Make the environment an ament prefix whose share and lib folders point at the source tree.

    An editable pip install skips data_files, so ament's index, `ros2 launch` and `ros2 run` would not find the package.
    """
    marker = venv / "share" / "ament_index" / "resource_index" / "packages" / PACKAGE
    share = venv / "share" / PACKAGE
    if (share / "launch").is_symlink():
        (share / "launch").unlink()
    for link, target in (
        (marker, ROOT / "resource" / PACKAGE),
        (share / "package.xml", ROOT / "package.xml"),
        # One by one: `ros2 launch` does not look into a linked folder.
        *((share / "launch" / path.name, path) for path in (ROOT / "launch").glob("*.launch.py")),
        (share / "config", ROOT / "config"),
        (venv / "lib" / PACKAGE, ROOT / "scripts"),
    ):
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() or link.is_file():
            link.unlink()
        if not link.exists():
            link.symlink_to(target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where the environment is made")
    parser.add_argument("--extras", default="edge,remote,report,ros", help="which of the package's extras are installed")
    args = parser.parse_args()
    extras = args.extras.split(",")
    try:
        check_machine()
        if unknown := sorted(set(extras) - set(locked.extras())):
            raise SetupError(f"unknown extras {', '.join(unknown)}: expected some of {', '.join(locked.extras())}")
        python = make_venv(args.venv.resolve())
        if not has_module(python, "rclpy"):
            print("installing ROS 2 (Kilted), OpenCV and the rest as wheels; download about 250 MB and torch", flush=True)
        install_locked(python, ["build"])
        install_locked(python, ["install", *extras])
        if "remote" in extras and not has_module(python, "torch"):
            install_torch(python)
        print("building the codecs and installing plcv_ros", flush=True)
        # No index: what the package needs is there, so a requirement that the lock file lacks is an error.
        pip(python, "install", "--quiet", "--no-build-isolation", "--no-index", "--editable", f".[{args.extras}]")
        link_ament_prefix(args.venv.resolve())
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print(f"environment ready: {args.venv}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
