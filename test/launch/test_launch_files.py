# SPDX-License-Identifier: Apache-2.0
"""Every launch file: parsed where launch is installed, and started with launch_pytest where that is."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from plcv_ros.graph import GRAPHS, build, share_directory

LAUNCH = share_directory() / "launch"
FILES = sorted(path.name.removesuffix(".launch.py") for path in LAUNCH.glob("*.launch.py"))
GIVEN = {
    "offload": {"configuration": "jpeg", "namespace": "robot", "source": "0", "decoder": "true", "evaluation": "true"},
    "edge": {"peer": "10.0.0.2", "width": "320", "enclaves": "/secure"},
    "remote": {"peer": "10.0.0.1", "log_level": "debug"},
    "replay": {"source": "bag", "loop": "true"},
    "many_cameras": {"cameras": "front,rear", "namespace": "robot", "sources": "0,2", "rate": "5", "enclaves": "/secure"},
}


def test_there_is_a_launch_file_for_every_graph() -> None:
    assert set(FILES) == set(GRAPHS)
    for name in FILES:
        path = LAUNCH / f"{name}.launch.py"
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert [ast.literal_eval(call.args[0]) for call in calls] == [name], f"{path} must describe its own graph"


def load(name: str) -> tuple[Any, Any]:
    """(LaunchContext, LaunchDescription); skips where launch is not installed."""
    # "launch" alone would find the folder of that name in a checkout.
    pytest.importorskip("launch_ros.actions", reason="launch and launch_ros are not installed")
    from launch import LaunchContext
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    context = LaunchContext(argv=[])
    return context, PythonLaunchDescriptionSource(str(LAUNCH / f"{name}.launch.py")).get_launch_description(context)


@pytest.mark.parametrize("name", FILES)
def test_arguments_are_declared_and_described(name: str) -> None:
    _, description = load(name)
    declared = {argument.name: argument for argument in description.get_launch_arguments()}
    assert list(declared) == [argument.name for argument in GRAPHS[name].arguments]
    assert all(argument.description and argument.description != "no description given" for argument in declared.values())


@pytest.mark.parametrize("name", FILES)
def test_launch_starts_what_the_graph_says(name: str) -> None:
    from_launch: list[Any] = []
    context, description = load(name)
    from launch.actions import SetEnvironmentVariable
    from launch.substitutions import TextSubstitution
    from launch_ros.actions import Node

    context.launch_configurations.update(GIVEN[name])
    environment = {}
    for entity in description.entities:
        for action in entity.visit(context) or []:
            if isinstance(action, Node):
                from_launch.append(action)
            elif isinstance(action, SetEnvironmentVariable):
                name_text, value = ("".join(s.perform(context) for s in part) for part in (action.name, action.value))
                environment[name_text] = value
    graph = build(name, GIVEN[name])
    assert environment == graph.environment
    assert [node.node_executable for node in from_launch] == [node.executable for node in graph.nodes]
    for action, node in zip(from_launch, graph.nodes):
        action._perform_substitutions(context)
        assert action.node_name.replace("<node_namespace_unspecified>", "") == f"/{node.qualified_name}"
        words = [part.text for word in action.cmd for part in word if isinstance(part, TextSubstitution)]
        assert words[words.index("--enclave") + 1 :][:1] == [node.enclave] if node.enclave else "--enclave" not in words
        assert written_parameters(action) == dict(node.parameters), "a value changed its type on the way"


def written_parameters(action: Any) -> dict[str, Any]:
    """The parameters that launch_ros writes into a file for the node, without those of the configuration."""
    import yaml

    values: dict[str, Any] = {}
    for argument, is_file in action._Node__expanded_parameter_arguments:
        if is_file and Path(argument).parent != share_directory() / "config":
            for section in yaml.safe_load(Path(argument).read_text()).values():
                values.update(section["ros__parameters"])
    return values
