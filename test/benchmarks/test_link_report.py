# SPDX-License-Identifier: Apache-2.0
"""The table, the goals and the picture of benchmarks/link.py, from figures that are given."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import link
from links import accuracy, goals, plot, stalls
from links.network import Link

from plcv_ros.graph import build


def row(sender: str, mode: str, qos: str, rate: float, loss: float, **values: Any) -> link.Row:
    kinds = {f.name: f.type for f in dataclasses.fields(link.Row)}
    figures = {name: 1000 if kind == "int" else 1.0 for name, kind in kinds.items()}
    return link.Row(**{**figures, "sender": sender, "mode": mode, "qos": qos, "rate": rate, "delay_ms": 2.0, "loss": loss, **values})


def score(loss: float, clean: float, delivered: float) -> accuracy.Accuracy:
    return accuracy.Accuracy("astc_12x12", "strips", "best effort", 100.0, 2.0, loss, "camvid", "network", 101, 0.04, clean, delivered)


def test_the_default_set_is_small_and_has_what_goals_are_set_for() -> None:
    chosen = link.combinations(False)
    assert len({c.key for c in chosen}) == len(chosen) <= 24
    verdicts = goals.verdicts([row(*c.key[:4], c.link.loss, delay_ms=c.link.delay_ms) for c in chosen if link.judged(c)], [])
    assert len(verdicts) >= 16


def test_goals_are_judged_by_their_own_figures() -> None:
    rows = [
        row("astc_12x12", "whole", "best effort", 100.0, 0.0, added_p50=3.1, p50=23.5, p99=25.0),
        row("jpeg_0.89", "whole", "best effort", 100.0, 0.0, p50=30.0, p99=24.9),
        row("astc_12x12", "strips", "reliable", 100.0, 0.01, whole=999, added_p99=21.9),
        row("astc_12x12", "strips", "best effort", 100.0, 0.01, strips_share=0.96, packets_lost=0.01, added_p99=9.9),
    ]
    lines = goals.verdicts(rows, [score(0.01, 0.70, 0.685)])
    verdict = {text: met for met, _, text in (line.partition(": ") for line in lines)}
    assert verdict == {
        "100 Mbit/s, no loss, 12x12 whole: p50 added at most 3 ms: 3.10 ms": "NOT MET",
        "1 % loss, reliable (lost strips asked for again): every frame whole: 999 of 1000": "NOT MET",
        "1 % loss, reliable (lost strips asked for again): p99 added under 22 ms: 21.9 ms": "met",
        "1 % loss, strips: share of rows at least 95.1 %: 96.0 %": "met",
        "1 % loss, strips: p99 added under 10 ms: 9.9 ms": "met",
        "1 % loss, strips, camvid: at most 2 pp of mIoU lost: 1.50 pp": "met",
        "100 Mbit/s, astc_12x12 before jpeg_0.89 at p50 and p99: 23.5 / 25.0 against 30.0 / 24.9 ms": "NOT MET",
    }


def test_accuracy_is_that_of_the_run_or_of_the_codec_where_nothing_is_lost() -> None:
    scores = [score(0.01, 0.70, 0.685)]
    assert plot.accuracy_of(row("astc_12x12", "strips", "best effort", 100.0, 0.01), "camvid", scores) == (0.70, 0.685)
    assert plot.accuracy_of(row("astc_12x12", "whole", "best effort", 100.0, 0.0), "camvid", scores) == (0.70, 0.70)
    assert plot.accuracy_of(row("astc_12x12", "whole", "best effort", 100.0, 0.01, whole=210), "camvid", scores) is None
    assert plot.accuracy_of(row("jxs_0.89", "whole", "best effort", 100.0, 0.0), "camvid", scores) is None


def test_picture_and_table_take_rows_that_the_link_cannot_carry(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [
        row("astc_12x12", "strips", "reliable", 100.0, 0.01, megabit=55.0, p50=24.0, p99=30.0),
        row("h264_8M", "whole", "best effort", 100.0, 0.01, megabit=8.0, p50=30.0, p99=900.0, partial=300, whole=100),
        row("raw", "whole", "best effort", 1000.0, 0.0, megabit=1493.0, p50=float("nan"), p99=float("nan")),
    ]
    plot.draw(tmp_path / "link.png", rows, [score(0.01, 0.7, 0.6)], link.BUSY)
    assert (tmp_path / "link.png").stat().st_size > 10_000
    table = link.markdown(rows, [])
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_senders_code_as_the_configurations_do() -> None:
    for name, parameter, value in (
        ("astc_8x8", "astc_preset", link.ASTC_PRESET),
        ("astc_12x12", "astc_preset", link.ASTC_PRESET),
        ("jxs_pruned", "jxs_preset", link.JXS_PRESET),
    ):
        text = (Path(__file__).parents[2] / "config" / f"{name}.yaml").read_text(encoding="utf-8")
        assert set(re.findall(rf'{parameter}: "(\w+)"', text)) == {value}


def test_the_docs_have_what_was_measured() -> None:
    text = link.DOCS.read_text(encoding="utf-8").partition(link.BEGIN)[2].partition(link.END)[0]
    assert text.startswith(link.markdown(sorted(link.read_rows(), key=link.order), link.read_accuracy()))


def test_strips_that_are_reliable_are_asked_for_again() -> None:
    parameters = link.receiver_parameters(link.Combination("astc_12x12", True, link.RELIABLE, Link(100, loss=0.01)))
    assert (parameters["strips"], parameters["reliable"], parameters["strip_repair_ms"]) == (True, False, link.REPAIR_MS)
    parameters = link.receiver_parameters(link.Combination("jxs_2.0", False, link.RELIABLE, Link(100)))
    assert (parameters["strips"], parameters["reliable"], parameters["strip_repair_ms"], parameters["decode_threads"]) == (False, True, 0.0, 2)


def test_small_messages_are_the_profile_with_a_limit(tmp_path: Path) -> None:
    environment = build("edge", {"middleware": "profile"}).environment
    changed = link.small_messages(environment, tmp_path)
    assert list(changed) == [name for name in environment if "PROFILES_FILE" in name]
    (name, path), limit = next(iter(changed.items())), f"<maxMessageSize>{link.SMALL_MESSAGE}</maxMessageSize>"
    text, before = (Path(each).read_text(encoding="utf-8") for each in (path, environment[name]))
    assert limit in text
    assert text.replace(limit, "") == before
    with pytest.raises(RuntimeError, match="no Fast DDS profile"):
        link.small_messages({}, tmp_path)


def test_stalls_are_pauses_between_the_times_at_which_a_thread_ran() -> None:
    ran_ms = [0.0, 0.4, 0.9, 2.4, 2.5, 10.0, 10.9]
    assert stalls.count(int(t * 1e6) for t in ran_ms) == ([2, 1, 1], 9_000_000)
    sentences = stalls.measure(0.05)
    assert len(sentences) == len(os.sched_getaffinity(0))
    assert all("times a second" in sentence for sentence in sentences)
