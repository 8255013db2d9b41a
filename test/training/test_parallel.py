# SPDX-License-Identifier: Apache-2.0
"""Data-parallel training: two processes share every batch, agree on the weights, and write one set of files."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")

from plcv_ros.perception.checkpoint import read_checkpoint  # noqa: E402
from plcv_ros.training.parallel import Processes, join_processes  # noqa: E402

ROOT = Path(__file__).parents[2]


def test_shares_are_the_whole() -> None:
    items = list(range(7))
    assert sorted(item for rank in range(3) for item in Processes(rank, 3).share(items)) == items
    assert Processes().share(items) == items


def test_one_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_processes("cpu") == (Processes(), "cpu")
    network = torch.nn.Linear(1, 1)
    assert Processes().wrap(network, torch.device("cpu")) is network
    assert Processes().any(True)
    assert not Processes().any(False)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_torchrun_trains(tmp_path: Path) -> None:
    run = ["train", "segmentation", "--data", "scenes,seeds=1000:1004,frames=1,size=96x64", "--scale", "0.5", "--width", "8", "--fine", "8"]
    run += ["--crop", "32", "--batch", "4", "--epochs", "3", "--threads", "1", "--device", "cpu", "--out", str(tmp_path)]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "plcv_ros.cli.main"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launch, *run], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    stored = read_checkpoint(tmp_path / "model.safetensors")
    assert stored.metadata["training"]["steps"] == stored.metadata["training"]["of_steps"] == 3
    assert done.stdout.count("wrote ") == 1
    stored.network()
