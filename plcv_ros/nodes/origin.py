# SPDX-License-Identifier: Apache-2.0
"""Who has published a message: its endpoint (GID), where rclpy tells it, and the node that the endpoint belongs to, by discovery.

A node names itself, so this keeps innocent strangers and crossed topics apart, and a rogue that comes later; what it cannot stop is a rogue that
takes a node's name before that node is there. SROS2 does (docs/security.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LOOK_PERIOD_S = 0.5
"""An endpoint that is not known is looked for in the graph, no more often than this."""


def gid_of(info: Any) -> bytes | None:
    """The endpoint of a message from the info that rclpy hands a callback; None where that rclpy does not tell it (Humble, Jazzy)."""
    found = info.get("publisher_gid") if isinstance(info, dict) else None
    data = found.get("data") if isinstance(found, dict) else None
    return bytes(data) if data else None


def qualified(endpoint: Any) -> str:
    """Namespace and name of an endpoint's node without the leading slash; empty while discovery does not know it."""
    name = f"{endpoint.node_namespace}/{endpoint.node_name}".strip("/")
    return "" if "UNKNOWN" in endpoint.node_name else name


class Publishers:
    """The endpoints that publish on one topic, and their nodes. Belongs to one thread."""

    def __init__(self, node: Any, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._node, self._topic, self._clock = node, topic, clock
        self._names: dict[bytes, str] = {}
        self._looked = -LOOK_PERIOD_S

    def look(self) -> None:
        """Ask discovery."""
        self._looked = self._clock()
        self._names = {bytes(e.endpoint_gid)[:16]: qualified(e) for e in self._node.get_publishers_info_by_topic(self._topic)}

    def _refresh(self) -> None:
        if self._clock() - self._looked >= LOOK_PERIOD_S:
            self.look()

    def name(self, gid: bytes) -> str:
        """The node of an endpoint; empty where discovery does not know it (yet)."""
        found = self._names.get(gid[:16], "")
        if not found:
            self._refresh()
            found = self._names.get(gid[:16], "")
        return found

    def there(self, gid: bytes) -> bool:
        """Whether discovery still knows the endpoint."""
        self._refresh()
        return gid[:16] in self._names


class Owner:
    """Lets messages of one topic pass that come from the node which owns it, and from one endpoint of that name at a time: the first, until it
    is gone. Messages whose endpoint is not told pass; so do those of an endpoint whose node discovery does not know yet, as long as no other is
    known."""

    def __init__(self, publishers: Publishers, name: str) -> None:
        self._publishers, self._name = publishers, name
        self._endpoint: bytes | None = None
        self.refused = 0
        """Messages of others."""
        self.stranger = ""
        """The node that sent the newest of them."""

    @property
    def endpoint(self) -> bytes | None:
        """The endpoint whose messages pass; None before it is known."""
        return self._endpoint

    def accepts(self, info: Any) -> bool:
        """Whether this message counts."""
        gid = gid_of(info)
        if gid is None or gid == self._endpoint:
            return True
        name = self._publishers.name(gid)
        if self._endpoint is not None and not self._publishers.there(self._endpoint):
            self._endpoint = None
        if not name and self._endpoint is None:
            return True
        if name == self._name and self._endpoint is None:
            self._endpoint = gid
            return True
        self.refused += 1
        self.stranger = name or "a node that discovery does not know"
        return False
