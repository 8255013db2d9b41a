# SPDX-License-Identifier: Apache-2.0
"""The compatibility module against stubs of Humble's and Jazzy's rclpy, and the real one's attributes against our names."""

from __future__ import annotations

import ast
import importlib
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from plcv_ros.nodes import compat

NODES = Path(compat.__file__).parent


class UnsupportedEventTypeError(Exception):
    """As rclpy's."""


def humble() -> types.ModuleType:
    """rclpy.qos_event of Humble: no matched events, no incompatible type."""

    class PublisherEventCallbacks:
        def __init__(self, *, deadline=None, liveliness=None, incompatible_qos=None, use_default_callbacks=True):
            self.options = {"incompatible_qos": incompatible_qos}

    class SubscriptionEventCallbacks:
        def __init__(self, *, deadline=None, liveliness=None, message_lost=None, incompatible_qos=None, use_default_callbacks=True):
            self.options = {"incompatible_qos": incompatible_qos}

    return _module("rclpy.qos_event", PublisherEventCallbacks, SubscriptionEventCallbacks)


def jazzy() -> types.ModuleType:
    """rclpy.event_handler of Jazzy."""

    class PublisherEventCallbacks:
        def __init__(
            self, *, deadline=None, liveliness=None, incompatible_qos=None, incompatible_type=None, matched=None, use_default_callbacks=True
        ):
            self.options = {"incompatible_qos": incompatible_qos, "matched": matched}

    class SubscriptionEventCallbacks:
        def __init__(
            self,
            *,
            deadline=None,
            incompatible_qos=None,
            liveliness=None,
            message_lost=None,
            incompatible_type=None,
            matched=None,
            use_default_callbacks=True,
        ):
            self.options = {"incompatible_qos": incompatible_qos, "matched": matched}

    return _module("rclpy.event_handler", PublisherEventCallbacks, SubscriptionEventCallbacks)


def _module(name: str, *classes: type) -> types.ModuleType:
    module = types.ModuleType(name)
    for one in (*classes, UnsupportedEventTypeError):
        setattr(module, one.__name__, one)
    return module


class StubNode:
    """A node whose publisher has a number of subscribers, and whose timers a test fires."""

    def __init__(self, unsupported: bool = False) -> None:
        self.count = 0
        self.timers: list = []
        self.unsupported = unsupported
        self.events = None

    def create_publisher(self, message_type, topic, qos, *, event_callbacks=None, qos_overriding_options=None):
        if self.unsupported and event_callbacks is not None:
            raise UnsupportedEventTypeError
        self.events = event_callbacks
        return SimpleNamespace(get_subscription_count=lambda: self.count)

    def create_subscription(self, message_type, topic, callback, qos, *, event_callbacks=None, qos_overriding_options=None):
        if self.unsupported and event_callbacks is not None:
            raise UnsupportedEventTypeError
        self.events = event_callbacks
        return "subscription"

    def create_timer(self, period, callback, clock=None):
        self.timers.append(callback)


@pytest.fixture(params=["humble", "jazzy"])
def stubbed(request, monkeypatch):
    rclpy = types.ModuleType("rclpy")
    rclpy.__path__ = []  # a package in which nothing else is found
    clock = types.ModuleType("rclpy.clock")
    clock.Clock = lambda clock_type: clock_type
    clock.ClockType = SimpleNamespace(STEADY_TIME="steady")
    for name in [n for n in sys.modules if n == "rclpy" or n.startswith("rclpy.")]:
        monkeypatch.delitem(sys.modules, name)
    module = {"humble": humble, "jazzy": jazzy}[request.param]()
    for one in (rclpy, clock, module):
        monkeypatch.setitem(sys.modules, one.__name__, one)
    spec = importlib.util.spec_from_file_location("compat_under_test", compat.__file__)
    assert spec is not None
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    return request.param, fresh


