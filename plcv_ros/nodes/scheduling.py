# SPDX-License-Identifier: Apache-2.0
"""How soon a thread of a node gets a core when something has arrived for it: without privileges, through Linux's own scheduler.

Linux (EEVDF, since 6.6) lets a running thread go on until its time slice has ended, up to the next tick of 1 to 4 ms, although a thread that
a packet has woken waits for the core. On a computer with few cores most of a frame's jitter comes from that. A thread may ask for a
shorter slice (since 6.12; sched_setattr(2), ``sched_runtime``): it does not get more of the cores, but its turns come sooner and are shorter.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

SLICE_NS = 100_000
"""The shortest that the kernel allows."""

_SYSTEM_CALLS = {"x86_64": 314, "aarch64": 274}


class _Attributes(ctypes.Structure):
    """struct sched_attr of linux/sched/types.h, its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def take_short_turns() -> bool:
    """Ask for short slices for this thread and those that it will start; False where that cannot be asked for.

    Kernels before 6.12 take the wish and do not act on it. A thread whose policy or slice the user has chosen (``chrt``) is left alone.
    """
    number = _SYSTEM_CALLS.get(platform.machine())
    if number is None or not sys.platform.startswith("linux") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    attributes = _Attributes(size=ctypes.sizeof(_Attributes), policy=os.SCHED_OTHER, nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=SLICE_NS)
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, 0, ctypes.byref(attributes), 0)) == 0
