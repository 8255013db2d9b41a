# SPDX-License-Identifier: Apache-2.0
"""Quality of service of every topic, and what is logged where two sides do not match.

Publishers offer more than our subscribers ask for, so that every subscriber matches: a best-effort publisher and a reliable subscriber
are silent together. Parameters ``qos_overrides.<topic>.<publisher|subscription>.<policy>`` change any of it
(:mod:`plcv_ros.nodes.qos_overrides`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind

from plcv_ros.nodes import compat, qos_overrides
from plcv_ros.nodes.checks import checked

RELIABLE_DEPTH = 5

STRIP_DEPTH = 400
"""Three frames of 1080p in strips of one row of 8x8 blocks."""


INFO_DEPTH = 30
"""Messages of camera_info that wait: each is needed beside its image, and all are small."""


def _keep_last(depth: int, reliable: bool = True) -> QoSProfile:
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability)


def frames_offered() -> QoSProfile:
    """What publishers of frames and labels offer: reliable, keep last 5."""
    return _keep_last(RELIABLE_DEPTH)


def frames_requested(reliable: bool) -> QoSProfile:
    """What our subscribers of frames ask for: best effort and the newest frame alone, or, reliably, the last 5."""
    return frames_offered() if reliable else _keep_last(1, reliable=False)


def infos_offered() -> QoSProfile:
    """What publishers of camera_info offer."""
    return _keep_last(INFO_DEPTH)


def infos_requested(reliable: bool) -> QoSProfile:
    """What our subscribers of camera_info ask for."""
    return _keep_last(INFO_DEPTH, reliable)


def strips_offered() -> QoSProfile:
    """What publishers of strips offer: reliable, and room for those of some frames."""
    return _keep_last(STRIP_DEPTH)


def strips_requested(reliable: bool) -> QoSProfile:
    """What our subscribers of strips ask for: none may push another out before it is looked at."""
    return _keep_last(STRIP_DEPTH, reliable)


KEPT_CHANGES = 100
"""Changes of codec or network that late joiners get, and that wait while a link is down: none may be missing from a report."""


def latched(keep: int = 1) -> QoSProfile:
    """For what is said once and heard by late joiners too: reliable, transient local, keep last 1 (or ``keep``)."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=keep, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
    )


def events() -> QoSProfile:
    """Frame events come in bursts and none may be missing from a report: reliable, keep last 4000, those of half a minute without a link."""
    return _keep_last(4000)


def clock_offered() -> QoSProfile:
    """What the publisher of /clock offers: reliable, keep last 10."""
    return _keep_last(10)


def create_publisher(node: Any, message_type: Any, topic: str, profile: QoSProfile, on_demand: Callable[[int], None] | None = None) -> Any:
    """A publisher that takes ``qos_overrides`` and logs the remedy where a subscriber asks for what is not offered."""
    name = node.resolve_topic_name(topic)

    def incompatible(event: Any) -> None:
        policy = _policy(event)
        node.get_logger().warning(
            f"a subscriber of {name} asks for a {policy} that is not offered and gets nothing; {_PUBLISHER_REMEDY[policy].format(name)}"
        )

    return compat.create_publisher(
        node,
        message_type,
        topic,
        profile,
        overrides=qos_overrides.options(node, topic, qos_overrides.PUBLISHER),
        on_incompatible=incompatible,
        on_demand=on_demand,
        on_late=_on_late(node, name, qos_overrides.PUBLISHER),
    )


def create_subscription(node: Any, message_type: Any, topic: str, callback: Callable[[Any], None], profile: QoSProfile) -> Any:
    """A subscription that takes ``qos_overrides`` and logs the remedy where a publisher does not offer what it asks for; ``callback`` gets the
    messages that :mod:`plcv_ros.nodes.checks` lets pass."""
    name = node.resolve_topic_name(topic)

    def incompatible(event: Any) -> None:
        policy = _policy(event)
        remedy = _SUBSCRIBER_REMEDY[policy].format(name)
        node.get_logger().warning(f"a publisher of {name} does not offer the {policy} that is asked for; nothing arrives from it; {remedy}")

    node.inputs.expect(message_type, topic)
    return compat.create_subscription(
        node,
        message_type,
        topic,
        checked(node, topic, callback),
        profile,
        overrides=qos_overrides.options(node, topic, qos_overrides.SUBSCRIPTION),
        on_incompatible=incompatible,
        on_late=_on_late(node, name, qos_overrides.SUBSCRIPTION),
    )


def _on_late(node: Any, name: str, entity: str) -> Callable[[Any], None] | None:
    """Logs the first message that misses a deadline which a parameter has set; None where none has."""
    if not qos_overrides.is_given(node, name, entity, "deadline"):
        return None
    missed = 0

    def late(_: Any) -> None:
        nonlocal missed
        missed += 1
        if missed == 1:
            node.get_logger().warning(f"the {entity} of {name} misses its deadline; further times are not logged")

    return late


class _Remedies(dict[str, str]):
    def __missing__(self, policy: str) -> str:
        return "compare both sides with: ros2 topic info --verbose {}"


_PUBLISHER_REMEDY = _Remedies(
    reliability="let it subscribe with best effort, or set qos_overrides.{0}.publisher.reliability to reliable",
    durability="let it subscribe with volatile durability: frames are not kept for late joiners",
)
_SUBSCRIBER_REMEDY = _Remedies(
    reliability="set the parameter reliable to false (or qos_overrides.{0}.subscription.reliability to best_effort), or let it publish reliably",
    durability="let it publish with transient local durability",
)


def _policy(event: Any) -> str:
    try:
        return str(qos_policy_name_from_kind(event.last_policy_kind)).lower().replace("_qos_policy", "").replace("_policy", "")
    except Exception:  # an unknown number must not end the node from inside an event callback
        return f"QoS policy {event.last_policy_kind}"
