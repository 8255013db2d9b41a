# SPDX-License-Identifier: Apache-2.0
"""``codec: auto``: the sender's codec follows what the link delivers (:mod:`plcv_ros.adaptation`).

Every step is logged and published as a line of text on ``~/codec_changes`` (std_msgs/String, latched), for reports.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from std_msgs.msg import String

from plcv_ros.adaptation import LADDER, Controller, Rung, Slowest
from plcv_ros.codecs import Codec
from plcv_ros.nodes import qos, wire
from plcv_ros.nodes.codec_parameters import codec_from
from plcv_ros.nodes.delivery import DeliveryListener
from plcv_ros.nodes.parameters import Value

CODECS = tuple(dict.fromkeys(str(rung.parameters["codec"]) for rung in LADDER))
"""Codecs that a ladder may choose: the sender has a topic for each."""

RATE_WINDOW = 30


class AdaptiveCodec:
    """Which codec the next frame takes. ``choose`` and ``sent`` belong to the threads that send, reports to the executor's."""

    def __init__(self, node: Any, base: str, values: dict[str, Value]) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._values = values
        # All of them now: parameters that one of them does not bear are refused when they are set, not when the link gets slower.
        self._codecs = _codecs(values)
        self.pixel_formats = _common_formats(self._codecs)
        """Formats of pixels that every codec of the ladder takes."""
        self._controller: Controller | None = None
        self._pixels = 0
        self._captures: deque[float] = deque(maxlen=RATE_WINDOW)
        self._changes = qos.create_publisher(node, String, "~/codec_changes", qos.latched(keep=qos.KEPT_CHANGES))
        self._slowest = Slowest()
        topics = [wire.topic(base, wire.transport_of(codec), bool(values["strips"])) for codec in CODECS]
        self._listener = DeliveryListener(node, base, topics, self._on_report)
        self.changes = 0

    @property
    def rung(self) -> Rung | None:
        """The setting in force; None before the first frame."""
        return None if self._controller is None else self._controller.rung

    def update(self, values: dict[str, Value]) -> None:
        """Take over changed parameters from the next frame on. Raises CodecError where a codec of the ladder does not bear them."""
        codecs = _codecs(values)
        with self._lock:
            self._values, self._codecs, self.pixel_formats = values, codecs, _common_formats(codecs)

    def choose(self, width: int, height: int) -> Codec | None:
        """The codec for the frame captured now; None where it is better not sent. Call it once for every frame."""
        now = time.monotonic()
        self._captures.append(now)
        with self._lock:
            if self._controller is None or width * height != self._pixels:
                self._pixels = width * height
                self._controller = Controller(self._pixels, 30.0, float(self._values["latency_target_ms"]))
            controller = self._controller
            if len(self._captures) > 2 and self._captures[-1] > self._captures[0]:
                controller.set_frames_per_second((len(self._captures) - 1) / (self._captures[-1] - self._captures[0]))
            # Where nobody tells of frames (a recorder alone), nothing is known of the link: the setting stays.
            change = controller.step(now) if self._listener.reporters else None
            codec = self._codecs[controller.rung.name] if controller.admit(now) else None
        if change is not None:
            self.changes += 1
            self._node.get_logger().info(f"codec: {change}")
            self._changes.publish(String(data=f"{time.time_ns()} {change}"))
        return codec

    def sent(self, stamp_ns: int, size: int, admitted_at: float) -> None:
        """A frame is on its way, ``size`` bytes of it; ``admitted_at``: ``time.monotonic()`` when it was chosen for."""
        with self._lock:
            if self._controller is not None and self._listener.reporters:
                self._controller.sent(stamp_ns, 8.0 * size, admitted_at)

    def blocked(self, seconds: float) -> None:
        """Publishing the latest frame took so long."""
        with self._lock:
            if self._controller is not None:
                self._controller.blocked(seconds, time.monotonic())

    def _on_report(self, name: str, stamp_ns: int, age_s: float, share: float, round_trip_s: float) -> None:
        now = time.monotonic()
        with self._lock:
            if self._controller is not None and self._slowest.is_followed(name, age_s, now):
                self._controller.set_delay(round_trip_s / 2)
                self._controller.arrived(stamp_ns, age_s, now, share)

    def status(self) -> dict[str, Any]:
        """Values for ``/diagnostics``."""
        rung = self.rung
        return {
            "setting": "" if rung is None else rung.name,
            "setting_changes": self.changes,
            "reports_malformed": self._listener.malformed,
            "reports_refused": self._listener.refused,
        }


def _codecs(values: dict[str, Value]) -> dict[str, Codec]:
    """Name of a setting of the ladder -> its codec, with the node's ``values``; raises CodecError."""
    codecs = {rung.name: codec_from({**values, **rung.parameters}) for rung in LADDER}
    return {name: codec for name, codec in codecs.items() if codec is not None}


def _common_formats(codecs: dict[str, Codec]) -> frozenset[str]:
    return frozenset.intersection(*(frozenset(codec.pixel_formats) for codec in codecs.values()))
