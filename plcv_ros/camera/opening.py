# SPDX-License-Identifier: Apache-2.0
"""From a text that names a source to the source."""

from __future__ import annotations

import re
from pathlib import Path

from plcv_ros.camera.address import is_device, public, scheme_of
from plcv_ros.camera.bag.finding import find as find_recording
from plcv_ros.camera.errors import SourceError
from plcv_ros.camera.source import Source
from plcv_ros.requirements import explain

KINDS = (
    "scenes, scenes:<seed>, a folder of pictures, a video file, a camera (/dev/video0 or 0), a URL (rtsp://, http://, ...), "
    "a bag (its folder, .mcap, .db3 or .bag)"
)


def open_source(
    name: str,
    *,
    width: int | None = None,
    height: int | None = None,
    rate: float | None = None,
    seed: int = 0,
    loop: bool = False,
    topic: str | None = None,
    pixel_format: str | None = None,
    reconnect_s: float = 60.0,
) -> Source:
    """Open what ``name`` says, to the letter (a path may begin or end in a space): one of :data:`KINDS`.

    ``width`` and ``height`` (pixels) resize every frame; one alone keeps the aspect ratio; None keeps the source's size (640x360 for scenes).
    ``rate`` (frames a second) is what ``Source.rate`` will say, and what a device is asked for; None is the source's own. ``seed`` is the
    scenes', ``topic`` a bag's. ``loop`` begins again at the end. ``pixel_format`` (V4L2's four letters) is asked of a camera of this computer.
    Cameras and streams that deliver nothing for ``reconnect_s`` seconds are given up, 0: never. Raises SourceError naming what was found and
    what is expected.
    """
    for label, value in (("width", width), ("height", height), ("rate", rate)):
        if value is not None and value <= 0:
            raise SourceError(f"{label} {value} of source {public(name)!r}, expected more than 0")
    if reconnect_s < 0:
        raise SourceError(f"reconnect_s {reconnect_s:g} of source {public(name)!r}, expected 0 or more")
    try:
        if is_device(name):
            from plcv_ros.camera.device import open_device

            return open_device(name, width, height, rate, pixel_format, reconnect_s)
        if pixel_format:
            raise SourceError(f"pixel_format {pixel_format!r} of source {public(name)!r}: only a camera of this computer (/dev/video0) has a choice")
        if scheme_of(name):
            from plcv_ros.camera.stream import open_url

            return open_url(name, width, height, rate, loop, reconnect_s)
        return _open(name, width, height, rate, seed, loop, topic)
    except ImportError as error:
        raise SourceError(explain(f"source {public(name)!r}", error, "edge")) from error


def _open(name: str, width: int | None, height: int | None, rate: float | None, seed: int, loop: bool, topic: str | None) -> Source:
    scenes = re.fullmatch(r"scenes(?::(\d+))?", name)
    if scenes:
        from plcv_ros.camera.scenes import SceneSource

        return SceneSource(width, height, rate, int(scenes[1]) if scenes[1] else seed)
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise SourceError(f"source {name!r} does not exist; expected {KINDS}")
    if not (path.is_file() or path.is_dir()):
        # A pipe may wait for its writer for ever, a device may have no end.
        raise SourceError(f"source {name!r} is neither a regular file nor a folder; expected {KINDS}")
    recording = find_recording(path)
    if recording is not None:
        from plcv_ros.camera.bag.source import BagSource

        return BagSource(path, recording, width, height, rate, loop, topic)
    if path.is_dir():
        from plcv_ros.camera.folder import FolderSource

        return FolderSource(path, width, height, rate, loop)
    from plcv_ros.camera.video import open_file

    return open_file(path, width, height, rate, loop)