def test_demand_is_heard_of_either_way(stubbed):
    name, module = stubbed
    node, heard = StubNode(), []
    module.create_publisher(node, object, "topic", 1, on_incompatible=print, on_demand=heard.append)
    assert (name == "jazzy") == module.HAS_MATCHED_EVENTS
    assert node.events.options["incompatible_qos"] is print
    if name == "jazzy":
        assert not node.timers
        node.events.options["matched"](SimpleNamespace(current_count=1))
        node.events.options["matched"](SimpleNamespace(current_count=0))
    else:
        for node.count in (0, 1, 1, 0):
            node.timers[0]()
    assert heard == [1, 0]


def test_a_middleware_without_events_is_polled(stubbed):
    _, module = stubbed
    node, heard = StubNode(unsupported=True), []
    module.create_publisher(node, object, "topic", 1, on_incompatible=print, on_demand=heard.append)
    node.count = 2
    node.timers[0]()
    assert heard == [2]
    assert module.create_subscription(node, object, "topic", print, 1, on_incompatible=print) == "subscription"


@pytest.mark.parametrize("told", [False, True])
def test_the_middlewares_times_of_a_message_where_rclpy_tells_them(stubbed, monkeypatch, told):
    _, module = stubbed
    subscription = types.ModuleType("rclpy.subscription")
    subscription.Subscription = type("Subscription", (), {"CallbackType": object} if told else {})
    monkeypatch.setitem(sys.modules, "rclpy.subscription", subscription)
    heard = []
    node = SimpleNamespace(create_subscription=lambda _type, _topic, callback, _qos, **_options: callback)
    callback = module.create_timed_subscription(node, object, "topic", lambda message, info: heard.append((message, info)), 1)
    callback("message", {"source_timestamp": 1}) if told else callback("message")
    assert heard == [("message", {"source_timestamp": 1} if told else None)]


@pytest.mark.parametrize("package", [*compat.STAMPED_FLOATS, None])
def test_debug_numbers_are_autowares_where_it_is_installed(monkeypatch, package):
    class Float64Stamped:
        def __init__(self):
            self.stamp, self.data = SimpleNamespace(sec=0, nanosec=0), 0.0

    class Float64:
        data = 0.0

    for name in compat.STAMPED_FLOATS:
        monkeypatch.setitem(sys.modules, f"{name}.msg", None)
    standard = types.ModuleType("std_msgs.msg")
    standard.Float64 = Float64
    monkeypatch.setitem(sys.modules, "std_msgs.msg", standard)
    if package:
        module = types.ModuleType(f"{package}.msg")
        module.Float64Stamped = Float64Stamped
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    make = compat.DebugFloat(SimpleNamespace(get_logger=lambda: SimpleNamespace(debug=print)))
    message = make(1_700_000_000_000_000_007, 2.5)
    assert type(message) is make.message_type is (Float64Stamped if package else Float64)
    assert message.data == 2.5
    if package:
        assert (message.stamp.sec, message.stamp.nanosec) == (1_700_000_000, 7)


def test_integers_for_doubles_only_where_rclpy_can(stubbed):
    _, module = stubbed
    module.accept_integers_for_doubles(StubNode(), ["rate"])  # Humble's node has no such callbacks: nothing happens
    assert module.parameter_overrides(StubNode()) == {}


def test_no_attribute_of_rclpy_is_shadowed(domain):
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from rclpy.context import Context
    from rclpy.node import Node

    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = Node("plain", context=context)
    taken = set(vars(node)) | set(dir(Node))
    node.destroy_node()
    rclpy.shutdown(context=context)
    found = []
    for path in NODES.glob("*.py"):
        for node_class in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node_class, ast.ClassDef) or not any(ast.unparse(base).endswith("Node") for base in node_class.bases):
                continue
            names = [f.name for f in node_class.body if isinstance(f, ast.FunctionDef) and not f.name.startswith("__")]
            for part in ast.walk(node_class):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target] if isinstance(part, ast.AnnAssign) else []
                names += [t.attr for t in targets if isinstance(t, ast.Attribute) and ast.unparse(t.value) == "self"]
            found += [f"{path.name}: {name}" for name in names if name in taken]
    assert not found, "these names are rclpy's own"
