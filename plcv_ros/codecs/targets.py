# SPDX-License-Identifier: Apache-2.0
"""Instruction-set targets. The bytes are the same on all of them; the environment variable PLCV_SIMD picks one, for tests and measurements."""

from __future__ import annotations

import os

from . import _native
from .errors import CodecError


def simd_targets() -> list[str]:
    """Targets that this machine can run, best first: some of "avx512", "avx2", "neon", and always "scalar"."""
    return _native.simd_targets()


def current_target() -> str:
    """The target that PLCV_SIMD names, or the best one. CodecError where this machine cannot run it."""
    available = simd_targets()
    wanted = os.environ.get("PLCV_SIMD", "")
    if not wanted:
        return available[0]
    if wanted not in available:
        raise CodecError(f"PLCV_SIMD is {wanted!r}, expected one of {', '.join(available)} on this machine")
    return wanted
