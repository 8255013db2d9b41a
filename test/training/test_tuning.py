# SPDX-License-Identifier: Apache-2.0
"""The search for JPEG XS weights: what it measures, that it finds something, and that an interruption changes nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")
pytest.importorskip("cmaes")
pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros.cli.main import main  # noqa: E402
from plcv_ros.codecs import decode, jpegxs  # noqa: E402
from plcv_ros.codecs.jpegxs import JxsCodec  # noqa: E402
from plcv_ros.codecs.jpegxs.weights import Weights, load_weights  # noqa: E402
from plcv_ros.perception import load_predictor  # noqa: E402
from plcv_ros.training.band_weights import coded_weights, to_reals  # noqa: E402
from plcv_ros.training.datasets import Dataset, open_dataset  # noqa: E402
from plcv_ros.training.degradations import parse_degradation  # noqa: E402
from plcv_ros.training.evaluate import evaluate  # noqa: E402
from plcv_ros.training.results import Counts  # noqa: E402
from plcv_ros.training.tuning import Evaluation, Loss, Objective, TuningSettings, best, encoder, read_course, tune  # noqa: E402
from plcv_ros.training.tuning_comparison import crossing  # noqa: E402

SCENES = "scenes,seeds=1000:1002,frames=1,size=160x96"
SETTINGS = TuningSettings({"bpp": 4.0, "preset": "main"}, "default", ["scenes", "2"], population=4)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return open_dataset(SCENES)


@pytest.fixture(scope="module")
def objective(dataset: Dataset) -> Objective:
    return Objective(load_predictor("default", "cpu", 1), dataset)


@pytest.fixture(scope="module")
def start() -> Weights:
    return coded_weights(JxsCodec(4, "main"), 160, 96)


def test_losses_are_those_of_evaluation(objective: Objective, dataset: Dataset, start: Weights) -> None:
    loss = objective(encoder(SETTINGS, start))
    result = evaluate(load_predictor("default", "cpu", 1).predict, dataset, parse_degradation("jxs:main:4"))
    assert loss.miou == pytest.approx(result.score())
    assert loss.psnr == pytest.approx(np.mean(result.psnr))
    assert loss.bits_per_pixel == pytest.approx(4)
    clean = objective()
    assert clean.divergence == 0
    assert clean.bits_per_pixel == 24
    assert 0 < loss.divergence < objective(encoder(SETTINGS, Weights((0,) * 24, start.priorities))).divergence


def test_divergence_is_the_one_of_the_definition(dataset: Dataset) -> None:
    """One picture, by numpy: the sum of p log(p / q) over the classes, averaged with the weights of the true classes."""
    from plcv_ros.training.losses import class_weights

    predictor = load_predictor("default", "cpu", 1)
    image, truth = dataset[0]
    one = Dataset("one", dataset.label_set, "", 1, lambda _: (image, truth))
    encode = JxsCodec(3, "main").encode
    with torch.inference_mode():
        scores = [predictor.network(predictor.normalise(picture))[0].double().numpy() for picture in (image, decode(encode(image)))]
    p, q = (np.exp(s) / np.exp(s).sum(0) for s in scores)
    small = truth[::2, ::2]
    known = small < len(dataset.label_set)
    weights = class_weights([one], dataset.label_set).numpy()[small[known]]
    loss = Objective(predictor, one)(encode)
    assert loss.divergence == pytest.approx(np.average((p * np.log(p / q)).sum(0)[known], weights=weights), rel=1e-3)
    told = np.take_along_axis(q, np.minimum(small, len(q) - 1)[None].astype(int), 0)[0][known]
    assert loss.cross_entropy == pytest.approx(np.average(-np.log(told), weights=weights), rel=1e-3)


def test_other_classes_are_refused(objective: Objective, dataset: Dataset) -> None:
    from plcv_ros.labels import CITYSCAPES

    with pytest.raises(ValueError, match="knows the classes of camvid"):
        Objective(load_predictor("default", "cpu", 1), Dataset("other", CITYSCAPES, "", 1, dataset.load))


class Distance:
    """Stands for the objective: the loss is the distance of the weights in the stream's header from those wanted."""

    def __init__(self, wanted: np.ndarray) -> None:
        self.wanted = wanted
        self.calls = 0

    def __call__(self, encode: object) -> Loss:
        self.calls += 1
        fields = jpegxs.header(encode(np.zeros((96, 160, 3), np.uint8)))  # type: ignore[operator]
        found = to_reals(Weights(fields["G"], fields["P"]))
        apart = (found - found.mean()) - (self.wanted - self.wanted.mean())
        counts = np.ones((1, 2), np.int64)
        return Loss(float((apart**2).mean()), 1.0, 30.0, 4.0, Counts(counts, counts))


