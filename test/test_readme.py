# SPDX-License-Identifier: Apache-2.0
"""The README tells the truth: its tables are printed, its files, commands and arguments exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from plcv_ros.cli.main import COMMANDS
from plcv_ros.graph.arguments import EDGE_ARGUMENTS, OFFLOAD_ARGUMENTS, REMOTE_ARGUMENTS, replay_arguments

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [README, *(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))]
BLOCKS = "\n".join(block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
LAUNCH_ARGUMENTS = {"offload": OFFLOAD_ARGUMENTS, "edge": EDGE_ARGUMENTS, "remote": REMOTE_ARGUMENTS, "replay": replay_arguments()}


def test_parameter_tables_are_those_of_the_nodes() -> None:
    spec = importlib.util.spec_from_file_location("write_readme", ROOT / "tools" / "write_readme.py")
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.with_parameters(README) == README, "run python tools/write_readme.py"


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "plcv_ros/weights/README.md"], ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in t]
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", BLOCKS, re.MULTILINE)) <= targets


def test_plcv_commands_exist() -> None:
    used = set(re.findall(r"\bplcv ([a-z]+)", BLOCKS))
    assert used
    assert used <= set(COMMANDS)
    for name in COMMANDS:
        assert importlib.util.find_spec(f"plcv_ros.cli.{name}") is not None


def test_launch_arguments_exist() -> None:
    for name, words in re.findall(r"ros2 launch plcv_ros ([a-z]+)\.launch\.py([^\n#]*)", BLOCKS):
        assert set(re.findall(r"(\w+):=", words)) <= {argument.name for argument in LAUNCH_ARGUMENTS[name]}, words
    for name, words in re.findall(r"plcv up ([a-z]+)([^\n#]*)", BLOCKS):
        assert set(re.findall(r"(\w+):=", words)) <= {argument.name for argument in LAUNCH_ARGUMENTS[name]}, words


def test_scripts_and_benchmarks_exist() -> None:
    named = set(re.findall(r"\b((?:benchmarks|tools|test)/[\w/]+\.(?:py|sh|cpp))\b", "\n".join(PAGES)))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
