# SPDX-License-Identifier: Apache-2.0
"""camera_info of cropped, binned and resized pictures: where a point of the scene is seen does not depend on who did what (REP 104)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from plcv_ros.camera import CameraInfo, RegionOfInterest

SENSOR = (640, 480)
POINTS = np.random.default_rng(4).uniform((-1, -1, 2, 1), (1, 1, 5, 1), (20, 4))


def calibration(roi: RegionOfInterest, binning: tuple[int, int]) -> CameraInfo:
    """With a skew and a baseline, which a mistake would show in."""
    k = (500.0, 0.5, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0)
    p = (450.0, 0.0, 310.0, -40.0, 0.0, 460.0, 230.0, 3.0, 0.0, 0.0, 1.0, 0.25)
    return CameraInfo(*SENSOR, k, (0.1, 0.2, 0.0, 0.0, 0.0), p=p, distortion_model="plumb_bob", binning_x=binning[0], binning_y=binning[1], roi=roi)


def seen(info: CameraInfo, matrix: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(20, 2): where the points are in the picture. Of the sensor's pixels, those of the region, binned: sensor_msgs/CameraInfo."""
    projection = np.reshape(matrix, (3, -1))
    homogeneous = POINTS[:, : projection.shape[1]] @ projection.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    pixels -= (info.roi.x_offset, info.roi.y_offset)
    return pixels / (max(1, info.binning_x), max(1, info.binning_y))


REGIONS = {
    "all": (RegionOfInterest(), SENSOR),
    "all, named": (RegionOfInterest(0, 0, 480, 640), SENSOR),
    "a part": (RegionOfInterest(100, 60, 240, 320, True), (320, 240)),
}


@pytest.mark.parametrize("binning", [(0, 0), (1, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("factor", [(0.5, 0.5), (2.0, 2.0), (0.4, 0.75)])
def test_points_are_seen_where_the_resized_picture_shows_them(region: str, binning: tuple[int, int], factor: tuple[float, float]) -> None:
    roi, (width, height) = REGIONS[region]
    info = calibration(roi, binning)
    picture = (width // max(1, binning[0]), height // max(1, binning[1]))
    assert info.describes(*picture)
    assert info.scaled(*picture) is info, "what nobody resized is as it was recorded"
    target = (round(picture[0] * factor[0]), round(picture[1] * factor[1]))
    resized = info.scaled(*target)
    assert (resized.width, resized.height, resized.binning_x, resized.binning_y, resized.roi) == (*target, 0, 0, RegionOfInterest())
    assert (resized.d, resized.r, resized.distortion_model) == (info.d, info.r, info.distortion_model)
    ratio = np.divide(target, picture)
    np.testing.assert_allclose(seen(resized, resized.k), seen(info, info.k) * ratio)
    np.testing.assert_allclose(seen(resized, resized.p), seen(info, info.p) * ratio)
    assert resized.describes(*target)


def test_sensors_round_odd_sides_up_or_down() -> None:
    info = CameraInfo.pinhole(641, 481, 500.0, 500.0, 320.0, 240.0)
    binned = CameraInfo(641, 481, info.k, p=info.p, binning_x=2, binning_y=2)
    assert all(binned.scaled(*size) is binned for size in ((320, 240), (321, 241), (320, 241)))
    assert binned.scaled(322, 241) is not binned


def test_uncalibrated_camera_stays_uncalibrated() -> None:
    info = CameraInfo(0, 0, (0.0,) * 9)
    assert info.scaled(64, 48) is info
