# SPDX-License-Identifier: Apache-2.0
"""Who may say what: messages count from the node that owns a topic, and from one endpoint of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from plcv_ros.nodes import clock
from plcv_ros.nodes.origin import LOOK_PERIOD_S, Owner, Publishers, gid_of


def info(number: int | None) -> dict[str, Any] | None:
    return None if number is None else {"publisher_gid": {"data": bytes([number] * 16)}}


class Graph:
    def __init__(self) -> None:
        self.endpoints: list[SimpleNamespace] = []
        self.looks = 0
        self.now = 0.0

    def add(self, number: int, name: str, namespace: str = "/") -> None:
        self.endpoints.append(SimpleNamespace(node_name=name, node_namespace=namespace, endpoint_gid=[number] * 16))

    def remove(self, number: int) -> None:
        self.endpoints = [e for e in self.endpoints if e.endpoint_gid[0] != number]

    def get_publishers_info_by_topic(self, _: str) -> list[SimpleNamespace]:
        self.looks += 1
        return self.endpoints


def owner(graph: Graph, name: str = "camera") -> Owner:
    return Owner(Publishers(graph, "/topic", lambda: graph.now), name)


def test_the_first_endpoint_of_the_owner_counts_until_it_is_gone() -> None:
    graph = Graph()
    graph.add(1, "camera")
    graph.add(2, "stranger")
    one = owner(graph)
    assert one.accepts(info(1))
    assert not one.accepts(info(2))
    assert one.stranger == "stranger"
    graph.add(3, "camera")
    graph.now += LOOK_PERIOD_S
    assert not one.accepts(info(3)), "a second node of that name"
    assert one.accepts(info(1))
    graph.remove(1)
    graph.now += LOOK_PERIOD_S
    assert one.accepts(info(3)), "started again"
    assert not one.accepts(info(1))
    assert one.refused == 3


def test_messages_of_an_unknown_endpoint() -> None:
    graph = Graph()
    one = owner(graph)
    assert one.accepts(info(None)), "this rclpy does not tell"
    assert one.accepts(info(7)), "discovery is late"
    assert one.endpoint is None
    graph.add(7, "_NODE_NAME_UNKNOWN_")
    graph.now += LOOK_PERIOD_S
    assert one.accepts(info(7))
    graph.endpoints.clear()
    graph.add(7, "camera")
    graph.now += LOOK_PERIOD_S
    assert one.accepts(info(7))
    assert one.endpoint == bytes([7] * 16)
    assert not one.accepts(info(8))
    assert "discovery does not know" in one.stranger


def test_a_flood_of_endpoints_asks_discovery_no_more_often() -> None:
    graph = Graph()
    graph.add(1, "camera")
    one = owner(graph)
    one.accepts(info(1))
    for number in range(2, 250):
        one.accepts(info(number))
    assert graph.looks == 1


def test_namespaces_are_part_of_a_name() -> None:
    graph = Graph()
    graph.add(1, "camera", "/left")
    assert not owner(graph).accepts(info(1))
    assert owner(graph, "left/camera").accepts(info(1))
    assert gid_of(None) is None
    assert gid_of({}) is None
    assert gid_of({"publisher_gid": {"data": b""}}) is None


ROGUE = """
import sys, time, rclpy
from array import array
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Int64MultiArray
rclpy.init()
node = rclpy.create_node("rogue")
publisher = node.create_publisher(Int64MultiArray, "/server/clock/reply", 10)
def answer(m):
    client, sequence, t1 = m.data
    hour = t1 + 3600 * 10**9
    publisher.publish(Int64MultiArray(data=array("q", (client, sequence, t1, hour, hour + 1000, 0))))
node.create_subscription(Int64MultiArray, "/server/clock/request", answer, qos_profile_sensor_data)
rclpy.spin(node)
"""


def test_a_rogue_reply_moves_no_clock(domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger that answers clock requests with an hour more, as fast as the node itself."""
    import rclpy
    from rclpy.context import Context
    from rclpy.executors import SingleThreadedExecutor

    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    context = Context()
    rclpy.init(context=context)
    server, client = (rclpy.create_node(name, context=context) for name in ("server", "client"))
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(server)
    executor.add_node(client)
    rogue = subprocess.Popen([sys.executable, "-c", ROGUE], env={**os.environ, "ROS_DOMAIN_ID": str(domain)})
    try:
        clock.ClockServer(server)
        clocks = clock.Clocks(client, ["server"])
        peer = clocks._peers["server"]
        end = time.monotonic() + 30
        while time.monotonic() < end and not (peer.refused > 5 and peer.clock.exchanges > 20):
            executor.spin_once(timeout_sec=0.05)
        assert peer.refused > 5, "the rogue was not heard"
        assert peer.clock.exchanges > 20
        assert peer.clock.steps == 0
        estimate = clocks.estimate("server")
        assert estimate is not None
        assert abs(estimate.offset_ns) < 50_000_000
        assert clocks.same_computer("server")
    finally:
        rogue.kill()
        rogue.wait()
        executor.shutdown()
        rclpy.shutdown(context=context)
