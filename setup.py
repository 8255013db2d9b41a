# SPDX-License-Identifier: Apache-2.0
"""ament_python package and plain pip package. What ament needs (index marker, share files, lib/<pkg>/<node>) is data_files."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from setuptools import find_packages, setup

# Resolved: `colcon build --symlink-install` runs a link to this file.
sys.path.insert(0, str(Path(__file__).resolve().parent))
from setup_native import BuildNative, deadline_extension, native_extension

PACKAGE = "plcv_ros"
REQUIREMENTS = runpy.run_path(str(Path(__file__).resolve().with_name(PACKAGE) / "requirements.py"))


def files(pattern: str) -> list[str]:
    return sorted(str(path) for path in Path().glob(pattern) if path.is_file())


setup(
    name=PACKAGE,
    version="0.1.0",
    description="Offload a robot's camera to a remote neural network at the lowest latency the link allows",
    author="plcv_ros maintainers",
    maintainer="plcv_ros maintainers",
    maintainer_email="maintainers@example.org",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["py.typed", "weights/*", "codecs/jpegxs/tuned/*"]},
    ext_modules=[native_extension(), deadline_extension()],
    cmdclass={"build_ext": BuildNative},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", files("launch/*.launch.py")),
        (f"share/{PACKAGE}/config", files("config/*")),
        (f"share/{PACKAGE}/config/security/policies", files("config/security/policies/*.xml")),
        # pip ignores install_scripts, so the node executables that `ros2 run` and `ros2 launch` look for are data files.
        (f"lib/{PACKAGE}", files("scripts/*")),
    ],
    install_requires=list(REQUIREMENTS["INSTALL"]),
    extras_require={extra: list(lines) for extra, lines in REQUIREMENTS["EXTRAS"].items()},
    entry_points={"console_scripts": ["plcv = plcv_ros.cli.main:main"]},
    zip_safe=False,
)
