# SPDX-License-Identifier: Apache-2.0
"""The offload benchmark: its table, its reference file, and one short run with real nodes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "offload.py"


@pytest.fixture(scope="module")
def offload() -> ModuleType:
    spec = importlib.util.spec_from_file_location("offload", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["offload"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_reference_holds_every_size_and_configuration(offload: ModuleType) -> None:
    rows = offload.read_csv(offload.REFERENCE)
    measured = {(f"{r.width}x{r.height}", r.configuration) for r in rows if r.receiver == "decode only"}
    assert measured == {(size, configuration) for size in offload.SIZES for configuration in offload.CONFIGURATIONS}
    for row in rows:
        assert 0 < row.delivered <= row.frames
        assert 0 < row.total_p50 <= row.total_p95 <= row.total_p99
        assert offload.markdown([row], {}).count("|") == 4 * 15 - 15


def test_rows_survive_the_file_and_newer_ones_replace_older(offload: ModuleType, tmp_path: Path) -> None:
    import dataclasses

    rows = offload.read_csv(offload.REFERENCE)
    changed = dataclasses.replace(rows[1], delivered=1)
    offload.write_csv(offload.merge(rows, [changed]), tmp_path / "x.csv")
    again = offload.read_csv(tmp_path / "x.csv")
    assert len(again) == len(rows)
    assert sum(r.delivered == 1 for r in again) == 1
    (tmp_path / "old.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match="other columns"):
        offload.read_csv(tmp_path / "old.csv")


def test_a_short_run(offload: ModuleType, domain: int, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    words = [sys.executable, str(SCRIPT), "--sizes", "160x96", "--configurations", "astc_8x8", "--seconds", "2", "--rate", "20"]
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    done = subprocess.run([*words, "--csv", str(tmp_path / "o.csv")], capture_output=True, text=True, timeout=250, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = offload.read_csv(tmp_path / "o.csv")
    assert (row.width, row.height, row.configuration) == (160, 96, "astc_8x8")
    assert row.delivered > 0
    assert row.total_p50 > row.encode_p50 > 0
    assert 2.0 < row.bits_per_pixel < 2.2
