# SPDX-License-Identifier: Apache-2.0
"""Write test/training/shipped_scores.csv: what every shipped network scores on a few generated scenes. ``python tools/write_shipped_scores.py``.

A test compares (test/training/test_shipped.py), so that no file takes the place of another unnoticed. It needs no data but the package's own.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plcv_ros.perception.networks import task_of  # this checkout, installed or not
from plcv_ros.perception.predictor import Predictor, load_predictor
from plcv_ros.perception.shipped import DEFAULT, shipped
from plcv_ros.training.datasets import Dataset, open_dataset
from plcv_ros.training.degradations import parse_degradation
from plcv_ros.training.evaluate import evaluate

FILE = Path(__file__).resolve().parents[1] / "test/training/shipped_scores.csv"
COLUMNS = ("checkpoint", "codec", "miou")

OF_THE_DEFAULT = ("jxs:main:3", "jxs:high:3", "jxs:pruned:3", "jpeg:90")
"""Codecs of the configurations that have no network of their own."""


def cases() -> Iterator[tuple[str, str]]:
    """(checkpoint, codec): every shipped network through the codecs that it was trained on, the default through those of the configurations."""
    for name, each in shipped().items():
        if task_of(each.header["architecture"]["name"]) == "segmentation":
            for codec in (*each.codec.split("+"), *(OF_THE_DEFAULT if name == DEFAULT else ())):
                yield name, codec


def scenes() -> Dataset:
    """Four scenes that no network was trained on."""
    return open_dataset("scenes,seeds=3:7,frames=1")


def score(predictor: Predictor, codec: str, data: Dataset) -> float:
    """mIoU, 0..1."""
    return evaluate(predictor.predict, data, parse_degradation(codec)).matrix.miou()


def main() -> None:
    data, rows = scenes(), []
    for name, codec in cases():
        rows.append((name, codec, f"{score(load_predictor(name, device='cpu', threads=1), codec, data):.4f}"))
        print(*rows[-1])
    with FILE.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
