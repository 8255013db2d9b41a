# SPDX-License-Identifier: Apache-2.0
"""Cameras by URL and device: time-outs, connections that are lost and come back, the newest frame, and nothing said of passwords."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

from servers import FileServer, MjpegCamera, RawCamera, RtspCamera
from videos import make, shown

from plcv_ros.camera import Frame, Source, SourceError, live, open_source
from plcv_ros.camera.address import is_device, public, scheme_of
from plcv_ros.camera.device import device_options, open_device
from plcv_ros.camera.live import LiveSource
from plcv_ros.camera.media import Media


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(live, "LAST_PAUSE_S", 0.2)


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return payloads(make(tmp_path_factory.mktemp("jpegs") / "v.avi", "mjpeg", "yuvj420p", count=20))


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Access units of H.264, a key frame every tenth, with its parameter sets."""
    return payloads(make(tmp_path_factory.mktemp("units") / "v.h264", count=40, tune="zerolatency", **{"x264-params": "repeat-headers=1"}))


def payloads(file: Path) -> list[bytes]:
    import av

    with av.open(str(file)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def number(frame: Frame) -> int:
    rgb = frame.image[..., ::-1].astype(int)
    return int(np.argmin([np.abs(rgb - shown(k)).mean() for k in range(64)]))


def some(source: Any, count: int) -> Iterator[Frame]:
    for _ in range(count):
        frame = source.read()
        assert frame is not None
        yield frame


def read_on(source: Source) -> None:
    with contextlib.suppress(SourceError):
        while source.read() is not None:
            pass


def test_mjpeg_that_drops_its_connections(jpegs: list[bytes]) -> None:
    with MjpegCamera(jpegs) as camera:
        camera.frames_of_a_connection = 8
        with open_source(f"http://127.0.0.1:{camera.port}/video") as source:
            assert (source.live, source.width, source.height) == (True, 64, 48)
            frames = list(some(source, 30))
            assert source.reconnects >= 2
            assert source.damaged == 0
            assert [frame.index for frame in frames] == list(range(30))
            assert {frame.time_ns for frame in frames} == {None}
            assert all(abs(time.time_ns() - (frame.arrived_ns or 0)) < 60e9 for frame in frames)
        assert camera.connections >= 3


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_camera_that_is_away_for_a_while(units: list[bytes], scheme: str) -> None:
    kind = RawCamera if scheme == "http" else RtspCamera
    camera = kind(units)
    with open_source(f"{scheme}://127.0.0.1:{camera.port}/stream", reconnect_s=30.0) as source:
        assert len({number(frame) for frame in some(source, 5)}) > 1
        camera.close()
        threading.Thread(target=read_on, args=(source,), daemon=True).start()
        end = time.monotonic() + 10
        while not source.fault and time.monotonic() < end:
            time.sleep(0.02)
        assert source.fault
        with kind(units, camera.port) as camera:
            end = time.monotonic() + 20
            while (not source.reconnects or source.fault) and time.monotonic() < end:
                time.sleep(0.02)
            assert source.reconnects >= 1
            assert source.fault == ""


def test_given_up_after_so_long_without_a_frame(jpegs: list[bytes]) -> None:
    with MjpegCamera(jpegs) as camera, open_source(f"http://127.0.0.1:{camera.port}/video", reconnect_s=0.6) as source:
        list(some(source, 3))
        camera.close()
        begin = time.monotonic()
        with pytest.raises(SourceError, match=r"stream http://127.0.0.1:\d+/video delivered no frame for 0.6 s, after \d+ frames: .*refused"):
            list(some(source, 500))
        assert time.monotonic() - begin < 5


def test_a_camera_that_stalls_is_connected_anew(jpegs: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plcv_ros.camera.stream.READ_TIMEOUT_S", 0.5)
    with MjpegCamera(jpegs) as camera:
        camera.stall_after = 5
        with open_source(f"http://127.0.0.1:{camera.port}/video") as source:
            list(some(source, 12))
            assert source.reconnects >= 1


def test_a_waiting_read_can_be_interrupted(jpegs: list[bytes]) -> None:
    with MjpegCamera(jpegs) as camera:
        camera.stall_after = 5
        with open_source(f"http://127.0.0.1:{camera.port}/video") as source:
            threading.Timer(0.4, source.interrupt).start()
            begin = time.monotonic()
            while source.read() is not None:
                pass
            assert time.monotonic() - begin < 2
            assert source.read() is None
        assert time.monotonic() - begin < 4, "closing waits for nobody"


def test_the_newest_frame_counts(jpegs: list[bytes]) -> None:
    with MjpegCamera(jpegs) as camera, open_source(f"http://127.0.0.1:{camera.port}/video") as source:
        list(some(source, 2))
        time.sleep(0.5)
        frame = source.read()
        assert frame is not None
        assert source.overtaken >= 5
        assert time.time_ns() - (frame.arrived_ns or 0) < 0.25e9, "no frame waits in a queue"


def test_an_asked_for_rate_leaves_frames_out(jpegs: list[bytes]) -> None:
    with MjpegCamera(jpegs) as camera, open_source(f"http://127.0.0.1:{camera.port}/video", rate=10.0) as source:
        frames = list(some(source, 6))
        arrivals = [frame.arrived_ns or 0 for frame in frames]
        assert (arrivals[-1] - arrivals[1]) / 1e9 > 0.3, "50 Hz would take 0.08 s"
        assert source.rate == 10.0
        source.limit_rate(None)
        list(some(source, 3))
        frames = list(some(source, 6))
        assert ((frames[-1].arrived_ns or 0) - (frames[0].arrived_ns or 0)) / 1e9 < 0.3


def test_a_program_that_ends_without_closing(jpegs: list[bytes]) -> None:
    """FFmpeg comes back to Python while it waits: the interpreter must not be gone by then."""
    with MjpegCamera(jpegs) as camera:
        camera.stall_after = 3
        code = (
            "from plcv_ros.camera import live, open_source, stream; stream.READ_TIMEOUT_S = 1.5; "
            f"source = open_source('http://127.0.0.1:{camera.port}/video'); print(source.read().image.shape)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "(48, 64, 3)"), done.stderr


def test_damaged_pictures_of_a_stream_are_counted(jpegs: list[bytes]) -> None:
    broken = jpegs[3][: len(jpegs[3]) // 2] + b"\xff\xd9"
    with MjpegCamera([*jpegs[:3], broken, *jpegs[4:6]]) as camera, open_source(f"http://127.0.0.1:{camera.port}/video") as source:
        assert 3 not in {number(frame) for frame in some(source, 10)}
        end = time.monotonic() + 5
        while not source.damaged and time.monotonic() < end:
            source.read()
        assert source.damaged
        assert "cannot be decoded" in source.damage


def test_rtsp_with_a_password(units: list[bytes]) -> None:
    with RtspCamera(units, realm="camera") as camera, open_source(f"rtsp://robot:s3cret@127.0.0.1:{camera.port}/live?channel=1") as source:
        assert len({number(frame) for frame in some(source, 8)}) > 3
        assert "s3cret" not in source.description
        assert "robot" not in source.description
        assert any("Authorization: Basic" in request for request in camera.requests)


@pytest.mark.parametrize(("status", "said"), [("401 Unauthorized", "401 Unauthorized"), ("404 Not Found", "404 Not Found"), ("503 Busy", "5XX|503")])
def test_a_refusal_is_told_without_the_password(jpegs: list[bytes], status: str, said: str) -> None:
    with MjpegCamera(jpegs) as camera:
        camera.status = status
        with pytest.raises(SourceError, match=said) as refusal:
            open_source(f"http://robot:s3cret@127.0.0.1:{camera.port}/video?key=s3cret")
        assert "s3cret" not in str(refusal.value)
        assert f"http://***@127.0.0.1:{camera.port}/video" in str(refusal.value)
    begin = time.monotonic()
    with pytest.raises(SourceError, match="refused") as refusal:
        open_source(f"rtsp://robot:s3cret@127.0.0.1:{camera.port}/video")
    assert "s3cret" not in str(refusal.value)
    assert time.monotonic() - begin < 5


def test_one_who_never_answers_times_out(monkeypatch: pytest.MonkeyPatch, jpegs: list[bytes]) -> None:
    monkeypatch.setattr("plcv_ros.camera.stream.OPEN_TIMEOUT_S", 0.5)
    with MjpegCamera(jpegs) as camera:
        camera.serve = lambda client: time.sleep(5)  # type: ignore[method-assign]
        begin = time.monotonic()
        with pytest.raises(SourceError, match="timed out"):
            open_source(f"http://127.0.0.1:{camera.port}/video")
        assert time.monotonic() - begin < 3


def test_a_recording_on_a_server(tmp_path: Path) -> None:
    make(tmp_path / "v.mp4", container_options={"movflags": "faststart"}, crf="0")
    with FileServer(tmp_path) as server:
        url = f"http://127.0.0.1:{server.port}/v.mp4"
        with open_source(url) as source:
            assert (source.live, source.rate, source.timed) == (False, 30.0, True)
            frames = list(some(source, 60))
            assert source.read() is None
        assert [number(frame) for frame in frames] == list(range(60))
        server.break_once = 20_000
        with open_source(url, loop=True) as source:
            frames = list(some(source, 90))
            assert source.damaged == 0
        assert [number(frame) for frame in frames] == [*range(60), *range(30)]
        with pytest.raises(SourceError, match="404 Not Found"):
            open_source(f"http://127.0.0.1:{server.port}/nothing.mp4")


def test_addresses() -> None:
    assert public("rtsp://user:pa@ss@cam:554/h264?token=abc") == "rtsp://***@cam:554/h264?***"
    assert public("rtsp://cam/user=admin_password=geheim_channel=1") == "rtsp://cam/user=***_password=***_channel=1"
    assert public("/data/a@b?c.mp4") == "/data/a@b?c.mp4"
    assert public("cannot open rtsp://u:p@h/x: 401") == "cannot open rtsp://***@h/x: 401"
    assert scheme_of("RTSP://cam/") == "rtsp"
    assert scheme_of("a/b://c") == ""
    with pytest.raises(SourceError, match=r"source gopher://\*\*\*@h/ has the scheme gopher, expected one of rtsp"):
        open_source("gopher://u:p@h/")
    assert [is_device(name) for name in ("0", "/dev/video3", "/dev/v4l/by-id/none", "/dev/null", "clip.mp4", "video0")] == [
        True,
        True,
        False,
        True,
        False,
        False,
    ]


def test_what_is_asked_of_a_camera_of_this_computer() -> None:
    assert device_options(640, 480, 30.0, "mjpg") == {"input_format": "mjpeg", "video_size": "640x480", "framerate": "30"}
    assert device_options(640, None, None, None) == {}
    with pytest.raises(SourceError, match="pixel_format is 'XYZW', expected one of MJPG"):
        open_source("0", pixel_format="XYZW")
    with pytest.raises(SourceError, match="camera /dev/video97 cannot be opened: No such file"):
        open_source("/dev/video97", pixel_format="MJPG")
    with pytest.raises(SourceError, match="camera /dev/null cannot be opened"):
        open_device("/dev/null", 64, 48, 30.0, "YUYV", 1.0)


def test_a_device_that_is_unplugged_and_plugged_in_again() -> None:
    """FFmpeg's generator of pictures in the place of a camera: it is the same path but for the driver."""
    plugged = [True, False, False, True]

    def connect() -> Media:
        if not plugged.pop(0):
            raise SourceError("camera 0 cannot be opened: No such file or directory")
        return Media("testsrc=size=64x48:rate=50,realtime,trim=duration=0.3", "camera 0", container_format="lavfi").follow()

    with LiveSource(connect(), connect, "camera 0", 32, 24, None, 5.0) as source:
        assert source.width == 32
        frames = list(some(source, 20))
        assert source.reconnects == 1
        assert frames[0].image.shape == (24, 32, 3)
        with pytest.raises(IndexError):
            plugged.pop(0)
