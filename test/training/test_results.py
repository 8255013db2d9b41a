# SPDX-License-Identifier: Apache-2.0
"""Tables of runs, their scores as files, losses with intervals, and the report made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("plcv_ros.codecs._native")
pytest.importorskip("cv2")

from plcv_ros.cli.main import main
from plcv_ros.training.report import markdown, read_results
from plcv_ros.training.results import KEYS, Counts, concatenated, paired_difference, read_counts, read_run, write_row
from plcv_ros.training.table import fill_in, read_table, run_name

TABLE = """
task: segmentation
train: ["camvid={camvid},split=train"]
test: camvid={camvid},split=test
init: default
settings: {epochs: 2, rate: 1.0e-3}
references: [paper, prototype]
goals:
  - {codec: original, at_least: 50.0, prototype: 40.1}
  - {codec: "astc:8x8:fast", at_most: 1.0, paper: 4.4 / 4.0}
  - {codec: "astc:12x12:fast", at_most: 1.0}
  - {codec: "jpeg:50", against: "astc:8x8:fast", at_most: 50}
  - {codec: "jxs:main:3", at_most: 0.5}
  - {codec: "astc:12x12:fast", retrained: false, at_most: 50}
remarks: Made up.
runs:
  - {train_on: original, seed: 0, tests: [original, astc, "astc:12x12"]}
  - {train_on: original, seed: 1, tests: [original, astc]}
  - {train_on: astc, seed: 0, tests: ["astc:8x8:fast", original], settings: {epochs: 3}, checkpoint: kept/astc.safetensors, name: longer_s0}
  - {train_on: "astc:8x8:fast", seed: 0, tests: [astc]}
  - {train_on: "astc:8x8:fast", seed: 1, tests: [astc]}
  - {train_on: "astc:12x12:fast", seed: 0, tests: ["astc:12x12:fast"], init: "=original_s0"}
  - {train_on: "jpeg:50", seed: 0, tests: ["jpeg:50"]}
  - {train_on: "jpeg:50", seed: 1, tests: ["jpeg:50"]}
  - {train_on: "original+astc", seed: 0, tests: [astc], name: mixture_s0}
