#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the lock file, tools/requirements-locked.txt, from plcv_ros/requirements.py: what ``make lock`` does.

Versions that are locked stay while they satisfy the requirements; ``--upgrade`` takes the newest. The resolver (uv) is installed by its own
pin into an environment that is removed again. Nothing is installed from the packages that are locked; their metadata is read.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import locked

HEADER = """\
# Written by `make lock`, do not edit. What `make env`, `make demo` and `make test` install: one version each, with the hashes of its files, for
# Python 3.10 to 3.13 on Linux (x86-64, and aarch64 but for ROS 2). "for:" names the extras (plcv_ros/requirements.py) that need the package,
# or: install (every environment), build (to build the codecs), torch-cuda (torch as built for NVIDIA GPUs), lock (to write this file).
# docs/supply_chain.md says what is not in this file.
"""


def resolve(folder: Path, upgrade: bool) -> str:
    """The requirements of all groups, resolved for every Python and machine at once; ``folder`` is for files that are needed meanwhile."""
    environment = folder / "environment"
    python = str(environment / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    wanted = folder / "lock.txt"
    wanted.write_text("".join(one.text() for one in locked.select(locked.read(), ["lock"])))
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([python, "-m", "pip", "install", *options, "--requirement", str(wanted)], check=True)

    for name, lines in locked.groups().items():
        (folder / f"{name}.in").write_text("\n".join(lines) + "\n")
    (folder / "pyproject.toml").write_text("[tool.uv]\nenvironments = [\"python_full_version < '3.14' and sys_platform == 'linux'\"]\n")
    output = folder / "out.txt"
    if not upgrade:
        output.write_text(locked.LOCK.read_text())
    sources = [word for name in locked.SOURCES for word in ("--no-binary", name)]
    command = [
        *(str(environment / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.10", "--python", python),
        *("--generate-hashes", "--only-binary", ":all:", *sources, "--no-header", "--annotation-style", "line", "--system-certs"),
        *("--output-file", output.name, *(f"{name}.in" for name in locked.groups())),
    ]
    subprocess.run(command, cwd=folder, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"}, check=True)
    return output.read_text()


def parse(text: str) -> list[locked.Pin]:
    """The pins that uv wrote, each with the groups that need it, directly or through another package."""
    blocks = re.findall(r"^(\S.*(?:\n    --hash.*)+)\n    # via (.*)$", text, re.MULTILINE)
    if len(blocks) != len(re.findall(r"^\S+==", text, re.MULTILINE)):
        raise locked.LockError("uv wrote requirements without hashes or without '# via'")
    requirements = [re.sub(r"\s*\\\n\s*", " ", block) for block, _ in blocks]
    names = [requirement.partition("==")[0] for requirement in requirements]
    needed_by: dict[str, set[str]] = {name: set() for name in names}
    for name, (_, via) in zip(names, blocks, strict=True):
        needed_by[name].update(via.split(", "))

    groups: dict[str, set[str]] = {name: set() for name in names}
    changed = True
    while changed:
        changed = False
        for name, by in needed_by.items():
            for parent in by:
                direct = re.fullmatch(r"-r (.*)\.in", parent)
                more = {direct[1]} if direct else groups[parent]
                if "torch-cuda" in more and not locked.CUDA.fullmatch(name):
                    # The CPU build of torch needs it as well.
                    more = more | {"remote"}
                changed |= not more <= groups[name]
                groups[name] |= more
    return [locked.pin(requirement, sorted(groups[name])) for name, requirement in zip(names, requirements, strict=True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions, also where the locked ones satisfy the requirements")
    args = parser.parse_args()
    try:
        before = {(one.name, one.marker): one.version for one in locked.read()}
        with tempfile.TemporaryDirectory(prefix="plcv-lock-") as folder:
            pins = parse(resolve(Path(folder), args.upgrade))
    except (locked.LockError, subprocess.CalledProcessError) as error:
        print(f"lock: {error}", file=sys.stderr)
        return 1
    locked.LOCK.write_text(HEADER + "".join(one.text() for one in pins))
    for one in pins:
        old = before.pop((one.name, one.marker), "none")
        if old != one.version:
            print(f"{one.name}: {old} -> {one.version}")
    for (name, _), version in before.items():
        print(f"{name}: {version} -> none")
    print(f"{locked.LOCK.relative_to(locked.ROOT)}: {len(pins)} pins")
    return 0


if __name__ == "__main__":
    sys.exit(main())
