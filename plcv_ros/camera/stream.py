# SPDX-License-Identifier: Apache-2.0
"""Sources by URL: streams of network cameras, and recordings on a server."""

from __future__ import annotations

from plcv_ros.camera.address import SCHEMES, public, scheme_of
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.live import OPEN_TIMEOUT_S, READ_TIMEOUT_S, LiveSource, within_reach_of_signals
from plcv_ros.camera.media import Media
from plcv_ros.camera.source import Source
from plcv_ros.camera.video import VideoSource

OPTIONS: dict[str, dict[str, str]] = {
    # Packets that UDP loses smear the picture until the next key frame; "?udp" at the end of the URL asks for UDP all the same.
    "rtsp": {"rtsp_flags": "prefer_tcp"},
    # A recording whose connection breaks is read on from there; a stream has no length and ends.
    "http": {"reconnect": "1", "reconnect_delay_max": "2"},
    "udp": {"overrun_nonfatal": "1"},
}


def open_url(name: str, width: int | None, height: int | None, rate: float | None, loop: bool, reconnect_s: float) -> Source:
    """What ``name`` leads to: a recording where it has a length, else a stream. Raises SourceError, without user and password of the URL."""
    scheme = scheme_of(name)
    label = public(name)
    if scheme not in SCHEMES:
        raise SourceError(f"source {label} has the scheme {scheme}, expected one of {', '.join(SCHEMES)}")
    options = OPTIONS.get("rtsp" if scheme == "rtsps" else "http" if scheme == "https" else scheme, {})

    def connect() -> Media:
        return Media(name, label, options=options, timeouts=(OPEN_TIMEOUT_S, READ_TIMEOUT_S))

    media = within_reach_of_signals(connect)
    if scheme in ("http", "https") and media.finite:
        opened = [media]
        return VideoSource(lambda: opened.pop() if opened else connect(), f"video {label}", width, height, rate, loop, look_ahead=False)
    return LiveSource(media.follow(), lambda: connect().follow(), f"stream {label}", width, height, rate, reconnect_s)
