# SPDX-License-Identifier: Apache-2.0
"""One frame of a camera and the camera's calibration, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class CameraInfo:
    """The fields of sensor_msgs/CameraInfo without its header: ``k`` 3x3, ``r`` 3x3 and ``p`` 3x4 row by row, ``d`` distortion."""

    width: int
    height: int
    k: Sequence[float]
    d: Sequence[float] = ()
    r: Sequence[float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    p: Sequence[float] = field(default=(0.0,) * 12)
    distortion_model: str = "plumb_bob"
    binning_x: int = 0
    binning_y: int = 0

    @classmethod
    def pinhole(cls, width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> CameraInfo:
        """An undistorted camera; focal lengths and centre in pixels."""
        k = (fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0)
        p = (fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0)
        return cls(width, height, k, d=(0.0,) * 5, p=p)

    def scaled(self, width: int, height: int) -> CameraInfo:
        """The same camera after its image was resized to ``width`` x ``height``."""
        if (width, height) == (self.width, self.height) or not (self.width and self.height):
            return self
        sx, sy = width / self.width, height / self.height
        k, p = list(self.k), list(self.p)
        k = [v * sx for v in k[0:3]] + [v * sy for v in k[3:6]] + k[6:]
        p = [v * sx for v in p[0:4]] + [v * sy for v in p[4:8]] + p[8:]
        return CameraInfo(width, height, k, self.d, self.r, p, self.distortion_model, self.binning_x, self.binning_y)


@dataclass
class Frame:
    """What a source hands out.

    ``image`` is (H, W, 3) uint8, or (H, W) for mono8, in ``pixel_format`` (rgb8, bgr8 or mono8). ``labels`` is (H, W) uint8 class ids of the
    source's label set, 255 = unlabelled. ``stamp_ns`` is the recorded stamp (nanoseconds since 1970) where the source has one.
    ``time_ns`` is when to show it, in nanoseconds after the source's first frame, where the source has times of its own (a video);
    ``arrived_ns`` when it came from a live source (system clock, nanoseconds since 1970).
    """

    image: npt.NDArray[np.uint8]
    index: int
    pixel_format: str = "rgb8"
    labels: npt.NDArray[np.uint8] | None = None
    stamp_ns: int | None = None
    camera_info: CameraInfo | None = None
    frame_id: str | None = None
    time_ns: int | None = None
    arrived_ns: int | None = None
