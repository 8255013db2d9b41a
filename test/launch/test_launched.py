# SPDX-License-Identifier: Apache-2.0
"""The offload launch file, started by launch itself: frames flow, the nodes end cleanly, the report is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plcv_ros.graph import build, share_directory

launch_pytest = pytest.importorskip("launch_pytest", reason="launch_pytest is not installed (it comes with a ROS distribution)")
pytest.importorskip("torch", reason="torch is not installed")

FRAMES_WANTED = 3
EXIT_CODES: dict[str, int] = {}


@launch_pytest.fixture
def offload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from launch import LaunchDescription
    from launch.actions import IncludeLaunchDescription, RegisterEventHandler
    from launch.event_handlers import OnProcessExit
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    arguments = {"width": "160", "height": "96", "localhost_only": "true", "output": str(tmp_path / "report"), "namespace": "robot"}
    # The test listens too, so it lives in the nodes' DDS environment.
    for name, value in {**build("offload", arguments).environment, "ROS_DOMAIN_ID": "34", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    EXIT_CODES.clear()
    file = PythonLaunchDescriptionSource(str(share_directory() / "launch" / "offload.launch.py"))
    return LaunchDescription(
        [
            RegisterEventHandler(OnProcessExit(on_exit=lambda event, _: EXIT_CODES.update({event.process_name: event.returncode}))),
            IncludeLaunchDescription(file, launch_arguments=list(arguments.items())),
            launch_pytest.actions.ReadyToTest(),
        ]
    )


@pytest.mark.launch(fixture=offload)
def test_frames_flow_and_nodes_end_cleanly(tmp_path: Path) -> Any:
    from plcv_ros.nodes.monitor import DiagnosticsMonitor

    with DiagnosticsMonitor("judge") as monitor:
        arrived = monitor.wait_for(lambda nodes: int(nodes.get("segmentation", {}).get("segmented", 0)) >= FRAMES_WANTED, 60.0)
        assert arrived, monitor.latest()
    yield  # launch shuts down
    assert len(EXIT_CODES) == 3
    assert set(EXIT_CODES.values()) == {0}
    assert (tmp_path / "report" / "latency.json").is_file()
