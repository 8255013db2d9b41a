# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that are emptied now and then instead of waking the executor for every message.

rclpy's executor takes some 0.2 ms to wake up for one message, whatever its size; taking one that lies ready costs a tenth of that. For many
small messages that are in no hurry (frame events: hundreds a second) the difference is most of a node's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup

from plcv_ros.nodes import compat, qos_overrides
from plcv_ros.nodes.checks import checks_of


class _NeverExecuted(CallbackGroup):  # type: ignore[misc]  # rclpy is not seen by the type checker
    """Entities of this group are not waited for."""

    def can_execute(self, _entity: Any) -> bool:
        return False

    def beginning_execution(self, _entity: Any) -> bool:
        return False

    def ending_execution(self, _entity: Any) -> None:
        return


NEVER_EXECUTED = _NeverExecuted()


class PolledSubscription:
    """A subscription outside the executor. Ask for its messages with ``take``; its queue (``profile``) must hold what arrives in between.

    It has no QoS events either: Fast DDS wakes up whoever waits for a subscription's events for each of its messages too. The publisher logs
    where the two do not match.
    """

    def __init__(self, node: Any, message_type: Any, topic: str, profile: Any) -> None:
        node.inputs.expect(message_type, topic)
        overrides = qos_overrides.options(node, topic, qos_overrides.SUBSCRIPTION)
        self._subscription = compat.create_subscription(node, message_type, topic, lambda _message: None, profile, overrides=overrides)
        self._subscription.callback_group = NEVER_EXECUTED
        self._topic = topic
        self._checks = checks_of(node)

    def take(self, limit: int) -> Iterator[tuple[Any, Any]]:
        """(message, what the middleware knows of it) of those that lie ready and that :mod:`plcv_ros.nodes.checks` lets pass; at most ``limit`` are
        looked at."""
        subscription = self._subscription
        with subscription.handle:
            for _ in range(limit):
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
                if taken is None:
                    return
                if self._checks.accepts(self._topic, taken[0]):
                    yield taken
