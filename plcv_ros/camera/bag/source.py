# SPDX-License-Identifier: Apache-2.0
"""The images of one topic of a recording as a camera, with their stamps and their camera_info."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from plcv_ros.camera.bag import pace
from plcv_ros.camera.bag.finding import Found
from plcv_ros.camera.bag.messages import INFO, Calibration, MessageError, MessageReader, Picture, stamp_of
from plcv_ros.camera.bag.recording import Recording
from plcv_ros.camera.bag.storage import Lost, Message
from plcv_ros.camera.bag.topics import IMAGES, image_topic, info_topic
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import Frame
from plcv_ros.camera.source import Source, resize_image, target_size

DEFAULT_RATE = 15.0
_NANO = 1_000_000_000


class BagSource(Source):
    """The images of one topic, in recorded order. Messages that cannot be read are counted and passed over.

    Raises SourceError where the recording cannot be read, does not say which topic is meant, or holds no image that can be read.
    """

    recorded = True

    def __init__(self, path: Path, found: Found, width: int | None, height: int | None, rate: float | None, loop: bool, topic: str | None) -> None:
        self._path = path
        self._reader = MessageReader()
        self._recording = Recording(path, found)
        self._wanted = (width, height)
        self._loop = loop
        self._next = 0
        self._stamp: int | None = None
        """Of the latest frame, nanoseconds."""
        self._shift = 0
        self._note = ""
        """Of the first picture that something was dropped of or that was turned."""
        try:
            self._topic = image_topic(path, self._recording.channels, topic)
            self._info_topic = info_topic(self._recording.channels, self._topic)
            self.rate = rate or self._recorded_rate()
            self._frames = self._pass()
            self._pending = next(self._frames, None)
            if self._pending is None:
                what = f"none of the {self._topic.count} images on topic {self._topic.name} of {path} can be read"
                raise SourceError(f"{what}: {self.damage}")
        except BaseException:
            self._recording.close()
            raise
        first = self._pending.image
        self.width, self.height = target_size(first.shape[1], first.shape[0], width, height)
        self.description = f"topic {self._topic.name} of {path}" + (f" ({self._note})" if self._note else "")

    def _recorded_rate(self) -> float:
        images = (item for item in self._recording.messages([self._topic.name], IMAGES) if isinstance(item, Message))
        sample = [(stamp_of(message), message.log_ns) for message in islice(images, pace.SAMPLE)]
        return pace.rate([stamp for stamp, _ in sample], [time for _, time in sample]) or DEFAULT_RATE

    def _pass(self) -> Iterator[Frame]:
        """The frames from the first one on. A camera_info of the image's own stamp belongs to it, recorded before it or right behind it; else the
        latest one does."""
        latest = self._first_calibration()
        waiting: Frame | None = None
        turned = False
        topics = [self._topic.name] if self._info_topic is None else [self._topic.name, self._info_topic]
        for item in self._recording.messages(topics, (*IMAGES, INFO)):
            found = self._read(item)
            if isinstance(found, Calibration):
                latest = found
                if waiting is not None and waiting.stamp_ns == found.stamp_ns and not turned:
                    waiting.camera_info = found.info
            elif found is not None:
                if waiting is not None:
                    yield waiting
                info = None if latest is None or found.turned else latest.info
                turned = found.turned
                self._note = self._note or found.note
                waiting = Frame(found.pixels, 0, found.pixel_format, None, found.stamp_ns or item.log_ns, info, found.frame_id or None)
        if waiting is not None:
            yield waiting

    def _read(self, item: Message | Lost, count: bool = True) -> Picture | Calibration | None:
        """What a message says; None, and counted, where it cannot be read."""
        if isinstance(item, Lost):
            lost, reason = item.messages, item.reason
        else:
            try:
                return self._reader.calibration(item) if item.channel.msgtype == INFO else self._reader.picture(item)
            except MessageError as error:
                lost, reason = 1, f"a message on {item.channel.topic} of {self._path} {error}"
        if count:
            self.damaged += lost
            self.damage = reason
        return None

    def _first_calibration(self) -> Calibration | None:
        """The calibration hardly ever changes, and it may be recorded after the first image. What is damaged is counted among the images."""
        if self._info_topic is None:
            return None
        found = (self._read(item, count=False) for item in self._recording.messages([self._info_topic], [INFO]))
        return next((item for item in found if isinstance(item, Calibration)), None)

    def read(self) -> Frame | None:
        """The next image; None after the last one unless ``loop``.

        Stamps go on where the bag begins again, each pass as long after the one before as a frame lasts: a stamp is a frame's name to
        receivers, and one that has been there is a late copy to them.
        """
        frame = self._pending
        if frame is not None:
            self._pending = None
        else:
            frame = next(self._frames, None)
            if frame is None and self._loop:
                self._frames = self._pass()
                frame = next(self._frames, None)
                if frame is not None and frame.stamp_ns is not None and self._stamp is not None:
                    self._shift = self._stamp + round(_NANO / self.rate) - frame.stamp_ns
        if frame is None:
            return None
        if frame.stamp_ns is not None:
            frame.stamp_ns += self._shift
            self._stamp = frame.stamp_ns
        size = target_size(frame.image.shape[1], frame.image.shape[0], *self._wanted)
        frame.image = resize_image(frame.image, *size)
        frame.camera_info = None if frame.camera_info is None else frame.camera_info.scaled(*size)
        frame.index = self._next
        self._next += 1
        return frame

    def close(self) -> None:
        """Close the bag's files."""
        self._recording.close()
