# SPDX-License-Identifier: Apache-2.0
"""How the C++ extensions are compiled; used by setup.py only.

The wheel runs on any CPU of its architecture: only the kernels of an instruction set are compiled for it, one source file each, and the
extension picks one at run time. Nothing else in those files may be shared with the rest (plain constexpr tables, no standard library).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from setuptools import Extension
from setuptools.command.build_ext import build_ext

CSRC = "plcv_ros/codecs/csrc"

CACHE = Path("build/objects") / str(sys.implementation.cache_tag)
"""Below the folder of setup.py, one a Python, so that builds for several do not clear each other's; `make clean` removes it."""

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


def deadline_extension() -> Extension:
    """The extension module ``plcv_ros.nodes._deadline``: one file, nothing of the codecs."""
    return Extension(
        "plcv_ros.nodes._deadline",
        ["plcv_ros/nodes/csrc/deadline.cpp"],
        include_dirs=pybind11_headers(),
        extra_compile_args=[*COMMON_FLAGS, "-pthread"],
        extra_link_args=["-pthread"],
        language="c++",
    )


def object_key(source: Path, headers: Sequence[Path], command: Sequence[str]) -> str:
    """What an object file depends on: its source, every header, the compiler and its options, Python and pybind11."""
    try:
        pybind11 = version("pybind11")
    except PackageNotFoundError:
        pybind11 = ""
    digest = hashlib.sha256("\0".join([sys.version, platform.machine(), pybind11, *command]).encode())
    for path in (source, *sorted(headers)):
        digest.update(f"\0{path.as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


class ObjectCache:
    """Compiled objects of the latest build, in a folder: an editable installation, which starts from nothing each time, needs no compiler
    where nothing has changed. A folder that cannot be written is no cache."""

    def __init__(self, folder: Path, headers: Sequence[Path]) -> None:
        self._folder, self._headers = folder, headers
        self._used: set[str] = set()

    def compile(self, source: Path, obj: Path, command: Sequence[str], compile_one: Callable[[], None]) -> None:
        """Copy the object from the folder to ``obj``, or ``compile_one()`` and keep what it has left there."""
        name = f"{source.stem}-{object_key(source, self._headers, command)}.o"
        self._used.add(name)
        kept = self._folder / name
        with contextlib.suppress(OSError):
            obj.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kept, obj)
            return
        compile_one()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            copy = kept.with_suffix(f".{os.getpid()}")
            shutil.copyfile(obj, copy)
            copy.replace(kept)

    def clean(self) -> None:
        """Forget the objects that this build has not used."""
        for path in self._folder.glob("*.o"):
            if path.name not in self._used:
                path.unlink(missing_ok=True)


class BuildNative(build_ext):
    """setuptools' build_ext, with flags of their own for the files in TARGET_FLAGS, several files at a time, and objects kept between builds."""

    def build_extensions(self) -> None:
        compiler = self.compiler
        compile_all, compile_one = compiler.compile, compiler._compile
        words = [*(getattr(compiler, "compiler_so_cxx", None) or compiler.compiler_so)]
        known_compiler = [*words, subprocess.run([words[0], "--version"], capture_output=True, text=True, check=False).stdout]
        cache = ObjectCache(CACHE, [Path(header) for extension in self.extensions for header in extension.depends])

        def compile_together(*arguments: Any, **options: Any) -> Any:
            tasks: list[Future[None]] = []
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:

                def later(obj: str, src: str, ext: str, cc_args: Sequence[str], extra_postargs: Sequence[str], pp_opts: Sequence[str]) -> None:
                    flags = [*extra_postargs, *TARGET_FLAGS.get(Path(src).name, [])]
                    command = [*known_compiler, *(word for word in cc_args if not word.startswith("-I")), *flags]
                    one = partial(compile_one, obj, src, ext, cc_args, flags, pp_opts)
                    tasks.append(pool.submit(cache.compile, Path(src), Path(obj), command, one))

                compiler._compile = later
                objects = compile_all(*arguments, **options)
            for task in tasks:
                task.result()
            return objects

        compiler.compile = compile_together
        super().build_extensions()
        cache.clean()
