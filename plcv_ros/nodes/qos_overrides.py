# SPDX-License-Identifier: Apache-2.0
"""``qos_overrides.<topic>.<publisher|subscription>.<policy>``: every policy that rclpy lets a parameter change acts, and what cannot act is
refused or named in the log.

rclpy declares such a parameter for the policies that it is told of, with the topic's publisher or subscription, and has no word for the rest.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSPolicyKind, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from plcv_ros.nodes import compat
from plcv_ros.nodes.parameters import ParameterError

PREFIX = "qos_overrides."

PUBLISHER, SUBSCRIPTION = "publisher", "subscription"

ALWAYS = ("history", "depth", "reliability")
"""Policies that are declared for every topic, so that ``ros2 param list`` shows them; the others where they are given."""

MAX_DEPTH = 1_000_000

_CHOICES = {"history": HistoryPolicy, "reliability": ReliabilityPolicy, "durability": DurabilityPolicy, "liveliness": LivelinessPolicy}
_DURATIONS = ("deadline", "lifespan", "liveliness_lease_duration")
_POLICIES = (*ALWAYS, "durability", "deadline", "lifespan", "liveliness", "liveliness_lease_duration", "avoid_ros_namespace_conventions")

_NAME = re.compile(r"qos_overrides\.(/[^.]+)\.(publisher|subscription)\.(\w+)")


def policies(entity: str) -> tuple[str, ...]:
    """The policies that a parameter may set for ``publisher`` or ``subscription``."""
    return tuple(policy for policy in _POLICIES if entity == PUBLISHER or policy != "lifespan")


def check(node: Any) -> None:
    """Refuse values that a policy cannot have; raises ParameterError. Names that cannot be are logged: they change nothing."""
    for name, value in sorted(_given(node).items()):
        match = _NAME.fullmatch(name)
        if match is None:
            node.get_logger().warning(f"parameter {name!r} is ignored, expected {PREFIX}</topic>.<publisher or subscription>.<policy>")
        elif match[3] not in policies(match[2]):
            close = difflib.get_close_matches(match[3], policies(match[2]), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            node.get_logger().warning(f"parameter {name!r} is ignored: a {match[2]} has the policies {', '.join(policies(match[2]))}{hint}")
        else:
            _check_value(name, match[3], value)


def options(node: Any, topic: str, entity: str) -> QoSOverridingOptions:
    """What rclpy needs to let the parameters act on a publisher or subscription of ``topic``."""
    prefix = f"{PREFIX}{node.resolve_topic_name(topic)}.{entity}."
    given = [name.removeprefix(prefix) for name in _given(node) if name.startswith(prefix)]
    kinds = dict.fromkeys([*ALWAYS, *(policy for policy in given if policy in policies(entity))])
    return QoSOverridingOptions([QoSPolicyKind[policy.upper()] for policy in kinds])


def is_given(node: Any, topic: str, entity: str, policy: str) -> bool:
    """Whether a parameter sets that policy of a publisher or subscription of ``topic`` (to more than 0)."""
    return bool(_given(node).get(f"{PREFIX}{node.resolve_topic_name(topic)}.{entity}.{policy}"))


def warn_of_unused(node: Any, subscribed_later: Iterable[str]) -> None:
    """Log the parameters of topics that the node does not have; ``subscribed_later``: resolved names of those that it will."""
    later = set(subscribed_later)
    for name in sorted(_given(node)):
        match = _NAME.fullmatch(name)
        if match is None or match[3] not in policies(match[2]) or node.has_parameter(name) or (match[2] == SUBSCRIPTION and match[1] in later):
            continue
        topics = _topics(node, match[2]) | (later if match[2] == SUBSCRIPTION else set())
        close = difflib.get_close_matches(match[1], topics, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        node.get_logger().warning(f"parameter {name!r} is ignored: this node has no {match[2]} of {match[1]} whose QoS can be set{hint}")


def _topics(node: Any, entity: str) -> set[str]:
    """Topics of the node whose parameters have been declared."""
    end = f".{entity}.depth"
    declared = node.get_parameters_by_prefix(PREFIX.rstrip("."))
    return {name.removesuffix(end) for name in declared if name.endswith(end)}


def _given(node: Any) -> dict[str, Any]:
    return {name: value for name, value in compat.parameter_overrides(node).items() if name.startswith(PREFIX)}


def _check_value(name: str, policy: str, value: Any) -> None:
    if policy in _CHOICES:
        choices = [member.lower() for member in _CHOICES[policy].__members__ if member != "UNKNOWN" and member.isupper() and "RMW_" not in member]
        if not isinstance(value, str) or value.lower() not in choices:
            raise ParameterError(name, value, f"one of {', '.join(choices)}")
    elif policy == "avoid_ros_namespace_conventions":
        if not isinstance(value, bool):
            raise ParameterError(name, value, "true or false")
    elif policy in _DURATIONS:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ParameterError(name, value, "an integer of nanoseconds, 0 for no limit")
    elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_DEPTH:
        raise ParameterError(name, value, f"an integer from 1 to {MAX_DEPTH}")
