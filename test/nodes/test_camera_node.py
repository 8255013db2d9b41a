# SPDX-License-Identifier: Apache-2.0
"""The camera node as a process: headers, laziness, parameters, ends, clocks, namespaces."""

from __future__ import annotations

import signal

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, TimeReference

from plcv_ros import codecs

SIZE = {"width": 160, "height": 96}


def stamp_ns(message) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def test_one_header_for_everything_of_a_frame(spawn, probe):
    compressed = probe.listen(CompressedImage, "camera/image/astc")
    raw = probe.listen(Image, "camera/image")
    labels = probe.listen(Image, "camera/labels")
    infos = probe.listen(CameraInfo, "camera/camera_info")
    events = probe.listen(TimeReference, "camera/frame_events", QoSProfile(depth=1000))
    node = spawn("camera", frames=12, rate=20.0, frame_id="front", start_when_subscribed=True, **SIZE)
    assert node.wait() == 0
    assert "the last of 12 frames is sent" in node.log
    probe.wait_for(lambda: len(events) >= 48 and len(raw) >= 6 and len(labels) >= 6, "the messages")
    assert len(compressed) == 12
    stamps = [stamp_ns(m) for m in compressed]
    assert stamps == sorted(set(stamps))
    by_stamp = {stamp_ns(m): m for m in compressed}
    for one in (*raw, *labels, *infos):
        assert one.header == by_stamp[stamp_ns(one)].header
    assert {m.header.frame_id for m in compressed} == {"front"}
    assert {m.format for m in compressed} == {"rgb8; astc compressed rgb8 8x8"}

    # The payload is the raw image of the same stamp.
    pixels = np.frombuffer(raw[-1].data, np.uint8).reshape(96, 160, 3)
    payload = by_stamp[stamp_ns(raw[-1])].data
    assert bytes(payload) == bytes(codecs.make_codec("astc").encode(pixels))
    assert labels[-1].encoding == "mono8"
    assert len(labels[-1].data) == 96 * 160
    if infos:
        assert (infos[-1].width, infos[-1].height) == (160, 96)
        assert infos[-1].k[0] > 0

    # Every frame's life, in order.
    lives: dict[int, dict[str, int]] = {}
    for event in events:
        node_name, _, name = event.source.rpartition("/")
        assert node_name == "camera"
        lives.setdefault(stamp_ns(event), {})[name] = event.time_ref.sec * 1_000_000_000 + event.time_ref.nanosec
    assert set(lives) == set(stamps)
    for life in lives.values():
        assert list(life) == ["captured", "encode_start", "encode_end", "published"]
        assert sorted(life.values()) == list(life.values())


def test_nothing_is_encoded_without_a_subscriber(spawn, probe):
    status = probe.status_of("camera")
    node = spawn("camera", rate=30.0, **SIZE)
    probe.wait_for(lambda: int(status().get("captured", 0)) > 20, "the camera to run")
    assert status()["encoded"] == status()["published"] == status()["bytes"] == "0"
    assert "nobody subscribes to /camera/image/astc" in status()["message"]
    frames = probe.listen(CompressedImage, "camera/image/astc")
    probe.wait_for(lambda: len(frames) > 3, "frames for a late joiner")
    probe.wait_for(lambda: int(status()["encoded"]) > 3, "the counters")
    assert float(status()["bits_per_pixel"]) == pytest.approx(2.0, abs=0.1)
    assert node.stop() == 0
    assert "Traceback" not in node.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(spawn, number):
    node = spawn("camera", start_when_subscribed=True, **SIZE)
    node.wait_for_log("waiting for a subscriber of /camera/image/astc")
    assert node.stop(number) == 0
    assert "Traceback" not in node.log
    assert "FATAL" not in node.log


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"codec": "png"}, "parameter codec is 'png', expected one of astc, jxs, jpeg, raw"),
        ({"rate": -1.0}, "parameter rate is -1.0, expected a double from 0 to 1000"),
        ({"rate": "fast"}, "parameter rate is 'fast', expected a double from 0 to 1000"),
        ({"width": 99999}, "parameter width is 99999, expected an integer from 0 to 16384"),
        ({"image_topic": "no spaces"}, "parameter image_topic is 'no spaces', expected a topic name"),
        ({"source": "/does/not/exist"}, "/does/not/exist"),
    ],
)
def test_bad_parameters_at_start_are_one_clear_line(spawn, parameters, complaint):
    node = spawn("camera", **parameters)
    assert node.wait() == 1
    assert complaint in node.log
    assert node.log.count("[FATAL]") == len(node.log.strip().splitlines()) == 1
    assert "Traceback" not in node.log


