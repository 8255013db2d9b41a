# SPDX-License-Identifier: Apache-2.0
"""Every shipped checkpoint, on a few frames through the codecs that it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")
pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros.perception import load_predictor
from plcv_ros.perception.shipped import WEIGHTS
from plcv_ros.training.datasets import open_dataset
from plcv_ros.training.degradations import parse_mixture
from plcv_ros.training.evaluate import evaluate

SHIPPED = sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))
CAMVID = Path(__file__).parents[2].parent / "shared" / "data" / "camvid"


@pytest.mark.parametrize("name", SHIPPED)
def test_on_generated_scenes(name: str) -> None:
    predictor = load_predictor(name, device="cpu", threads=1)
    scenes = open_dataset("scenes,seeds=3:7,frames=1")
    for codec in parse_mixture(predictor.metadata["codec"]):
        assert evaluate(predictor.predict, scenes, codec).matrix.miou() > 0.72, codec.name


@pytest.mark.parametrize("name", SHIPPED)
def test_on_camvid(name: str) -> None:
    predictor = load_predictor(name, device="cpu", threads=1)
    if not any("CamVid" in entry["licence"] for entry in predictor.metadata["data"]):
        pytest.skip(f"{name} was not trained for CamVid")
    if not CAMVID.is_dir():
        pytest.skip(f"no CamVid at {CAMVID}")
    sequence = open_dataset(f"camvid={CAMVID},split=val")
    for codec in parse_mixture(predictor.metadata["codec"]):
        assert evaluate(predictor.predict, sequence, codec, limit=5).matrix.miou() > 0.58, codec.name
