# SPDX-License-Identifier: Apache-2.0
"""How graphs end, by ``plcv up`` and by launch: a dead node is named and makes the exit status 1, the end of the source makes it 0."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plcv_ros.graph import share_directory

LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
file, *words = sys.argv[1:]
service = LaunchService(argv=words, noninteractive=True)
arguments = [tuple(word.split(":=", 1)) for word in words]
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(AnyLaunchDescriptionSource(file), launch_arguments=arguments)]))
sys.exit(service.run())
"""
"""What `ros2 launch` does with a launch file."""

QUIET = ("localhost_only:=true", "width:=160", "height:=96", "rate:=20")
NO_CAMERA = "/dev/video99"


def has_launch() -> bool:
    try:
        return importlib.util.find_spec("launch_ros.actions") is not None
    except ModuleNotFoundError:
        return False


class Started:
    """A graph in a process of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(command, env=environment, cwd=log.parent, stdout=file, stderr=subprocess.STDOUT)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, times: int = 1) -> None:
        end = time.monotonic() + 100
        while self.text.count(text) < times:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < end, f"no {text!r} in\n{self.text}"
            time.sleep(0.05)

    def end(self) -> int:
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on for ever:\n{self.text}")


@pytest.fixture(params=["up", pytest.param("launch", marks=pytest.mark.skipif(not has_launch(), reason="launch and launch_ros are not installed"))])
def start(request: pytest.FixtureRequest, domain: int, tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """``start("edge", "frames:=2")``."""
    running: list[Started] = []

    def begin(graph: str, *words: str) -> Started:
        if request.param == "up":
            command = [sys.executable, "-m", "plcv_ros.cli.main", "up", graph, *words]
        else:
            command = [sys.executable, "-c", LAUNCH, str(share_directory() / "launch" / f"{graph}.launch.py"), *words]
        environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "ROS_LOG_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
        running.append(Started(command, environment, tmp_path / "log"))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGINT)
            try:
                one.process.wait(30)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()


def processes_of(graph: Started) -> list[int]:
    """Ids of the processes that the graph has started."""
    word, found = f"ROS_LOG_DIR={graph.log.parent}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # ended meanwhile, or another user's
            if word in path.read_bytes():
                found.append(int(path.parent.name))
    return found


CAMERAS = ("many_cameras", "cameras:=front,rear", "side:=edge", *QUIET)


def test_a_dead_camera_ends_the_graph(start: Callable[..., Started]) -> None:
    graph = start(*CAMERAS, f"sources:=scenes,{NO_CAMERA}")
    assert graph.end() == 1, graph.text
    assert "rear/camera died (exit status 1); its last lines:" in graph.text
    told = graph.text.split("its last lines:")[1]
    assert f"camera {NO_CAMERA} cannot be opened" in told


def test_a_killed_camera_ends_the_graph(start: Callable[..., Started]) -> None:
    graph = start(*CAMERAS)
    graph.wait_for("160x96", times=2)
    mine = [pid for pid in processes_of(graph) if "__ns:=/rear" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(mine) == 1
    os.kill(mine[0], signal.SIGKILL)
    assert graph.end() == 1, graph.text
    assert "rear/camera died (killed by SIGKILL)" in graph.text


def test_the_graph_ends_when_all_its_sources_have(start: Callable[..., Started]) -> None:
    graph = start(*CAMERAS, "frames:=2")
    assert graph.end() == 0, graph.text
    assert graph.text.count("the last of 2 frames is sent") == 2, graph.text
    assert "died" not in graph.text


def test_respawn_starts_a_dead_camera_again(start: Callable[..., Started]) -> None:
    graph = start(*CAMERAS, f"sources:=scenes,{NO_CAMERA}", "use_respawn:=true", "respawn_delay:=0.5")
    graph.wait_for("it is started again in 0.5 s", times=3)
    assert graph.text.count("160x96") == 1, "the other camera goes on"
    graph.process.send_signal(signal.SIGINT)
    assert graph.end() == 0, graph.text


def test_ctrl_c_is_no_failure(start: Callable[..., Started]) -> None:
    graph = start("edge", "source:=scenes", *QUIET[1:])
    graph.wait_for("160x96")
    graph.process.send_signal(signal.SIGINT)
    assert graph.end() == 0, graph.text
    assert "died" not in graph.text