def test_parameters_at_run_time(spawn, probe):
    frames = probe.listen(CompressedImage, "camera/image/astc")
    node = spawn("camera", "-p", "ratte:=5.0", rate=30, jxs_bpp=4.0, strip_bytes=5200, topic="/a", **SIZE)  # an integer does for a double
    probe.wait_for(lambda: frames, "frames")
    assert "unknown parameter 'ratte' is ignored; did you mean 'rate'?" in node.log

    # What does nothing with the codec is said at start, unless it is the default, and refused later.
    assert "parameter jxs_bpp = 4.0 does nothing: it acts only with codec jxs, and codec is astc" in node.log
    assert "strip_bytes" not in node.log
    assert "parameter topic = /a does nothing: " in node.log
    assert "recorded_stamps" not in node.log
    result = probe.set_parameter("camera", "jpeg_quality", 50)
    assert not result.successful
    assert result.reason == "parameter jpeg_quality is 50, expected no change: it acts only with codec jpeg, and codec is astc"
    assert probe.set_parameter("camera", "jpeg_quality", 90).successful, "as it was"

    result = probe.set_parameter("camera", "astc_block", "12x12")
    assert result.successful
    probe.wait_for(lambda: frames[-1].format == "rgb8; astc compressed rgb8 12x12", "12x12 blocks")
    assert codecs.info(frames[-1].data)["detail"] == "12x12"

    result = probe.set_parameter("camera", "astc_preset", "slow")
    assert not result.successful
    assert result.reason == "parameter astc_preset is 'slow', expected one of fast, fine, vision, vision_fine, paper"
    result = probe.set_parameter("camera", "rate", 5000.0)
    assert not result.successful
    assert "rate" in result.reason
    assert "5000" in result.reason
    result = probe.set_parameter("camera", "codec", "jpeg")
    assert not result.successful
    assert "read-only" in result.reason

    assert probe.set_parameter("camera", "rate", 2.0).successful
    since = len(frames)

    def slow():
        stamps = [stamp_ns(m) for m in frames[since:]]
        return len(stamps) > 4 and stamps[-1] - stamps[-4] > 1_300_000_000

    probe.wait_for(slow, "three frames in more than 1.3 s")
    assert node.stop() == 0


