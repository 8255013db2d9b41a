# SPDX-License-Identifier: Apache-2.0
"""What setup.py promises: the lowest versions are those that are tested, and who has older ones is told so, with the command that helps."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from plcv_ros import requirements
from plcv_ros.cli import checks
from plcv_ros.codecs import CodecError, make_codec
from plcv_ros.requirements import EXTRAS, INSTALL, TooOldError, explain, minimum, requirement, too_old

ROOT = Path(__file__).parents[1]
NOT_TESTED_AT_THEIR_LOWEST = {"torch", "catkin-pkg", "ruff", "mypy", "clang-format"}
"""An older torch would be a CUDA build of gigabytes; the others are tools of developers."""


def lowest_versions() -> dict[str, str]:
    """Distribution -> version of tools/constraints-lowest.txt, on Python 3.10."""
    lines = (ROOT / "tools/constraints-lowest.txt").read_text().splitlines()
    pinned = [re.fullmatch(r'([\w-]+)==([\w.]+)(?:; python_version < "3.11")?', line) for line in lines]
    return {match[1]: match[2] for match in pinned if match}


def bounds() -> list[str]:
    return [line for lines in (INSTALL, *(EXTRAS[extra] for extra in EXTRAS if extra != "ros")) for line in lines]


@pytest.mark.parametrize("line", sorted(set(bounds())))
def test_the_lowest_version_is_tested(line: str) -> None:
    name, _, version = line.partition(">=")
    if name in NOT_TESTED_AT_THEIR_LOWEST:
        return
    tested = lowest_versions()[name]
    # OpenCV's wheels have a number of their own after the library's.
    assert tested == version or re.fullmatch(rf"{re.escape(version)}(\.0|\.\d\d)*", tested), f"{line}, but {tested} is tested"


def test_setup_py_promises_the_same(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    command = [sys.executable, "setup.py", "--quiet", "egg_info", "--egg-base", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    text = (tmp_path / "plcv_ros.egg-info/requires.txt").read_text()
    assert set(filter(None, text.split("\n["))) and all(line in text.splitlines() for line in bounds())


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("1.13.1", True),
        ("2.0.1+cu118", True),
        ("2.1", False),
        ("2.1.0a0+gitabc", False),
        ("2.13.0+cpu", False),
        ("10.0", False),
        ("", False),
        ("dev", False),
    ],
)
def test_versions_are_compared_as_numbers(version: str, old: bool) -> None:
    assert bool(too_old("torch", version)) == old


def test_the_text_names_both_versions_and_the_command() -> None:
    assert minimum("torch") == "2.1"
    assert too_old("torch", "1.13.1") == 'torch 2.1 or newer, found 1.13.1: pip install "torch>=2.1"'
    missing = explain("plcv eval", ModuleNotFoundError("No module named 'torch'", name="torch"), "remote")
    assert missing == 'plcv eval needs torch: pip install ".[remote]" in the checkout of plcv_ros'
    with pytest.raises(KeyError):
        requirement("tensorflow")


def stub(monkeypatch: pytest.MonkeyPatch, name: str, version: str) -> None:
    """An old version of a library that is installed, as far as its version goes."""
    module: Any = ModuleType(name)
    module.__version__ = version
    monkeypatch.setitem(sys.modules, name, module)


def test_an_old_simplejpeg_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stub(monkeypatch, "simplejpeg", "1.6.4")
    with pytest.raises(CodecError, match=r'the jpeg codec needs simplejpeg 1\.8 or newer, found 1\.6\.4: pip install "simplejpeg>=1\.8"'):
        make_codec("jpeg")


def test_an_old_torch_is_named() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    code = "import torch; torch.__version__ = '1.13.1'; import plcv_ros.perception.predictor"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'torch 2.1 or newer, found 1.13.1: pip install "torch>=2.1"' in done.stderr


def test_an_old_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from plcv_ros.tracing.plots import plot_latency

    requirements.check.cache_clear()
    monkeypatch.setattr(matplotlib, "__version__", "3.3.4")
    with pytest.raises(TooOldError, match=r"the latency plot needs matplotlib 3\.5 or newer, found 3\.3\.4"):
        plot_latency(SimpleNamespace(), tmp_path / "plot.png")  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "version"), [("torch", "1.13.1"), ("simplejpeg", "1.6.4"), ("numpy", "1.20.3"), ("matplotlib", "3.3.4")])
def test_doctor_names_what_is_too_old(name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = checks._probe

    def probe(code: str) -> tuple[dict[str, str], str]:
        old = re.search(rf"import json, {name}\b", code)
        return {"version": version if old else "", "cuda": "", "threads": "2", "classes": "11", "name": "camvid"}, ""

    monkeypatch.setattr(checks, "_probe", probe)
    found = {finding.name: finding for check in (checks.check_torch, checks.check_libraries) for finding in check()}
    assert found[name].status == "fail"
    assert found[name].text == f"too old: needs {name} {minimum(name)} or newer, found {version}"
    assert found[name].remedy == f'pip install "{requirement(name)}"'
    monkeypatch.setattr(checks, "_probe", real)
    if importlib.util.find_spec(name):
        found = {finding.name: finding for check in (checks.check_torch, checks.check_libraries) for finding in check()}
        assert found[name].status == "ok"
