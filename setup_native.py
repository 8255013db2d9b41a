# SPDX-License-Identifier: Apache-2.0
"""How the C++ extension is compiled; used by setup.py only.

The wheel runs on any CPU of its architecture: only the kernels of an instruction set are compiled for it, one source file each, and the
extension picks one at run time. Nothing else in those files may be shared with the rest (plain constexpr tables, no standard library).
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from setuptools import Extension
from setuptools.command.build_ext import build_ext

CSRC = "plcv_ros/codecs/csrc"

# Bytes must not depend on the target: no fused multiply-add where the source says multiply, then add.
COMMON_FLAGS = ["-std=c++17", "-O3", "-g0", "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-maybe-uninitialized"]

# -O2 after -O3: with 16 registers the larger unrolling spills more than it saves.
TARGET_FLAGS = {
    "kernels_avx2.cpp": ["-O2", "-mavx2", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"],
    "kernels_avx512.cpp": [
        *("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vbmi", "-mavx512vnni", "-mavx512vbmi2"),
        *("-mgfni", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"),
    ],
    "kernels_neon.cpp": [],
}

TARGETS_OF_MACHINE = {
    "x86_64": {"kernels_avx2.cpp", "kernels_avx512.cpp"},
    "AMD64": {"kernels_avx2.cpp", "kernels_avx512.cpp"},
    "aarch64": {"kernels_neon.cpp"},
    "arm64": {"kernels_neon.cpp"},
}


def pybind11_headers() -> list[str]:
    """Where pip installed pybind11's headers; nothing where a distribution's (rosdep key pybind11-dev) lie in the compiler's own path."""
    try:
        import pybind11
    except ImportError:
        return []
    return [pybind11.get_include()]


def native_extension() -> Extension:
    """The extension module ``plcv_ros.codecs._native``: every .cpp below csrc/ that this architecture can run."""
    wanted = TARGETS_OF_MACHINE.get(platform.machine(), set())
    sources = [str(path) for path in sorted(Path(CSRC).rglob("*.cpp")) if path.name not in TARGET_FLAGS or path.name in wanted]
    headers = [str(path) for path in sorted(Path(CSRC).rglob("*.h"))]
    return Extension(
        "plcv_ros.codecs._native",
        sources,
        depends=headers,
        include_dirs=[CSRC, *pybind11_headers()],
        extra_compile_args=COMMON_FLAGS,
        language="c++",
    )


class BuildNative(build_ext):
    """setuptools' build_ext, with flags of their own for the files in TARGET_FLAGS."""

    def build_extensions(self) -> None:
        compile_one = self.compiler._compile

        def with_target_flags(obj: str, src: str, ext: str, cc_args: Sequence[str], extra_postargs: Sequence[str], pp_opts: Sequence[str]) -> Any:
            return compile_one(obj, src, ext, cc_args, [*extra_postargs, *TARGET_FLAGS.get(Path(src).name, [])], pp_opts)

        self.compiler._compile = with_target_flags
        super().build_extensions()
