# SPDX-License-Identifier: Apache-2.0
"""Live sources: cameras of this computer and streams by URL. The newest frame is what counts, and a connection that is lost is made anew.

A thread of its own reads, so that no frame grows old in a buffer of the driver or the network while whoever takes the frames is busy, and so
that who waits for a camera still hears signals.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import av

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import Frame
from plcv_ros.camera.media import Media, reason_of
from plcv_ros.camera.source import Source, resize_image, target_size

OPEN_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 5.0
"""How long a camera may take to answer, and to send the next data."""

FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 8.0
"""Before the first attempt to connect anew; twice as long before each further one, up to the last."""

RECONNECT_S = 60.0
DEFAULT_RATE = 25.0
TICK_S = 0.1
CLOSE_TIMEOUT_S = 1.0

EARLY = 0.25
"""Share of a period by which a frame may come early and still be taken where a rate was asked for."""

T = TypeVar("T")


_threads: list[threading.Thread] = []
"""Those that FFmpeg may hold."""

_sources: weakref.WeakSet[LiveSource] = weakref.WeakSet()


def held() -> list[threading.Thread]:
    """Threads of live sources that run yet, closed or not. FFmpeg, which may hold one up to a time-out, comes back to Python meanwhile: the
    interpreter must not be taken down under it."""
    _threads[:] = [thread for thread in _threads if thread.is_alive()]
    return list(_threads)


def _start(name: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    held()
    _threads.append(thread)
    return thread


@atexit.register
def _wait_for_held() -> None:
    for source in list(_sources):
        source.interrupt()
    end = time.monotonic() + OPEN_TIMEOUT_S + TICK_S
    for thread in held():
        thread.join(max(0.0, end - time.monotonic()))


def within_reach_of_signals(work: Callable[[], T]) -> T:
    """``work()`` in a thread of its own: FFmpeg holds its thread while it waits, the calling one still takes signals."""
    results: list[T] = []
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = _start("open source", guarded)
    while thread.is_alive():
        thread.join(TICK_S)
    if errors:
        raise errors[0]
    return results[0]


class LiveSource(Source):
    """The newest frame of a camera or stream.

    ``media`` is the first connection, ``connect`` makes further ones. With ``rate`` (frames a second), frames that come sooner are left out.
    ``reconnect_s``: ``read`` gives up after so long without a frame; 0: never. Raises SourceError where no first frame comes.
    """

    live = True

    def __init__(
        self,
        media: Media,
        connect: Callable[[], Media],
        description: str,
        width: int | None,
        height: int | None,
        rate: float | None,
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        self._connect = connect
        self._label = description
        self._wanted = (width, height)
        self._period_s = 0.0
        self.limit_rate(rate)
        self._reconnect_s = reconnect_s
        self._due = 0.0
        self._changed = threading.Condition()
        self._stopped = False
        self._newest: tuple[Any, Media, int] | None = None
        self._frame_at = time.monotonic()
        self._next = 0
        self._thread = _start("live source", lambda: self._run(media))
        _sources.add(self)
        try:
            self._measure_first()
        except BaseException:
            self.close()
            raise
        self.rate = rate or media.rate or DEFAULT_RATE
        self.description = ", ".join((description, *media.notes))

    def _measure_first(self) -> None:
        with self._changed:
            end = time.monotonic() + OPEN_TIMEOUT_S
            while self._newest is None and not self.fault and time.monotonic() < end:
                self._changed.wait(TICK_S)
            if self._newest is None:
                raise SourceError(f"{self._label} opens but delivers no frame: {self.fault or self.damage or f'none in {OPEN_TIMEOUT_S:g} s'}")
            frame, media, _ = self._newest
        image = media.picture(frame)
        self.width, self.height = target_size(image.shape[1], image.shape[0], *self._wanted)

    def _run(self, first: Media) -> None:
        media: Media | None = first
        pause = FIRST_PAUSE_S
        while not self._stopped:
            frames = 0
            try:
                media = media or self._connect()
                media.report = self.note_damage
                for frame in media.frames():
                    if self._stopped:
                        break
                    self._arrived(frame, media)
                    frames += 1
                why = "the connection ended"
            except (SourceError, av.error.FFmpegError) as error:
                why = str(error) if isinstance(error, SourceError) else reason_of(error)
            finally:
                if media is not None:
                    media.close()
                media = None
            pause = FIRST_PAUSE_S if frames else pause
            with self._changed:
                self.fault = why
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._stopped, pause)
            pause = min(2 * pause, LAST_PAUSE_S)

    def _arrived(self, frame: Any, media: Media) -> None:
        now = time.monotonic()
        with self._changed:
            self._frame_at = now
            if self.fault:
                self.reconnects += 1
                self.fault = ""
            if now < self._due - EARLY * self._period_s:
                return
            self._due = max(self._due, now - self._period_s) + self._period_s
            self.overtaken += self._newest is not None
            self._newest = (frame, media, time.time_ns())
            self._changed.notify_all()

    def read(self) -> Frame | None:
        """The newest frame, waited for; None once ``interrupt`` was called. Raises SourceError after ``reconnect_s`` without a frame."""
        with self._changed:
            while self._newest is None or self._stopped:
                if self._stopped:
                    return None
                silent_s = time.monotonic() - self._frame_at
                if silent_s > READ_TIMEOUT_S and not self.fault:
                    self.fault = f"no frame for {READ_TIMEOUT_S:g} s"
                if self._reconnect_s and silent_s > self._reconnect_s:
                    raise SourceError(f"{self._label} delivered no frame for {self._reconnect_s:g} s, after {self._next} frames: {self.fault}")
                self._changed.wait(TICK_S)
            taken, media, arrived_ns = self._newest
            self._newest = None
        image = media.picture(taken)
        size = target_size(image.shape[1], image.shape[0], *self._wanted)
        frame = Frame(resize_image(image, *size), self._next, pixel_format="bgr8", arrived_ns=arrived_ns)
        self._next += 1
        return frame

    def limit_rate(self, rate: float | None) -> None:
        """From the next frame on."""
        self._period_s = 1.0 / rate if rate else 0.0

    def interrupt(self) -> None:
        """Let ``read`` return None, from now on."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Leave the camera. A thread that FFmpeg holds ends by itself, after a time-out (``held``)."""
        self.interrupt()
        self._thread.join(CLOSE_TIMEOUT_S)
