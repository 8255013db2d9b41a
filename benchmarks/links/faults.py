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
publisher = node.create_publisher(CompressedImage, "camera/image/astc", 5)
while not publisher.get_subscription_count():
    time.sleep(0.05)
rng = random.Random(1)
header = bytes.fromhex("13aba15c080801")
end, sent = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    payload = (header if rng.random() < 0.5 else b"") + rng.randbytes(rng.randrange(0, 4000))
    message = CompressedImage(format="rgb8; astc compressed rgb8 8x8", data=array("B", payload))
    message.header.stamp.sec = int(time.time())
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
    """Send malformed payloads from the camera's computer, up to 500 a second; gone after the last one."""
    out, _ = computers.run("camera", ["-c", FLOOD, str(seconds)]).communicate(timeout=60 + seconds)
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
    """A fault by its name in tables."""

    name: str
    cause: Callable[[TwoComputers], int]


FAULTS = (
    Fault("camera killed, started again", partial(kill, name="camera")),
    Fault("segmentation killed, started again", partial(kill, name="segmentation")),
    Fault(f"link pulled for {PULLED_S:g} s", pull_link),
    Fault(f"segmentation stopped for {STILL_S:g} s, queues full", stand_still),
    Fault(f"malformed payloads for {FLOOD_S:g} s", flood),
    Fault("camera's clock jumps an hour ahead", partial(set_clock, offset_s=HOUR_S)),
    Fault("camera's clock jumps two hours back", partial(set_clock, offset_s=-HOUR_S)),
    Fault("camera's clock jumps to the right time", partial(set_clock, offset_s=0.0)),
)
