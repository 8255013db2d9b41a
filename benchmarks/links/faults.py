# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between two computers, caused on purpose: kills, a pulled plug, a full queue, floods, a clock that jumps.

Each function causes one fault, lets it last, and returns when it had gone (monotonic clock, ns): `TwoComputers.recovery_s` counts from there.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from links.two_computers import LINK, TwoComputers
from plcv_ros.nodes import wire

PULLED_S = 10.0
STILL_S = 5.0
FLOOD_S = 4.0
HOUR_S = 3600.0

FLOOD = """
import random, sys, time, rclpy
from array import array
from sensor_msgs.msg import CompressedImage
rclpy.init()
node = rclpy.create_node("flood")
topic, strips = sys.argv[2], sys.argv[2].endswith("strips")
publisher = node.create_publisher(CompressedImage, topic, 5)
while not publisher.get_subscription_count():
    time.sleep(0.05)
rng = random.Random(1)
header = bytes.fromhex("13aba15c080801")
whole = header + (160).to_bytes(3, "little") + (8).to_bytes(3, "little") + b"\\x01\\0\\0" + bytes(20 * 16)
# No strip, strips that cannot be, strips of pictures that are too large, and strips that look right, of frames that never come.
tags = ["", " strip 0/12 row 0/96", " strip 7/3 row 8/96", " strip 99999/99999 row 5/16385", " strip 2/12 row 900/96", " strip 2/16384 row 1/16384"]
end, sent = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    payload = (header if rng.random() < 0.5 else b"") + rng.randbytes(rng.randrange(0, 4000))
    tag = ""
    if strips:
        tag = rng.choice([*tags, f" strip {rng.randrange(1, 13)}/12 row {8 * rng.randrange(12)}/96"])
        payload = whole if rng.random() < 0.2 else payload
    message = CompressedImage(format="rgb8; astc compressed rgb8 8x8" + tag, data=array("B", payload))
    # Stamps of their own, so that none is taken for a late strip of a frame that is done with.
    message.header.stamp.sec, message.header.stamp.nanosec = int(time.time()), rng.randrange(10**9)
    message.header.frame_id = "flood"
    publisher.publish(message)
    sent += 1
    time.sleep(0.002)
print(sent, time.monotonic_ns(), flush=True)
"""


def kill(computers: TwoComputers, name: str) -> int:
    """Kill the node ``name`` and start its successor; gone when that is ready."""
    computers.nodes[name].kill()
    computers.silence()
    successor = computers.start(name)
    return int(computers.wait(successor.ready_ns, f"the new {name} node"))


def _last(computers: TwoComputers, seconds: float) -> None:
    """Wait for ``seconds``, and until no labels come any more."""
    end = time.monotonic() + seconds
    computers.silence()
    time.sleep(max(0.0, end - time.monotonic()))


def pull_link(computers: TwoComputers, seconds: float = PULLED_S) -> int:
    """Pull the plug for ``seconds``."""
    computers.network.cut()
    _last(computers, seconds)
    gone = time.monotonic_ns()
    computers.network.change(LINK)
    return gone


def stand_still(computers: TwoComputers, seconds: float = STILL_S) -> int:
    """Let the network's node stand still, so that queues on both sides fill up."""
    computers.nodes["segmentation"].signal(signal.SIGSTOP)
    _last(computers, seconds)
    gone = time.monotonic_ns()
    computers.nodes["segmentation"].signal(signal.SIGCONT)
    return gone


def flood(computers: TwoComputers, seconds: float = FLOOD_S) -> int:
    """Send malformed payloads, or strips, from the camera's computer, up to 500 a second; gone after the last one."""
    topic = wire.topic("camera/image", "astc", computers.strips)
    out, _ = computers.run("camera", ["-c", FLOOD, str(seconds), topic]).communicate(timeout=60 + seconds)
    sent, gone = (int(word) for word in out.split())
    if not sent:
        raise RuntimeError("the flood sent nothing")
    return gone


def set_clock(computers: TwoComputers, offset_s: float) -> int:
    """Let the camera's clock jump, so that it is ahead by ``offset_s`` seconds; gone at once."""
    gone = time.monotonic_ns()
    computers.clock.set(offset_s)
    return gone


@dataclass(frozen=True)
class Fault:
    """A fault by its name in tables; ``strips``: of computers that send frames in strips."""

    name: str
    cause: Callable[[TwoComputers], int]
    strips: bool = False


FAULTS = (
    Fault("camera killed, started again", partial(kill, name="camera")),
    Fault("segmentation killed, started again", partial(kill, name="segmentation")),
    Fault(f"link pulled for {PULLED_S:g} s", pull_link),
    Fault(f"segmentation stopped for {STILL_S:g} s, queues full", stand_still),
    Fault(f"malformed payloads for {FLOOD_S:g} s", flood),
    Fault("camera's clock jumps an hour ahead", partial(set_clock, offset_s=HOUR_S)),
    Fault("camera's clock jumps two hours back", partial(set_clock, offset_s=-HOUR_S)),
    Fault("camera's clock jumps to the right time", partial(set_clock, offset_s=0.0)),
    Fault("strips: camera killed, started again", partial(kill, name="camera"), strips=True),
    Fault(f"strips: link pulled for {PULLED_S:g} s", pull_link, strips=True),
    Fault(f"strips: malformed ones for {FLOOD_S:g} s", flood, strips=True),
)
