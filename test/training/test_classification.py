# SPDX-License-Identifier: Apache-2.0
"""Classification through the same loop, tables and report as segmentation."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
cv2 = pytest.importorskip("cv2")
pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros.cli.main import main  # noqa: E402
from plcv_ros.labels import class_list  # noqa: E402
from plcv_ros.perception.classifier import load_classifier  # noqa: E402
from plcv_ros.training.classification import default_settings, evaluate_classes  # noqa: E402
from plcv_ros.training.dataset import Dataset  # noqa: E402
from plcv_ros.training.datasets import open_dataset  # noqa: E402

TABLE = """
task: classification
train: ["classes={pets},fold={seed},folds=2"]
test: classes={pets},fold={seed},folds=2
settings: {epochs: 12, batch: 6, rate: 0.01, encoder_rate: 1.0, average: 0.9, augmentation: {crop: 32}, arguments: {scale: 0.5, width: 16}}
goals: [{codec: "astc:12x12:fast", at_most: 90}]
runs:
  - {train_on: original, seed: 0, tests: [original, "astc:12x12:fast"]}
  - {train_on: original, seed: 1, tests: [original]}
  - {train_on: "astc:12x12:fast", seed: 0, tests: ["astc:12x12:fast"], init: "=original_s{seed}", settings: {epochs: 1, distillation: 1.0}}
  - {train_on: "astc:12x12:fast", seed: 1, tests: ["astc:12x12:fast"], init: "=original_s{seed}", settings: {epochs: 1, distillation: 1.0}}
"""


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Three classes that differ in colour, twelve pictures each."""
    random = np.random.default_rng(0)
    for name, colour in (("red", (40, 40, 220)), ("green", (40, 220, 40)), ("blue", (220, 40, 40))):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(12):
            picture = np.clip(random.normal(colour, 25, (40, 48, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "pets" / name / f"{i}.png"), picture)
    return tmp_path / "pets"


def test_folds_of_a_table(pets: Path) -> None:
    table = pets.parent / "classes.yaml"
    table.write_text(TABLE)
    out = ["--out", str(pets.parent / "runs"), "--threads", "1", "--device", "cpu"]
    assert main(["train", "table", str(table), "--place", f"pets={pets}", *out]) == 0
    rows = list(csv.DictReader((pets.parent / "classes" / "original_s1.csv").open()))
    assert rows[0]["pictures"] == "18"
    assert rows[0]["data"] == "classes=pets,fold=1,folds=2"
    assert float(rows[0]["top1"]) > 0.6
    assert {"recall_red", "recall_green", "recall_blue"} < rows[0].keys()
    assert main(["report", "--no-figures", str(table)]) == 0
    report = table.with_suffix(".md").read_text()
    assert "| `astc:12x12:fast` | loses at most 90.0 |" in report
    assert "| 2 | met |" in report
    assert "| 1 / 2 |" in report
    stored = load_classifier(pets.parent / "runs" / "original_s1" / "model.safetensors", "cpu")
    test = open_dataset(f"classes={pets},fold=1,folds=2", split="test")
    top1 = evaluate_classes(stored.predict, test)
    assert top1.score() == pytest.approx(float(rows[0]["top1"]), abs=1e-4)


def test_eval_of_a_classifier(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = [
        "train",
        "classification",
        "--data",
        f"classes={pets}",
        "--scale",
        "0.5",
        "--width",
        "16",
        "--crop",
        "32",
        "--batch",
        "6",
        "--threads",
        "1",
    ]
    assert main([*run, "--epochs", "1", "--threads", "1", "--out", str(pets.parent / "run"), "--device", "cpu"]) == 0
    checkpoint = pets.parent / "run" / "model.safetensors"
    rows = pets.parent / "rows.csv"
    assert main(["eval", str(checkpoint), "--data", f"classes={pets}", "--codec", "jpeg:50", "--csv", str(rows), "--device", "cpu"]) == 0
    assert "top-1" in capsys.readouterr().out
    assert next(csv.DictReader(rows.open()))["codec"] == "jpeg:50"
    assert main(["eval", "default", "--data", f"classes={pets}", "--device", "cpu"]) == 1
    assert "classes of" in capsys.readouterr().err
    assert main(["train", "segmentation", "--network", "espnetv2_classifier", "--data", f"classes={pets}", "--out", str(pets.parent / "no")]) == 1
    assert "not a segmentation network" in capsys.readouterr().err


def test_top1_figures() -> None:
    pictures = [np.full((48, 48, 3), value, np.uint8) for value in (0, 100, 200, 250)]
    dataset = Dataset("d", class_list("two", ("dark", "light", "none")), "", 4, lambda i: (pictures[i], int(i >= 2)))
    result = evaluate_classes(lambda image: int(image.mean() > 220), dataset)
    row = result.row()
    assert (row["top1"], row["recall_dark"], row["recall_light"], row["recall_none"]) == (0.75, 1.0, 0.5, "")
    assert (row["psnr"], row["bits_per_pixel"]) == ("", 24)
    assert result.hits().tolist() == [1, 1, 0, 1]
    assert default_settings().architecture == "espnetv2_classifier"
