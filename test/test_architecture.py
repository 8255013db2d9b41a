# SPDX-License-Identifier: Apache-2.0
"""The arrows between the rooms point one way, heavy libraries stay where they belong, and every source file names its licence."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "plcv_ros"

ARROWS: dict[str, set[str]] = {
    "requirements": set(),
    "ranges": set(),
    "writing": set(),
    "codecs": set(),
    "labels": set(),
    "pictures": {"codecs"},
    "texts": set(),
    "tracing": {"texts"},
    "graph": set(),
    "scenes": {"labels"},
    "strips": {"codecs"},
    "adaptation": set(),
    "camera": {"scenes", "labels", "pictures"},
    "perception": {"labels"},
    "training": {"codecs", "perception", "scenes", "labels", "pictures"},
    "nodes": {"codecs", "camera", "perception", "tracing", "graph", "labels", "strips", "adaptation", "texts"},
    "cli": {"codecs", "labels", "tracing", "graph", "scenes", "camera", "perception", "training", "nodes", "pictures", "texts"},
}
"""Room -> the rooms it may import (docs/architecture.md draws the same picture)."""

BELOW_ALL = {"requirements", "ranges", "writing"}
"""What every room may import: the versions of other packages that are needed, the range of a number, and files that are whole or as before."""

OWNERS = {
    "rclpy": {"nodes"},
    "sensor_msgs": {"nodes"},
    "std_msgs": {"nodes"},
    "diagnostic_msgs": {"nodes"},
    "torch": {"perception", "training"},
    "rosbags": {"camera"},
    "av": {"camera"},
    "pybind11": set(),
}
"""Library -> the only rooms that import it; ``cli`` asks whether it is installed, nothing more."""


def rooms_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "plcv_ros" and len(parts) > 1 else None


def imports(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, at its top or inside functions."""
    package = ["plcv_ros", *path.relative_to(PACKAGE).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


SOURCES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("name", sorted(ARROWS))
def test_arrows_point_one_way(name: str) -> None:
    wrong = []
    for path in SOURCES:
        if room(path) != name:
            continue
        targets = {r for r in map(rooms_of, imports(path)) if r in ARROWS and r != name}
        wrong += [f"{path.relative_to(ROOT)} imports {target}" for target in sorted(targets - ARROWS[name] - BELOW_ALL)]
    assert not wrong


def test_every_file_belongs_to_a_room_of_the_picture() -> None:
    rooms = {room(path) for path in SOURCES} - {"__init__"}
    assert rooms == set(ARROWS)


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_library_stays_in_its_rooms(library: str) -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if room(path) not in OWNERS[library] and any(name.split(".")[0] == library for name in imports(path))
    ]
    assert not wrong


def test_what_setup_py_reads_needs_nothing_installed() -> None:
    ours_or_foreign = {name.split(".")[0] for name in imports(PACKAGE / "requirements.py")} - set(sys.stdlib_module_names)
    assert not ours_or_foreign


@pytest.mark.parametrize("module", ["plcv_ros.nodes.camera", "plcv_ros.nodes.encoder", "plcv_ros.codecs", "plcv_ros.tracing"])
def test_edge_imports_no_torch(module: str) -> None:
    if ".nodes" in module:
        pytest.importorskip("rclpy")
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_source_file_names_its_licence() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    suffixes = {".py", ".cpp", ".hpp", ".h", ".inc", ".sh"}
    sources = [ROOT / name for name in tracked if Path(name).suffix in suffixes or name.startswith("scripts/") or name == "Makefile"]
    assert [str(path) for path in sources if path.exists() and "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:400]] == []
