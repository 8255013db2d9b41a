# SPDX-License-Identifier: Apache-2.0
"""A graph as a launch description. Needs launch and launch_ros, which come with a ROS distribution."""

from __future__ import annotations

from collections import deque
from typing import Any

from launch import LaunchContext, LaunchDescription, logging
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, SetEnvironmentVariable, Shutdown, TimerAction
from launch.event_handlers import OnProcessIO, OnProcessStart
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

from plcv_ros.graph.graphs import GRAPHS, Graph, NodeSpec
from plcv_ros.graph.supervision import SHOWN_LINES, Next, Supervisor, describe_exit, last_lines


class NodeDied(RuntimeError):  # noqa: N818  not an error of this module: launch prints the text, ends the graph, and its exit status is 1
    """A node that the graph needs has ended."""


def launch_description(name: str) -> Any:
    """The LaunchDescription of graph ``name``: its arguments declared, its nodes started with their values."""
    kind = GRAPHS[name]
    declared = [_declaration(argument) for argument in kind.arguments]

    def start(context: LaunchContext) -> list[Any]:
        given = {a.name: LaunchConfiguration(a.name).perform(context) for a in kind.arguments}
        graph = kind.build(given)
        for text in graph.warnings:
            logging.get_logger(f"{name}.launch").warning(text)
        return _Launched(graph).actions()

    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def _declaration(argument: Any) -> Any:
    options: dict[str, Any] = {"description": argument.description}
    if argument.choices:
        # launch refuses a default outside the choices; empty stands for "as the configuration says".
        options["choices"] = [*argument.choices, *([] if argument.default or argument.required else [""])]
    if not argument.required:
        options["default_value"] = argument.default
    return DeclareLaunchArgument(argument.name, **options)


class _Launched:
    """The actions of a graph, and what follows when one of its nodes ends."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._supervisor = Supervisor(graph)
        self._ending = False
        self._told = False

    def actions(self) -> list[Any]:
        """The graph's environment and its nodes."""
        variables = [SetEnvironmentVariable(key, value) for key, value in self._graph.environment.items()]
        return [*variables, *(action for node in self._graph.nodes for action in self._node(node))]

    def _node(self, node: NodeSpec) -> list[Any]:
        lines: deque[str] = deque(maxlen=4 * SHOWN_LINES)

        def heard(event: Any) -> None:
            lines.extend(event.text.decode(errors="replace").splitlines())

        def started(event: Any, context: LaunchContext) -> None:
            self._supervisor.started(node)

        def ended(event: Any, context: LaunchContext) -> list[Any]:
            return self._ended(node, event.returncode, context, last_lines(lines))

        # ParameterValue keeps the type: launch_ros would read the plain text "0" as a number.
        values = {name: ParameterValue(value, value_type=type(value)) for name, value in node.parameters.items()}
        action = Node(
            package="plcv_ros",
            executable=node.executable,
            name=node.name,
            namespace=node.namespace or None,
            parameters=[*(ParameterFile(str(path), allow_substs=False) for path in node.parameter_files), values],
            remappings=list(node.remappings),
            ros_arguments=[*(["--enclave", node.enclave] if node.enclave else []), "--log-level", node.log_level],
            output="screen",
            emulate_tty=True,
            # The latency node draws its report at the end, which takes a busy computer longer than launch's 5 s.
            sigterm_timeout="20",
            on_exit=ended,
            respawn=self._graph.respawn,
            respawn_delay=self._graph.respawn_delay,
        )
        handlers = (OnProcessStart(target_action=action, on_start=started), OnProcessIO(target_action=action, on_stdout=heard, on_stderr=heard))
        return [*map(RegisterEventHandler, handlers), action]

    def _ended(self, node: NodeSpec, code: int, context: LaunchContext, lines: str) -> list[Any]:
        asked = bool(context.is_shutdown) or self._ending
        what = self._supervisor.ended(node, code, asked)
        name = node.qualified_name
        if what is Next.RESTART:
            _log().error(f"{name} ended ({describe_exit(code)}); it is started again in {self._graph.respawn_delay:g} s; its last lines:\n{lines}")
        elif what is Next.FINISH:
            self._ending = True
            return [TimerAction(period=self._supervisor.drain_s, actions=[Shutdown(reason=f"{name} has come to the end of its source")])]
        elif name in self._supervisor.failures:
            how = f"{name} died ({self._supervisor.failures[name]}); its last lines:\n{lines}"
            if what is Next.FAIL:
                self._told = True
                raise NodeDied(how)
            _log().error(how)
        if context.is_shutdown and self._supervisor.failures and not self._told:
            # Only an exception makes the exit status of launch other than 0.
            self._told = True
            raise NodeDied(f"failed: {self._supervisor.summary}")
        return []


def _log() -> Any:
    return logging.get_logger("plcv_ros")
