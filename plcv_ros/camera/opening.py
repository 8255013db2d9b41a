# SPDX-License-Identifier: Apache-2.0
"""From a text that names a source to the source."""

from __future__ import annotations

import re
from pathlib import Path

from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.source import Source
from plcv_ros.requirements import explain

BAG_SUFFIXES = (".mcap", ".db3")
KINDS = "scenes, scenes:<seed>, a folder of pictures, a video file, a camera (/dev/video0 or 0), a ROS 2 bag (its folder, .mcap or .db3)"


def open_source(
    name: str,
    *,
    width: int | None = None,
    height: int | None = None,
    rate: float | None = None,
    seed: int = 0,
    loop: bool = False,
    topic: str | None = None,
) -> Source:
    """Open what ``name`` says: one of :data:`KINDS`.

    ``width`` and ``height`` (pixels) resize every frame; one alone keeps the aspect ratio; None keeps the source's size (640x360 for scenes).
    ``rate`` (frames a second) is what ``Source.rate`` will say, and what a device is asked for; None is the source's own. ``seed`` is the
    scenes', ``topic`` a bag's. ``loop`` begins again at the end. Raises SourceError naming what was found and what is expected.
    """
    for label, value in (("width", width), ("height", height), ("rate", rate)):
        if value is not None and value <= 0:
            raise SourceError(f"{label} {value} of source {name!r}, expected more than 0")
    try:
        return _open(name.strip(), width, height, rate, seed, loop, topic)
    except ImportError as error:
        raise SourceError(explain(f"source {name!r}", error, "edge")) from error


def _open(name: str, width: int | None, height: int | None, rate: float | None, seed: int, loop: bool, topic: str | None) -> Source:
    scenes = re.fullmatch(r"scenes(?::(\d+))?", name)
    if scenes:
        from plcv_ros.camera.scenes import SceneSource

        return SceneSource(width, height, rate, int(scenes[1]) if scenes[1] else seed)
    if re.fullmatch(r"\d+|/dev/video\d+", name):
        from plcv_ros.camera.video import DeviceSource

        return DeviceSource(name, width, height, rate)
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise SourceError(f"source {name!r} does not exist; expected {KINDS}")
    if path.suffix in BAG_SUFFIXES or (path.is_dir() and ((path / "metadata.yaml").exists() or any(path.glob("*.mcap")))):
        from plcv_ros.camera.bag import BagSource

        return BagSource(path, width, height, rate, loop, topic)
    if path.is_dir():
        from plcv_ros.camera.folder import FolderSource

        return FolderSource(path, width, height, rate, loop)
    from plcv_ros.camera.video import VideoSource

    return VideoSource(path, width, height, rate, loop)
