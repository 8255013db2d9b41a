# SPDX-License-Identifier: Apache-2.0
"""Processes whose system clock is wrong by what is asked for: an offset that may step, and a drift. Needs a C compiler and a dynamic linker."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class ClockError(RuntimeError):
    """This computer has no means to shift a process's clock; the text says which is missing."""


class ShiftedClock:
    """``environment`` lets a process run on this clock; ``set`` changes it at once, in every process that does. ``folder`` takes its files.

    Raises ClockError where it cannot be built.
    """

    def __init__(self, folder: Path, offset_s: float = 0.0, drift_ppm: float = 0.0) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise ClockError("a shifted clock needs a C compiler")
        library = folder / "shifted_clock.so"
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClockError(f"the shifted clock does not compile here: {done.stderr.strip()[-200:]}")
        self._file = folder / "shifted_clock"
        self.set(offset_s, drift_ppm)
        # Two computers have no shared memory, whose health Fast DDS judges by the system clock.
        self.environment = {"LD_PRELOAD": str(library), "PLCV_SHIFTED_CLOCK": str(self._file), "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}

    def set(self, offset_s: float, drift_ppm: float = 0.0) -> None:
        """From now on the clock is ahead by ``offset_s`` seconds, and gains ``drift_ppm`` microseconds a second."""
        self._offset_ns, self._drift, self._from_ns = round(offset_s * 1e9), drift_ppm / 1e6, time.monotonic_ns()
        # Written in place: processes have the file mapped.
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:
            file.write(struct.pack("=qdq", self._offset_ns, self._drift, self._from_ns))

    def shift_ns(self) -> float:
        """By how much the clock is ahead now, ns."""
        return self._offset_ns + self._drift * (time.monotonic_ns() - self._from_ns)
