# SPDX-License-Identifier: Apache-2.0
"""Cameras of this computer (Video4Linux), read by FFmpeg's input device.

FFmpeg rather than OpenCV: it refuses a pixel format that the driver does not grant instead of taking another in silence, says what is
delivered, hands out the camera's MJPEG as packets whose damage can be counted, and an unplugged camera is an error at once.
"""

from __future__ import annotations

import errno
import os

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.live import LiveSource, within_reach_of_signals
from plcv_ros.camera.media import Media

PIXEL_FORMATS = {
    "MJPG": "mjpeg",
    "JPEG": "mjpeg",
    "YUYV": "yuyv422",
    "YUY2": "yuyv422",
    "UYVY": "uyvy422",
    "NV12": "nv12",
    "YU12": "yuv420p",
    "RGB3": "rgb24",
    "BGR3": "bgr24",
    "GREY": "gray",
    "H264": "h264",
    "HEVC": "hevc",
}
"""V4L2's four letters -> FFmpeg's name."""

HINT = "is it there (ls /dev/video*), in use, or not yours to read (group video)?"


def input_format(pixel_format: str) -> str:
    """FFmpeg's name of a pixel format in V4L2's four letters, of any case. Raises SourceError for unknown ones."""
    known = PIXEL_FORMATS.get(pixel_format.upper())
    if known is None:
        raise SourceError(f"pixel_format is {pixel_format!r}, expected one of {', '.join(PIXEL_FORMATS)}")
    return known


def device_options(width: int | None, height: int | None, rate: float | None, pixel_format: str | None) -> dict[str, str]:
    """What is asked of the driver; a size only where both sides are given."""
    options = {"input_format": input_format(pixel_format)} if pixel_format else {}
    if width and height:
        options["video_size"] = f"{width}x{height}"
    if rate:
        options["framerate"] = f"{rate:g}"
    return options


def open_device(name: str, width: int | None, height: int | None, rate: float | None, pixel_format: str | None, reconnect_s: float) -> LiveSource:
    """The camera ``name``. Raises SourceError, also where the driver does not grant ``pixel_format``."""
    path = f"/dev/video{name}" if name.isdigit() else name
    options = device_options(width, height, rate, pixel_format)

    def connect() -> Media:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        except OSError as error:
            raise SourceError(f"camera {name} cannot be opened: {os.strerror(error.errno or errno.EIO)}; {HINT}") from error
        try:
            return _opened(path, name, options)
        except SourceError:
            if "framerate" not in options:
                raise
            # Some drivers take no rate at all; frames that come sooner than asked for are left out then.
            return _opened(path, name, {key: value for key, value in options.items() if key != "framerate"})

    media = within_reach_of_signals(connect)
    granted = f"{media.codec} {media.width}x{media.height}" + (f" at {media.rate:g} Hz" if media.rate else "")
    return LiveSource(media, connect, f"camera {name} ({granted})", width, height, rate, reconnect_s)


def _opened(path: str, name: str, options: dict[str, str]) -> Media:
    try:
        return Media(path, f"camera {name}", container_format="v4l2", options=options).follow()
    except SourceError as error:
        asked = ", ".join(f"{key} {value}" for key, value in options.items())
        raise SourceError(f"{error}{f'; asked for: {asked}' if asked else ''}; {HINT}") from error
