# SPDX-License-Identifier: Apache-2.0
"""Places that cannot be written to are named before the work begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcv_ros.cli import outputs
from plcv_ros.cli.main import main

SCENES = "scenes,seeds=0:1,frames=1,size=96x64"


def test_a_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    outputs.probe_folder("--out", tmp_path / "new")
    (tmp_path / "kept.csv").write_text("a,b\n")
    outputs.probe_file("--csv", tmp_path / "kept.csv")
    outputs.probe_file("--csv", tmp_path / "other.csv")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept.csv", "new"]
    assert (tmp_path / "kept.csv").read_text() == "a,b\n"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["eval", "default", "--data", SCENES], "--csv"),
        (["eval", "default", "--data", SCENES], "--json"),
        (["eval", "default", "--data", SCENES], "--pictures"),
        (["eval", "default", "--data", SCENES, "--codec", "astc"], "--cache"),
        (["train", "segmentation", "--data", SCENES], "--out"),
        (["train", "segmentation", "--data", SCENES, "--codec", "astc", "--out", "runs"], "--cache"),
        (["tune", "default", "--data", SCENES], "--out"),
        (["scenes"], "--out"),
        (["scenes"], "--preview"),
        (["demo"], "--out"),
    ],
)
def test_a_place_that_cannot_be_written(
    words: list[str], option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("rclpy" if words[0] == "demo" else "cv2", reason="not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    place = tmp_path / "taken" / "below.png"
    monkeypatch.setattr("plcv_ros.perception.predictor.Predictor.predict", lambda *_: pytest.fail("worked before it looked at its outputs"))
    assert main([*words, option, str(place)]) in {1, 2}
    error = capsys.readouterr().err
    assert f"{option} {place}: {tmp_path / 'taken'} is a file, expected a folder" in error
    assert error.count("\n") == 1


def test_a_table_of_other_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setattr("plcv_ros.perception.predictor.Predictor.predict", lambda *_: pytest.fail("worked before it looked at its outputs"))
    for header in ("a,b", "checkpoint,trained_on,data,codec,pictures,iou_dog"):
        (tmp_path / "t.csv").write_text(f"{header}\n1,2\n")
        assert main(["eval", "default", "--data", SCENES, "--csv", str(tmp_path / "t.csv")]) == 1
        assert "has other columns" in capsys.readouterr().err
        assert (tmp_path / "t.csv").read_text() == f"{header}\n1,2\n"


def test_a_checkpoint_that_is_missing_is_told_before_the_first_is_scored(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setattr("plcv_ros.perception.predictor.Predictor.predict", lambda *_: pytest.fail("worked before it looked at its inputs"))
    assert main(["eval", "default", "no_such", "--data", SCENES]) == 1
    assert "no_such: no such checkpoint file" in capsys.readouterr().err


def test_scenes_of_one_size_in_a_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    words = ["scenes", "--out", str(tmp_path), "--frames", "1", "--size"]
    assert main([*words, "96x64"]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main([*words, "128x64"]) == 1
    assert "holds pictures of 96x64 in split train" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert main([*words, "128x64", "--split", "test"]) == 0


def test_a_preview_that_is_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    assert main(["scenes", "--preview", str(tmp_path / "x.txt")]) == 1
    assert "expected the name of a picture" in capsys.readouterr().err
