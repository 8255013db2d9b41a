# SPDX-License-Identifier: Apache-2.0
"""Exchanging timestamps between nodes, so that each can read the other's times: every node answers on ``~/clock/request``, whoever compares
times asks a few times a second. :mod:`plcv_ros.tracing.clock` makes an offset of the answers.

Both messages are ``std_msgs/Int64MultiArray``, best effort, whose ``data`` is (times in ns of the system clock of whoever wrote them)

    request: client, sequence, t1                     t1: when the request left
    reply:   client, sequence, t1, t2, t3, computer   t2: when the request arrived; t3: when the reply left

``client`` is a random number, as several nodes ask one. ``computer`` tells whether two processes read the same clock; what an endpoint says first
of that holds as long as it is there. Replies count from one endpoint of the node alone (:mod:`plcv_ros.nodes.origin`). Where the middleware says
when a message was sent and received (Fast DDS does), those times are used: they know nothing of Python's threads.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Int64MultiArray

from plcv_ros.nodes import compat
from plcv_ros.nodes.checks import checked_with_info
from plcv_ros.nodes.origin import Owner, Publishers, qualified
from plcv_ros.tracing.clock import ClockEstimate, ClockOffset

REQUEST, REPLY = "clock/request", "clock/reply"

PERIOD_S = 0.2

FIRST_EXCHANGES = 25
BURST = 5
"""The first exchanges follow one another, so many at a time: the estimate is needed soon, and one exchange alone is as bad as its delay."""

MAX_PENDING = 64
"""Requests that may wait for their reply; the link has lost older ones."""

MAX_PEERS = 64

LOOK_PERIOD_S = 1.0
"""How often it is looked who publishes a topic."""

MAX_PUBLISHERS = 4
"""Publishers of one topic whose clocks are asked for."""

SILENT_S = 60.0
"""A peer that has not answered for so long has no clock any more: its computer may have been started anew."""

_NEAR_NS = 1_000_000_000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _exchange_qos() -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=16, reliability=ReliabilityPolicy.BEST_EFFORT)


def this_computer() -> int:
    """A number that is the same in all processes of one running kernel, which share its clock, and nowhere else; 0 where that is not known."""
    try:
        text = _BOOT_ID.read_bytes()
    except OSError:
        return 0
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


def _when(info: Any, key: str, fallback_ns: int) -> int:
    """The middleware's time of a message, where it has one that can be: some leave it 0, others count by another clock."""
    value = int(info.get(key, 0)) if info is not None else 0
    return value if abs(value - fallback_ns) < _NEAR_NS else fallback_ns


class ClockServer:
    """Answers requests for one node."""

    def __init__(self, node: Any) -> None:
        self._computer = this_computer()
        self._publisher = compat.create_publisher(node, Int64MultiArray, f"~/{REPLY}", _exchange_qos())
        answer = checked_with_info(node, f"~/{REQUEST}", self._answer)
        compat.create_timed_subscription(node, Int64MultiArray, f"~/{REQUEST}", answer, _exchange_qos())

    def _answer(self, message: Any, info: Any) -> None:
        now = time.time_ns()
        if len(message.data) != 3:
            return
        client, sequence, sent = message.data
        reply = Int64MultiArray()
        data = array("q", (client, sequence, _when(info, "source_timestamp", sent), _when(info, "received_timestamp", now), 0, self._computer))
        data[4] = time.time_ns()
        reply.data = data
        self._publisher.publish(reply)


class _Peer:
    """One node whose clock is estimated."""

    def __init__(self, node: Any, name: str, client: int, computer: int) -> None:
        self.clock = ClockOffset()
        self._claims: dict[bytes, bool] = {}
        self._owner = Owner(Publishers(node, f"/{name}/{REPLY}"), name)
        self.last_reply: float | None = None
        self._client = client
        self._computer = computer
        self._sequence = 0
        self._burst = 0
        self._pending: OrderedDict[int, int] = OrderedDict()
        self._node = node
        self._publisher = compat.create_publisher(node, Int64MultiArray, f"/{name}/{REQUEST}", _exchange_qos())
        take = checked_with_info(node, f"/{name}/{REPLY}", self._on_reply)
        try:
            self._subscription = compat.create_timed_subscription(node, Int64MultiArray, f"/{name}/{REPLY}", take, _exchange_qos())
        except RuntimeError:
            node.destroy_publisher(self._publisher)
            raise

    @property
    def same_computer(self) -> bool:
        """What the endpoint that answers said first."""
        return self._claims.get(self._owner.endpoint or b"", False)

    @property
    def refused(self) -> int:
        """Replies of endpoints that are not the node's."""
        return self._owner.refused

    def ask(self) -> None:
        """One exchange, and some more right after it as long as the clock is new."""
        self._burst = BURST
        self._send()

    def _send(self) -> None:
        if not self._publisher.get_subscription_count():
            return
        self._sequence += 1
        message = Int64MultiArray()
        now = time.time_ns()
        message.data = array("q", (self._client, self._sequence, now))
        self._publisher.publish(message)
        self._pending[self._sequence] = now
        while len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)

    def _on_reply(self, message: Any, info: Any) -> None:
        arrival = time.time_ns()
        now_s = time.monotonic()
        if len(message.data) != 6 or message.data[0] != self._client:
            return
        _, sequence, t1, t2, t3, computer = message.data
        before = self._owner.endpoint
        if not self._owner.accepts(info):
            return
        if before is not None and self._owner.endpoint != before:
            # Another process of that name: its computer may be another one.
            self.clock, self._claims = ClockOffset(), {}
        asked = self._pending.pop(sequence, None)
        # The middleware's time of sending must belong to the request that this reply names.
        if asked is None or abs(t1 - asked) > _NEAR_NS:
            return
        t4 = _when(info, "received_timestamp", arrival)
        self.last_reply = now_s
        self._claims.setdefault(self._owner.endpoint or b"", bool(computer) and computer == self._computer)
        self.clock.add(t1, t2, max(_when(info, "source_timestamp", t3), t2), t4, now_s - (arrival - t4) / 1e9)
        self._burst -= 1
        if self._burst > 0 and (self.clock.exchanges < FIRST_EXCHANGES or self.clock.unsettled):
            self._send()

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)


