# SPDX-License-Identifier: Apache-2.0
"""H.264 without delay (libx264 through PyAV), what users of ffmpeg_image_transport have: a camera and a receiver for benchmarks/link.py.

    python h264.py camera PICTURES RATE FRAMES BIT_RATE FILE     publishes; writes what it measured as JSON
    python h264.py receiver RELIABLE FILE                       receives, decodes; writes the CSV file of recorder.py

Settings: ultrafast, zerolatency, one reference picture a second, constant bit rate (every frame fits its share), two
slices and threads. Messages are received as the package's own nodes receive theirs. A frame counts
as delivered where every frame since the last intra picture was; later ones show the damage of what is missing.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage

from links.recorder import write
from plcv_ros.camera import open_source
from plcv_ros.nodes.conversion import to_header, to_ns
from plcv_ros.nodes.intake import Intake
from plcv_ros.nodes.mailbox import Mailbox
from plcv_ros.nodes.scheduling import take_short_turns

TOPIC = "camera/image/h264"
FRAMES_PER_INTRA = 30
THREADS = 2


def profile(reliable: bool) -> QoSProfile:
    """Keep last 5, for best effort too: video that lacks a frame is broken until the next intra picture."""
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=reliability)


def encoder(width: int, height: int, rate: float, bits_per_second: int) -> Any:
    """A libx264 context."""
    import av

    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(rate).limit_denominator(1000), 1 / Fraction(rate).limit_denominator(1000)
    context.bit_rate, context.gop_size, context.thread_count = bits_per_second, FRAMES_PER_INTRA, THREADS
    kilobits = bits_per_second // 1000
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"vbv-maxrate={kilobits}:vbv-bufsize={round(kilobits / rate)}:nal-hrd=cbr:repeat-headers=1",
    }
    return context


def camera(pictures: str, rate: float, frames: int, bits_per_second: int, out: Path) -> None:
    """Publish ``frames`` frames at ``rate``; a publishing thread as the package's camera node has, the newest frame wins."""
    import av

    source = open_source(pictures, rate=rate, loop=True)
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(CompressedImage, TOPIC, profile(True))
    threading.Thread(target=lambda: rclpy.spin(node), daemon=True).start()
    while not publisher.get_subscription_count():
        time.sleep(0.02)
    time.sleep(1.5)
    mailbox: Mailbox[CompressedImage] = Mailbox()
    encode_ms: list[float] = []
    publish_ms: list[float] = []
    size = 0

    def publish() -> None:
        while (message := mailbox.get()) is not None:
            start = time.perf_counter()
            publisher.publish(message)
            publish_ms.append(1e3 * (time.perf_counter() - start))

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    context, dropped, due = encoder(source.width, source.height, rate, bits_per_second), 0, time.monotonic()
    for number in range(frames):
        frame = source.read()
        assert frame is not None
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / rate
        message = CompressedImage()
        message.header = to_header(time.time_ns(), str(number))
        start = time.perf_counter()
        picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24").reformat(format="yuv420p")
        picture.pts = number
        payload = b"".join(bytes(packet) for packet in context.encode(picture))
        encode_ms.append(1e3 * (time.perf_counter() - start))
        size += len(payload)
        message.format = "h264"
        data = array("B")
        data.frombytes(payload)
        message.data = data
        dropped += mailbox.put(message) is not None
    mailbox.close()
    thread.join(2.0)
    time.sleep(0.5)
    values = {"encode_ms": encode_ms, "publish_ms": publish_ms, "bytes": size / frames, "dropped": dropped}
    out.write_text(json.dumps(values), encoding="utf-8")


class Receiver:
    """Decodes every frame in order, which video needs; counts a frame whose chain is broken as missing all rows."""

    def __init__(self, out: Path) -> None:
        import av

        self._av = av
        self._out = out
        self._decoder = self._fresh()
        self._next = 0
        self._broken = True
        self.rows: list[tuple[int, int, str]] = []

    def _fresh(self) -> Any:
        context = self._av.CodecContext.create("h264", "r")
        # Slices of one frame at a time: threads that work on several frames would hold them back.
        context.thread_count, context.thread_type = THREADS, "SLICE"
        context.options = {"flags": "low_delay"}
        return context

    def __call__(self, message: CompressedImage) -> None:
        number = int(message.header.frame_id)
        packet = self._av.Packet(bytes(message.data))
        if number % FRAMES_PER_INTRA == 0:
            self._broken = False
        elif number != self._next:
            self._broken = True
        self._next = number + 1
        try:
            pictures = self._decoder.decode(packet)
        except self._av.error.FFmpegError:
            self._broken = True
            return
        for picture in pictures:
            image = picture.to_ndarray(format="rgb24")
            missing = f"0-{image.shape[0] - 1}" if self._broken else ""
            self.rows.append((to_ns(message.header.stamp), time.time_ns(), missing))


class ThreadedNode(Node):  # type: ignore[misc]  # rclpy is not seen by the type checker
    """The part of the package's nodes that an Intake needs."""

    def thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Start a thread."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread


def receiver(reliable: bool, out: Path) -> None:
    """Receive until interrupted."""
    node, receive, ended = ThreadedNode("receiver"), Receiver(out), threading.Event()
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    intake = Intake(node, CompressedImage, [TOPIC], receive, profile(reliable))
    ended.wait()
    intake.close()
    write(out, receive.rows)


if __name__ == "__main__":
    take_short_turns()
    rclpy.init()
    if sys.argv[1] == "camera":
        camera(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]), Path(sys.argv[6]))
    else:
        receiver(sys.argv[2] == "1", Path(sys.argv[3]))