"""


@pytest.fixture
def table_path(tmp_path: Path) -> Path:
    path = tmp_path / "table.yaml"
    path.write_text(TABLE)
    return path


def counts(ious: list[float], pictures: int = 40, seed: int = 0) -> Counts:
    """Made-up counts of that many classes whose IoU is about as given, varying from picture to picture."""
    random = np.random.default_rng(seed)
    totals = random.integers(500, 1500, (pictures, len(ious)))
    hits = np.round(totals * np.clip(np.array(ious) + random.normal(0, 0.02, totals.shape), 0, 1)).astype(np.int64)
    return Counts(hits, totals)


def test_score_is_the_mean_iou_of_sums() -> None:
    c = Counts(np.array([[1, 5], [3, 0]]), np.array([[2, 10], [6, 0]]))
    assert c.score()[0] == pytest.approx((4 / 8 + 5 / 10) / 2)
    assert c.score(np.array([[0, 1], [2, 1]])) == pytest.approx([3 / 6, (5 / 10 + 10 / 20) / 2])  # a class that does not occur does not count
    assert concatenated([c, c]).score()[0] == c.score()[0]


def test_difference_of_pairs() -> None:
    control = [counts([0.8, 0.6], seed=s) for s in (1, 2)]
    other = [Counts((c.hits * 0.95).astype(np.int64), c.totals) for c in control]
    difference = paired_difference(control, other)
    assert difference.mean == pytest.approx(100 * 0.05 * 0.7, abs=0.15)
    assert difference.seeds == 2
    # The pictures vary by two points, their pairs do not: pairing must keep that out of the interval.
    assert difference.low < difference.mean < difference.high < difference.low + 0.2
    assert str(difference) == f"{difference.mean:.1f} [{difference.low:.1f}, {difference.high:.1f}]"
    none = paired_difference(control, control)
    assert (none.mean, none.low, none.high) == (0, 0, 0)
    unpaired = paired_difference(control[:1], [counts([0.76, 0.57], seed=9)])
    assert unpaired.high - unpaired.low > difference.high - difference.low
    with pytest.raises(ValueError, match="2 control runs and 1 others"):
        paired_difference(control, other[:1])
    with pytest.raises(ValueError, match="different numbers of pictures"):
        paired_difference(control[:1], [counts([0.8, 0.6], pictures=30)])


def test_interval_covers_the_truth() -> None:
    """Of many made-up tests, about 95 % must have an interval that covers the true difference."""
    covered = 0
    for trial in range(60):
        random = np.random.default_rng(trial)
        totals = np.full((80, 1), 1)
        one, two = ((random.random((80, 1)) < p).astype(np.int64) for p in (0.8, 0.7))
        d = paired_difference([Counts(one, totals)], [Counts(two, totals)], samples=400)
        covered += d.low <= 10 <= d.high
    assert 50 <= covered < 60 or covered == 60


def row(run: str, trained_on: str, seed: int, tested_on: str, c: Counts) -> dict[str, object]:
    return {
        **dict(zip(KEYS, (run, trained_on, seed, "made up", tested_on))),
        "pictures": len(c.hits),
        "bits_per_pixel": 2.0,
        "psnr": "" if tested_on == "original" else 30.0,
        "miou": round(float(c.score()[0]), 5),
        "iou_road": round(float(c.hits[:, 0].sum() / c.totals[:, 0].sum()), 5),
    }


def test_scores_survive_their_files(tmp_path: Path) -> None:
    first, second = counts([0.8, 0.6]), counts([0.7, 0.5], seed=1)
    write_row(tmp_path, row("a_s0", "a", 0, "original", first), first, ["road", "car"])
    once = (tmp_path / "a_s0.pictures.csv.gz").read_bytes()
    write_row(tmp_path, row("a_s0", "a", 0, "jpeg:50", second), second, ["road", "car"])
    assert [r["tested_on"] for r in read_run(tmp_path, "a_s0")] == ["original", "jpeg:50"]
    read = read_counts(tmp_path, "a_s0")
    for c, name in ((first, "original"), (second, "jpeg:50")):
        assert np.array_equal(read[name].hits, c.hits)
        assert np.array_equal(read[name].totals, c.totals)
    other = tmp_path / "again"
    write_row(other, row("a_s0", "a", 0, "original", first), first, ["road", "car"])
    assert (other / "a_s0.pictures.csv.gz").read_bytes() == once
    with pytest.raises(ValueError, match="other columns"):
        write_row(tmp_path, {"run": "a_s0", "tested_on": "x"}, first, ["road", "car"])
    assert not read_run(tmp_path, "b_s0")
    assert not read_counts(tmp_path, "b_s0")


def test_table_of_runs(table_path: Path) -> None:
    table = read_table(table_path)
    assert [run.name for run in table.runs][:4] == ["original_s0", "original_s1", "longer_s0", "astc-8x8-fast_s0"]
    assert table.runs[0].settings == {"epochs": 2, "rate": 1e-3}
    assert table.runs[2].settings == {"epochs": 3, "rate": 1e-3}
    assert table.runs[2].checkpoint == table_path.parent / "kept" / "astc.safetensors"
    assert table.runs[0].init == "default"
    assert table.control == "original"
    assert run_name("original+astc:8x8:fast", 2) == "original+astc-8x8-fast_s2"
    assert fill_in(table.runs[0].test, {"camvid": "/data/c"}) == "camvid=/data/c,split=test"
    with pytest.raises(ValueError, match="--place camvid=PATH"):
        fill_in(table.runs[0].test, {})


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("task: segmentation", "task: detection", "task 'detection'"),
        ("seed: 1, tests: [original, astc]", "seed: 0, tests: [original]", "named twice: original_s0"),
        ("init: default", "initial: default", "unknown entry initial"),
        ("init: default", "init: [", "table.yaml"),
        ('{train_on: "jpeg:50", seed: 0, tests', '{train_on: "jpeg:50", tests', "no entry 'seed'"),
        ("kept/astc.safetensors", "kept/a, epochs: 2", "unknown entry epochs"),
    ],
)
def test_wrong_tables_are_explained(table_path: Path, before: str, after: str, reason: str) -> None:
    table_path.write_text(TABLE.replace(before, after))
    assert before in TABLE
    with pytest.raises(ValueError, match=reason) as caught:
        read_table(table_path)
    assert str(table_path) in str(caught.value)


@pytest.fixture
def filled(table_path: Path) -> Path:
    """The table with made-up scores of some of its runs: ASTC 8x8 loses about 0.5 points, 12x12 about 4."""
    folder = table_path.with_suffix("")
    control = {seed: counts([0.8, 0.6], seed=seed) for seed in (0, 1)}

    def less(c: Counts, factor: float) -> Counts:
        return Counts((c.hits * factor).astype(np.int64), c.totals)

    scores = [
        ("original_s0", "original", 0, {"original": 1.0, "astc:8x8:fast": 0.95, "astc:12x12:fast": 0.9}),
        ("original_s1", "original", 1, {"original": 1.0, "astc:8x8:fast": 0.95}),
        ("astc-8x8-fast_s0", "astc:8x8:fast", 0, {"astc:8x8:fast": 0.993}),
        ("astc-8x8-fast_s1", "astc:8x8:fast", 1, {"astc:8x8:fast": 0.993}),
        ("astc-12x12-fast_s0", "astc:12x12:fast", 0, {"astc:12x12:fast": 0.94}),
        ("jpeg-50_s0", "jpeg:50", 0, {"jpeg:50": 0.5}),
        ("mixture_s0", "original+astc", 0, {"astc:8x8:fast": 0.99}),
    ]
    for run, trained_on, seed, tests in scores:
        for tested_on, factor in tests.items():
            c = less(control[seed], factor)
            write_row(folder, row(run, trained_on, seed, tested_on, c), c, ["road", "car"])
    return table_path


def test_report(filled: Path) -> None:
    results = read_results(read_table(filled))
    loss = results.difference(("original", "original"), ("astc:8x8:fast", "astc:8x8:fast"))
    assert loss is not None
    assert loss.seeds == 2
    assert loss.mean == pytest.approx(0.5, abs=0.2)
    text = markdown(results, [Path("x_losses.png")])
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.split("## Every")[0].splitlines() if line.startswith("| `")]
    goals = {row[0]: row[4] for row in cells}
    assert goals == {
        "`original`": "met",
        "`astc:8x8:fast`": "met",
        "`astc:12x12:fast`": "not met",
        "`jpeg:50`, against `astc:8x8:fast`": "met so far (1 of 2 seeds)",
        "`jxs:main:3`": "not done yet",
        "`astc:12x12:fast`, not retrained": "met so far (1 of 2 seeds)",
    }
    assert "\n\nMade up.\n\n## Every" in text
    unretrained = results.difference(("original", "original"), ("original", "astc:12x12:fast"))
    assert unretrained is not None
    assert cells[-1][2] == unretrained.precise()
    assert [row[5:] for row in cells[:3]] == [["", "40.1"], ["4.4 / 4.0", ""], ["", ""]]
    assert cells[0][1] == "mIoU at least 50.0"
    score, (low, high) = float(cells[0][2].split()[0]), (float(text) for text in cells[0][2].split("[")[1][:-1].split(", "))
    assert score == pytest.approx(100 * np.mean([counts([0.8, 0.6], seed=s).score()[0] for s in (0, 1)]), abs=0.006)
    assert low < score < high
    assert cells[1][2].startswith(f"{loss.mean:.2f} [")
    assert "![x_losses](x_losses.png)" in text
    assert "- `longer_s0`: `astc:8x8:fast`, `original`" in text
    matrix = text.split("seed 0)")[1].split("##")[0]
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in matrix.splitlines() if line.startswith("| `")}
    control = float(counts([0.8, 0.6]).score()[0])
    assert [float(cell) for cell in rows["`original`"][:3]] == pytest.approx([100 * control * f for f in (1, 0.95, 0.9)], abs=0.11)
    assert rows["`astc:8x8:fast`"][0] == ""
    assert float(rows["`original` + `astc`"][1]) == pytest.approx(99 * control, abs=0.11)
    mixture = next(line for line in text.splitlines() if line.startswith("| `mixture_s0`"))
    assert mixture.split("|")[-3].startswith(f" {0.3 * control:.1f} [")
    assert float(mixture.split("|")[-2].split("[")[0]) == pytest.approx(control, abs=0.15)
    assert text == markdown(read_results(read_table(filled)), [Path("x_losses.png")])


def test_report_command_writes_the_same_files_again(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert main(["report", str(filled)]) == 0
    assert "table.md" in capsys.readouterr().out
    written = {p.name: p.read_bytes() for p in filled.parent.iterdir() if p.is_file()}
    assert {"table.md", "table.csv", "table_losses.png", "table_rates.png"} < written.keys()
    assert main(["report", str(filled)]) == 0
    assert {p.name: p.read_bytes() for p in filled.parent.iterdir() if p.is_file()} == written
    assert len((filled.parent / "table.csv").read_text().splitlines()) == 1 + 10


def test_report_of_nothing(table_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table_path.parent)
    Path("docs/results").mkdir(parents=True)
    Path("docs/results/empty.yaml").write_text(table_path.read_text())
    assert main(["report"]) == 0  # of all tables those that have scores
    assert "empty.yaml has no scores yet" in capsys.readouterr().out
    assert not Path("docs/results/empty.md").exists()
    assert main(["report", "--no-figures", str(table_path)]) == 0
    assert "not done yet" in table_path.with_suffix(".md").read_text()
    capsys.readouterr()
    assert main(["report", str(table_path.with_name("none.yaml"))]) == 1
    assert "none.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "docs" / "results").glob("*.yaml")), ids=lambda p: p.stem)
def test_committed_tables_and_scores_fit_each_other(path: Path) -> None:
    """The tables can be read, and the scores that are committed are whole: every row is the sum of its pictures."""
    table = read_table(path)
    results = read_results(table)
    assert {p.name.split(".")[0] for p in table.results().glob("*.csv")} <= {run.name for run in table.runs}
    for (run, tested_on), row in results.rows.items():
        score = float(row["miou"] if "miou" in row else row["top1"])
        counts = results.counts[run, tested_on]
        assert len(counts.hits) == int(row["pictures"]), (run, tested_on)
        assert counts.score()[0] == pytest.approx(score, abs=2e-5), (run, tested_on)
