# SPDX-License-Identifier: Apache-2.0
"""A ROS 2 bag as a camera (mcap or sqlite3, read by rosbags): images, their recorded stamps and their camera_info."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.camera.encodings import ALIASES, BYTES_PER_PIXEL, image_rows, to_rgb8
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import CameraInfo, Frame
from plcv_ros.camera.source import Source, resize_image, target_size
from plcv_ros.requirements import check, explain

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
INFO = "sensor_msgs/msg/CameraInfo"
DEFAULT_RATE = 15.0
_NANO = 1_000_000_000
_RATE_SAMPLE = 30


class BagSource(Source):
    """The images of one topic of a bag, in recorded order."""

    def __init__(self, path: Path, width: int | None, height: int | None, rate: float | None, loop: bool, topic: str | None) -> None:
        try:
            import rosbags
            from rosbags.highlevel import AnyReader
            from rosbags.typesys import Stores, get_typestore

            check(rosbags, "rosbags")
        except ImportError as error:
            raise SourceError(explain(f"reading the bag {path}", error, "edge")) from error
        self._path = path
        folder = path.parent if path.is_file() and (path.parent / "metadata.yaml").exists() else path
        try:
            # The message definitions of older sqlite3 bags are not inside them; these types have not changed since Humble.
            self._reader: Any = AnyReader([folder], default_typestore=get_typestore(Stores.ROS2_HUMBLE))
            self._reader.open()
        except Exception as error:
            raise SourceError(f"{path} cannot be read as a ROS 2 bag: {error}") from error
        try:
            self._open_topic(topic, rate)
            self._messages = self._frames()
            self._pending = next(self._messages, None)
            if self._pending is None:
                raise SourceError(f"topic {self._image.topic} of {path} holds no messages")
        except BaseException:
            self._reader.close()
            raise
        self._wanted = (width, height)
        self._loop = loop
        self._next = 0
        self._stamp: int | None = None
        """Of the latest frame, nanoseconds."""
        self._shift = 0
        first = self._pending.image
        self.width, self.height = target_size(first.shape[1], first.shape[0], width, height)
        self.description = f"topic {self._image.topic} of {path}"

    def _open_topic(self, topic: str | None, rate: float | None) -> None:
        images = [c for c in self._reader.connections if c.msgtype in (IMAGE, COMPRESSED)]
        listing = ", ".join(f"{c.topic} ({c.msgtype}, {c.msgcount} messages)" for c in self._reader.connections) or "nothing"
        if topic:
            wanted = topic if topic.startswith("/") else f"/{topic}"
            images = [c for c in images if c.topic in (topic, wanted)]
            if not images:
                raise SourceError(f"{self._path} has no image topic {topic!r}; it holds {listing}")
        elif len({c.topic for c in images}) > 1:
            raw = [c for c in images if c.msgtype == IMAGE]
            if len(raw) != 1:
                raise SourceError(f"{self._path} has several image topics, name one with topic: {', '.join(sorted({c.topic for c in images}))}")
            images = raw
        elif not images:
            raise SourceError(f"{self._path} has no topic of type {IMAGE} or {COMPRESSED}; it holds {listing}")
        self._image = images[0]
        # camera_info lies beside the image topic; image_transport's topics are one level deeper.
        base = self._image.topic.rsplit("/", 2 if self._image.msgtype == COMPRESSED else 1)[0]
        self._infos = [c for c in self._reader.connections if c.msgtype == INFO and c.topic == f"{base}/camera_info"]
        self.rate = rate or self._recorded_rate()

    def _recorded_rate(self) -> float:
        """From the first images alone: other topics (a latched one, say) may stretch the bag's duration at will."""
        times = [time_ns for _, time_ns, _ in islice(self._reader.messages(connections=[self._image]), _RATE_SAMPLE)]
        intervals = np.diff(times)
        return float(_NANO / np.median(intervals)) if intervals.size and np.median(intervals) > 0 else DEFAULT_RATE

    def _frames(self) -> Iterator[Frame]:
        index = 0
        # The calibration hardly ever changes, and it may be recorded after the first image.
        info = next((self._info(*m) for m in self._reader.messages(connections=self._infos)), None) if self._infos else None
        for connection, time_ns, raw in self._reader.messages(connections=[self._image, *self._infos]):
            if connection.msgtype == INFO:
                info = self._info(connection, time_ns, raw)
                continue
            message = self._reader.deserialize(raw, connection.msgtype)
            image, pixel_format = self._raw(message) if connection.msgtype == IMAGE else self._compressed(message)
            stamp = message.header.stamp.sec * _NANO + message.header.stamp.nanosec
            yield Frame(image, index, pixel_format, None, stamp or time_ns, info, message.header.frame_id or None)
            index += 1

    def read(self) -> Frame | None:
        """The next image; None after the last one unless ``loop``.

        Stamps go on where the bag begins again, each pass as long after the one before as a frame lasts: a stamp is a frame's name to
        receivers, and one that has been there is a late copy to them.
        """
        frame = self._pending
        if frame is not None:
            self._pending = None
        else:
            frame = next(self._messages, None)
            if frame is None and self._loop:
                self._messages = self._frames()
                frame = next(self._messages, None)
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
        self._reader.close()

    def _info(self, connection: Any, _time_ns: int, raw: Any) -> CameraInfo:
        m = self._reader.deserialize(raw, connection.msgtype)
        return CameraInfo(
            int(m.width),
            int(m.height),
            k=tuple(map(float, m.k)),
            d=tuple(map(float, m.d)),
            r=tuple(map(float, m.r)),
            p=tuple(map(float, m.p)),
            distortion_model=str(m.distortion_model),
            binning_x=int(m.binning_x),
            binning_y=int(m.binning_y),
        )

    def _where(self) -> str:
        return f"an image on {self._image.topic} of {self._path}"

    def _raw(self, message: Any) -> tuple[npt.NDArray[np.uint8], str]:
        encoding = ALIASES.get(str(message.encoding), str(message.encoding))
        if encoding not in BYTES_PER_PIXEL:
            raise SourceError(f"{self._where()} has the encoding {message.encoding!r}; expected one of {', '.join(BYTES_PER_PIXEL)}")
        width, height, step = int(message.width), int(message.height), int(message.step)
        if min(width, height) < 1:
            raise SourceError(f"{self._where()} has {width}x{height} pixels, expected at least 1x1")
        try:
            rows = image_rows(np.asarray(message.data, np.uint8), width, height, step, encoding)
            if encoding in ("rgb8", "bgr8"):
                return rows.reshape(height, width, 3), encoding
            return to_rgb8(rows, encoding), "rgb8"
        except ValueError as error:
            raise SourceError(f"{self._where()}: {error}") from error

    def _compressed(self, message: Any) -> tuple[npt.NDArray[np.uint8], str]:
        import cv2

        data = np.asarray(message.data, np.uint8)
        image: npt.NDArray[np.uint8] | None = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            raise SourceError(
                f"{self._where()} has the format {str(message.format)!r} and is neither JPEG nor PNG; "
                "replay such a topic with `ros2 bag play` (README, bags)"
            )
        return image, "bgr8"
