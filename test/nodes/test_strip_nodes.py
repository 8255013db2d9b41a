# SPDX-License-Identifier: Apache-2.0
"""Strips between real nodes: each decodes alone, lost ones are concealed and counted, malformed ones survived."""

from __future__ import annotations

import itertools
import time
from array import array
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image, TimeReference

from plcv_ros import codecs
from plcv_ros.nodes import strip_requests
from plcv_ros.strips import StripTag, read_tag, write_tag

WIDTH, HEIGHT = 160, 96
SIZE = {"width": WIDTH, "height": HEIGHT}
DEEP = QoSProfile(depth=1000)
_stamps = itertools.count(time.time_ns(), 1_000_000)


def stamp_ns(message) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def strip_messages(image: np.ndarray) -> list[CompressedImage]:
    stamp = next(_stamps)
    messages = []
    for strip in codecs.make_codec("astc").encode_strips(image, max_bytes=700):
        message = CompressedImage()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        message.header.frame_id = "front"
        message.format = f"rgb8; astc compressed rgb8 8x8 {write_tag(StripTag(strip.index, strip.count, strip.first_row, image.shape[0]))}"
        message.data = array("B", strip.payload)
        messages.append(message)
    return messages


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 20, 3), np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)


def pixels(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def test_camera_sends_strips_that_make_its_frames(spawn, probe):
    strips = probe.listen(CompressedImage, "camera/image/astc_strips", DEEP)
    whole = probe.listen(CompressedImage, "camera/image/astc")
    raw = probe.listen(Image, "camera/image", DEEP)
    events = probe.listen(TimeReference, "camera/frame_events", DEEP)
    node = spawn("camera", frames=8, rate=20.0, start_when_subscribed=True, strips=True, strip_bytes=700, **SIZE)
    assert node.wait() == 0
    probe.wait_for(lambda: len(strips) >= 56 and len(raw) >= 8 and len(events) >= 32, "the strips")
    frames = {stamp_ns(m): pixels(m) for m in raw}
    assert not whole
    assert len(frames) == 8
    for message in strips:
        tag = read_tag(message.format)
        assert (tag.count, tag.height, tag.first_row) == (6, HEIGHT, 16 * tag.index)
        assert len(message.data) <= 700
        shown = codecs.decode(bytes(message.data))
        expected = codecs.decode(codecs.make_codec("astc").encode(frames[stamp_ns(message)]))
        np.testing.assert_array_equal(shown, expected[tag.first_row : tag.first_row + 16])
    times_sent = Counter((stamp_ns(message), read_tag(message.format).index) for message in strips)
    assert times_sent == {(stamp, index): 1 + (index == 5) for stamp in frames for index in range(6)}
    lives: dict[int, dict[str, int]] = {}
    for event in events:
        lives.setdefault(stamp_ns(event), {})[event.source.rpartition("/")[2]] = event.time_ref.sec * 1_000_000_000 + event.time_ref.nanosec
    for life in lives.values():
        assert sorted(life, key=life.get) == ["captured", "encode_start", "encode_end", "published"]


def test_receiver_conceals_counts_and_survives(spawn, probe):
    status = probe.status_of("decoder")
    decoded = probe.listen(Image, "camera/image/decoded", DEEP)
    events = probe.listen(TimeReference, "decoder/frame_events", DEEP)
    node = spawn("decoder", strips=True, reliable=True, strip_patience_ms=2000.0)
    publisher = probe.node.create_publisher(CompressedImage, "camera/image/astc_strips", DEEP)
    probe.wait_for(publisher.get_subscription_count, "the decoder to subscribe")

    def send(messages: list[CompressedImage]) -> int:
        for message in messages:
            publisher.publish(message)
        count = len(decoded)
        probe.wait_for(lambda: len(decoded) > count, "the frame")
        return stamp_ns(decoded[-1])

    first, second, third = (codecs.decode(codecs.make_codec("astc").encode(picture(k))) for k in range(3))
    messages = strip_messages(picture(0))
    assert send(messages) == stamp_ns(messages[0])
    np.testing.assert_array_equal(pixels(decoded[-1]), first)
    assert decoded[-1].header == messages[0].header

    # The middle lost: the rows of the frame before stand in.
    messages = strip_messages(picture(1))
    send([m for m in messages if read_tag(m.format).index not in (2, 3)])
    mixed = second.copy()
    mixed[32:64] = first[32:64]
    np.testing.assert_array_equal(pixels(decoded[-1]), mixed)

    # The tail lost: given up after the patience. Malformed strips beside it change nothing.
    messages = strip_messages(picture(2))
    bad = strip_messages(picture(3))[1:5]
    for message in bad:
        message.header.stamp = messages[0].header.stamp
    bad[0].data = array("B", b"\x13\xab\xa1\x5c")
    bad[1].data = array("B")
    bad[2].format = "rgb8; astc compressed rgb8 8x8"
    bad[3].format = bad[3].format.replace("strip 5/6", "strip 5/2")
    send([messages[0], *bad, *messages[1:4]])
    mixed[:64] = third[:64]
    np.testing.assert_array_equal(pixels(decoded[-1]), mixed)

    counted = {"malformed": "4", "strips": "14", "strips_missing": "4", "frames_partial": "2"}
    probe.wait_for(lambda: counted.items() <= status().items(), f"the counters to be {counted}")
    probe.wait_for(lambda: len(events) >= 9, "the events")
    names = [e.source.rpartition("/")[2] for e in events]
    assert names.count("received") == names.count("decode_end") == 3
    assert node.log.count("is dropped") == 2  # one line a kind of trouble
    assert node.stop() == 0
    assert "Traceback" not in node.log


def test_strips_with_astc_blocks_in_other_modes(spawn, probe):
    """An LDR block of another encoder makes its strip malformed unless it is asked for; an HDR block does in any case."""
    status = {name: probe.status_of(name) for name in ("pruned", "all")}
    shown = {name: probe.listen(Image, f"{name}/image/decoded", DEEP) for name in status}
    publishers = {name: probe.node.create_publisher(CompressedImage, f"{name}/image/astc_strips", DEEP) for name in status}
    nodes = [
        spawn("decoder", "-r", f"__node:={name}", strips=True, reliable=True, input_topic=f"{name}/image", astc_modes=name, strip_patience_ms=2000.0)
        for name in status
    ]
    for publisher in publishers.values():
        probe.wait_for(publisher.get_subscription_count, "the decoder to subscribe")
    whole = strip_messages(picture(1))  # after which the size is believed
    messages = strip_messages(picture(0))
    for index, block in ((1, "fcfdffffffffffff0080004000c0ffff"), (3, "fcffffffffffffff003c0038003c003c")):
        messages[index].data[16:32] = array("B", bytes.fromhex(block))
    for publisher in publishers.values():
        for message in whole + messages:
            publisher.publish(message)
    for name, malformed in (("pruned", 2), ("all", 1)):
        counted = {"malformed": str(malformed), "strips_missing": str(malformed), "frames_partial": "1"}
        probe.wait_for(lambda n=name, c=counted: len(shown[n]) == 2 and c.items() <= status[n]().items(), f"the counters of {name} to be {counted}")
        concealed = (pixels(shown[name][1]) == pixels(shown[name][0])).reshape(6, -1).all(1)
        assert np.flatnonzero(concealed).tolist() == ([1, 3] if name == "pruned" else [3])
    for node in nodes:
        assert node.log.count("is dropped") == 1


@pytest.mark.parametrize(
    ("executable", "parameters"), [("camera", {"codec": "jpeg"}), ("camera", {"codec": "raw"}), ("decoder", {"transport": "raw"})]
)
def test_codecs_without_strips_are_refused(spawn, executable, parameters):
    node = spawn(executable, strips=True, **parameters)
    assert node.wait() != 0
    assert "parameter strips is True, expected false with" in node.log


def test_lost_strips_are_asked_for_and_sent_again(spawn, probe):
    """Half of a camera's strips, but the last one's second copy, are kept from the decoder at first; a frame is whole because they are sent again."""
    strips = probe.listen(CompressedImage, "camera/image/astc_strips", DEEP)
    raw = probe.listen(Image, "camera/image", DEEP)
    decoded = probe.listen(Image, "away/image/decoded", DEEP)
    status = probe.status_of("decoder")
    sent = probe.status_of("camera")
    spawn("decoder", strips=True, reliable=True, input_topic="away/image", strip_repair_ms=5000.0)
    forward = probe.node.create_publisher(CompressedImage, "away/image/astc_strips", DEEP)
    back = probe.node.create_publisher(TimeReference, "camera/image/missing", DEEP)
    seen = set()

    def pass_on(message: CompressedImage) -> None:
        name = (stamp_ns(message), message.format)
        if name in seen or read_tag(message.format).index % 2 == 0:
            forward.publish(message)
        seen.add(name)

    probe.node.create_subscription(CompressedImage, "camera/image/astc_strips", pass_on, DEEP)
    probe.node.create_subscription(TimeReference, "away/image/missing", back.publish, DEEP)
    probe.wait_for(forward.get_subscription_count, "the decoder to subscribe")
    spawn("camera", frames=3, rate=1.0, start_when_subscribed=True, exit_at_end=False, strips=True, strip_bytes=700, **SIZE)
    probe.wait_for(lambda: len(decoded) == 3 and len(raw) == 3, "the frames")
    for message, original in zip(decoded, raw):
        expected = codecs.decode(codecs.make_codec("astc").encode(pixels(original)))
        np.testing.assert_array_equal(pixels(message), expected)
    assert len(strips) >= 3 * 7 + 6
    probe.wait_for(lambda: status().get("strips") == "18" and int(sent().get("strips_resent", 0)) >= 6, "the counters")
    assert (status()["strips_missing"], status()["frames_partial"]) == ("0", "0")
    assert int(status()["strips_requested"]) >= 6


def test_requests_that_cannot_be_are_counted_and_no_strip_is_sent_for_ever(spawn, probe):
    strips = probe.listen(CompressedImage, "camera/image/astc_strips", DEEP)
    sent = probe.status_of("camera")
    ask = probe.node.create_publisher(TimeReference, "camera/image/missing", DEEP)
    spawn("camera", frames=1, start_when_subscribed=True, exit_at_end=False, strips=True, strip_bytes=700, **SIZE)
    # The last of the six comes twice.
    probe.wait_for(lambda: len(strips) == 7 and ask.get_subscription_count(), "the frame")
    request = TimeReference(header=strips[0].header)
    for source in ("", "/decoder", "/decoder 0/6", "/decoder 2-1/6", "/decoder 7/6", "/decoder 1/6; rm", "/decoder -1/6"):
        request.source = source
        ask.publish(request)
    probe.wait_for(lambda: sent().get("requests_malformed") == "7", "the count")
    request.source = "/decoder 2,4-5/6"
    for number in range(12):
        request.time_ref.sec = number
        ask.publish(request)
        ask.publish(request)  # as receivers do: the other copy counts for nothing
        time.sleep(0.02)
    request.header.stamp.sec -= 1  # a frame that was never there
    ask.publish(request)
    probe.wait_for(lambda: int(sent().get("strips_unanswered", 0)) >= 11 * 3 and len(strips) >= 10, "the strips sent again")
    # Half of what was sent, each strip once, whatever is asked.
    assert sorted(read_tag(m.format).index for m in strips[7:]) == [1, 3, 4]
    assert sent()["strips_resent"] == "3"


def test_answers_go_to_receivers_that_ask_again_twice(monkeypatch):
    """No node: who is answered how often."""
    monkeypatch.setattr(strip_requests, "Intake", lambda *_, **__: None)
    sent: list[int] = []

    class Publisher:
        def publish(self, message: CompressedImage) -> None:
            sent.append(read_tag(message.format).index)

    strips = strip_requests.SentStrips(None, "camera/image")
    for message in (m for k in range(8) for m in strip_messages(picture(k))):  # a stream, whose rate leaves room for answers
        strips.keep(message.header, read_tag(message.format).index, Publisher(), message.format, message.data)
    (first, *others) = strip_messages(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    for index, message in enumerate((first, *others)):
        strips.keep(first.header, index, Publisher(), message.format, message.data)

    def ask(source: str, seconds: int) -> list[int]:
        sent.clear()
        request = TimeReference(header=first.header, source=source)
        request.time_ref.sec = seconds
        strips._on_request(request)
        return list(sent)

    assert ask("/one 2/6", 1) == [1]
    assert ask("/two 2/6", 1) == []  # on its way to both
    time.sleep(0.002)
    assert ask("/two 2/6", 1) == ask("/one 2/6", 1) == []  # the other copies of the same requests
    assert ask("/three 2/6", 1) == [1]
    time.sleep(0.002)
    assert ask("/two 2/6", 2) == [1, 1]
    for number in range(1000):
        ask(f"/{number} 7/6", number)
        ask(f"/{'x' * 300} 1/6", number)
    assert strips.malformed == 2000
    assert strips.resent == 4


@pytest.mark.parametrize(("indices", "text"), [([2], "3"), ([0, 1, 2], "1-3"), ([2, 6, 7, 8, 44], "3,7-9,45")])
def test_numbers_of_strips_survive_the_text(indices, text):
    from plcv_ros.nodes.strip_requests import read_source, write_numbers

    assert write_numbers(indices) == text
    assert read_source(f"/decoder {text}/45") == indices


@pytest.mark.parametrize("text", ["", "0", "46", "3-2", "3,3", "7-9,8", "9,7", "1-99999," * 3 + "1", "1-45,1-45", "-3", "3,", "x"])
def test_requests_that_are_none(text):
    from plcv_ros.nodes.strip_requests import read_source

    assert read_source(f"/decoder {text}/45") is None