def test_the_search_finds_what_is_best(tmp_path: Path, start: Weights) -> None:
    wanted = to_reals(start) + np.linspace(-1.5, 1.5, 24)
    settings = TuningSettings(SETTINGS.options, "default", ["distance"], population=14, seed=3)
    course = tune(Distance(wanted), settings, start, 60, tmp_path)  # type: ignore[arg-type]
    assert course[0].weights == start
    assert best(course).divergence < 0.1 * course[0].divergence
    assert len(course) == 1 + 60 * 15
    assert read_course(tmp_path) == course


def test_an_interrupted_search_goes_on_to_the_same_end(tmp_path: Path, start: Weights) -> None:
    wanted = to_reals(start)[::-1]
    whole = tune(Distance(wanted), SETTINGS, start, 4, tmp_path / "whole")  # type: ignore[arg-type]
    reports: list[int] = []

    def report(new: Evaluation, least: Evaluation) -> None:
        assert least.divergence <= new.divergence
        reports.append(new.evaluation)

    distance = Distance(wanted)
    part = tune(distance, SETTINGS, start, 4, tmp_path / "parts", report, lambda: len(reports) == 7)  # type: ignore[arg-type]
    assert part == whole[:7]
    assert tune(distance, SETTINGS, start, 3, tmp_path / "parts") == whole[:16]  # type: ignore[arg-type]
    assert tune(distance, SETTINGS, start, 4, tmp_path / "parts") == whole  # type: ignore[arg-type]
    assert distance.calls == len({e.weights for e in whole})
    assert (tmp_path / "parts/course.csv").read_bytes() == (tmp_path / "whole/course.csv").read_bytes()


def test_another_seed_is_another_search(tmp_path: Path, start: Weights) -> None:
    tune(Distance(to_reals(start)), SETTINGS, start, 1, tmp_path)  # type: ignore[arg-type]
    other = TuningSettings(SETTINGS.options, "default", ["scenes", "2"], population=4, seed=1)
    with pytest.raises(ValueError, match="another seed: 0"):
        tune(Distance(to_reals(start)), other, start, 1, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="evaluation 0 is not what this search evaluates there"):
        tune(Distance(to_reals(start)), SETTINGS, Weights(start.gains[::-1], start.priorities), 1, tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scores", "wanted", "rate"),
    [([1, 3], 2, 2.5), ([1, 3], 1, 2), ([1, 3], 4, None), ([1, 3], 0, None), ([1, 1], 1, 2), ([2, 1, 3], 2.5, 3.75)],
)
def test_rate_of_a_score(scores: list[float], wanted: float, rate: float | None) -> None:
    assert crossing([2, 3, 4], scores, wanted) == rate


def test_as_a_user_types_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tune", "default", "--data", SCENES, "--codec", "jxs:main:4", "--population", "4", "--threads", "1", "--out", str(tmp_path)]
    assert main([*command, "--generations", "2", "--compare", "scenes,seeds=1003:1004,frames=1,size=160x96", "--rate", "5"]) == 0
    assert len(read_course(tmp_path)) == 11
    weights = load_weights(tmp_path / "weights.json")
    assert weights == best(read_course(tmp_path)).weights
    assert json.loads((tmp_path / "weights.json").read_text())["codec"] == "jxs:main:4"
    rows = list(csv.DictReader((tmp_path / "comparison.csv").open()))
    assert [(row["weights"], float(row["bits_per_pixel"])) for row in rows] == [("original", 24), ("default", 4), ("default", 5), ("tuned", 4)]
    assert [bool(row["miou_gain"]) for row in rows] == [False, False, False, True]
    if pytest.importorskip("matplotlib"):
        assert (tmp_path / "tuning.png").stat().st_size > 10_000
    seen = parse_degradation(f"jxs:main:4:weights={tmp_path / 'weights.json'}")(np.zeros((96, 160, 3), np.uint8))
    assert seen.shape == (96, 160, 3)
    capsys.readouterr()
    assert main([*command, "--generations", "1", "--seed", "5"]) == 1
    assert "another seed" in capsys.readouterr().err
    for wrong, status in ((["--codec", "astc"], 1), (["--population", "1"], 2), (["--data", "camvid"], 1)):
        assert main([*command, *wrong]) == status
        assert "plcv tune: " in capsys.readouterr().err
