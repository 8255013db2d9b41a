# SPDX-License-Identifier: Apache-2.0
"""The sender against publishers that block: the newest frame wins, buffers are not overwritten while they are published."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from plcv_ros import codecs
from plcv_ros.nodes import adaptive, conversion
from plcv_ros.nodes import sender as sender_module
from plcv_ros.nodes.parameters import CAMERA


class SlowPublisher:
    """Blocks in publish() until told to go on, and copies what it was given only then, as a slow link would."""

    def __init__(self, subscribers: int = 1) -> None:
        self.subscribers = subscribers
        self.published: list[tuple[int, bytes]] = []
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def get_subscription_count(self) -> int:
        return self.subscribers

    def publish(self, message) -> None:
        self.entered.release()
        assert self.go_on.acquire(timeout=60)
        self.published.append((message.header.stamp.sec, bytes(message.data)))

    def wait_for_all_acked(self, timeout) -> bool:
        return True


class StubNode:
    def __init__(self) -> None:
        self.values = {row.name: row.default for row in CAMERA}
        self.noted: list[tuple[int, str]] = []
        self.errors: list[str] = []
        self.events = SimpleNamespace(note=self._note, flush=lambda: None)
        self.threads: list[threading.Thread] = []

    def _note(self, header, event, time_ns=None) -> None:
        self.noted.append((header.stamp.sec, event))

    def get_logger(self):
        return SimpleNamespace(error=self.errors.append, warning=self.errors.append)

    def thread(self, name, work):
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def resolve_topic_name(self, name: str) -> str:
        return f"/{name}"


@pytest.fixture
def publishers(monkeypatch):
    made: dict[str, SlowPublisher] = {}

    def create(node, message_type, topic, profile, on_demand=None):
        made[topic] = SlowPublisher(subscribers=1 if topic in {"image/astc", "image/jxs"} else 0)
        return made[topic]

    monkeypatch.setattr(sender_module.qos, "create_publisher", create)
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "fastdds.xml")  # nodes warn of transports without it
    # Publishers here wait for the test, which must not wait for them in turn.
    monkeypatch.setattr(sender_module, "QUICK_S", 0.0)
    return made


def frame(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), number * 20, np.uint8)


def test_the_newest_frame_wins(publishers):
    node = StubNode()
    sender = sender_module.FrameSender(node, "image", offer_raw=True, info_topic="info", labels_topic="labels")
    sender.start()
    slow = publishers["image/astc"]
    sender.send(conversion.to_header(1_000_000_000, "c"), frame(1), "rgb8")
    assert slow.entered.acquire(timeout=60)  # frame 1 is stuck in publish()
    for number in range(2, 7):
        sender.send(conversion.to_header(number * 1_000_000_000, "c"), frame(number), "rgb8")
    for _ in range(2):
        slow.go_on.release()
    sender.drain()
    # 2 to 5 were overwritten while 1 was on its way; what was published is what was encoded, not a buffer used again.
    assert [number for number, _ in slow.published] == [1, 6]
    for number, payload in slow.published:
        assert payload == bytes(codecs.make_codec("astc").encode(frame(number)))
    assert sender.counters.dropped == 4
    assert sender.counters.published == 2
    assert sender.counters.encoded == 6
    assert [number for number, event in node.noted if event == "dropped"] == [2, 3, 4, 5]
    assert [number for number, event in node.noted if event == "published"] == [1, 6]
    assert not publishers["image"].published  # nobody subscribes to the raw image


def test_nothing_is_done_for_nobody(publishers):
    node = StubNode()
    sender = sender_module.FrameSender(node, "image", offer_raw=True, info_topic="info", labels_topic="labels")
    publishers["image/astc"].subscribers = 0
    assert not sender.wanted()
    sender.send(conversion.to_header(1_000_000_000, "c"), frame(1), "rgb8", labels=np.zeros((48, 64), np.uint8))
    assert sender.counters.encoded == 0
    assert node.noted == []


def test_sizes_may_change(publishers):
    node = StubNode()
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    sender.start()
    slow = publishers["image/astc"]
    sizes = [(64, 48), (8, 8), (100, 20), (64, 48)]
    for number, size in enumerate(sizes, 1):
        slow.go_on.release()
        sender.send(conversion.to_header(number * 1_000_000_000, "c"), frame(number, size), "rgb8")
        end = time.monotonic() + 60
        while len(slow.published) < number and time.monotonic() < end:
            time.sleep(0.005)
    sender.stop()
    assert [codecs.decode(payload).shape[1::-1] for _, payload in slow.published] == sizes


def test_frames_that_the_codec_refuses_are_counted_and_said_once(publishers):
    node = StubNode()
    node.values.update(codec="jxs", jxs_bpp=3.0)
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    sender.start()
    slow = publishers["image/jxs"]
    for number, width in enumerate((16, 16, 640), 1):
        slow.go_on.release()
        sender.send(conversion.to_header(number * 1_000_000_000, "c"), frame(number, (width, 96)), "rgb8")
    sender.drain()
    assert [number for number, _ in slow.published] == [3]
    assert (sender.counters.failed, sender.counters.encoded, sender.counters.dropped) == (2, 1, 0)
    (error,) = node.errors
    assert error.startswith("a frame is dropped: bpp gives 576 bytes, too few for 16x96 pixels: the smallest possible bpp is")
    assert error.endswith("more of them are only counted (failed on /diagnostics)")
    assert [number for number, event in node.noted if event == "dropped"] == [1, 2]


def test_a_rate_that_the_frames_do_not_fit_is_refused_when_it_is_set(publishers):
    node = StubNode()
    node.values.update(codec="jxs", jxs_bpp=3.0)
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    sender.set_codec({**node.values, "jxs_bpp": 0.1})  # no frame is known yet
    sender.set_codec({**node.values, "jxs_preset": "main", "jxs_significance": "never"})
    assert (sender.codec.preset, sender.codec.tools.significance) == ("main", False)
    sender.send(conversion.to_header(1_000_000_000, "c"), frame(1, (640, 96)), "rgb8")
    with pytest.raises(codecs.CodecError, match=r"bpp is 0\.1, expected at least 0\.\d+ for 640x96 pixels"):
        sender.set_codec({**node.values, "jxs_bpp": 0.1})
    assert sender.codec.bpp == 3.0, "the old settings stay"


def test_weights_of_the_bands_by_name(publishers):
    node = StubNode()
    node.values.update(codec="jxs", jxs_bpp=2.0, jxs_preset="main", jxs_weights="segmentation_main")
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    picture = frame(1, (640, 96))
    tuned = bytes(sender.codec.encode(picture))
    assert tuned == bytes(codecs.make_codec("jxs", bpp=2.0, preset="main", weights="segmentation_main").encode(picture))
    sender.set_codec({**node.values, "jxs_weights": ""})
    assert bytes(sender.codec.encode(picture)) != tuned
    with pytest.raises(codecs.CodecError, match=r"weights file nosuch cannot be read.*segmentation_main"):
        sender.set_codec({**node.values, "jxs_weights": "nosuch"})


def test_auto_refuses_what_a_codec_of_its_ladder_does_not_bear(publishers, monkeypatch):
    """When it is set, not seconds later when the link changes; and it is offered pixels that every codec takes."""
    monkeypatch.setattr(adaptive, "DeliveryListener", lambda *_: SimpleNamespace(malformed=0, refused=0, reporters=frozenset({"segmentation"})))
    node = StubNode()
    node.values.update(codec="auto", jxs_weights="nosuch")
    with pytest.raises(codecs.CodecError, match="weights file nosuch cannot be read"):
        sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    node.values.update(jxs_weights="")
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    with pytest.raises(codecs.CodecError, match="weights file nosuch cannot be read"):
        sender.set_codec({**node.values, "jxs_weights": "nosuch"})
    formats = sender.pixel_formats
    sender.send(conversion.to_header(1_000_000_000, "c"), frame(1, (640, 96)), "rgb8")
    assert sender.codec is not None
    assert sender.pixel_formats == formats == set(codecs.PIXEL_FORMATS) & set(codecs.JxsCodec(3.0).pixel_formats)


@pytest.mark.parametrize(("pixel_format", "channels"), [("rgb8", 3), ("bgra8", 4), ("mono8", None), ("yuv422", 2), ("yuv422_yuy2", 2)])
def test_jpeg_xs_takes_pixels_as_they_are(publishers, pixel_format, channels):
    node = StubNode()
    node.values.update(codec="jxs", jxs_bpp=6.0)
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    assert pixel_format in sender.pixel_formats
    sender.start()
    slow = publishers["image/jxs"]
    slow.go_on.release()
    image = np.random.default_rng(1).integers(0, 256, (48, 64) if channels is None else (48, 64, channels), np.uint8)
    sender.send(conversion.to_header(1_000_000_000, "c"), image, pixel_format)
    sender.drain()
    ((_, payload),) = slow.published
    assert payload == bytes(codecs.make_codec("jxs", bpp=6.0).encode(image, pixel_format))
    fields = codecs.jpegxs.header(payload)
    assert (fields["Nc"], fields["sx"]) == {"mono8": (1, (1,)), "rgb8": (3, (1, 1, 1)), "bgra8": (3, (1, 1, 1))}.get(pixel_format, (3, (1, 2, 2)))


def test_quick_frames_are_published_by_the_caller_and_slow_ones_never_overtaken(publishers, monkeypatch):
    """A publisher that blocks now and then, without a pause between frames: each frame once, in order, or dropped."""
    monkeypatch.setattr(sender_module, "QUICK_S", 0.02)
    node = StubNode()
    sender = sender_module.FrameSender(node, "image", offer_raw=False, info_topic=None)
    sender.start()
    published: list[tuple[int, bool]] = []
    caller = threading.current_thread()

    def publish(message) -> None:
        number = message.header.stamp.sec
        if number % 20 == 0:
            time.sleep(0.05)
        published.append((number, threading.current_thread() is caller))

    publishers["image/astc"].publish = publish
    for number in range(1, 200):
        sender.send(conversion.to_header(number * 1_000_000_000, "front"), frame(1), "rgb8")
        if number % 5 == 0:
            sender.wait_sent(1.0)
    sender.drain()
    numbers = [number for number, _ in published]
    assert numbers == sorted(set(numbers))
    dropped = {number for number, event in node.noted if event == "dropped"}
    assert set(numbers) | dropped == set(range(1, 200))
    assert not set(numbers) & dropped
    assert {by_caller for _, by_caller in published} == {True, False}
