# SPDX-License-Identifier: Apache-2.0
"""Generated, labelled driving scenes: a street in perspective, seen from a moving car, with CamVid's eleven classes.

numpy and OpenCV only; no ROS, no torch, no files.
"""

from plcv_ros.scenes.geometry import PinholeCamera
from plcv_ros.scenes.sequence import SceneSequence

__all__ = ["PinholeCamera", "SceneSequence"]
