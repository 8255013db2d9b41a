# SPDX-License-Identifier: Apache-2.0
"""Subscriptions whose messages a thread of their own takes, for what is in a hurry: frames, strips and requests for them.

rclpy's executor looks at every entity of the node, in Python, for each message that arrives; that is some 0.2 ms. A wait set of the
subscriptions alone (the way of ``rclpy.wait_for_message``, the same from Humble to Kilted) costs a tenth of it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation

from plcv_ros.nodes import qos, qos_overrides
from plcv_ros.nodes.polled import NEVER_EXECUTED

JOIN_TIMEOUT_S = 2.0


class Intake:
    """Calls ``callback(message)`` for every message of ``topics``, in one thread, from now until ``close``, and in the same thread
    ``on_deadline()`` once ``time.monotonic()`` has passed ``deadline()`` (None: there is none), which is asked for after every message.

    That a publisher's QoS does not match is logged until the first message has come: whoever waits for a subscription's events is
    woken up by Fast DDS for each of its messages too.
    """

    def __init__(
        self,
        node: Any,
        message_type: Any,
        topics: list[str],
        callback: Callable[[Any], None],
        profile: Any,
        *,
        deadline: Callable[[], float | None] = lambda: None,
        on_deadline: Callable[[], None] = lambda: None,
    ) -> None:
        self._node = node
        self._callback = callback
        self._deadline = deadline
        self._on_deadline = on_deadline
        self._closed = False
        self._wake = rclpy_implementation.GuardCondition(node.context.handle)
        self._subscriptions = [qos.create_subscription(node, message_type, topic, callback, profile) for topic in topics]
        for subscription in self._subscriptions:
            subscription.callback_group = NEVER_EXECUTED
        self._thread: threading.Thread = node.thread("intake", self._run)

    def close(self) -> None:
        """End the thread and the subscriptions; nothing where that has been done. Not from the callback."""
        if self._closed:
            return
        self._closed = True
        with self._wake:
            self._wake.trigger_guard_condition()
        self._thread.join(JOIN_TIMEOUT_S)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _run(self) -> None:
        subscriptions, heard = self._subscriptions, False
        wait_set = rclpy_implementation.WaitSet(len(subscriptions), 1, 0, 0, 0, 0, self._node.context.handle)
        with contextlib.ExitStack() as stack:
            for held in (self._wake, wait_set, *(subscription.handle for subscription in subscriptions)):
                stack.enter_context(held)
            while not self._closed:
                wait_set.clear_entities()
                for subscription in subscriptions:
                    wait_set.add_subscription(subscription.handle)
                wait_set.add_guard_condition(self._wake)
                deadline = self._deadline()
                wait_set.wait(-1 if deadline is None else max(0, round(1e9 * (deadline - time.monotonic()))))
                for subscription in subscriptions:
                    while not self._closed:
                        taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
                        if taken is None:
                            break
                        self._callback(taken[0])
                        if not heard:
                            heard = True
                            self._leave_events()
                deadline = self._deadline()
                if deadline is not None and time.monotonic() >= deadline:
                    self._on_deadline()

    def _leave_events(self) -> None:
        for subscription in self._subscriptions:
            if qos_overrides.is_given(self._node, subscription.topic_name, qos_overrides.SUBSCRIPTION, "deadline"):
                continue  # whoever sets a deadline wants to hear of it
            for handler in subscription.event_handlers:
                handler.callback_group = NEVER_EXECUTED
