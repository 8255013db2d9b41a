# SPDX-License-Identifier: Apache-2.0
"""Generated driving scenes as a camera: labelled, endless, the same frames for the same seed."""

from __future__ import annotations

from plcv_ros.camera.frame import CameraInfo, Frame
from plcv_ros.camera.source import Source
from plcv_ros.labels import CAMVID

DEFAULT_SIZE = (640, 360)
DEFAULT_RATE = 15.0


class SceneSource(Source):
    """The frames of :class:`plcv_ros.scenes.SceneSequence` from number 0 on."""

    def __init__(self, width: int | None, height: int | None, rate: float | None, seed: int) -> None:
        from plcv_ros.scenes import SceneSequence

        self.width = width or DEFAULT_SIZE[0]
        self.height = height or (round(self.width * DEFAULT_SIZE[1] / DEFAULT_SIZE[0]) if width else DEFAULT_SIZE[1])
        self.rate = rate or DEFAULT_RATE
        self.label_set = CAMVID
        self.description = f"generated scenes, seed {seed}"
        self._sequence = SceneSequence(width=self.width, height=self.height, seed=seed, rate=self.rate)
        camera = self._sequence.camera
        self._info = CameraInfo.pinhole(self.width, self.height, camera.fx, camera.fy, camera.cx, camera.cy)
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame; there is always one."""
        index = self._next
        self._next += 1
        image, labels = self._sequence.frame(index)
        return Frame(image, index, labels=labels, camera_info=self._info)
