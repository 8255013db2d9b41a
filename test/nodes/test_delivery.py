# SPDX-License-Identifier: Apache-2.0
"""What a sender with ``codec: auto`` makes of receivers' reports."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from plcv_ros.nodes import conversion, delivery


class Reports:
    """A DeliveryListener without ROS, and what it has told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        node = SimpleNamespace(create_subscription=lambda *_: None)
        self.listener = delivery.DeliveryListener(node, "image", lambda *values: self.told.append(values))

    def say(self, source: str, age_ns: int = 20_000_000) -> None:
        header = conversion.to_header(5_000_000_000, "camera")
        self.listener._on_message(SimpleNamespace(header=header, time_ref=conversion.to_time(5_000_000_000 + age_ns), source=source))


def test_a_report_tells_who_how_late_and_how_much() -> None:
    reports = Reports()
    reports.say("/segmentation 30/45 4500")
    assert reports.told == [("/segmentation", 5_000_000_000, 0.02, 30 / 45, 0.0045)]


@pytest.mark.parametrize("source", ["", "/segmentation", "/s 0/45 1", "/s 46/45 1", "/s 1/0 1", "/s 1/1", "a b 1/1 1"])
def test_reports_that_cannot_be_are_counted(source: str) -> None:
    reports = Reports()
    reports.say(source)
    reports.say("/segmentation 1/1 1", age_ns=-1)
    assert (reports.told, reports.listener.malformed) == ([], 2)
