# SPDX-License-Identifier: Apache-2.0
"""The report of a run: one page that loads nothing, says the figures of the table, and is drawn for every kind of run."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from plcv_ros.tracing import FrameEvent, FrameTable
from plcv_ros.tracing.chart import Chart, number, ticks
from plcv_ros.tracing.clock import ClockEstimate
from plcv_ros.tracing.report import html_report
from plcv_ros.tracing.run import FILES, ClockState, CodecChange, LinkMeter, Run

MS = 1_000_000
START = 1_700_000_000_000_000_000
STEPS = (
    ("camera", "captured", 0.0),
    ("camera", "encode_start", 0.2),
    ("camera", "encode_end", 0.5),
    ("camera", "published", 0.1),
    ("segmentation", "received", 5.0),
    ("segmentation", "decode_start", 0.4),
    ("segmentation", "decode_end", 0.8),
    ("segmentation", "inference_end", 40.0),
    ("segmentation", "labels_published", 0.3),
)


def state(offset_ms: float = 0.0, uncertainty_ms: float = 1.0, steps: int = 0) -> ClockState:
    estimate = ClockEstimate(round(offset_ms * MS), round(uncertainty_ms * MS), 12.0, 2 * MS)
    return ClockState.of(estimate, estimate, same_computer=offset_ms == 0, steps=steps, exchanges=9)


def make(frames: int, *, cameras: tuple[str, ...] = ("front",), offset_ms: float | None = None) -> Run:
    """Frames at 20 Hz; every tenth is lost, every 25th dropped by the camera."""
    run = Run(FrameTable(), title="a <test>")
    rng = np.random.default_rng(1)
    for i in range(frames):
        time = START + i * 50 * MS
        stamp = time
        for node, event, ms in STEPS[:4] if i % 10 == 7 else STEPS[:1] if i % 25 == 3 else STEPS:
            time += round(ms * MS * rng.uniform(0.9, 1.2))
            run.table.add(FrameEvent(cameras[i % len(cameras)], stamp, node, event, time))
    for second in range(frames // 20):
        run.links.add("camera", START + second * 10**9, 15.0, 20.0)
        run.links.add("segmentation", START + second * 10**9, 13.5, 18.0)
        if offset_ms is not None:
            run.note_clock("camera", START + second * 10**9, state(offset_ms + 0.05 * second))
            run.note_clock("segmentation", START + second * 10**9, state())
    return run


class Page(HTMLParser):
    """Checks that every element is closed, and collects attributes and text."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


