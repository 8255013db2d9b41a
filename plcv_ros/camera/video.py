# SPDX-License-Identifier: Apache-2.0
"""Video files, and recordings by URL, at their own times."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import Frame
from plcv_ros.camera.media import Media, reason_of
from plcv_ros.camera.source import Source, resize_image, target_size

DEFAULT_RATE = 25.0

RAW = {".mjpeg": "mjpeg", ".mjpg": "mjpeg", ".h264": "h264", ".264": "h264", ".h265": "hevc", ".265": "hevc", ".hevc": "hevc", ".ts": "mpegts"}
"""Suffix -> format of files whose format FFmpeg can only guess from the pictures themselves."""


def open_file(path: Path, width: int | None, height: int | None, rate: float | None, loop: bool) -> VideoSource:
    """The video file ``path``."""
    # With "file:", a name with a colon in it is not taken for a URL.
    name = f"file:{path.absolute()}"
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise SourceError(f"{path} is no file")
    keeps = "" if stat.S_ISREG(mode) else "it is a pipe, what was read from it is gone"

    def reopen() -> Media:
        try:
            return Media(name, str(path))
        except SourceError:
            if path.suffix.lower() not in RAW:
                raise
            # Without a container there is nothing but the data to tell the format by, and they may be damaged where FFmpeg looks.
            return Media(name, str(path), container_format=RAW[path.suffix.lower()])

    return VideoSource(reopen, f"video {path}", width, height, rate, loop, keeps)


class VideoSource(Source):
    """The frames of a recording, in order. ``time_ns`` of a frame follows the recording's own times, on and on where it begins again.

    ``reopen`` opens it, also to begin again; ``gone``: why it cannot, empty where it can.
    """

    def __init__(
        self,
        reopen: Callable[[], Media],
        description: str,
        width: int | None,
        height: int | None,
        rate: float | None,
        loop: bool,
        gone: str = "",
        look_ahead: bool = True,
    ) -> None:
        self._reopen = reopen
        self._label = description
        self._gone = gone
        self._wanted = (width, height)
        self._loop = loop
        self._next = 0
        self._time_ns = 0
        self._before: Any = None
        self._look_ahead = look_ahead
        self._media = reopen()
        try:
            self._frames = self._start()
            self._pending = self._take()
            if self._pending is None:
                raise SourceError(f"{description} holds no frame that can be decoded{f': {self.damage}' if self.damage else ''}")
            first = self._media.picture(self._pending)
        except BaseException:
            self._media.close()
            raise
        self.width, self.height = target_size(first.shape[1], first.shape[0], width, height)
        self.rate = rate or self._media.rate or DEFAULT_RATE
        self._period_ns = round(1e9 / (self._media.rate or DEFAULT_RATE))
        self.timed = self._pending.pts is not None
        self.description = ", ".join((description, *self._media.notes))

    def _start(self) -> Iterator[Any]:
        self._media.report = self.note_damage
        if self._look_ahead:
            self._media.look_ahead()
        return self._media.frames()

    def _take(self) -> Any:
        try:
            return next(self._frames, None)
        except av.error.FFmpegError as error:
            raise SourceError(f"{self._label} cannot be read further after {self._next} frames: {reason_of(error)}") from error

    def read(self) -> Frame | None:
        """The next frame; None after the last one unless ``loop``. Raises SourceError where it cannot be read further or begin again."""
        taken, self._pending = self._pending, None
        if taken is None:
            taken = self._take()
        if taken is None and self._loop:
            taken = self._begin_again()
        if taken is None:
            return None
        if self._next:
            self._time_ns += self._media.step_ns(self._before, taken) or self._period_ns
        self._before = taken
        image = self._media.picture(taken)
        size = target_size(image.shape[1], image.shape[0], *self._wanted)
        frame = Frame(resize_image(image, *size), self._next, pixel_format="bgr8", time_ns=self._time_ns if self.timed else None)
        self._next += 1
        return frame

    def _begin_again(self) -> Any:
        ended = f"{self._label} ended after {self._next} frames and cannot begin again"
        if self._gone:
            raise SourceError(f"{ended} (loop): {self._gone}")
        self._media.close()
        try:
            self._media = self._reopen()
        except SourceError as error:
            raise SourceError(f"{ended} (loop): {error}") from error
        self._frames = self._start()
        self._before = None
        frame = self._take()
        if frame is None:
            raise SourceError(f"{ended} (loop): no frame can be decoded any more")
        return frame

    def close(self) -> None:
        """Close the file."""
        self._media.close()
