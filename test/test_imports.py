# SPDX-License-Identifier: Apache-2.0
"""Every module can be imported with the libraries that are here, whatever their versions: nothing fails before it is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import plcv_ros

PACKAGE = Path(plcv_ros.__file__).parent
MODULES = sorted(".".join(("plcv_ros", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__") for path in PACKAGE.rglob("*.py"))
OPTIONAL = {
    *("torch", "rclpy", "sensor_msgs", "std_msgs", "diagnostic_msgs", "rosgraph_msgs", "rcl_interfaces", "builtin_interfaces"),
    *("launch", "launch_ros", "matplotlib", "cv2", "rosbags"),
}


def test_there_are_modules() -> None:
    assert {"plcv_ros.codecs.jpegxs.encoding", "plcv_ros.tracing.report", "plcv_ros.nodes.camera", "plcv_ros.cli.main"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_import(module: str) -> None:
    if module == "plcv_ros.graph.launching":
        # "launch" alone would find the folder of that name in a checkout.
        pytest.importorskip("launch_ros.actions", reason="launch and launch_ros are not installed")
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"{error.name} is not installed")
