# SPDX-License-Identifier: Apache-2.0
"""Threads that ask for short slices get them, keep their niceness, and hand both on."""

from __future__ import annotations

import ctypes
import os
import platform
import threading

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from plcv_ros.nodes import scheduling

READ = {"x86_64": 315, "aarch64": 275}.get(platform.machine())
KERNEL = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2]) if os.name == "posix" else (0, 0)


def attributes() -> tuple[int, int]:
    """(slice in ns, niceness) of the calling thread."""
    read = scheduling._Attributes()
    assert ctypes.CDLL(None).syscall(READ, 0, ctypes.byref(read), ctypes.sizeof(read), 0) == 0
    return int(read.runtime), int(read.nice)


@pytest.mark.skipif(READ is None or KERNEL < (6, 12), reason="Linux 6.12 or later on x86-64 or arm64 is needed to see it")
def test_short_turns_are_taken_over_by_threads_that_are_started():
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        pytest.skip("the tests run under another policy than the ordinary one")
    seen: dict[str, tuple[int, int]] = {}
    niceness = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 3)

    def parent() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        seen["before"] = attributes()
        assert scheduling.take_short_turns()
        seen["after"] = attributes()
        child = threading.Thread(target=lambda: seen.update(child=attributes()))
        child.start()
        child.join()

    thread = threading.Thread(target=parent)
    thread.start()
    thread.join()
    assert seen["before"][0] > scheduling.SLICE_NS
    assert seen["after"] == seen["child"] == (scheduling.SLICE_NS, niceness)


def test_a_policy_that_the_user_chose_is_left_alone(monkeypatch):
    monkeypatch.setattr(os, "sched_getscheduler", lambda _pid: os.SCHED_FIFO)
    assert not scheduling.take_short_turns()


def test_machines_without_a_known_system_call_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not scheduling.take_short_turns()
