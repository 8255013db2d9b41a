# SPDX-License-Identifier: Apache-2.0
"""Everything that differs between Humble, Jazzy and Kilted, in one place.

Humble calls the module of the event classes ``rclpy.qos_event`` (later ``rclpy.event_handler``), knows no matched events (there the
subscription count is polled), and cannot rewrite a parameter before it is checked.
"""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def _event_module() -> Any:
    try:
        return importlib.import_module("rclpy.event_handler")
    except ModuleNotFoundError:
        return importlib.import_module("rclpy.qos_event")


_events = _event_module()
PublisherEventCallbacks: Any = _events.PublisherEventCallbacks
SubscriptionEventCallbacks: Any = _events.SubscriptionEventCallbacks
UnsupportedEventTypeError: type[Exception] = _events.UnsupportedEventTypeError

HAS_MATCHED_EVENTS = "matched" in inspect.signature(PublisherEventCallbacks.__init__).parameters
"""Whether this rclpy reports that a subscriber came or went; where not, :func:`create_publisher` polls."""

POLL_PERIOD_S = 0.2


def create_publisher(
    node: Any,
    message_type: Any,
    topic: str,
    qos: Any,
    *,
    overrides: Any = None,
    on_incompatible: Callable[[Any], None] | None = None,
    on_demand: Callable[[int], None] | None = None,
    on_late: Callable[[Any], None] | None = None,
) -> Any:
    """A publisher whose ``on_demand(count)`` is called, in the executor, whenever the number of its subscribers has changed.

    ``on_incompatible(event)`` hears of subscribers that ask for a QoS that is not offered, ``on_late(event)`` of missed deadlines.
    Middlewares without such events are served without ``on_incompatible``, and by polling for ``on_demand``.
    """
    # rclpy's own callbacks would log the same once more, and everything that is waited for makes every wake-up of the executor dearer.
    options: dict[str, Any] = {"use_default_callbacks": False}
    qos = copy.copy(qos)  # rclpy writes overrides into the profile, which several topics may share
    if on_incompatible is not None:
        options["incompatible_qos"] = on_incompatible
    if on_late is not None:
        options["deadline"] = on_late
    matched = on_demand is not None and HAS_MATCHED_EVENTS
    if matched and on_demand is not None:
        options["matched"] = _count_of(on_demand)
    try:
        publisher = node.create_publisher(
            message_type, topic, qos, event_callbacks=PublisherEventCallbacks(**options), qos_overriding_options=overrides
        )
    except UnsupportedEventTypeError:
        matched = False
        publisher = node.create_publisher(message_type, topic, qos, qos_overriding_options=overrides)
    if on_demand is not None and not matched:
        _poll(node, publisher, on_demand)
    return publisher


def create_subscription(
    node: Any,
    message_type: Any,
    topic: str,
    callback: Callable[..., None],
    qos: Any,
    *,
    overrides: Any = None,
    on_incompatible: Callable[[Any], None] | None = None,
    on_late: Callable[[Any], None] | None = None,
) -> Any:
    """A subscription; ``on_incompatible(event)`` hears of publishers that do not offer the QoS asked for, where the middleware tells, and
    ``on_late(event)`` of missed deadlines."""
    qos = copy.copy(qos)
    try:
        late = {} if on_late is None else {"deadline": on_late}
        events = SubscriptionEventCallbacks(incompatible_qos=on_incompatible, use_default_callbacks=False, **late)
        return node.create_subscription(message_type, topic, callback, qos, event_callbacks=events, qos_overriding_options=overrides)
    except UnsupportedEventTypeError:
        return node.create_subscription(message_type, topic, callback, qos, qos_overriding_options=overrides)


def create_timed_subscription(node: Any, message_type: Any, topic: str, callback: Callable[[Any, Any], None], qos: Any) -> Any:
    """A subscription whose ``callback(message, info)`` also hears what the middleware knows of the message: ``source_timestamp`` and
    ``received_timestamp`` in ns, 0 where it does not know. ``info`` is None on Humble, whose rclpy does not pass it on."""
    from rclpy.subscription import Subscription

    if hasattr(Subscription, "CallbackType"):
        return create_subscription(node, message_type, topic, callback, qos)
    return create_subscription(node, message_type, topic, lambda message: callback(message, None), qos)


STAMPED_FLOATS = ("autoware_internal_debug_msgs", "tier4_debug_msgs")
"""Packages with a Float64Stamped (``stamp``, ``data``) that Autoware's tools understand, the newer one first."""


class DebugFloat:
    """Makes messages of a number at a time: Autoware's Float64Stamped where it is installed, std_msgs/Float64 (no time) elsewhere."""

    def __init__(self, node: Any) -> None:
        self.stamped = True
        for package in STAMPED_FLOATS:
            try:
                self.message_type: Any = importlib.import_module(f"{package}.msg").Float64Stamped
            except (ImportError, AttributeError):
                continue
            return
        from std_msgs.msg import Float64

        self.stamped = False
        self.message_type = Float64
        node.get_logger().debug("debug/*_ms topics are std_msgs/Float64: no Float64Stamped of Autoware is installed")

    def __call__(self, time_ns: int, value: float) -> Any:
        """The message of ``value`` at ``time_ns`` (ns since 1970)."""
        message = self.message_type()
        message.data = value
        if self.stamped:
            message.stamp.sec, message.stamp.nanosec = divmod(time_ns, 1_000_000_000)
        return message


def _count_of(on_demand: Callable[[int], None]) -> Callable[[Any], None]:
    return lambda event: on_demand(int(event.current_count))


def _poll(node: Any, publisher: Any, on_demand: Callable[[int], None]) -> None:
    last = 0

    def look() -> None:
        nonlocal last
        count = int(publisher.get_subscription_count())
        if count != last:
            last = count
            on_demand(count)

    node.create_timer(POLL_PERIOD_S, look, clock=steady_clock())


def steady_clock() -> Any:
    """A clock that runs on while simulated time stands still."""
    from rclpy.clock import Clock, ClockType

    return Clock(clock_type=ClockType.STEADY_TIME)


def parameter_overrides(node: Any) -> dict[str, Any]:
    """Name -> value of every parameter given on the command line or in a file, declared or not.

    rclpy keeps them in an attribute of this name from Humble to Kilted but shows them only one by one, once declared, too late to accept
    15 where 15.0 is meant or to warn of a misspelled name.
    """
    overrides = getattr(node, "_parameter_overrides", {})
    return {name: parameter.value for name, parameter in overrides.items()}


def accept_integers_for_doubles(node: Any, names: Iterable[str]) -> None:
    """Let ``ros2 param set <node> rate 20`` set a double. Humble refuses it: there one writes 20.0."""
    if not hasattr(node, "add_pre_set_parameters_callback"):
        return
    from rclpy.parameter import Parameter

    doubles = frozenset(names)

    def convert(parameters: list[Any]) -> list[Any]:
        return [
            Parameter(p.name, Parameter.Type.DOUBLE, float(p.value)) if p.name in doubles and p.type_ == Parameter.Type.INTEGER else p
            for p in parameters
        ]

    node.add_pre_set_parameters_callback(convert)
