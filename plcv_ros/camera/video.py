# SPDX-License-Identifier: Apache-2.0
"""Video files and camera devices, read by OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import Frame
from plcv_ros.camera.source import Source, resize_image, target_size

DEFAULT_RATE = 25.0


class VideoSource(Source):
    """The frames of a video file, all of them, in order."""

    def __init__(self, path: Path, width: int | None, height: int | None, rate: float | None, loop: bool) -> None:
        import cv2

        self._path = path
        self._capture: Any = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise SourceError(f"{path} cannot be opened as a video: it is no video file, or of a codec that this OpenCV was built without")
        own = (int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        if min(own) < 1:
            raise SourceError(f"{path} says that its frames are {own[0]}x{own[1]} pixels, expected at least 1x1")
        self.width, self.height = target_size(*own, width, height)
        recorded = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate or (recorded if 0.0 < recorded < 1000.0 else DEFAULT_RATE)
        self.description = f"video {path}"
        self._wanted = (width, height)
        self._loop = loop
        self._next = 0
        self._since_start = 0

    def read(self) -> Frame | None:
        """The next frame; None after the last one unless ``loop``."""
        import cv2

        ok, image = self._capture.read()
        if not ok and self._loop and self._since_start:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            self._since_start = 0
            ok, image = self._capture.read()
        if not ok:
            if self._next == 0:
                raise SourceError(f"{self._path} holds no frame that can be decoded")
            return None
        size = target_size(image.shape[1], image.shape[0], *self._wanted)
        frame = Frame(resize_image(image, *size), self._next, pixel_format="bgr8")
        self._next += 1
        self._since_start += 1
        return frame

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class DeviceSource(Source):
    """A camera of this computer (Video4Linux). Size and rate are asked of the driver; what it grants is what comes."""

    live = True

    def __init__(self, device: str, width: int | None, height: int | None, rate: float | None) -> None:
        import cv2

        self._device = device
        number = device.removeprefix("/dev/video")
        self._capture: Any = cv2.VideoCapture(int(number) if number.isdigit() else device)
        if not self._capture.isOpened():
            raise SourceError(f"camera {device} cannot be opened: is it there (ls /dev/video*), in use, or not yours to read (group video)?")
        for wanted, name in ((width, cv2.CAP_PROP_FRAME_WIDTH), (height, cv2.CAP_PROP_FRAME_HEIGHT), (rate, cv2.CAP_PROP_FPS)):
            if wanted:
                self._capture.set(name, wanted)
        # One buffer: an old frame waiting in the driver would be latency that no later stage can win back.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        ok, image = self._capture.read()
        if not ok:
            self._capture.release()
            raise SourceError(f"camera {device} opens but delivers no frame")
        self._wanted = (width, height)
        self.width, self.height = target_size(image.shape[1], image.shape[0], width, height)
        granted = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = granted if granted > 0 else (rate or DEFAULT_RATE)
        self.description = f"camera {device}"
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame, waited for; raises SourceError when the device stops delivering."""
        ok, image = self._capture.read()
        if not ok:
            raise SourceError(f"camera {self._device} stopped delivering after {self._next} frames: was it unplugged?")
        frame = Frame(resize_image(image, *target_size(image.shape[1], image.shape[0], *self._wanted)), self._next, pixel_format="bgr8")
        self._next += 1
        return frame

    def close(self) -> None:
        """Give the device back."""
        self._capture.release()
