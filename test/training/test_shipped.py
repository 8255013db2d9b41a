# SPDX-License-Identifier: Apache-2.0
"""Every shipped checkpoint, on a few frames through the codecs that it was trained on, against the scores in its own header."""

from __future__ import annotations

import csv
import sys
from functools import lru_cache
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")
pytest.importorskip("plcv_ros.codecs._native")

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_model_cards import tool

from plcv_ros.perception.networks import task_of
from plcv_ros.perception.predictor import Predictor, load_predictor
from plcv_ros.perception.shipped import shipped
from plcv_ros.training.datasets import Dataset, open_dataset
from plcv_ros.training.degradations import parse_degradation
from plcv_ros.training.evaluate import evaluate

TOOL = tool("write_shipped_scores")
ON_SCENES = list(csv.DictReader(TOOL.FILE.open(encoding="utf-8")))

CAMVID = Path(__file__).parents[2].parent / "shared" / "data" / "camvid"
SHIPPED = {name: each for name, each in shipped().items() if task_of(each.header["architecture"]["name"]) == "segmentation"}
OWN_CODECS = [(name, codec) for name, each in SHIPPED.items() for codec in each.codec.split("+")]
SCORES = {
    (name, str(score["data"]).partition(",")[0], codec): score
    for name, codec in OWN_CODECS
    for score in SHIPPED[name].header["scores"]
    if score["codec"] == codec
}
"""(checkpoint, kind of data, codec) -> the score; of several on scenes the latest: drawing them takes long."""

FRAMES = 12
"""Evenly spread over CamVid's test split they score within 1.1 points of mIoU and 1.0 of pixel accuracy of the whole, every network so far."""

MIOU, PIXEL_ACCURACY = 0.03, 0.02


@lru_cache(maxsize=1)
def predictor(name: str) -> Predictor:
    return load_predictor(name, device="cpu", threads=1)


@lru_cache(maxsize=4)
def data(spec: str) -> Dataset:
    """The data that a score names, pictures that are read kept for the next test."""
    if spec.startswith("camvid="):
        if not CAMVID.is_dir():
            pytest.skip(f"no CamVid at {CAMVID}")
        spec = f"camvid={CAMVID},{spec.partition(',')[2]}"
    return open_dataset(spec)


@pytest.mark.parametrize(("name", "codec"), OWN_CODECS)
def test_has_a_score_of_every_codec_of_its_own(name: str, codec: str) -> None:
    assert any(key[0] == name and key[2] == codec for key in SCORES), f"plcv eval {name} --data SET --codec {codec} --record"


@pytest.mark.parametrize(("name", "kind", "codec"), SCORES)
def test_scores_are_those_of_its_header(name: str, kind: str, codec: str) -> None:
    told = SCORES[name, kind, codec]
    matrix = evaluate(predictor(name).predict, data(told["data"]), parse_degradation(codec), limit=FRAMES).matrix
    assert matrix.miou() == pytest.approx(told["miou"], abs=MIOU)
    assert matrix.pixel_accuracy() == pytest.approx(told["pixel_accuracy"], abs=PIXEL_ACCURACY)


@lru_cache(maxsize=1)
def scenes() -> Dataset:
    return TOOL.scenes()


@pytest.mark.parametrize(("name", "codec"), list(TOOL.cases()))
def test_scores_on_generated_scenes(name: str, codec: str) -> None:
    """Needs no data but the package's own. What a file holds instead of another was trained on other codecs, or scores otherwise."""
    told = [float(row["miou"]) for row in ON_SCENES if (row["checkpoint"], row["codec"]) == (name, codec)]
    assert told, "run python tools/write_shipped_scores.py"
    assert TOOL.score(predictor(name), codec, scenes()) == pytest.approx(told[0], abs=0.004)
