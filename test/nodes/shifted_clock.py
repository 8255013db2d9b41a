# SPDX-License-Identifier: Apache-2.0
"""Processes whose system clock is wrong by what a test says: an offset that may step, and a drift. Needs a C compiler and a dynamic linker."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")


class ShiftedClock:
    """``environment`` lets a process run on this clock; ``set`` changes it at once, in every process that does."""

    def __init__(self, folder: Path, offset_s: float = 0.0, drift_ppm: float = 0.0) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("a shifted clock needs a C compiler")
        library = folder / "shifted_clock.so"
        done = subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"the shifted clock does not compile here: {done.stderr.strip()[-200:]}")
        self._file = folder / "shifted_clock"
        self.set(offset_s, drift_ppm)
        # Two computers have no shared memory, whose health Fast DDS judges by the system clock.
        self.environment = {"LD_PRELOAD": str(library), "PLCV_TEST_CLOCK": str(self._file), "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}

    def set(self, offset_s: float, drift_ppm: float = 0.0) -> None:
        self._offset_ns, self._drift, self._from_ns = round(offset_s * 1e9), drift_ppm / 1e6, time.monotonic_ns()
        # Written in place: processes have the file mapped.
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:
            file.write(struct.pack("=qdq", self._offset_ns, self._drift, self._from_ns))

    def shift_ns(self) -> float:
        """By how much the clock is ahead now, ns."""
        return self._offset_ns + self._drift * (time.monotonic_ns() - self._from_ns)
