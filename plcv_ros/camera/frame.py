# SPDX-License-Identifier: Apache-2.0
"""One frame of a camera and the camera's calibration, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class RegionOfInterest:
    """sensor_msgs/RegionOfInterest: the part of the sensor that was read out, in its pixels; all zero where that is all of it."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0
    do_rectify: bool = False


@dataclass(frozen=True)
class CameraInfo:
    """The fields of sensor_msgs/CameraInfo without its header: ``k`` 3x3, ``r`` 3x3 and ``p`` 3x4 row by row, ``d`` distortion.

    ``width``, ``height``, ``k`` and ``p`` are those of the whole sensor (REP 104); ``roi`` and ``binning`` (0 and 1 are none) say what of it
    the picture is.
    """

    width: int
    height: int
    k: Sequence[float]
    d: Sequence[float] = ()
    r: Sequence[float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    p: Sequence[float] = field(default=(0.0,) * 12)
    distortion_model: str = "plumb_bob"
    binning_x: int = 0
    binning_y: int = 0
    roi: RegionOfInterest = field(default=RegionOfInterest())

    @classmethod
    def pinhole(cls, width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> CameraInfo:
        """An undistorted camera; focal lengths and centre in pixels."""
        k = (fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0)
        p = (fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0)
        return cls(width, height, k, d=(0.0,) * 5, p=p)

    @property
    def region_size(self) -> tuple[int, int]:
        """(width, height) of the region of interest, in pixels of the sensor."""
        return (self.roi.width, self.roi.height) if self.roi.width and self.roi.height else (self.width, self.height)

    def describes(self, width: int, height: int) -> bool:
        """Whether a picture of that size is what this says: the region of interest, binned; sensors round an odd side up or down."""
        sides = zip((width, height), self.region_size, (self.binning_x, self.binning_y), strict=True)
        return all(side in (whole // max(1, binning), -(-whole // max(1, binning))) for side, whole, binning in sides)

    def scaled(self, width: int, height: int) -> CameraInfo:
        """The camera after its picture was resized to ``width`` x ``height``; itself where it describes such a picture.

        Binning is a whole number, so a resized picture has ``k`` and ``p`` of its own, as if the sensor had been that large: ``width`` and
        ``height`` are the picture's, ``roi`` is empty and ``binning`` 0. Distortion and rectification do not depend on the size.
        """
        region = self.region_size
        if self.describes(width, height) or min(region) < 1:
            return self
        roi = self.roi
        # Binning and resizing together made the region as large as the picture.
        sx, sy = width / region[0], height / region[1]
        k, p = list(self.k), list(self.p)
        for matrix, row in ((k, 3), (p, 4)):
            # Points of the sensor -> of the region: along x and y, for the homogeneous third row (0, 0, 1).
            moved_x = [x - roi.x_offset * w for x, w in zip(matrix[:row], matrix[2 * row :], strict=True)]
            moved_y = [y - roi.y_offset * w for y, w in zip(matrix[row : 2 * row], matrix[2 * row :], strict=True)]
            matrix[: 2 * row] = [v * sx for v in moved_x] + [v * sy for v in moved_y]
        return CameraInfo(width, height, k, self.d, self.r, p, self.distortion_model)


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
