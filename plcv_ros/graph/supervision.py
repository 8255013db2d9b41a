# SPDX-License-Identifier: Apache-2.0
"""What the end of a node means for its graph, for launch files and ``plcv up`` alike. Which nodes a graph needs is said in their NodeSpec."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from enum import Enum

from plcv_ros.graph.graphs import Graph, NodeSpec

DRAIN_S = 2.0
"""From the end of the last source to the end of the graph: the last frames are on their way, and their events travel some five times a second."""

SHOWN_LINES = 12
"""Of a node's output, where its end is told."""


class Next(Enum):
    """What becomes of the graph."""

    GO_ON = "goes on"
    RESTART = "starts the node again"
    FINISH = "ends, since its source has ended"
    FAIL = "ends as failed"


class Supervisor:
    """Judges every node that ends. ``failures``: the nodes whose end is a failure of the run, with a description of how they ended."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._sources = {node.qualified_name for node in graph.nodes if node.source}
        self._over: set[str] = set()
        self.failures: dict[str, str] = {}

    @property
    def drain_s(self) -> float:
        """Seconds from FINISH to the end of the graph: within the time after which a source would be started again."""
        return min(DRAIN_S, 0.75 * self._graph.respawn_delay) if self._graph.respawn else DRAIN_S

    def ended(self, node: NodeSpec, code: int, asked: bool) -> Next:
        """``node`` ended with exit status ``code`` (negative: the signal). ``asked``: the graph was being ended already."""
        name = node.qualified_name
        if asked:
            # Killed by the very signal that asked it to end: so young that Python was not there yet to answer.
            if code not in {0, -signal.SIGINT}:
                self.failures.setdefault(name, describe_exit(code))
            return Next.GO_ON
        if code == 0 and node.source:
            self._over.add(name)
            if self._over == self._sources:
                return Next.FINISH
        if self._graph.respawn:
            return Next.RESTART
        if code == 0 and (node.source or not node.required):
            return Next.GO_ON
        self.failures[name] = describe_exit(code) if code else "it ended, though nobody asked it to"
        return Next.FAIL if node.required else Next.GO_ON

    def started(self, node: NodeSpec) -> None:
        """``node`` runs (again)."""
        self._over.discard(node.qualified_name)

    @property
    def summary(self) -> str:
        """The failures in one line; empty where there are none."""
        return ", ".join(f"{name} ({how})" for name, how in self.failures.items())


def describe_exit(code: int) -> str:
    """``exit status 1``, or the name of the signal that ended the process."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def last_lines(lines: Sequence[str]) -> str:
    """The last lines of a node's output, indented, for a message that tells its end."""
    plain = (re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines)
    shown = [line for line in plain if line][-SHOWN_LINES:]
    return "\n".join(f"    {line}" for line in shown) or "    (no output)"
