# SPDX-License-Identifier: Apache-2.0
"""What the end of a node means for its graph: which ends end it, with which exit status, and what is started again."""

from __future__ import annotations

import signal

import pytest

from plcv_ros.graph import ArgumentError, build
from plcv_ros.graph.supervision import DRAIN_S, Next, Supervisor, describe_exit, last_lines


def supervisor(name: str = "offload", **given: str) -> tuple[Supervisor, dict]:
    graph = build(name, {**({"source": "bag"} if name == "replay" else {}), **given})
    return Supervisor(graph), {node.qualified_name: node for node in graph.nodes}


def test_which_nodes_a_graph_needs() -> None:
    _, nodes = supervisor(evaluation="true", decoder="true")
    assert {name for name, node in nodes.items() if node.required} == {"camera", "segmentation", "decoder"}
    assert {name for name, node in nodes.items() if node.source} == {"camera"}
    _, nodes = supervisor("edge", input_topic="/driver/image_raw")
    assert nodes["encoder"].required
    assert not nodes["encoder"].source, "the frames come from another program"


@pytest.mark.parametrize("name", ["camera", "segmentation"])
@pytest.mark.parametrize("code", [1, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGINT])
def test_the_death_of_a_needed_node_ends_the_graph(name: str, code: int) -> None:
    one, nodes = supervisor()
    assert one.ended(nodes[name], code, asked=False) is Next.FAIL
    assert one.summary == f"{name} ({describe_exit(code)})"


def test_a_node_that_watches_is_told_of_and_missed_by_nobody() -> None:
    one, nodes = supervisor()
    assert one.ended(nodes["latency"], 1, asked=False) is Next.GO_ON
    assert one.failures == {"latency": "exit status 1"}


def test_the_end_of_the_source_ends_the_graph() -> None:
    for name in ("offload", "edge", "replay"):
        one, nodes = supervisor(name)
        assert one.ended(nodes["camera"], 0, asked=False) is Next.FINISH
        assert not one.failures
        assert one.drain_s == DRAIN_S


def test_the_last_of_several_sources_ends_the_graph() -> None:
    one, nodes = supervisor("many_cameras", cameras="a,b")
    assert one.ended(nodes["a/camera"], 0, asked=False) is Next.GO_ON
    assert one.ended(nodes["b/camera"], 0, asked=False) is Next.FINISH
    one, nodes = supervisor("many_cameras", cameras="a,b")
    assert one.ended(nodes["a/camera"], 0, asked=False) is Next.GO_ON
    assert one.ended(nodes["b/camera"], 1, asked=False) is Next.FAIL


def test_a_needed_node_that_ends_by_itself_is_a_failure() -> None:
    one, nodes = supervisor()
    assert one.ended(nodes["segmentation"], 0, asked=False) is Next.FAIL
    assert one.summary == "segmentation (it ended, though nobody asked it to)"
    assert one.ended(nodes["latency"], 0, asked=False) is Next.GO_ON


def test_the_end_of_the_graph_is_no_failure_of_its_nodes() -> None:
    one, nodes = supervisor()
    for node in nodes.values():
        assert one.ended(node, 0, asked=True) is Next.GO_ON
    assert one.ended(nodes["camera"], -signal.SIGINT, asked=True) is Next.GO_ON, "too young to answer"
    assert not one.failures
    one.ended(nodes["latency"], 1, asked=True)
    one.ended(nodes["segmentation"], -signal.SIGKILL, asked=True)
    assert one.summary == "latency (exit status 1), segmentation (killed by SIGKILL)"


def test_respawn() -> None:
    one, nodes = supervisor(use_respawn="true", respawn_delay="1")
    for name in ("camera", "segmentation", "latency"):
        assert one.ended(nodes[name], 1, asked=False) is Next.RESTART
    assert not one.failures
    assert one.drain_s < 1, "the source must not be started again while the last frames are on their way"
    assert one.ended(nodes["camera"], 0, asked=False) is Next.FINISH
    one, nodes = supervisor("many_cameras", cameras="a,b", use_respawn="true")
    assert one.ended(nodes["a/camera"], 0, asked=False) is Next.RESTART
    one.started(nodes["a/camera"])
    assert one.ended(nodes["b/camera"], 0, asked=False) is Next.RESTART, "the other one runs again"
    assert one.ended(nodes["a/camera"], 0, asked=False) is Next.FINISH


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "1e9"])
def test_a_delay_that_cannot_be(text: str) -> None:
    with pytest.raises(ArgumentError, match=f"argument respawn_delay:={text}: expected"):
        build("edge", {"respawn_delay": text})


def test_last_lines() -> None:
    assert last_lines([]) == "    (no output)"
    lines = [*map(str, range(100)), "", "\x1b[31m[FATAL] no camera\x1b[0m\r"]
    assert last_lines(lines).splitlines()[-2:] == ["    99", "    [FATAL] no camera"]
    assert len(last_lines(lines).splitlines()) == 12
