# SPDX-License-Identifier: Apache-2.0
"""``plcv latency``: what the terminal shows of diagnostics, and reports made anew."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
from rich.console import Console

from plcv_ros.cli.latency import sparkline, view
from plcv_ros.cli.main import main
from plcv_ros.tracing import CAMERA_EVENTS, REMOTE_EVENTS, FrameEvent, FrameTable
from plcv_ros.tracing.clock import ClockEstimate
from plcv_ros.tracing.run import ClockState, Run
from plcv_ros.tracing.table import COUNTS

MS = 1_000_000
START = 1_700_000_000_000_000_000

LATENCY = {
    "message": "camera to labels 52.3 ms (median)",
    "level": "0",
    "captured": "120",
    "segmented": "117",
    "lost": "2",
    "dropped_camera": "0",
    "dropped_remote": "1",
    "in_flight": "0",
    "segmented_per_second": "14.900",
    **{f"transport_p{p}_ms": f"{p / 10}" for p in (50, 95, 99)},
    **{f"inference_p{p}_ms": f"{p / 2}" for p in (50, 95, 99)},
    **{f"total_p{p}_ms": f"{p + 2.3}" for p in (50, 95, 99)},
    "clock_robot/camera_offset_ms": "3600012.250",
    "clock_robot/camera_measured_offset_ms": "3600012.250",
    "clock_robot/camera_uncertainty_ms": "1.125",
    "clock_robot/camera_same_computer": "False",
    "clock_segmentation_offset_ms": "0.000",
    "clock_segmentation_same_computer": "True",
}


def shown(values: dict[str, dict[str, str]], history: deque[float]) -> str:
    console = Console(width=140, record=True, quiet=True)
    console.quiet = False
    with console.capture() as capture:
        console.print(view(values, values.get("latency", {}), history))
    return capture.get()


def test_texts_of_strangers_are_shown_as_they_are() -> None:
    hostile = {"message": "[/foo] [red] \x1b[2J\x9b end", "level": "2", "total_p95_ms": "[/x]\x1b", "segmented": "[/y]\x07", "total_p50_ms": "inf"}
    text = shown({"latency": {**LATENCY, **hostile}, "[/n]\x1b[H": hostile}, deque([1.0]))
    assert "[/foo] [red] \\x1b[2J" in text
    assert "[/n]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_the_view_shows_steps_drops_clocks_and_nodes() -> None:
    values = {"latency": LATENCY, "camera": {"message": "15.0 fps of 640x360", "level": "0"}}
    text = shown(values, deque([40.0, 52.3]))
    assert "52.3 ms" in text
    assert "p99 101.3" in text
    assert "last 2 s, up to 52 ms" in text
    assert "117 of 120 labelled, 14.9 a second" in text
    assert "lost 2" in text
    assert "robot/camera +3600.012 s ± 1.125 ms" in text
    assert "segmentation on this computer" in text
    assert "15.0 fps of 640x360" in text
    inference = next(line for line in text.splitlines() if "inference" in line)
    transport = next(line for line in text.splitlines() if "transport" in line)
    assert (inference.count("█"), transport.count("█")) == (27, 5)  # of 32


@pytest.mark.parametrize("values", [{}, {"latency": {}}, {"latency": {"total_p50_ms": "nan?"}}])
def test_the_view_of_a_graph_without_frames(values: dict[str, dict[str, str]]) -> None:
    text = shown(values, deque())
    assert "no labels yet" in text
    assert "no answers yet" in text


def test_sparkline() -> None:
    assert sparkline([0.0, 5.0, 10.0]) == "▁▅█"
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert sparkline([]) == ""


def recorded(folder: Path, max_frames: int = 100) -> Run:
    run = Run(FrameTable(max_frames), title="first")
    for i in range(30):
        start = START + i * 50 * MS
        for step, event in enumerate((*CAMERA_EVENTS, *REMOTE_EVENTS)):
            node = "camera" if event in CAMERA_EVENTS else "segmentation"
            if i % 10 == 9 and node == "segmentation":
                continue
            run.table.add(FrameEvent("front", start, node, event, start + step * 2 * MS))
    run.table.add(FrameEvent("front", START + 30 * 50 * MS, "camera", "captured", START + 30 * 50 * MS))
    run.table.add(FrameEvent("front", START + 30 * 50 * MS, "camera", "dropped", START + 30 * 50 * MS))
    estimate = ClockEstimate(5 * MS, MS, 3.0, 2 * MS)
    for second in range(3):
        run.note_clock("camera", START + second * 10**9, ClockState.of(estimate, estimate, same_computer=False, steps=1, exchanges=7))
        run.links.add("camera", START + second * 10**9, 12.0, 20.0)
    run.write(folder)
    return run


def test_a_report_made_anew_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded(tmp_path)
    page = tmp_path / "latency.html"
    first = page.read_text()
    page.unlink()
    assert main(["latency", "--report", str(tmp_path)]) == 0
    assert page.read_text() == first
    again = Run.read(tmp_path)
    assert again.as_dict() == run.as_dict()
    assert main(["latency", "--report", str(tmp_path), "--title", "second"]) == 0
    assert "<h1>second</h1>" in page.read_text()
    assert "31 frames" in capsys.readouterr().out


def test_frames_that_left_the_table_stay_counted_in_a_report_made_anew(tmp_path: Path) -> None:
    whole = recorded(tmp_path / "whole").as_dict()
    recorded(tmp_path, max_frames=12)
    again = Run.read(tmp_path)
    assert len(again.table) == 12
    assert {name: again.as_dict()[name] for name in COUNTS} == {name: whole[name] for name in COUNTS}
    assert whole["captured"] == 31


@pytest.mark.parametrize("name", ["latency.json", "frames.csv", "clocks.csv", "links.csv"])
@pytest.mark.parametrize("text", [None, "", "{}", "node,stamp\nx,y\n"])
def test_a_folder_that_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None) -> None:
    recorded(tmp_path)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    assert main(["latency", "--report", str(tmp_path)]) == 1
    assert name in capsys.readouterr().err
