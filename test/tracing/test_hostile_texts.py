# SPDX-License-Identifier: Apache-2.0
"""A report of texts and numbers that somebody on the link has made up: it is written, it is whole, and nothing in it acts."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from plcv_ros.tracing import CAMERA_EVENTS, REMOTE_EVENTS, FrameEvent, FrameTable
from plcv_ros.tracing.plots import plot_latency
from plcv_ros.tracing.report import html_report
from plcv_ros.tracing.run import CodecChange, LinkMeter, Run
from plcv_ros.tracing.statistics import DAY_NS, column_width, plausible, side_by_side
from plcv_ros.writing import probe, replacing

MS = 1_000_000
START = 1_700_000_000_000_000_000
HOSTILE = ("=HYPERLINK(1)", "+1", "-1", "@x", "<script>alert(1)</script>", "[/foo]", "$x^{", "\x1b[2J")


def run_of(ids: tuple[str, ...], frames: int = 60, period_ms: float = 50) -> Run:
    run = Run(FrameTable(), title="$a_b^{ <b>")
    for i in range(frames):
        for camera in ids:
            time = START + round(i * period_ms * MS)
            for k, event in enumerate((*CAMERA_EVENTS, *REMOTE_EVENTS)):
                node = "camera" if event in CAMERA_EVENTS else "segmentation"
                run.table.add(FrameEvent(camera, START + i * 50 * MS, node, event, time + k * 3 * MS))
    return run


def test_hostile_texts_are_written_and_read_back(tmp_path: Path) -> None:
    run = run_of(HOSTILE)
    run.changes.extend(CodecChange(START + i * MS, text, text) for i, text in enumerate(HOSTILE))
    for text in HOSTILE:
        run.links.add(text, START, 1.0, 1.0)
        run.links.add(text, START + 10**9, 1.0, 1.0)
    run.write(tmp_path)
    assert "<script>" not in (tmp_path / "latency.html").read_text()
    for name in ("frames.csv", "links.csv"):
        with (tmp_path / name).open(newline="") as file:
            assert not [row[0] for row in csv.reader(file) if row[0].startswith(("=", "+", "-", "@"))]
    again = Run.read(tmp_path)
    assert set(again.table.times().frame_ids) == set(HOSTILE)
    assert set(again.links.series()) == set(HOSTILE)


def test_a_plots_title_may_hold_anything(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot_latency(run_of(("a",)).table, tmp_path / "latency.png", title="$a_b^{ \x1b[2J " + "x" * 5000)
    assert (tmp_path / "latency.png").stat().st_size > 5000
    assert [path.name for path in tmp_path.iterdir()] == ["latency.png"]


@pytest.mark.parametrize("bad", ["inf", "-inf", "nan", "1e400", "9" * 500, "-5", "x"])
@pytest.mark.parametrize("key", ["bytes", "published", "encoded", "received"])
def test_counters_that_are_no_counts_are_left_out(key: str, bad: str) -> None:
    run = run_of(("a",))
    meter = LinkMeter(run.links)
    good = {"bytes": "1000", "published": "10", "encoded": "10"} if key != "received" else {"bytes": "1000", "received": "10"}
    meter.add("camera", START, 1.0, good)
    meter.add("camera", START + 10**9, 2.0, {**good, key: bad})
    meter.add(
        "camera",
        START + 2 * 10**9,
        3.0,
        {**good, "bytes": "2000", **({"received": "20"} if key == "received" else {"published": "20", "encoded": "20"})},
    )
    meter.add(
        "camera",
        START + 3 * 10**9,
        4.0,
        {**good, "bytes": "3000", **({"received": "30"} if key == "received" else {"published": "30", "encoded": "30"})},
    )
    rates = run.links.series()["camera"].column("megabit_per_second")
    assert rates.size
    assert np.isfinite(rates).all()
    assert "could not be drawn" not in html_report(run)


def test_one_part_that_fails_does_not_cost_the_page() -> None:
    run = run_of(("a",))
    run.links.add("camera", START, float("inf"), 1.0)
    run.links.add("camera", START + 10**9, float("inf"), float("nan"))
    page = html_report(run)
    assert "this part could not be drawn" in page
    assert "What became of the frames" in page
    assert page.rstrip().endswith("</html>")


def test_an_event_of_1970_does_not_stretch_the_axis() -> None:
    run = run_of(("a",))
    run.table.add(FrameEvent("b", 5, "camera", "captured", 12))
    page = html_report(run)
    assert "Not in the charts: 1 frame" in page
    assert "(min)" not in page
    assert plausible(np.array([*range(START, START + 9), 0])).tolist() == [True] * 9 + [False]
    long = START + np.arange(100) * DAY_NS
    assert plausible(long).all()
    assert plausible(np.zeros(0, np.int64)).size == 0


def test_cameras_in_step_are_drawn_side_by_side() -> None:
    period = 0.1
    times = np.repeat(np.arange(50) * period, 4)
    width = column_width(times)
    assert width == pytest.approx(period / 4, rel=0.01)
    drawn = np.sort(side_by_side(times, width))
    assert np.diff(drawn).min() == pytest.approx(width)
    page = html_report(run_of(("a", "b", "c", "d")))
    assert 'width="0.0"' not in page
    # A camera alone is drawn where it is, and a rate that doubles does not push frames away without end.
    alone = np.arange(100) * period
    assert np.allclose(side_by_side(alone, column_width(alone)), alone)
    doubled = np.concatenate([np.arange(100) * period, 10 + np.arange(400) * period / 4])
    assert (side_by_side(doubled, 0.1) - doubled).max() <= 0.8 + 1e-9
    assert column_width(np.zeros(9)) > 0
    assert column_width(np.zeros(1)) > 0


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with replacing(path) as beside:
        beside.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        probe(tmp_path / "file" / "folder")
    probe(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
