# SPDX-License-Identifier: Apache-2.0
"""Series of slow quantities: bounded, and written and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcv_ros.tracing.history import Histories, Series


def test_a_long_series_thins_out_evenly() -> None:
    series = Series(("value",), max_rows=100)
    for i in range(10_000):
        series.add(i, float(i))
    assert 50 <= len(series) < 100
    times = series.times()
    assert times[0] == 0
    assert len(set(times[1:] - times[:-1])) == 1
    assert times[-1] > 10_000 - 2 * (times[1] - times[0])
    assert list(series.column("value")) == list(times)


def test_wrong_number_of_values() -> None:
    with pytest.raises(ValueError, match="1 values, expected 2: a, b"):
        Series(("a", "b")).add(0, 1.0)


def test_csv_round_trip(tmp_path: Path) -> None:
    histories = Histories(("offset_ms", "uncertainty_ms"))
    for i in range(5):
        histories.add("robot/camera", 1_700_000_000_000_000_000 + i, 0.5 * i, 0.25)
        histories.add("segmentation", i, -3600000.125, 0.5)
    path = tmp_path / "clocks.csv"
    histories.write_csv(path)
    again = Histories.read_csv(path)
    assert list(again.series()) == ["robot/camera", "segmentation"]
    for node, series in histories.series().items():
        assert again.series()[node].rows() == series.rows()


def test_too_many_nodes_are_left_out() -> None:
    histories = Histories(("value",), max_nodes=3)
    for i in range(10):
        histories.add(f"node{i}", 0, 1.0)
    assert len(histories.series()) == 3


@pytest.mark.parametrize("text", ["", "frame,stamp\n1,2\n", "node,time_ns,x\ncamera,noon,1\n", "node,time_ns,x\ncamera,1,1,2\n"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clocks.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"clocks\.csv"):
        Histories.read_csv(path)
