# SPDX-License-Identifier: Apache-2.0
"""Where frames come from: generated scenes, image folders, video files, streams by URL and devices, ROS 2 bags; and the image encodings they come in.

No ROS and no codecs: a source hands out pixels, the nodes compress and publish them.
"""

from __future__ import annotations

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.frame import CameraInfo, Frame, RegionOfInterest
from plcv_ros.camera.opening import open_source
from plcv_ros.camera.source import Source

__all__ = ["CameraInfo", "Frame", "RegionOfInterest", "Source", "SourceError", "open_source"]
