# SPDX-License-Identifier: Apache-2.0
"""``plcv train table``: runs are done once, continued where they stopped, and what cannot be done does not hold up the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("cv2")
pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros.cli.main import main
from plcv_ros.perception.checkpoint import read_checkpoint
from plcv_ros.training.results import read_run
from plcv_ros.training.runner import dependencies, holding, initial, runs_to_do, work
from plcv_ros.training.table import read_table

TABLE = """
task: segmentation
train: ["scenes,seeds=1000:1004,frames=1,size=96x64,keep={scenes}"]
test: scenes,seeds=1:3,frames=1,size=96x64
settings: {epochs: 2, batch: 2, augmentation: {crop: 32}, arguments: {scale: 0.5, width: 8, fine: 8}}
runs:
  - {train_on: original, seed: 0, tests: [original, "astc:8x8", "astc:8x8:unheard-of"], checkpoint: kept/control.safetensors}
  - {train_on: "astc:12x12", seed: 0, tests: ["astc:12x12"], init: "=original_s0", settings: {distillation: 1.0, epochs: 1}}
  - {train_on: "astc:12x12:unheard-of", seed: 0, tests: ["astc:12x12"]}
"""


@pytest.fixture
def table_path(tmp_path: Path) -> Path:
    path = tmp_path / "table.yaml"
    path.write_text(TABLE)
    return path


def test_a_table_is_worked_through(table_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = table_path.parent
    command = ["train", "table", str(table_path), "--place", f"scenes={folder / 'scenes'}", "--out", str(folder / "runs"), "--threads", "1"]
    assert main([*command, "--device", "cpu"]) == 1  # two things cannot be done
    printed = capsys.readouterr()
    assert "original_s0: codec 'astc:8x8:unheard-of': preset is 'unheard-of'" in printed.err
    assert "astc-12x12-unheard-of_s0: codec 'astc:12x12:unheard-of'" in printed.err
    rows = read_run(folder / "table", "original_s0")
    assert [row["tested_on"] for row in rows] == ["original", "astc:8x8:fast"]
    assert rows[0]["pictures"] == "2"
    assert rows[0]["data"] == "scenes,seeds=1:3,frames=1,size=96x64"
    assert float(rows[1]["bits_per_pixel"]) > 2
    assert [row["trained_on"] for row in read_run(folder / "table", "astc-12x12_s0")] == ["astc:12x12"]
    after = read_checkpoint(folder / "runs" / "astc-12x12_s0" / "model.safetensors").metadata
    assert after["codec"] == "astc:12x12:fast"
    assert after["training"]["initial_weights"]["run"] == "original_s0"
    assert [s["codec"] for s in read_checkpoint(folder / "kept" / "control.safetensors").metadata["scores"]] == ["original", "astc:8x8:fast"]
    assert (folder / "table" / "original_s0.training.csv").read_text().count("\n") == 3
    assert len(list((folder / "scenes").glob("*_labels.png"))) == 4

    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (folder / "table").iterdir()}
    state = (folder / "runs" / "astc-12x12_s0" / "last.pt").stat().st_mtime_ns
    assert main([*command, "--device", "cpu", "--only", "astc-12x12_s0"]) == 0  # nothing left to do
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (folder / "table").iterdir()} == before
    assert (folder / "runs" / "astc-12x12_s0" / "last.pt").stat().st_mtime_ns == state
    capsys.readouterr()
    assert main(["train", "table", str(table_path), "--list"]) == 0
    assert "original_s0: missing astc:8x8:unheard-of" in capsys.readouterr().out
    assert main(["report", "--no-figures", str(table_path)]) == 0


def test_tables_with_runs_of_one_name_do_not_meet(table_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = table_path.parent
    monkeypatch.chdir(folder)
    other = table_path.with_name("other.yaml")
    # Another network: the weights of the first table's run would not fit.
    other.write_text(TABLE.replace("width: 8", "width: 12").replace("kept/control", "kept/other"))
    table_path.write_text(TABLE.replace(', "astc:8x8:unheard-of"', ""))
    for path in (table_path, other):
        main(["train", "table", path.name, "--place", "scenes=pictures", "--threads", "1", "--device", "cpu", "--only", "original_s0"])
    widths = [read_checkpoint(folder / "runs" / name / "original_s0" / "model.safetensors").arguments["width"] for name in ("table", "other")]
    assert widths == [8, 12]


def test_kept_weights_are_enough_for_a_new_test(table_path: Path) -> None:
    folder = table_path.parent
    places = {"scenes": str(folder / "scenes")}
    work(read_table(table_path), folder / "runs", places, only=["original_s0"], threads=1)
    table_path.write_text(TABLE.replace('"astc:8x8:unheard-of"', '"jpeg:50"'))
    said: list[str] = []
    assert work(read_table(table_path), folder / "elsewhere", {}, only=["original_s0"], threads=1, say=said.append) == []
    assert [row["tested_on"] for row in read_run(folder / "table", "original_s0")] == ["original", "astc:8x8:fast", "jpeg:50"]
    assert not any("starts" in line for line in said)
    assert read_checkpoint(folder / "kept" / "control.safetensors").metadata["scores"][-1]["codec"] == "jpeg:50"


def test_weights_that_the_table_keeps_are_kept_later_too(table_path: Path) -> None:
    """A run with all its scores whose kept weights are gone, or wanted only now, gets them from its folder."""
    folder = table_path.parent
    places = {"scenes": str(folder / "scenes")}
    table_path.write_text(TABLE.replace(', "astc:8x8", "astc:8x8:unheard-of"], checkpoint: kept/control.safetensors', "]"))
    work(read_table(table_path), folder / "runs", places, only=["original_s0"], threads=1)
    assert not (folder / "kept").exists()
    table_path.write_text(TABLE.replace(', "astc:8x8", "astc:8x8:unheard-of"]', "]"))
    said: list[str] = []
    assert work(read_table(table_path), folder / "runs", {}, only=["original_s0"], threads=1, say=said.append) == []
    assert said == []
    kept = read_checkpoint(folder / "kept" / "control.safetensors").metadata
    assert [score["codec"] for score in kept["scores"]] == ["original"]


def test_weights_that_another_run_needs_are_made_again(table_path: Path) -> None:
    """As in a clone, which has the scores of all runs and the weights of some."""
    folder = table_path.parent
    places = {"scenes": str(folder / "scenes")}
    table_path.write_text(TABLE.replace(', "astc:8x8", "astc:8x8:unheard-of"], checkpoint: kept/control.safetensors', "]"))
    table = read_table(table_path)
    assert work(table, folder / "runs", places, only=["original_s0"], threads=1) == []
    shutil.rmtree(folder / "runs")
    assert runs_to_do(table, folder / "runs", ["original_s0"]) == set()
    said: list[str] = []
    assert work(table, folder / "runs", places, only=["astc-12x12_s0"], threads=1, say=said.append) == []
    assert [line for line in said if "starts" in line] == ["original_s0: starts", "astc-12x12_s0: starts"]
    assert len(read_run(folder / "table", "original_s0")) == 1
    assert len(read_run(folder / "table", "astc-12x12_s0")) == 1


def test_weights_of_another_recipe_are_not_taken_for_the_tables(table_path: Path) -> None:
    folder = table_path.parent
    places = {"scenes": str(folder / "scenes")}
    table_path.write_text(TABLE.replace(', "astc:8x8", "astc:8x8:unheard-of"], checkpoint: kept/control.safetensors', "]"))
    assert work(read_table(table_path), folder / "runs", places, only=["original_s0"], threads=1) == []
    shutil.rmtree(folder / "table")
    table_path.write_text(table_path.read_text().replace("epochs: 2", "epochs: 3"))
    said: list[str] = []
    failures = work(read_table(table_path), folder / "runs", places, only=["original_s0", "astc-12x12_s0"], threads=1, say=said.append)
    assert len(failures) == 2  # and what starts from it
    assert all("trained with epochs 2 instead of 3" in failure for failure in failures)
    assert [failure.split(":")[0] for failure in failures] == ["original_s0", "astc-12x12_s0"]
    assert said == failures


def test_a_mean_of_other_runs_is_not_taken_for_the_tables(table_path: Path) -> None:
    folder = table_path.parent
    places = {"scenes": str(folder / "scenes")}
    mean = "  - {name: mean_s0, train_on: original, seed: 0, average: [original_s0], tests: [original]}\n"
    table_path.write_text(TABLE.replace('"astc:8x8:unheard-of"', '"astc:8x8"').replace("epochs: 2", "epochs: 1") + mean)
    assert work(read_table(table_path), folder / "runs", places, only=["mean_s0"], threads=1) == []
    table_path.write_text(
        table_path.read_text().replace("[original_s0]", "[original_s0, astc-12x12_s0]").replace("tests: [original]}", 'tests: ["jpeg:50"]}')
    )
    failures = work(read_table(table_path), folder / "runs", places, only=["mean_s0"], threads=1)
    assert failures == [
        f"mean_s0: {folder / 'runs/mean_s0/model.safetensors'} is the mean of original_s0: delete it to make that of original_s0, astc-12x12_s0"
    ]


def test_the_run_of_the_same_fold_is_what_a_run_starts_from(table_path: Path) -> None:
    """As in classification.yaml, whose runs start from base_s{seed}."""
    table_path.write_text(TABLE.replace('init: "=original_s0"', 'init: "=original_s{seed}"'))
    table = read_table(table_path)
    assert [run.name for run in dependencies(table.runs[1], table)] == ["original_s0"]


def test_where_copies_of_scenes_are_kept_is_not_told(table_path: Path) -> None:
    folder = table_path.parent
    table_path.write_text(TABLE.replace("test: scenes,seeds=1:3,", "test: scenes,keep={scenes},seeds=1:3,").replace("epochs: 2", "epochs: 1"))
    work(read_table(table_path), folder / "runs", {"scenes": str(folder / "scenes")}, only=["original_s0"], threads=1)
    assert read_run(folder / "table", "original_s0")[0]["data"] == "scenes,seeds=1:3,frames=1,size=96x64"


def test_a_run_waits_for_the_one_that_it_starts_from(table_path: Path) -> None:
    folder = table_path.parent
    said: list[str] = []
    with holding(folder / "runs" / "original_s0") as free:
        assert free
        assert work(read_table(table_path), folder / "runs", {"scenes": "x"}, only=["astc-12x12_s0"], say=said.append) == []
    assert said[-1].startswith("astc-12x12_s0: waits for original_s0")


def test_stopped_runs_go_on(table_path: Path) -> None:
    folder = table_path.parent
    places = {"scenes": str(folder / "scenes")}
    table = read_table(table_path)
    steps: list[int] = []
    said: list[str] = []
    work(
        table,
        folder / "runs",
        places,
        only=["original_s0"],
        threads=1,
        stop=lambda: len(steps) == 1,
        report=lambda _, sample: steps.append(sample.step),
        say=said.append,
    )
    assert steps == [1, 2]  # the flag is seen after the step that set it
    assert said[-1].endswith("continues")
    assert not read_run(folder / "table", "original_s0")


def test_a_run_that_another_process_has_is_left_alone(table_path: Path) -> None:
    folder = table_path.parent
    said: list[str] = []
    with holding(folder / "runs" / "original_s0") as free:
        assert free
        assert work(read_table(table_path), folder / "runs", {"scenes": "x"}, only=["original_s0"], say=said.append) == []
    assert said == ["original_s0: another process is at it"]


def test_wrong_wishes_are_explained(table_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = read_table(table_path)
    with pytest.raises(ValueError, match="not finished"):
        initial(table.runs[1], table, table_path.parent / "runs", {})
    assert main(["train", "table", str(table_path), "--only", "nothing"]) == 1
    assert "no run nothing; it has original_s0" in capsys.readouterr().err
    assert main(["train", "table", str(table_path), "--place", "scenes"]) == 1
    assert "expected NAME=PATH" in capsys.readouterr().err
    assert main(["train", "table", str(table_path), "--only", "original_s0", "--out", str(table_path.parent / "runs")]) == 1
    assert "--place scenes=PATH" in capsys.readouterr().err
    table_path.write_text(TABLE.replace("batch: 2", "bach: 2"))
    assert work(read_table(table_path), table_path.parent / "runs", {"scenes": "x"}, only=["original_s0"])[0].endswith("'bach'")
