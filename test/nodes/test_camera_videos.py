# SPDX-License-Identifier: Apache-2.0
"""The camera node on videos and streams: its pace, and its three ends: the source is over, data are damaged, it cannot begin again."""

from __future__ import annotations

import re
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("av")

sys.path.insert(0, str(Path(__file__).parents[1] / "camera"))

from sensor_msgs.msg import CompressedImage
from servers import MjpegCamera
from videos import damage, make

from plcv_ros.nodes.pacing import Pace


def stamps(frames):
    return np.array([m.header.stamp.sec + m.header.stamp.nanosec / 1e9 for m in frames])


def test_damage_is_counted_and_the_video_goes_on(spawn, probe, tmp_path):
    video = damage(make(tmp_path / "v.mp4"), [25])
    frames = probe.listen(CompressedImage, "camera/image/astc")
    status = probe.status_of("camera")
    node = spawn("camera", source=str(video), loop=False, start_when_subscribed=True, exit_at_end=False)
    probe.wait_for(lambda: "the source ended" in status().get("message", ""), "the end")
    assert node.stop() == 0
    assert "the source ended after 59 frames: 59 published, 0 dropped" in node.log
    assert f", 1 damaged ({video}: the frame at 0.833 s cannot be decoded: Invalid data found" in node.log
    assert node.log.count("more of it is only counted") == 1
    assert "at its own times, 30 Hz on average" in node.log
    assert (status()["damaged"], status()["level"]) == ("1", b"\x01")
    assert "at 0.833 s" in status()["damage"]
    assert len(frames) == 59


def test_a_variable_frame_rate_is_played_by_the_files_times(spawn, probe, tmp_path):
    times = [*(k / 20 for k in range(10)), *(0.5 + 0.5 * k for k in range(5))]
    video = make(tmp_path / "v.mp4", times=times)
    frames = probe.listen(CompressedImage, "camera/image/astc")
    node = spawn("camera", source=str(video), loop=False, start_when_subscribed=True)
    assert node.wait() == 0
    probe.wait_for(lambda: len(frames) == 15, "the frames")
    assert "variable frame rate" in node.log
    took = stamps(frames) - stamps(frames)[0]
    # A busy machine may be late, never early.
    assert took[-1] == pytest.approx(2.5, abs=0.4)
    assert (np.diff(took)[10:] > 0.4).all()
    assert took[9] < 1.2, "the quick half is quick"


def test_an_asked_for_rate_is_even_and_said(spawn, probe, tmp_path):
    video = make(tmp_path / "v.mp4", times=[*(k / 20 for k in range(10)), *(0.5 + 2.0 * k for k in range(5))])
    frames = probe.listen(CompressedImage, "camera/image/astc")
    node = spawn("camera", source=str(video), loop=False, rate=10.0, start_when_subscribed=True)
    assert node.wait() == 0
    probe.wait_for(lambda: len(frames) == 15, "the frames")
    assert "10 Hz evenly, as rate asks, not at its own times" in node.log
    assert stamps(frames)[-1] - stamps(frames)[0] == pytest.approx(1.4, abs=0.5)


def test_a_source_that_cannot_begin_again_is_an_error(spawn, probe, tmp_path):
    video = make(tmp_path / "v.ts")
    status = probe.status_of("camera")
    frames = probe.listen(CompressedImage, "camera/image/astc")
    node = spawn("camera", source=str(video), start_when_subscribed=True)
    probe.wait_for(lambda: frames, "the first frame")
    video.unlink()
    assert node.wait() == 1
    assert node.log.count("[FATAL]") == 1
    assert re.search(r"v\.ts ended after \d+ frames and cannot begin again \(loop\): .*No such file", node.log)
    probe.wait_for(lambda: "cannot begin again" in status().get("message", ""), "the last diagnostics")
    assert status()["level"] == b"\x02"


def test_a_camera_by_url_is_connected_anew_and_its_password_kept(spawn, probe, tmp_path):
    import av

    make(tmp_path / "v.avi", "mjpeg", "yuvj420p", count=10)
    with av.open(str(tmp_path / "v.avi")) as container:
        jpegs = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    frames = probe.listen(CompressedImage, "camera/image/astc")
    status = probe.status_of("camera")
    with MjpegCamera(jpegs) as camera:
        node = spawn("camera", source=f"http://robot:s3cret@127.0.0.1:{camera.port}/video?key=s3cret")
        probe.wait_for(lambda: len(frames) > 5, "frames")
        port = camera.port
    probe.wait_for(lambda: "no frames: " in status().get("message", ""), "the diagnostics of a lost camera")
    assert status()["level"] == b"\x02"
    with MjpegCamera(jpegs, port) as camera:
        probe.wait_for(lambda: int(status().get("reconnects", 0)) >= 1 and status()["level"] != b"\x02", "the camera again")
        since = len(frames)
        probe.wait_for(lambda: len(frames) > since + 5, "frames again")
        assert "is connected anew, 1 times so far" in node.log
        camera.stall_after = 0
        begin = time.monotonic()
        assert node.stop() == 0
        assert time.monotonic() - begin < 5, "less than the read time-out and the time that a launcher leaves"
    assert f"stream http://***@127.0.0.1:{port}/video?***: 64x48 at its own rate" in node.log
    assert "s3cret" not in node.log
    assert "s3cret" not in str(status())
    assert "Traceback" not in node.log


def test_interrupted_while_a_camera_does_not_answer(spawn):
    with MjpegCamera([]) as camera:
        asked = threading.Event()

        def silent(client):
            asked.set()
            time.sleep(30)

        camera.serve = silent
        node = spawn("camera", source=f"http://127.0.0.1:{camera.port}/video")
        assert asked.wait(60)
        begin = time.monotonic()
        assert node.stop() == 0
        assert time.monotonic() - begin < 5
    assert "Traceback" not in node.log


def test_pace():
    even = Pace(0.1, own_times=False, start_s=10.0)
    assert [even.due(None, 10.0 + 0.1 * k) for k in range(3)] == [(pytest.approx(10.0 + 0.1 * k), 0) for k in range(3)]
    assert even.due(None, 10.55) == (pytest.approx(10.5), 2)
    assert even.due(None, 10.55) == (pytest.approx(10.6), 0)
    own = Pace(0.1, own_times=True, start_s=5.0)
    assert [own.due(t, 5.0)[0] for t in (7_000_000_000, 7_030_000_000, 9_000_000_000)] == pytest.approx([5.0, 5.03, 7.0])
    assert own.due(9_050_000_000, 7.31) == (pytest.approx(7.25), 2), "what is late by whole periods is left out for good"