class Clocks:
    """The clocks of other nodes, asked :data:`PERIOD_S` apart. Callbacks and methods belong to the executor's thread; ``estimate`` may be
    called from any (it reads one finished estimate)."""

    def __init__(self, node: Any, names: Iterable[str] = ()) -> None:
        self._node = node
        self._client = secrets.randbits(62)
        self._computer = this_computer()
        self._peers: dict[str, _Peer] = {}
        for name in names:
            self.follow(name)
        node.create_timer(PERIOD_S, self._ask, clock=compat.steady_clock())

    def follow(self, name: str) -> None:
        """Ask the node of this fully qualified name, without the leading slash; nothing where it is asked already. Raises RuntimeError (RCLError)
        where the middleware does not let it, as SROS2 does for topics that this node's permissions do not name."""
        if name not in self._peers and len(self._peers) < MAX_PEERS:
            self._peers[name] = _Peer(self._node, name, self._client, self._computer)

    def forget(self, name: str) -> None:
        """Stop asking a node."""
        if name in self._peers:
            self._peers.pop(name).close()

    def names(self) -> tuple[str, ...]:
        """The nodes that are asked."""
        return tuple(self._peers)

    def _ask(self) -> None:
        for peer in list(self._peers.values()):
            if peer.last_reply is not None and time.monotonic() - peer.last_reply > SILENT_S:
                peer.clock, peer.last_reply = ClockOffset(), None
            peer.ask()

    def clock(self, name: str) -> ClockOffset | None:
        """The estimator of a node; None for one that is not asked."""
        peer = self._peers.get(name)
        return None if peer is None else peer.clock

    def steps(self, name: str) -> int:
        """How often a node's clock has jumped."""
        peer = self._peers.get(name)
        return 0 if peer is None else peer.clock.steps

    def settled(self, name: str) -> bool:
        """Whether the latest exchange with a node agreed with its estimate."""
        peer = self._peers.get(name)
        return peer is not None and not peer.clock.unsettled

    def same_computer(self, name: str) -> bool:
        """Whether that node runs on this computer, as its replies say."""
        peer = self._peers.get(name)
        return peer is not None and peer.same_computer

    def estimate(self, name: str) -> ClockEstimate | None:
        """A node's clock minus this one's, now; None before its first reply.

        Two processes of one computer read one clock: where the exchange agrees with that, the offset is exactly 0 and certain.
        """
        peer = self._peers.get(name)
        found = None if peer is None else peer.clock.estimate(time.monotonic())
        if found is not None and peer is not None and peer.same_computer and abs(found.offset_ns) <= found.uncertainty_ns:
            return ClockEstimate(0, 0, 0.0, found.round_trip_ns)
        return found


class StampClock:
    """The clock that the stamps of a topic's messages were read from: that of the node which publishes it, asked through the exchange.

    Of several publishers it is that of the first one that answers, for as long as it is there: a publisher that comes later, silent or not, changes
    nothing. Without an answer, with ``external`` clock synchronisation and in simulated time stamps are taken as they are.
    """

    def __init__(self, node: Any, topic: str, clock_sync: str) -> None:
        self._node = node
        self._topic = node.resolve_topic_name(topic)
        self._offset_ns = self._round_trip_ns = 0
        self._looked = 0.0
        self._refused: set[str] = set()
        self._correct = clock_sync == "dds"
        if self._correct:
            self._clocks = Clocks(node)
            node.create_timer(PERIOD_S, self._update, clock=compat.steady_clock())

    @property
    def offset_ns(self) -> int:
        """That clock minus this node's; 0 where it is not known. Any thread may read it."""
        return self._offset_ns

    @property
    def round_trip_ns(self) -> int:
        """The smallest round trip to that node and back of the last half minute; 0 where it is not known. Any thread may read it."""
        return self._round_trip_ns

    def _update(self) -> None:
        now = time.monotonic()
        if now - self._looked >= LOOK_PERIOD_S:
            self._looked = now
            self._look()
        estimates = (self._clocks.estimate(name) for name in self._clocks.names())
        estimate = next((found for found in estimates if found is not None), None)
        simulated = bool(self._node.get_parameter("use_sim_time").value)
        self._offset_ns = 0 if estimate is None or simulated else estimate.offset_ns
        self._round_trip_ns = 0 if estimate is None else estimate.round_trip_ns

    def _look(self) -> None:
        publishers = {qualified(info) for info in self._node.get_publishers_info_by_topic(self._topic)} - {""}
        if not publishers:
            return  # gone for a moment or for good: what is known of its clock stays true meanwhile
        for name in set(self._clocks.names()) - publishers:
            self._clocks.forget(name)
        for name in sorted(publishers - self._refused):
            if len(self._clocks.names()) < MAX_PUBLISHERS and len(self._refused) < MAX_PEERS:
                self._follow(name)

    def _follow(self, name: str) -> None:
        try:
            self._clocks.follow(name)
        except RuntimeError as error:
            self._refused.add(name)
            why = " ".join(str(error).split())
            self._node.get_logger().warning(
                f"the clock of /{name}, which publishes {self._topic}, cannot be asked for, so its stamps are taken as they are: {why}"
            )
