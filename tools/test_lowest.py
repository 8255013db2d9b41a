#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests that need no ROS with the lowest versions that the package allows (tools/constraints-lowest.txt): what ``make test-lowest`` does.

Two environments. One on Python 3.10, where such a Python is found: everything but torch, and the codecs built with the setuptools and
pybind11 of Ubuntu 22.04. One on the Python of ``--base``, whose torch it borrows (an older torch would be a CUDA build of gigabytes): the
networks. Standard library only; what is installed already is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "tools" / "constraints-lowest.txt"
PYTHON = "3.10"
BUILD = ("setuptools", "pybind11", "wheel")
TEST_TOOLS = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "astc-encoder-py")
TESTS = (
    *("test/test_imports.py", "test/test_requirements.py", "test/test_labels.py", "test/test_graph.py", "test/test_configurations.py"),
    *("test/codecs/test_jpeg.py", "test/codecs/test_headers.py", "test/codecs/test_bad_input.py", "test/codecs/test_astc_standard.py"),
    *("test/codecs/jpegxs/test_decode.py", "test/codecs/jpegxs/test_jpegxs_strips.py", "test/strips", "test/adaptation"),
    *("test/camera", "test/tracing", "test/cli", "test/training", "test/perception", "test/benchmarks/test_codec_benchmarks.py"),
)
TORCH_TESTS = ("test/perception",)


def names(lines: tuple[str, ...]) -> list[str]:
    """Distributions of requirement lines."""
    return [re.split(r"[\[<>=]", line)[0] for line in lines]


def needed() -> list[str]:
    """Distributions of the package and of the extras that need neither ROS nor torch."""
    table = runpy.run_path(str(ROOT / "plcv_ros" / "requirements.py"))
    extras = table["EXTRAS"]
    found = names((*table["INSTALL"], *extras["edge"], *extras["remote"], *extras["report"], *extras["tune"]))
    return sorted({*found} - {"torch"})


def python_of(version: str) -> str:
    """A Python of ``version`` that runs, else the one that runs this."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python{version}"))):
        if candidate and subprocess.run([str(candidate), "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(candidate)
    print(f"no Python {version} here: the lowest versions are those with wheels for {sys.version.split()[0]}", flush=True)
    return sys.executable


def run(*words: str, environment: dict[str, str] | None = None) -> None:
    """Run a command in the source tree; its failure ends this program with its status."""
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **(environment or {})}, check=False)
    if done.returncode:
        print(f"failed ({done.returncode}): {' '.join(words)}", file=sys.stderr)
        sys.exit(done.returncode)


def install(folder: Path, python: str, packages: list[str], *options: str) -> str:
    """An environment in ``folder`` with ``packages`` at their lowest versions; returns its Python."""
    key = hashlib.sha256("\0".join([python, *packages, *options]).encode() + CONSTRAINTS.read_bytes()).hexdigest()
    stamp, program = folder / "installed", str(folder / "bin" / "python")
    if not stamp.is_file() or stamp.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
        run(python, "-m", "venv", str(folder))
        # Constraints given by the environment also hold where pip builds a package: PyYAML 5.4 does not build with Cython 3.
        run(program, "-m", "pip", "install", "--quiet", *options, *packages, environment={"PIP_CONSTRAINT": str(CONSTRAINTS)})
        stamp.write_text(key)
    return program


def borrow(folder: Path, base: str) -> None:
    """Let the environment in ``folder`` fall back to what ``base``'s environment has, after its own."""
    paths = subprocess.run(
        [base, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    ).stdout.strip()
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "zz_base.pth").write_text(paths + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv-lowest", help="where the environments are made")
    parser.add_argument("--base", default=sys.executable, help="Python of an environment with torch; its in-place build of the codecs is used")
    parser.add_argument("--jobs", default="2", help="test files that run side by side")
    args = parser.parse_args()
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", args.jobs, "--dist", "loadfile")

    python = install(args.venv / "python", python_of(PYTHON), [*needed(), *TEST_TOOLS, *BUILD])
    run(python, "setup.py", "--quiet", "build_ext", "--inplace")
    run(python, *pytest, *TESTS)

    # --no-deps: what is not at its lowest is the base's.
    folder = args.venv / "torch"
    python = install(folder, args.base, needed(), "--no-deps", "--ignore-installed")
    borrow(folder, args.base)
    run(python, *pytest, *TORCH_TESTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