RUNS = {
    "nothing": make(0),
    "one frame": make(1),
    "some": make(60, offset_ms=0.0),
    "another clock": make(300, offset_ms=3_600_000.0),
    "two cameras, many frames": make(4000, cameras=("front", "rear"), offset_ms=-4.0),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_page_is_whole_and_loads_nothing(name: str) -> None:
    text = html_report(RUNS[name])
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & page.tags
    assert not {"src", "href", "xlink:href"} & {key for key, _ in page.attributes}
    assert "url(http" not in text
    assert "@import" not in text
    assert len(text) < 600_000
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(svg)
        drawn = re.sub(r"<(title|text).*?</\1>", "", svg, flags=re.DOTALL)
        assert not {"nan", "inf"} & set(re.findall(r"[a-z]+", drawn))


def test_the_figures_are_those_of_the_table() -> None:
    run = RUNS["another clock"]
    text = Page(html_report(run)).text
    summary = run.table.summary()
    total = summary.stages["total"]
    assert f"a frame takes {total.p50:.1f} ms (median)" in text
    assert f"Most of it is inference ({summary.stages['inference'].p50:.1f} ms)" in text
    assert f"published, not received: {summary.lost}" in text
    assert f"dropped before publishing: {summary.dropped_camera}" in text
    assert "15.0 Mbit/s, 20.0 frames a second" in text
    assert "+3600.001 s" in text
    assert "wrong by up to 2.00 ms" in text
    assert "all nodes ran on one computer" not in text.lower()


def test_one_computer_has_nothing_to_correct() -> None:
    run = make(60)
    same = ClockState.of(ClockEstimate(0, 0, 0, MS), ClockEstimate(900, MS, 1, MS), same_computer=True, steps=0, exchanges=3)
    for node in ("camera", "segmentation"):
        run.note_clock(node, START, same)
    assert "All nodes ran on one computer" in html_report(run)
    assert run.one_way_uncertainty_ms(("camera",), ("segmentation",)) == 0


def test_each_camera_has_a_line() -> None:
    text = html_report(RUNS["two cameras, many frames"])
    assert "<td>front</td><td>2000</td>" in text
    assert "<td>rear</td><td>2000</td>" in text
    assert "frame_id" not in html_report(RUNS["some"])


def test_names_cannot_break_the_page() -> None:
    run = make(40, cameras=("<script>alert(1)</script>", "x"))
    text = html_report(run)
    assert "<script" not in text
    assert "a &lt;test&gt;" in text


def test_external_clocks_that_disagree_are_named() -> None:
    run = make(40)
    run.clock_sync = "external"
    run.note_clock("camera", START, state(0.5))
    assert not run.clock_complaint()
    run.note_clock("camera", START, state(12.0))
    assert "clock of camera is off by +12 ms" in run.clock_complaint()
    assert run.clock_complaint() in html_report(run)
    assert run.one_way_uncertainty_ms(("camera",), ("segmentation",)) == pytest.approx(13.0)


def test_changes_of_the_codec_are_listed_and_marked(tmp_path: Path) -> None:
    run = make(60)
    assert "Changes of codec" not in html_report(run)
    run.changes.append(CodecChange(START + 1_500_000_000, "camera", "astc 8x8 -> astc 12x12: <late>"))
    text = html_report(run)
    Page(text)
    assert "<td>1.5 s</td>" in text
    assert text.count('class="event"') == 2, "one line in the frames over time, one in the use of the link"
    assert "&lt;late&gt;" in text
    run.write(tmp_path)
    assert list(Run.read(tmp_path).changes) == list(run.changes)


def test_files(tmp_path: Path) -> None:
    run = RUNS["another clock"]
    names = run.write(tmp_path / "deep" / "report")
    assert set(names) == set(FILES) == {path.name for path in (tmp_path / "deep" / "report").iterdir()}
    content = json.loads((tmp_path / "deep/report/latency.json").read_text())
    assert content["clocks"]["camera"]["offset_ms"] == pytest.approx(3_600_000.7)
    assert content["transport_uncertainty_ms"] == pytest.approx(2.0, abs=1.01)
    assert content["captured"] == 300


def test_link_rates_from_counters() -> None:
    run = Run(FrameTable())
    meter = LinkMeter(run.links)
    for second in range(4):
        # Half of what is encoded is dropped before it is sent.
        camera = {"bytes": str(second * 2_000_000), "encoded": str(second * 20), "published": str(second * 10)}
        meter.add("camera", second, float(second), camera)
        meter.add("segmentation", second, float(second), {"bytes": str(second * 900_000), "received": str(second * 9)})
        meter.add("evaluation", second, float(second), {"scored": "3"})
        meter.add("camera2", second, float(second), {"bytes": "many", "published": "1", "encoded": "1"})
    meter.add("camera", 5, 5.0, {"bytes": "10", "encoded": "1", "published": "1"})  # the node was restarted
    series = run.links.series()
    assert set(series) == {"camera", "segmentation"}
    assert series["camera"].rows() == [(i, pytest.approx(8.0), pytest.approx(10.0)) for i in (1, 2, 3)]
    assert series["segmentation"].column("megabit_per_second") == pytest.approx([7.2] * 3)


@pytest.mark.parametrize(("low", "high", "expected"), [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 0.07, [0, 0.02, 0.04, 0.06]), (3, 3, [3]), (-1, 1, None)])
def test_ticks(low: float, high: float, expected: list[float] | None) -> None:
    found = ticks(low, high)
    assert all(low - 1e-9 <= t <= high + 1e-9 for t in found)
    if expected is not None:
        assert found == pytest.approx(expected)


def test_numbers_on_axes() -> None:
    assert [number(v) for v in (0, 0.1 + 0.2, 20.0, -4, 1e6, 0.00001)] == ["0", "0.3", "20", "-4", "1e+06", "1e-05"]


def test_lines_break_at_unknown_values() -> None:
    chart = Chart((0, 3), (0, 1), name="x")
    chart.line(np.arange(4.0), np.array([0.1, np.nan, 0.3, 0.4]), "#000")
    path = re.search(r'<path d="([^"]*)"', chart.svg())
    assert path is not None
    assert path.group(1).count("M") == 2
