# SPDX-License-Identifier: Apache-2.0
"""The C++ tests: kernels against the scalar target and golden hashes, and a short fuzz run under sanitizers. Need make and a compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parent / "native"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: what several tests need is compiled once."""
    return tmp_path_factory.mktemp("native")


def _make(target: str, build: Path, **variables: str) -> str:
    if shutil.which("make") is None or shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("make and a C++ compiler are not installed")
    command = ["make", "-s", "-j2", "-C", str(NATIVE), f"BUILD={build}", target, *(f"{k}={v}" for k, v in variables.items())]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if "cannot find -lasan" in result.stderr or "cannot find -lubsan" in result.stderr:
        pytest.skip("the compiler has no sanitizers")
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


@pytest.mark.timeout(400)
def test_kernels(build: Path) -> None:
    out = _make("kernel_test", build, CXX=os.environ.get("CXX", "g++"))
    assert "scalar" in out
    assert "FAIL" not in out


@pytest.mark.timeout(400)
def test_jpegxs_encoder(build: Path) -> None:
    out = _make("jpegxs_encode_test", build, CXX=os.environ.get("CXX", "g++"))
    assert "scalar" in out
    assert "FAIL" not in out


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_jpegxs_encoder_under_sanitizers(build: Path) -> None:
    out = _make("jpegxs_encode_sanitized", build, CXX=os.environ.get("CXX", "g++"))
    assert "FAIL" not in out


@pytest.mark.timeout(400)
def test_jpegxs_decoder(build: Path) -> None:
    out = _make("jpegxs_decode_test", build, CXX=os.environ.get("CXX", "g++"))
    assert "scalar" in out
    assert "FAIL" not in out


@pytest.mark.timeout(400)
def test_layouts_one_after_the_other(build: Path) -> None:
    out = _make("layouts_test", build, CXX=os.environ.get("CXX", "g++"), LAYOUTS="400")
    assert "400 layouts, 0 failures" in out


@pytest.mark.timeout(400)
def test_layouts_with_poisoned_working_memory(build: Path) -> None:
    out = _make("layouts_sanitized", build, CXX=os.environ.get("CXX", "g++"), LAYOUTS="200")
    assert "200 layouts, 0 failures" in out


@pytest.mark.timeout(400)
def test_short_jpegxs_fuzz_run(build: Path) -> None:
    out = _make("jpegxs_decode_fuzz", build, CXX=os.environ.get("CXX", "g++"), INPUTS="100000")
    assert "100000 inputs" in out


@pytest.mark.timeout(400)
def test_short_jpeg_fuzz_run(build: Path) -> None:
    out = _make("jpeg_repair_fuzz", build, CXX=os.environ.get("CXX", "g++"), INPUTS="100000")
    assert "100000 inputs" in out


@pytest.mark.timeout(400)
def test_short_fuzz_run(build: Path) -> None:
    out = _make("fuzz", build, CXX=os.environ.get("CXX", "g++"), INPUTS="200000")
    assert "200000 inputs" in out
