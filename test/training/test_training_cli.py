# SPDX-License-Identifier: Apache-2.0
"""``plcv train segmentation`` and ``plcv eval`` as a user types them, on generated scenes."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")
pytest.importorskip("plcv_ros.scenes")

from plcv_ros.cli.main import main  # noqa: E402
from plcv_ros.cli.train import portable_command  # noqa: E402
from plcv_ros.perception.checkpoint import read_checkpoint  # noqa: E402
from plcv_ros.training.board import Boards  # noqa: E402
from plcv_ros.training.run import Sample  # noqa: E402

SCENES = "scenes,seeds=1000:1004,frames=2,size=160x96"
TRAIN = [
    "train",
    "segmentation",
    "--data",
    SCENES,
    "--scale",
    "0.5",
    "--width",
    "16",
    "--fine",
    "8",
    "--crop",
    "96",
    "--batch",
    "4",
    "--threads",
    "1",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    assert main([*TRAIN, "--epochs", "15", "--rate", "0.01", "--encoder-rate", "1", "--average", "0.9", "--out", str(folder)]) == 0
    return folder


def test_training_on_scenes_learns(trained: Path) -> None:
    rows = list(csv.DictReader((trained / "metrics.csv").open()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 16))
    losses = [float(row["loss"]) for row in rows]
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])


def test_checkpoint_tells_its_origin(trained: Path) -> None:
    metadata = read_checkpoint(trained / "model.safetensors").metadata
    assert metadata["codec"] == "original"
    assert metadata["data"][0]["name"] == "scenes 1000:1004"
    assert "Apache-2.0" in metadata["licence"]
    assert metadata["training"]["command"].startswith("plcv train segmentation --data scenes,")
    assert metadata["training"]["seed"] == 0


def test_commands_in_headers_name_no_folders_of_the_machine() -> None:
    told = portable_command(
        ["train", "segmentation", "--data", "camvid=/home/me/camvid,split=fit", "--init", "/tmp/a b/w.pth", "--out", "runs/x", "--resume"]
    )
    assert told == "plcv train segmentation --data camvid=camvid,split=fit --init w.pth --out runs/x"


def test_stop_and_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = [*TRAIN, "--epochs", "2", "--out", str(tmp_path)]
    assert main([*run, "--stop-after", "1"]) == 0
    assert "--resume continues" in capsys.readouterr().out
    assert main([*run, "--resume"]) == 0
    assert "wrote" in capsys.readouterr().out
    assert main([*run, "--resume", "--seed", "4"]) == 1
    assert "other settings" in capsys.readouterr().err


def test_eval_prints_and_writes(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = tmp_path / "copy.safetensors"
    checkpoint.write_bytes((trained / "model.safetensors").read_bytes())
    arguments = ["eval", str(checkpoint), "--data", "scenes,seeds=1:3,frames=2,size=160x96", "--device", "cpu"]
    files = ["--csv", str(tmp_path / "a.csv"), "--json", str(tmp_path / "a.json"), "--pictures", str(tmp_path / "pictures"), "--picture-count", "2"]
    assert main([*arguments, *files, "--record"]) == 0
    printed = capsys.readouterr().out
    assert "road" in printed
    assert "mIoU" in printed
    assert main([*arguments, "--record", "--limit", "2"]) == 1
    assert "--record keeps scores of whole data sets" in capsys.readouterr().err
    assert main([*arguments, "--limit", "2", "--csv", str(tmp_path / "a.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["pictures"] for row in rows] == ["4", "2"]
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["miou"] == pytest.approx(float(rows[0]["miou"]))
    assert 0.5 * 4 * 160 * 96 < np.sum(written["confusion"]) <= 4 * 160 * 96
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2
    assert [score["data"] for score in read_checkpoint(checkpoint).metadata["scores"]] == ["scenes,seeds=1:3,frames=2,size=160x96"]
    before, after = (read_checkpoint(p).tensors for p in (trained / "model.safetensors", checkpoint))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_eval_through_a_codec(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plcv_ros.codecs._native")
    arguments = ["eval", str(trained / "model.safetensors"), "--data", "scenes,seeds=1:2,frames=1,size=160x96", "--device", "cpu"]
    assert main([*arguments, "--codec", "astc:12x12"]) == 0
    assert "astc:12x12" in capsys.readouterr().out
    for codec in ("h264", "astc:9x9", "astc:8x8:best", "jpeg:x"):
        assert main([*arguments, "--codec", codec]) == 1
        assert "plcv eval:" in capsys.readouterr().err


def test_eval_of_several_is_a_matrix(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plcv_ros.codecs._native")
    model = str(trained / "model.safetensors")
    arguments = ["eval", model, model, "--data", "scenes,seeds=1:4,frames=1,size=160x96", "--device", "cpu", "--codec", "original", "--codec", "astc"]
    assert main([*arguments, "--csv", str(tmp_path / "m.csv"), "--cache", str(tmp_path / "cache")]) == 0
    rows = list(csv.DictReader((tmp_path / "m.csv").open()))
    assert [row["codec"] for row in rows] == ["original", "astc:8x8:fast"] * 2
    assert rows[0]["miou"] == rows[2]["miou"] != rows[1]["miou"]
    assert float(rows[1]["psnr"]) > 15
    assert len([p for p in (tmp_path / "cache").rglob("*") if p.is_file()]) == 3
    printed = capsys.readouterr().out
    assert "mIoU in %" in printed
    assert "…" not in printed  # codecs that differ at their ends are told apart in a narrow terminal too
    assert main([*arguments, "--json", str(tmp_path / "x.json")]) == 1
    assert "--json holds one" in capsys.readouterr().err


def test_eval_of_the_networks_by_codec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plcv_ros.codecs._native")
    codecs = ["--codec", "astc:8x8", "--codec", "astc:12x12"]
    arguments = ["--data", "scenes,seeds=1:2,frames=1,size=320x192", "--device", "cpu", *codecs, "--csv", str(tmp_path / "m.csv")]
    assert main(["eval", "auto", "espnetv2_astc_8x8", "espnetv2_astc_12x12", *arguments]) == 0
    auto_8, auto_12, own_8, _, _, own_12 = csv.DictReader((tmp_path / "m.csv").open())
    for auto, own in ((auto_8, own_8), (auto_12, own_12)):
        assert auto["checkpoint"] == "auto"
        assert (auto["trained_on"], auto["miou"]) == (own["trained_on"], own["miou"])
    assert "each its own" in capsys.readouterr().out
    assert main(["eval", "auto", "--data", "scenes", "--record"]) == 1
    assert "--record writes into a checkpoint" in capsys.readouterr().err


def test_worst_pictures_first(trained: Path, tmp_path: Path) -> None:
    arguments = ["eval", str(trained / "model.safetensors"), "--data", "scenes,seeds=1:6,frames=1,size=160x96", "--device", "cpu"]
    assert main([*arguments, "--pictures", str(tmp_path), "--worst", "--picture-count", "2", "--json", str(tmp_path / "a.json")]) == 0
    scores = json.loads((tmp_path / "a.json").read_text())["miou_by_picture"]
    shown = sorted(int(path.stem.rpartition("_")[2]) for path in tmp_path.glob("*.png"))
    assert shown == sorted(sorted(range(5), key=scores.__getitem__)[:2])
    # Through several codecs the same pictures are shown, each codec's in a folder of its own.
    codecs = ["--codec", "original", "--codec", "astc:12x12", "--picture-count", "1", "--limit", "2"]
    assert main([*arguments, *codecs, "--pictures", str(tmp_path / "both")]) == 0
    assert len(list((tmp_path / "both").glob("*_original/*.png"))) == len(list((tmp_path / "both").glob("*_astc-12x12-fast/*.png"))) == 1


def test_tensorboard_where_it_is_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main([*TRAIN, "--epochs", "1", "--stop-after", "1", "--tensorboard", "--out", str(tmp_path)])
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        assert status == 1
        assert "pip install tensorboard" in capsys.readouterr().err
    else:
        assert status == 0
        assert list(tmp_path.glob("events.out.tfevents.*"))


def test_boards_write_each_run_into_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, ...]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            self.folder = folder

        def add_scalar(self, *values: object) -> None:
            lines.append((self.folder, *map(str, values)))

        def close(self) -> None:
            lines.append((self.folder, "closed"))

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=SummaryWriter))
    with Boards(tmp_path, True) as boards:
        boards(Sample(1, 2, 0, 0.5, 1e-3), "a")
        boards(Sample(2, 2, 1, 0.25, 1e-3, {"camvid": 0.75}), "b")
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    assert lines == [
        *((a, "loss", "0.5", "1"), (a, "rate", "0.001", "1"), (a, "closed")),
        *((b, "loss", "0.25", "2"), (b, "rate", "0.001", "2"), (b, "score/camvid", "0.75", "2"), (b, "closed")),
    ]
    with Boards(tmp_path, False) as boards:
        boards(Sample(1, 2, 0, 0.5, 1e-3))
    assert len(lines) == 7


def test_wrong_usage_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(tmp_path / "no.safetensors"), "--data", "scenes"]) == 1
    assert "no.safetensors" in capsys.readouterr().err
    assert main(["eval", "default", "--data", "kitti=x"]) == 1
    assert "unknown kind 'kitti'" in capsys.readouterr().err
    assert main([*TRAIN, "--init", str(tmp_path / "no.pth"), "--out", str(tmp_path)]) == 1
    assert "no.pth" in capsys.readouterr().err
    assert main(["train", "segmentation", "--data", "camvid=/nowhere", "--out", str(tmp_path)]) == 1
    assert "/nowhere" in capsys.readouterr().err
    assert main([*TRAIN, "--scale", "3", "--out", str(tmp_path)]) == 1
    assert "scale 3.0" in capsys.readouterr().err


@pytest.mark.parametrize("value", [255, 77])
def test_labels_without_any_class_are_an_error(value: int, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2 = pytest.importorskip("cv2")
    for folder, channels in (("images", 3), ("labels", 1)):
        (tmp_path / folder).mkdir()
        for number in range(2):
            picture = np.full((96, 160, channels), value if folder == "labels" else 90, np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{number}.png"), picture)
    arguments = ["eval", str(trained / "model.safetensors"), "--data", f"folder={tmp_path}", "--device", "cpu", "--csv", str(tmp_path / "out.csv")]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert "nothing to score in folder" in shown.err
    assert "all pixels of its 2 label images are unlabelled, or of ids that are no class of camvid (0 to 10)" in shown.err
    assert "nan" not in shown.out
    assert not (tmp_path / "out.csv").exists()
    # One labelled pixel is a score.
    labels = np.full((96, 160), value, np.uint8)
    labels[3, 4] = 3
    cv2.imwrite(str(tmp_path / "labels" / "0.png"), labels)
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    assert "nan" not in capsys.readouterr().out
    scores = json.loads((tmp_path / "out.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert scores["miou_by_picture"][1] is None
