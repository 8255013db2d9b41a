# SPDX-License-Identifier: Apache-2.0
"""What a sender with ``codec: auto`` makes of receivers' reports."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from plcv_ros.nodes import conversion, delivery


def endpoint(name: str, number: int = 0) -> SimpleNamespace:
    namespace, _, own = name.rpartition("/")
    return SimpleNamespace(node_namespace=f"/{namespace}", node_name=own, endpoint_gid=[number] * 16)


def info(number: int) -> dict[str, object]:
    return {"publisher_gid": {"implementation_identifier": "x", "data": bytes([number] * 16)}}


class Graph:
    """What discovery knows: topic -> endpoints."""

    def __init__(self) -> None:
        self.publishers: dict[str, list[SimpleNamespace]] = {"/image/delivered": [endpoint("segmentation", 1), endpoint("robot/decoder", 2)]}
        self.subscribers: dict[str, list[SimpleNamespace]] = {
            "/image/astc": [endpoint("segmentation"), endpoint("robot/decoder"), endpoint("recorder")]
        }
        self.create_subscription = self.create_timer = lambda *_, **__: None

    def resolve_topic_name(self, topic: str) -> str:
        return f"/{topic}"

    def get_publishers_info_by_topic(self, topic: str) -> list[SimpleNamespace]:
        return self.publishers.get(topic, [])

    def get_subscriptions_info_by_topic(self, topic: str) -> list[SimpleNamespace]:
        return self.subscribers.get(topic, [])


class Reports:
    """A DeliveryListener without ROS, and what it has told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(delivery.compat, "create_timed_subscription", lambda *_: None)
        monkeypatch.setattr(delivery.compat, "steady_clock", lambda: None)
        self.told: list[tuple[object, ...]] = []
        self.graph = Graph()
        self.listener = delivery.DeliveryListener(self.graph, "image", ["image/astc", "image/jxs"], lambda *values: self.told.append(values))

    def say(self, source: str, age_ns: int = 20_000_000, number: int | None = 1) -> None:
        header = conversion.to_header(5_000_000_000, "camera")
        message = SimpleNamespace(header=header, time_ref=conversion.to_time(5_000_000_000 + age_ns), source=source)
        self.listener._on_message(message, None if number is None else info(number))


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    return Reports(monkeypatch)


@pytest.mark.parametrize("number", [1, None])
def test_a_report_tells_who_how_late_and_how_much(reports: Reports, number: int | None) -> None:
    reports.say("/segmentation 30/45 4500", number=number)
    assert reports.told == [("/segmentation", 5_000_000_000, 0.02, 30 / 45, 0.0045)]


@pytest.mark.parametrize(
    "source", ["", "/segmentation", "/s 0/45 1", "/s 46/45 1", "/s 1/0 1", "/s 1/1", "a b 1/1 1", "/" + "s" * 1_000_000 + " 1/1 1"]
)
def test_reports_that_cannot_be_are_counted(reports: Reports, source: str) -> None:
    reports.say(source)
    reports.say("/segmentation 1/1 1", age_ns=-1)
    assert (reports.told, reports.listener.malformed) == ([], 2)


def test_only_receivers_of_frames_report_and_each_for_itself(reports: Reports) -> None:
    reports.graph.publishers["/image/delivered"] += [endpoint("liar", 3)]
    reports.say("/segmentation 1/1 1", number=2)  # the decoder, in another's name
    reports.say("/segmentation 1/1 1", number=3)
    reports.say("/liar 1/1 1", number=3)  # receives no frames
    reports.say("/recorder 1/1 1", number=9)  # an endpoint that discovery does not know
    reports.say("/liar 1/1 1", number=None)
    assert (reports.told, reports.listener.refused) == ([], 5)
    reports.say("/robot/decoder 1/1 1", number=2)
    assert [told[0] for told in reports.told] == ["/robot/decoder"]


def test_a_recorder_is_no_reporter(reports: Reports) -> None:
    reports.listener.look()
    assert reports.listener.reporters == {"segmentation", "robot/decoder"}
    reports.graph.publishers["/image/delivered"] = []
    reports.listener.look()
    assert not reports.listener.reporters
