# SPDX-License-Identifier: Apache-2.0
"""Running the nodes of a graph as processes: start, read their output, end them all in bounded time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from plcv_ros.graph import NodeSpec

TAIL_LINES = 40


class NodeProcess:
    """One running node. Its output (both streams) goes line by line to ``on_line`` and ``log``, and the last lines are kept.

    The process leads a group of its own, so that Ctrl-C in a terminal reaches it once, through :meth:`signal`, and no grandchild stays.
    """

    def __init__(
        self,
        node: NodeSpec,
        environment: Mapping[str, str],
        on_line: Callable[[str, str], None] | None = None,
        log: Path | None = None,
    ) -> None:
        self.name = node.qualified_name
        self.command: Sequence[str] = node.command()
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._on_line = on_line
        self._log: IO[str] | None = log.open("w", encoding="utf-8") if log else None
        self._process = subprocess.Popen(
            self.command,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"output of {node.name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.rstrip("\n")
            self.tail.append(text)
            if self._log:
                try:
                    self._log.write(line)
                    self._log.flush()
                except OSError:  # a full disk costs the log; a pipe that nobody reads would stop the node
                    self._log = None
            if self._on_line:
                self._on_line(self.name, text)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Exit status, None while running. Negative: ended by that signal."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the node; no error where it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill(self) -> None:
        """End the node and whatever it started, now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end; the exit status, None when the time is over first."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Collect the rest of the output of a node that has ended."""
        self._reader.join(2.0)
        if self._log:
            self._log.close()
            self._log = None


def stop(processes: Sequence[NodeProcess], grace_s: float = 10.0) -> list[str]:
    """SIGINT to all, SIGTERM after ``grace_s``, SIGKILL 3 s later. Returns the names of those that had to be killed."""
    for number, patience in ((signal.SIGINT, grace_s), (signal.SIGTERM, 3.0)):
        for process in processes:
            process.signal(number)
        deadline = time.monotonic() + patience
        for process in processes:
            process.wait(max(0.0, deadline - time.monotonic()))
        if all(process.poll() is not None for process in processes):
            break
    stragglers = [process for process in processes if process.poll() is None]
    for process in stragglers:
        process.kill()
        process.wait(3.0)
    for process in processes:
        process.close()
    return [process.name for process in stragglers]
