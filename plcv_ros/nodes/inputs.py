# SPDX-License-Identifier: Apache-2.0
"""What a node listens to, and whether somebody publishes there what it can take.

A publisher of another type is never matched and never heard: to the node it is as if the topic were silent. So the node looks, once a
second, who publishes its inputs, and says what is in the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 3
"""Looks in a row at an input that nobody publishes, beside one that somebody does, before that is said: publishers come one by one."""

COMMON_HINT = "name another topic, or publish that type there"


def type_name(message_type: Any) -> str:
    """The name by which a type is known on the wire: ``sensor_msgs/msg/Image``."""
    return f"{message_type.__module__.partition('.')[0]}/msg/{message_type.__name__}"


@dataclass
class _Input:
    topic: str
    expected: str
    hint: str = COMMON_HINT
    beside: dict[str, str] = field(default_factory=dict)
    looks: int = 0
    told: set[str] = field(default_factory=set)


class Inputs:
    """The inputs of one node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._inputs: dict[tuple[str, str], _Input] = {}

    def expect(self, message_type: Any, topic: str, hint: str = "", beside: Mapping[str, str] | None = None) -> None:
        """Messages of ``message_type`` are taken, now or later, from ``topic``.

        ``hint``: what the person who runs the node can do where others come there. ``beside``: topics on which the same may come in another
        form -> what to do where they are published and this one is not. What is once said of a topic stays.
        """
        name, kind = self._node.resolve_topic_name(topic), type_name(message_type)
        known = self._inputs.setdefault((name, kind), _Input(name, kind))
        known.hint = hint or known.hint
        known.beside.update({self._node.resolve_topic_name(other): remedy for other, remedy in (beside or {}).items()})

    @property
    def topics(self) -> set[str]:
        """Resolved names of all inputs."""
        return {one.topic for one in self._inputs.values()}

    def look(self) -> str:
        """What is in the way now, empty where nothing is; everything new is logged once."""
        complaints = [complaint for one in self._inputs.values() if (complaint := self._look_at(one))]
        return "; ".join(complaints)

    def _look_at(self, one: _Input) -> str:
        types = {info.topic_type for info in self._node.get_publishers_info_by_topic(one.topic)}
        accepted = {kind for topic, kind in self._inputs if topic == one.topic}
        strangers = sorted(types - accepted)
        if strangers:
            found = ", ".join(strangers)
            complaint = f"{one.topic} is published as {found}, expected {one.expected}: {one.hint}"
            self._tell(one, found, complaint)
            return "" if one.expected in types else complaint
        if types:
            one.looks = 0
            return ""
        for topic, remedy in one.beside.items():
            if self._node.count_publishers(topic):
                one.looks += 1
                complaint = f"nobody publishes {one.topic}, but somebody publishes {topic}: {remedy}"
                if one.looks >= PATIENCE:
                    self._tell(one, topic, complaint)
                    return complaint
                return ""
        one.looks = 0
        return ""

    def _tell(self, one: _Input, what: str, complaint: str) -> None:
        if what not in one.told:
            one.told.add(what)
            self._node.get_logger().warning(complaint)
