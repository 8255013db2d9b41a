# SPDX-License-Identifier: Apache-2.0
"""``plcv scenes`` writes what the camera and the training read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from plcv_ros.camera import open_source  # noqa: E402
from plcv_ros.cli.main import main  # noqa: E402
from plcv_ros.labels import CAMVID  # noqa: E402
from plcv_ros.scenes import SceneSequence  # noqa: E402


def test_a_data_set_in_camvids_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "--out", str(tmp_path / "d"), "--frames", "3", "--seeds", "4:6", "--size", "96x64", "--split", "test"]) == 0
    assert "wrote 6 labelled frames of 96x64" in capsys.readouterr().out
    with open_source(str(tmp_path / "d" / "images" / "test")) as source:
        assert (source.width, source.height, source.label_set) == (96, 64, CAMVID)
        frames = [source.read() for _ in range(7)]
    assert frames[6] is None
    image, labels = SceneSequence(96, 64, 5).frame(0)
    assert frames[3] is not None
    assert (frames[3].image[..., ::-1] == image).all()
    assert frames[3].labels is not None
    assert (frames[3].labels == labels).all()


def test_training_reads_it(tmp_path: Path) -> None:
    datasets = pytest.importorskip("plcv_ros.training.datasets")
    assert main(["scenes", "--out", str(tmp_path), "--frames", "2", "--size", "96x64"]) == 0
    dataset = datasets.open_dataset(f"camvid={tmp_path},split=train")
    image, labels = dataset[1]
    expected = SceneSequence(96, 64, 0).frame(1)
    assert len(dataset) == 2
    assert (np.asarray(image) == expected[0]).all()
    assert (np.asarray(labels) == expected[1]).all()


def test_preview(tmp_path: Path) -> None:
    assert main(["scenes", "--preview", str(tmp_path / "sheet.png"), "--size", "96x64", "--seeds", "0:4"]) == 0
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (2 * 128, 3 * 96, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "nothing to do"), (["--out", "x", "--frames", "0"], "at least 1"), (["--out", "x", "--split", "../up"], "'../up' cannot name a folder")],
)
def test_wrong_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_impossible_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "--out", str(tmp_path), "--size", "8x8"]) == 1
    assert "cannot be 8x8" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["scenes", "--out", str(tmp_path), "--size", "640"])
