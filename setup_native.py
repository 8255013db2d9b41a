# SPDX-License-Identifier: Apache-2.0
"""How the C++ extension is compiled; used by setup.py only."""

from __future__ import annotations

from glob import glob

from pybind11.setup_helpers import Pybind11Extension, build_ext


def native_extension() -> Pybind11Extension:
    """The extension module ``plcv_ros.codecs._native``: every .cpp below csrc/."""
    sources = sorted(glob("plcv_ros/codecs/csrc/**/*.cpp", recursive=True))
    return Pybind11Extension("plcv_ros.codecs._native", sources, include_dirs=["plcv_ros/codecs/csrc"], cxx_std=17)


class BuildNative(build_ext):
    """pybind11's build_ext; the place for flags a source file needs of its own."""
