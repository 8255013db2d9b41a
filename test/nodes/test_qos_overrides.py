# SPDX-License-Identifier: Apache-2.0
"""``qos_overrides.*``: each policy changes what the node offers or asks for, for that topic alone; what cannot act is refused or named."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from plcv_ros.nodes import qos_overrides
from plcv_ros.nodes.parameters import ParameterError

SIZE = {"width": 64, "height": 48, "rate": 20.0}
SECOND = 1_000_000_000


def endpoint(probe, topic, kind="publishers", node="camera"):
    """QoS of the node's publisher or subscription of ``topic``, as others see it."""
    look = getattr(probe.node, f"get_{kind}_info_by_topic")
    probe.wait_for(lambda: [i for i in look(topic) if i.node_name == node], f"{node} among the {kind} of {topic}")
    return next(i for i in look(topic) if i.node_name == node).qos_profile


def override(topic, entity, **policies):
    return [word for name, value in policies.items() for word in ("-p", f"qos_overrides.{topic}.{entity}.{name}:={value}")]


def test_every_policy_of_a_publisher_acts(spawn, probe):
    given = {
        "reliability": "best_effort",
        "durability": "transient_local",
        "deadline": 2 * SECOND,
        "lifespan": 3 * SECOND,
        "liveliness": "manual_by_topic",
        "liveliness_lease_duration": 4 * SECOND,
        "history": "keep_last",
        "depth": 9,
    }
    node = spawn("camera", *override("/camera/image/astc", "publisher", **given), **SIZE)
    qos = endpoint(probe, "/camera/image/astc")
    assert (qos.reliability, qos.durability) == (ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.TRANSIENT_LOCAL)
    assert (qos.deadline.nanoseconds, qos.lifespan.nanoseconds) == (2 * SECOND, 3 * SECOND)
    assert (qos.liveliness, qos.liveliness_lease_duration.nanoseconds) == (LivelinessPolicy.MANUAL_BY_TOPIC, 4 * SECOND)
    # The other topics of the node keep theirs.
    other = endpoint(probe, "/camera/image")
    assert (other.reliability, other.durability) == (ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
    assert other.deadline.nanoseconds > 1000 * SECOND
    assert "is ignored" not in node.log
    assert node.stop() == 0


def test_durability_and_depth_are_what_late_joiners_get(spawn, probe):
    words = override("/camera/image/astc", "publisher", durability="transient_local", depth=3)
    probe.listen(CompressedImage, "camera/image/astc")
    node = spawn("camera", *words, frames=8, start_when_subscribed=True, exit_at_end=False, **SIZE)
    node.wait_for_log("the last of 8 frames is sent")
    profile = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    late = probe.listen(CompressedImage, "camera/image/astc", profile)
    probe.wait_for(lambda: len(late) == 3, "the three frames that are kept")
    assert node.stop() == 0


def test_a_name_outside_ros(spawn, probe):
    node = spawn("camera", *override("/camera/image/astc", "publisher", avoid_ros_namespace_conventions="true"), **SIZE)
    ros = probe.listen(CompressedImage, "camera/image/astc", QoSProfile(depth=5))
    dds = probe.listen(CompressedImage, "camera/image/astc", QoSProfile(depth=5, avoid_ros_namespace_conventions=True))
    probe.wait_for(lambda: dds, "frames on the topic without ROS's prefix")
    assert not ros
    assert node.stop() == 0


def test_subscriptions_now_later_and_polled(spawn, probe, tmp_path):
    decoder = spawn("decoder", *override("/cam/image/astc", "subscription", durability="transient_local", deadline=SECOND), input_topic="cam/image")
    probe.wait_for(lambda: "/cam/image/astc ->" in decoder.log, "the decoder")
    probe.spin(1.0)
    assert "is ignored" not in decoder.log, "it subscribes as soon as somebody looks"
    probe.listen(Image, "cam/image/decoded")
    qos = endpoint(probe, "/cam/image/astc", "subscriptions", "decoder")
    assert (qos.durability, qos.deadline.nanoseconds) == (DurabilityPolicy.TRANSIENT_LOCAL, SECOND)
    words = override("/camera/frame_events", "subscription", reliability="best_effort")
    spawn("latency", *words, output_directory=str(tmp_path))
    assert endpoint(probe, "/camera/frame_events", "subscriptions", "latency").reliability == ReliabilityPolicy.BEST_EFFORT


def test_one_topic_of_several_with_one_profile(spawn, probe):
    spawn("decoder", *override("/cam/image/astc", "subscription", reliability="reliable"), input_topic="cam/image", transport="auto")
    probe.listen(Image, "cam/image/decoded")
    assert endpoint(probe, "/cam/image/astc", "subscriptions", "decoder").reliability == ReliabilityPolicy.RELIABLE
    assert endpoint(probe, "/cam/image/jxs", "subscriptions", "decoder").reliability == ReliabilityPolicy.BEST_EFFORT


def test_a_missed_deadline_is_said_once(spawn, probe):
    words = override("/cam/image/astc", "subscription", deadline=SECOND // 5)
    node = spawn("decoder", *words, input_topic="cam/image")
    profile = QoSProfile(depth=5, history=HistoryPolicy.KEEP_LAST)
    from rclpy.duration import Duration

    profile.deadline = Duration(nanoseconds=SECOND // 10)
    publisher = probe.node.create_publisher(CompressedImage, "cam/image/astc", profile)
    probe.listen(Image, "cam/image/decoded")
    probe.wait_for(lambda: publisher.get_subscription_count() == 1, "the decoder to subscribe")
    for _ in range(2):
        publisher.publish(CompressedImage())
        probe.spin(1.0)
    node.wait_for_log("the subscription of /cam/image/astc misses its deadline")
    probe.spin(0.5)
    assert node.log.count("misses its deadline") == 1
    assert node.stop() == 0


@pytest.mark.parametrize(
    ("policy", "value", "expected"),
    [
        ("reliability", "sometimes", "one of system_default, reliable, best_effort"),
        ("reliability", True, "one of system_default, reliable"),
        ("durability", "unknown", "one of system_default, transient_local, volatile"),
        ("liveliness", "manual", "automatic, manual_by_topic"),
        ("history", 3, "one of system_default, keep_last, keep_all"),
        ("depth", 0, "an integer from 1 to"),
        ("depth", 5.0, "an integer from 1 to"),
        ("depth", True, "an integer from 1 to"),
        ("deadline", 0.5, "an integer of nanoseconds"),
        ("lifespan", -1, "an integer of nanoseconds"),
        ("liveliness_lease_duration", "4", "an integer of nanoseconds"),
        ("avoid_ros_namespace_conventions", 1, "true or false"),
    ],
)
def test_values_that_cannot_be_are_refused(policy, value, expected):
    name = f"qos_overrides./camera/image/astc.publisher.{policy}"
    node = SimpleNamespace(_parameter_overrides={name: SimpleNamespace(value=value)})
    with pytest.raises(ParameterError, match=rf"parameter {re.escape(name)} is {value!r}, expected .*{expected}"):
        qos_overrides.check(node)


def test_a_node_with_such_a_value_does_not_start(spawn):
    node = spawn("camera", *override("/camera/image/astc", "publisher", durability="always"), **SIZE)
    assert node.wait() == 1
    assert "parameter qos_overrides./camera/image/astc.publisher.durability is 'always', expected one of " in node.log
    assert "Traceback" not in node.log


def test_names_that_do_nothing_are_said(spawn):
    words = [
        *override("/camera/image/astc", "publisher", reliabilty="reliable"),
        *override("/camera/image/astc", "publisher_left", depth=5),
        *override("/camera/image/astc", "subscription", lifespan=5),
        *override("/camera/image/atsc", "publisher", depth=5),
        *override("camera/image/astc", "publisher", depth=5),
        *override("/camera/delivered", "publisher", depth=5),
    ]
    node = spawn("camera", *words, **SIZE)
    for text in (
        "'qos_overrides./camera/image/astc.publisher.reliabilty' is ignored: a publisher has the policies history,",
        "did you mean 'reliability'?",
        "'qos_overrides./camera/image/astc.publisher_left.depth' is ignored, expected qos_overrides.</topic>",
        "'qos_overrides./camera/image/astc.subscription.lifespan' is ignored: a subscription has the policies",
        "'qos_overrides./camera/image/atsc.publisher.depth' is ignored: this node has no publisher of /camera/image/atsc",
        "did you mean /camera/image/astc?",
        "'qos_overrides.camera/image/astc.publisher.depth' is ignored, expected",
        "'qos_overrides./camera/delivered.publisher.depth' is ignored: this node has no publisher of /camera/delivered",
    ):
        node.wait_for_log(text)
    assert node.stop() == 0
