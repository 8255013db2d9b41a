# SPDX-License-Identifier: Apache-2.0
"""Whether something keeps this computer's clock right, asked of the kernel (adjtimex(2)) and of the process list."""

from __future__ import annotations

import ctypes
import ctypes.util
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("chronyd", "ptp4l", "phc2sys", "timemaster", "systemd-timesyn", "ntpd", "ntpsec")
"""As /proc/<pid>/comm shows them, cut at 15 characters."""

_UNSYNCHRONISED = 0x40  # STA_UNSYNC


class _Timex(ctypes.Structure):
    """struct timex up to the fields read here; the kernel's is larger, so the buffer is padded."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


@dataclass(frozen=True)
class ClockState:
    """``text`` for people; ``daemons`` that were seen running."""

    synchronised: bool
    text: str
    daemons: tuple[str, ...]


def clock_state() -> ClockState:
    """Ask the kernel; never raises."""
    daemons = _daemons()
    state = _Timex()
    try:
        library = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
        result = library.adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        result = -1
    if result < 0:
        return ClockState(bool(daemons), "the kernel does not say whether the clock is synchronised", daemons)
    if state.status & _UNSYNCHRONISED:
        return ClockState(False, "not synchronised, says the kernel", daemons)
    return ClockState(True, f"synchronised, says the kernel (estimated error {state.esterror / 1000:.3g} ms)", daemons)


def _daemons() -> tuple[str, ...]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            name = path.read_text().strip()
        except OSError:
            continue
        if name in DAEMONS:
            found.add(name)
    return tuple(sorted(found))
