# SPDX-License-Identifier: Apache-2.0
"""A graph as a launch description. Needs launch and launch_ros, which come with a ROS distribution."""

from __future__ import annotations

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

from plcv_ros.graph.graphs import GRAPHS, NodeSpec


def launch_description(name: str) -> Any:
    """The LaunchDescription of graph ``name``: its arguments declared, its nodes started with their values."""
    kind = GRAPHS[name]
    declared = [_declaration(argument) for argument in kind.arguments]

    def start(context: LaunchContext) -> list[Any]:
        given = {a.name: LaunchConfiguration(a.name).perform(context) for a in kind.arguments}
        graph = kind.build(given)
        for text in graph.warnings:
            get_logger(f"{name}.launch").warning(text)
        variables = [SetEnvironmentVariable(key, value) for key, value in graph.environment.items()]
        return [*variables, *(_node(node) for node in graph.nodes)]

    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def _declaration(argument: Any) -> Any:
    options: dict[str, Any] = {"description": argument.description}
    if argument.choices:
        # launch refuses a default outside the choices; empty stands for "as the configuration says".
        options["choices"] = [*argument.choices, *([] if argument.default or argument.required else [""])]
    if not argument.required:
        options["default_value"] = argument.default
    return DeclareLaunchArgument(argument.name, **options)


def _node(node: NodeSpec) -> Any:
    # ParameterValue keeps the type: launch_ros would read the plain text "0" as a number.
    values = {name: ParameterValue(value, value_type=type(value)) for name, value in node.parameters.items()}
    return Node(
        package="plcv_ros",
        executable=node.executable,
        name=node.name,
        namespace=node.namespace or None,
        parameters=[*(ParameterFile(str(path), allow_substs=False) for path in node.parameter_files), values],
        remappings=list(node.remappings),
        ros_arguments=["--log-level", node.log_level],
        output="screen",
        emulate_tty=True,
        # The latency node draws its report at the end, which takes a busy computer longer than launch's 5 s.
        sigterm_timeout="20",
    )
