# SPDX-License-Identifier: Apache-2.0
"""The mean of networks that were trained from the same start: each codec counts the same, and what has no common start is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")
pytest.importorskip("plcv_ros.codecs._native")

import torch

from plcv_ros.perception.checkpoint import Checkpoint, read_checkpoint
from plcv_ros.training.averaging import average
from plcv_ros.training.results import read_run
from plcv_ros.training.runner import work
from plcv_ros.training.table import read_table

TABLE = """
task: segmentation
train: ["scenes,seeds=1000:1002,frames=1,size=96x64,keep={scenes}"]
test: scenes,seeds=1:2,frames=1,size=96x64
settings: {epochs: 1, batch: 2, augmentation: {crop: 32}, arguments: {scale: 0.5, width: 8, fine: 8}}
runs:
  - {name: base, train_on: original, seed: 0, tests: [original]}
  - {train_on: original, seed: 1, tests: [original], init: "=base"}
  - {train_on: original, seed: 2, tests: [original], init: "=base"}
  - {train_on: "astc:12x12:fast", seed: 1, tests: [original], init: "=base"}
  - {name: mean, train_on: "original+astc:12x12:fast", seed: 0, average: [original_s1, original_s2, astc-12x12-fast_s1], tests: [original]}
"""


def test_a_table_averages_what_it_has_trained(tmp_path: Path) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(TABLE)
    table, runs, places = read_table(path), tmp_path / "runs", {"scenes": str(tmp_path / "scenes")}
    # With it what it is the mean of, and what that starts from.
    assert work(table, runs, places, only=["mean"], threads=1) == []
    kept = {name: read_checkpoint(runs / name / "model.safetensors") for name in ("original_s1", "original_s2", "astc-12x12-fast_s1", "mean")}
    mean = kept["mean"]
    assert mean.metadata["codec"] == "original+astc:12x12:fast"
    assert mean.metadata["training"]["averaged"] == ["original_s1", "original_s2", "astc-12x12-fast_s1"]
    assert [row["tested_on"] for row in read_run(table.results(), "mean")] == ["original"]
    for key, tensor in mean.tensors.items():
        one, two, other = (kept[name].tensors[key].float() for name in list(kept)[:3])
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor.float(), one / 4 + two / 4 + other / 2, atol=1e-3, rtol=1e-2)  # kept in half precision


def made(value: float, **training: object) -> Checkpoint:
    from plcv_ros.labels import CAMVID

    metadata = {"codec": "original", "data": [{"name": "a"}], "licence": "none", "training": {"initial_weights": "base", **training}, "scores": [1]}
    return Checkpoint("espnetv2_fpn", {}, CAMVID, {"w": torch.full((2,), value), "n": torch.tensor(3)}, metadata=metadata)


def test_groups_count_the_same() -> None:
    result = average([{"a": made(0.0), "b": made(3.0)}, {"c": made(9.0)}], "original+jpeg:90", {"run": "mean"})
    assert result.tensors["w"].tolist() == [5.25, 5.25]
    assert result.tensors["n"] == 3
    assert (result.metadata["training"]["run"], result.metadata["scores"]) == ("mean", [])


def test_what_has_no_common_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="b was not trained on the same data from the same start as a"):
        average([{"a": made(0.0)}, {"b": made(1.0, initial_weights="other")}], "original")
    with pytest.raises(ValueError, match="nothing"):
        average([], "original")
    path = tmp_path / "table.yaml"
    path.write_text(TABLE.replace("average: [original_s1,", "average: [later,"))
    with pytest.raises(ValueError, match="run mean averages later: no earlier run"):
        read_table(path)
