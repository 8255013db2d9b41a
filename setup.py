# SPDX-License-Identifier: Apache-2.0
"""ament_python package and plain pip package. What ament needs (index marker, share files, lib/<pkg>/<node>) is data_files."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup

sys.path.insert(0, str(Path(__file__).parent))
from setup_native import BuildNative, deadline_extension, native_extension

PACKAGE = "plcv_ros"


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
        # pip ignores install_scripts, so the node executables that `ros2 run` and `ros2 launch` look for are data files.
        (f"lib/{PACKAGE}", files("scripts/*")),
    ],
    install_requires=["numpy>=1.21", "PyYAML>=5.4", "rich>=12"],
    extras_require={
        # The edge computer: frames in, payloads out. No torch.
        "edge": ["simplejpeg>=1.6", "opencv-python-headless>=4.5", "rosbags>=0.10", "av>=15.0"],
        # The remote computer: payloads in, labels out. No camera libraries beyond OpenCV's drawing.
        "remote": ["simplejpeg>=1.6", "opencv-python-headless>=4.5", "torch>=2.1", "safetensors>=0.4"],
        "report": ["matplotlib>=3.5"],
        # The search of `plcv tune`.
        "tune": ["cmaes>=0.10"],
        # ROS 2 Kilted as wheels (x86-64), for machines without a ROS installation.
        "ros": [
            "ros-rclpy[fastrtps]>=9.1",
            "ros-builtin-interfaces",
            "ros-sensor-msgs",
            "ros-diagnostic-msgs",
            "ros-std-msgs",
            "ros-rosgraph-msgs",
            "ros-rcl-interfaces",
        ],
        "test": [
            "pytest>=7",
            "pytest-timeout>=2.2",
            "pytest-xdist>=3.7",
            "hypothesis>=6.80",
            "astc-encoder-py>=0.1.10",
            "catkin-pkg>=1",
            "ruff>=0.6",
            "mypy>=1.10",
            "clang-format>=18",
        ],
    },
    entry_points={"console_scripts": ["plcv = plcv_ros.cli.main:main"]},
    zip_safe=False,
)
