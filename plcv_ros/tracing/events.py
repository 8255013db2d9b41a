# SPDX-License-Identifier: Apache-2.0
"""Names and order of the events in the life of a frame."""

from __future__ import annotations

from dataclasses import dataclass

from plcv_ros.texts import shown

CAMERA_EVENTS = ("captured", "encode_start", "encode_end", "published")
"""Camera side, in order. ``captured``: the source handed the frame over, sent for every frame, dropped ones too. ``published``: the
moment before the frame is handed to the middleware. Raw images have no ``encode_*``."""

REMOTE_EVENTS = ("received", "decode_start", "decode_end", "inference_end", "labels_published")
"""Remote side, in order. ``received``: the middleware handed the message over. ``decode_start`` is optional: a node that keeps the newest
frame until it is free sends it, so that waiting is not taken for decoding."""

DROPPED = "dropped"
"""Sent instead of the rest by a node that gives a frame up: overwritten by a newer one, too old, or malformed."""

EVENTS = (*CAMERA_EVENTS, *REMOTE_EVENTS, DROPPED)


@dataclass(frozen=True)
class FrameEvent:
    """One thing that happened to one frame: ``frame_id`` and ``stamp_ns`` are those of the frame's header, ``node`` is the fully
    qualified node name without the leading slash, ``event`` one of :data:`EVENTS`, ``time_ns`` the system clock (ns since 1970, UTC)."""

    frame_id: str
    stamp_ns: int
    node: str
    event: str
    time_ns: int


def join_source(node: str, event: str) -> str:
    """The ``source`` field of the ``sensor_msgs/TimeReference`` that carries an event: ``<node>/<event>``."""
    return f"{node.strip('/')}/{event}"


def split_source(source: str) -> tuple[str, str]:
    """Inverse of :func:`join_source`: (node, event). Raises ValueError where ``source`` names no known event."""
    node, _, event = source.strip("/").rpartition("/")
    if not node or event not in EVENTS:
        raise ValueError(f"frame event source {shown(source)!r}, expected <node>/<event> with an event of {', '.join(EVENTS)}")
    return node, event
