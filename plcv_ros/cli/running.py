# SPDX-License-Identifier: Apache-2.0
"""A graph whose nodes run as processes: their output line by line, and what follows when one of them ends."""

from __future__ import annotations

import sys
import threading
import time

from plcv_ros.cli.processes import NodeProcess, stop
from plcv_ros.graph import Graph, NodeSpec, describe_exit
from plcv_ros.graph.supervision import Next, Supervisor, last_lines


class RunningGraph:
    """Call :meth:`look` now and then until ``over``, then :meth:`stop` in any case. ``supervisor`` knows what failed."""

    def __init__(self, graph: Graph, keep_going: bool = False) -> None:
        self.supervisor = Supervisor(graph)
        self.over = False
        self._graph, self._keep_going = graph, keep_going
        self._running: dict[str, tuple[NodeSpec, NodeProcess]] = {}
        self._due: dict[str, tuple[NodeSpec, float]] = {}
        """Nodes that are started again, and when."""
        self._ends_at: float | None = None
        self._width = max(len(node.qualified_name) for node in graph.nodes)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start all nodes, one by one: should a later one not start, the earlier ones are known to :meth:`stop`."""
        for node in self._graph.nodes:
            self._start(node)

    def _start(self, node: NodeSpec) -> None:
        self.supervisor.started(node)
        self._running[node.qualified_name] = (node, NodeProcess(node, self._graph.environment, on_line=self._show))

    def look(self) -> None:
        """Act on the nodes that have ended since the last look, and start those again whose time has come."""
        now = time.monotonic()
        for name, (node, process) in list(self._running.items()):
            code = process.poll()
            if code is not None:
                del self._running[name]
                process.close()
                self._ended(node, process, code, now)
        for name, (node, due) in list(self._due.items()):
            if now >= due and self._ends_at is None:
                del self._due[name]
                self._start(node)
        if (self._ends_at is not None and now >= self._ends_at) or not (self._running or self._due):
            self.over = True

    def _ended(self, node: NodeSpec, process: NodeProcess, code: int, now: float) -> None:
        what = self.supervisor.ended(node, code, asked=self._ends_at is not None)
        name, how = node.qualified_name, describe_exit(code)
        if what is Next.RESTART:
            self._due[name] = (node, now + self._graph.respawn_delay)
            self._show(name, f"ended ({how}); it is started again in {self._graph.respawn_delay:g} s")
        elif what is Next.FINISH:
            self._ends_at = now + (self.supervisor.drain_s if self._running else 0.0)
        elif name in self.supervisor.failures:
            self._show(name, how)
            self._tell(name, process)
            self.over = self.over or (what is Next.FAIL and not self._keep_going)

    def _tell(self, name: str, process: NodeProcess) -> None:
        with self._lock:
            text = f"plcv up: {name} died ({self.supervisor.failures[name]}); its last lines:\n{last_lines(process.tail)}"
            print(text, file=sys.stderr, flush=True)

    def _show(self, name: str, line: str) -> None:
        with self._lock:
            print(f"[{name:{self._width}}] {line}", flush=True)

    def stop(self, grace_s: float) -> list[str]:
        """End all nodes (see :func:`plcv_ros.cli.processes.stop`); returns the names of those that had to be killed."""
        stragglers = stop([process for _, process in self._running.values()], grace_s)
        for name, (node, process) in self._running.items():
            self.supervisor.ended(node, process.poll() or 0, asked=True)
            if name in self.supervisor.failures:
                self._tell(name, process)
        self._running.clear()
        return stragglers