def test_jpeg_xs_parameters_at_run_time(spawn, probe):
    frames = probe.listen(CompressedImage, "camera/image/jxs")
    node = spawn("camera", codec="jxs", rate=20.0, threads=2, **SIZE)
    probe.wait_for(lambda: frames, "frames")
    assert "jxs 3bpp, on /camera/image/jxs" in node.log
    assert frames[0].format == "rgb8; jxs compressed rgb8 3bpp"
    assert {len(m.data) for m in frames} == {160 * 96 * 3 // 8}
    assert probe.set_parameter("camera", "jxs_bpp", 4.5).successful
    assert probe.set_parameter("camera", "jxs_preset", "main").successful
    probe.wait_for(lambda: codecs.header(frames[-1].data)["NLy"] == 1, "the other preset")
    assert (frames[-1].format, len(frames[-1].data)) == ("rgb8; jxs compressed rgb8 4.5bpp", 160 * 96 * 9 // 16)
    result = probe.set_parameter("camera", "jxs_bpp", 0.2)
    assert not result.successful
    assert "parameter codec is 'jxs', expected settings that suit it: bpp is 0.2, expected at least" in result.reason
    result = probe.set_parameter("camera", "jxs_significance", "off")
    assert result.reason == "parameter jxs_significance is 'off', expected one of preset, always, never"
    assert node.stop() == 0


def test_jpeg_is_what_stock_viewers_expect(spawn, probe):
    cv2 = pytest.importorskip("cv2")
    frames = probe.listen(CompressedImage, "camera/image/compressed")
    raw = probe.listen(Image, "camera/image")
    spawn("camera", codec="jpeg", start_when_subscribed=True, **SIZE)
    probe.wait_for(lambda: {stamp_ns(m) for m in frames} & {stamp_ns(m) for m in raw}, "a frame on both topics")
    assert {m.format for m in frames} == {"rgb8; jpeg compressed bgr8"}
    # compressed_image_transport decodes with OpenCV, to bgr8, and swaps to the original encoding, rgb8.
    sent = {stamp_ns(m): np.frombuffer(m.data, np.uint8).reshape(96, 160, 3) for m in raw}
    message = next(m for m in frames if stamp_ns(m) in sent)
    decoded = cv2.cvtColor(cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.abs(decoded.astype(int) - sent[stamp_ns(message)]).mean() < 6


def test_raw_is_the_base_topic_alone(spawn, probe):
    frames = probe.listen(Image, "camera/image")
    node = spawn("camera", codec="raw", frames=5, start_when_subscribed=True, **SIZE)
    assert node.wait() == 0
    probe.wait_for(lambda: len(frames) == 5, "the frames")
    assert {(m.encoding, m.width, m.height, m.step, m.is_bigendian) for m in frames} == {("rgb8", 160, 96, 480, 0)}
    topics = dict(probe.node.get_topic_names_and_types())
    assert "/camera/image/astc" not in topics


@pytest.fixture
def pictures(tmp_path):
    cv2 = pytest.importorskip("cv2")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(1, 12):
        cv2.imwrite(str(folder / f"frame{number}.png"), np.full((48, 64, 3), number * 20, np.uint8))
    return folder


def test_a_source_that_ends(spawn, probe, pictures):
    frames = probe.listen(CompressedImage, "camera/image/astc")
    parameters = {"source": str(pictures), "loop": False, "rate": 4.0, "start_when_subscribed": True}  # slow: a stall must not drop a frame
    node = spawn("camera", **parameters)
    assert node.wait() == 0
    assert "the source ended after 11 frames: 11 published, 0 dropped" in node.log
    probe.wait_for(lambda: len(frames) == 11, "every frame, the last one too")
    levels = [int(codecs.decode(m.data).mean()) for m in frames]
    assert np.abs(np.array(levels) - np.arange(20, 240, 20)).max() < 10  # natural order: frame9 before frame10

    status = probe.status_of("camera")
    node = spawn("camera", exit_at_end=False, **parameters)
    probe.wait_for(lambda: status().get("message", "").startswith("the source ended after 11 frames"), "the diagnostics of a camera at its end")
    assert node.process.poll() is None
    assert node.stop() == 0


def test_a_damaged_picture_is_passed_by_and_counted(spawn, probe, pictures):
    (pictures / "frame12.png").write_bytes(b"no picture")
    frames = probe.listen(CompressedImage, "camera/image/astc")
    node = spawn("camera", source=str(pictures), rate=20.0, loop=False, start_when_subscribed=True)
    assert node.wait() == 0
    assert 1 <= node.log.count("frame12.png") <= 2  # when it is met, and at the end
    assert "1 damaged" in node.log.splitlines()[-1]
    assert "Traceback" not in node.log
    probe.wait_for(lambda: len(frames) == len(list(pictures.iterdir())) - 1, "the other frames")


def test_a_source_that_breaks_is_one_clear_line(spawn, pictures):
    for path in pictures.iterdir():
        path.write_bytes(b"no picture")
    node = spawn("camera", source=str(pictures))
    assert node.wait() == 1
    assert node.log.count("[FATAL]") == 1
    assert "can be used" in node.log
    assert "Traceback" not in node.log


def test_a_source_that_is_too_slow_is_warned_of(spawn, probe):
    probe.listen(CompressedImage, "camera/image/astc")
    status = probe.status_of("camera")
    spawn("camera", rate=1000.0, **SIZE)
    probe.wait_for(lambda: "slower than 1000 Hz" in status().get("message", ""), "the warning")
    assert status()["level"] == b"\x01"
    assert int(status()["late"]) > 0


def test_simulated_time(spawn, probe):
    frames = probe.listen(CompressedImage, "camera/image/astc")
    status = probe.status_of("camera")
    clock = probe.node.create_publisher(Clock, "/clock", 10)
    spawn("camera", use_sim_time=True, rate=30.0, **SIZE)
    probe.wait_for(clock.get_subscription_count, "the camera to subscribe to /clock")
    message = Clock()
    for second in range(1000, 1400):
        message.clock.sec = second
        clock.publish(message)
        probe.spin(0.03)
        if frames and frames[-1].header.stamp.sec >= 1000 and status():
            break
    probe.wait_for(lambda: frames and frames[-1].header.stamp.sec >= 1000, "frames in simulated time")
    # The clock stands still now; frames go on, and no two have the same stamp.
    frames.clear()
    probe.wait_for(lambda: len(frames) > 5, "frames while the clock stands still")
    stamps = [stamp_ns(m) for m in frames]
    assert len(set(stamps)) == len(stamps)
    assert stamps[-1] - stamps[0] < 1_000_000


def test_two_namespaces_side_by_side(spawn, probe):
    left = probe.listen(CompressedImage, "/left/camera/image/astc")
    right = probe.listen(CompressedImage, "/right/camera/image/astc")
    status_left, status_right = probe.status_of("left/camera"), probe.status_of("right/camera")
    events = probe.listen(TimeReference, "/left/camera/frame_events", QoSProfile(depth=100))
    spawn("camera", namespace="/left", frame_id="left", **SIZE)
    spawn("camera", namespace="/right", frame_id="right", **SIZE)
    probe.wait_for(lambda: left and right and events and status_left() and status_right(), "both cameras")
    assert {m.header.frame_id for m in left} == {"left"}
    assert {m.header.frame_id for m in right} == {"right"}
    assert events[0].source.startswith("left/camera/")


def test_frames_that_do_not_fit_are_warned_of_at_start(spawn):
    plain = {"FASTDDS_BUILTIN_TRANSPORTS": "", "FASTRTPS_DEFAULT_PROFILES_FILE": "", "FASTDDS_DEFAULT_PROFILES_FILE": ""}
    node = spawn("camera", environment=plain, width=1920, height=1080, start_when_subscribed=True)
    node.wait_for_log("waiting for a subscriber")
    assert "frames of 0.52 MB do not fit the DDS configuration" in node.log
    assert "FASTDDS_DEFAULT_PROFILES_FILE to config/fastdds.xml" in node.log
    assert "a reliable receiver on this computer that is killed" in node.log
    node.stop()
    large = {**plain, "FASTDDS_BUILTIN_TRANSPORTS": "LARGE_DATA"}
    node = spawn("camera", environment=large, width=1920, height=1080, start_when_subscribed=True)
    node.wait_for_log("waiting for a subscriber")
    assert "do not fit" not in node.log
    assert "a receiver that is stopped or unplugged stops the frames of all others" in node.log
    node.stop()


def test_incompatible_qos_is_logged_with_the_remedy(spawn, probe):
    overrides = "qos_overrides./camera/image/astc.publisher.reliability:=best_effort"
    node = spawn("camera", "-p", overrides, **SIZE)
    probe.listen(CompressedImage, "camera/image/astc", QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
    node.wait_for_log(
        "a subscriber of /camera/image/astc asks for a reliability that is not offered and gets nothing; let it subscribe with best effort"
    )
    # The same topic with what is offered works.
    frames = probe.listen(CompressedImage, "camera/image/astc", QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
    probe.wait_for(lambda: frames, "best-effort frames")
    assert node.stop() == 0
