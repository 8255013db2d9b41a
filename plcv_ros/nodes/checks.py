# SPDX-License-Identifier: Apache-2.0
"""Texts and sizes of every message that comes in, looked at before anything else is done with it: what nothing of ROS would write is refused,
counted on ``/diagnostics`` (``refused``) and logged once a kind. No text that is kept, logged or searched can be longer than is said here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from plcv_ros.labels import MAX_TABLE
from plcv_ros.nodes.wire import MAX_FORMAT
from plcv_ros.texts import is_name, shown

MAX_SOURCE = 4096
"""Characters of the ``source`` of a TimeReference: the name of a node and the numbers of some hundred strips."""

MAX_STATUSES, MAX_VALUES = 1000, 1000
"""Of a DiagnosticArray, and of one status in it."""

MAX_NUMBERS = 64
"""Of a message of numbers, and coefficients of a camera's distortion."""


MAX_FRAME_ID = 1 << 17
"""Characters of a frame's own frame_id, which travels with it untouched, and is kept for a few frames only. What is told of frames
(TimeReference) is kept for thousands: there it is a name."""


def _frame(message: Any) -> str:
    return _long("frame_id", message.header.frame_id, MAX_FRAME_ID)


def _header(message: Any) -> str:
    frame_id = message.header.frame_id
    return "" if is_name(frame_id, empty=True) else f"a frame_id of {len(frame_id)} characters: {shown(frame_id, 40)!r}"


def _long(what: str, text: str, most: int) -> str:
    return "" if len(text) <= most else f"a {what} of {len(text)} characters, expected at most {most}"


def _name(what: str, text: str) -> str:
    return "" if is_name(text, empty=True) else f"{_article(what)} of {len(text)} characters: {shown(text, 40)!r}"


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


_CHECKS: dict[str, tuple[tuple[str, Callable[[Any], str]], ...]] = {
    "Image": (("frame_id", _frame), ("encoding", lambda m: _name("encoding", m.encoding))),
    "CompressedImage": (("frame_id", _frame), ("format", lambda m: _long("format", m.format, MAX_FORMAT))),
    "CameraInfo": (
        ("frame_id", _frame),
        ("distortion", lambda m: _name("distortion model", m.distortion_model)),
        ("distortion", lambda m: "" if len(m.d) <= MAX_NUMBERS else f"{len(m.d)} coefficients of distortion, expected at most {MAX_NUMBERS}"),
    ),
    "TimeReference": (("frame_id", _header), ("source", lambda m: _long("source", m.source, MAX_SOURCE))),
    "String": (("text", lambda m: _long("text", m.data, MAX_TABLE)),),
    "DiagnosticArray": (
        ("diagnostics", lambda m: "" if len(m.status) <= MAX_STATUSES else f"{len(m.status)} statuses, expected at most {MAX_STATUSES}"),
    ),
    "Int64MultiArray": (("numbers", lambda m: "" if len(m.data) <= MAX_NUMBERS else f"{len(m.data)} numbers, expected at most {MAX_NUMBERS}"),),
}
"""Name of a message type -> (kind, what is wrong with such a message of it; empty where nothing is)."""


class Checks:
    """Of one node. Any thread may use it: a count may be one short where two threads refuse at once."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._refused: Counter[str] = Counter()

    @property
    def refused(self) -> int:
        """Messages that were refused since the start."""
        return sum(self._refused.values())

    def refuse(self, kind: str, topic: str, why: str) -> None:
        """Count a message of ``topic``, and say why where it is the first of its ``kind``, of which there are only a few."""
        self._refused[kind] += 1
        if self._refused[kind] == 1:
            self._node.get_logger().warning(
                f"a message on {self._node.resolve_topic_name(topic)} is refused: {why}; more of this kind are only counted (refused on /diagnostics)"
            )

    def accepts(self, topic: str, message: Any) -> bool:
        """Whether the texts of a message can be kept; counts it where they cannot."""
        for kind, check in _CHECKS.get(type(message).__name__, ()):
            why = check(message)
            if why:
                self.refuse(kind, topic, why)
                return False
        return True

    def values(self) -> dict[str, int]:
        """For ``/diagnostics``."""
        return {"refused": self.refused, **{f"refused_{kind}": count for kind, count in sorted(self._refused.items())}}


def checks_of(node: Any) -> Checks:
    """Those of a node; of one that has none, new ones."""
    found = getattr(node, "checks", None)
    return found if isinstance(found, Checks) else Checks(node)


def checked(node: Any, topic: str, callback: Callable[[Any], None]) -> Callable[[Any], None]:
    """``callback``, called with the messages that pass alone."""
    checks = checks_of(node)

    def take(message: Any) -> None:
        if checks.accepts(topic, message):
            callback(message)

    return take


def checked_with_info(node: Any, topic: str, callback: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """As :func:`checked`, of a callback that also hears what the middleware knows of the message."""
    checks = checks_of(node)

    def take(message: Any, info: Any) -> None:
        if checks.accepts(topic, message):
            callback(message, info)

    return take
