# SPDX-License-Identifier: Apache-2.0
"""Processes of nodes: output, exit codes, and an end in bounded time whatever they do."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from plcv_ros.cli.processes import NodeProcess, stop
from plcv_ros.graph import NodeSpec, describe_exit


@dataclass(frozen=True)
class Script(NodeSpec):
    """A node that is a few lines of Python."""

    code: str = ""

    def command(self) -> list[str]:
        return [sys.executable, "-c", self.code]


def start(code: str, log: Path | None = None) -> NodeProcess:
    return NodeProcess(Script("script", "script", code=code), {"PLCV_TEST": "7"}, log=log)


def wait_for_line(process: NodeProcess, line: str) -> None:
    end = time.monotonic() + 60
    while line not in process.tail:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_output_is_kept_and_logged(tmp_path: Path) -> None:
    process = start("import os, sys; print('out', os.environ['PLCV_TEST']); print('err', file=sys.stderr); sys.exit(3)", tmp_path / "log")
    assert process.wait(60) == 3
    process.close()
    assert set(process.tail) == {"out 7", "err"}
    assert set((tmp_path / "log").read_text().split("\n")) == {"out 7", "err", ""}
    assert describe_exit(3) == "exit status 3"


def test_only_the_last_lines_are_kept() -> None:
    process = start("for i in range(1000): print(i)")
    process.wait(60)
    process.close()
    assert list(process.tail) == [str(i) for i in range(960, 1000)]


def test_stop_asks_first() -> None:
    # Shells start what they run in the background with SIGINT ignored, and Python then leaves it so: the script says what it wants, as nodes do.
    listens = (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n  print('up', flush=True); time.sleep(600)\nexcept KeyboardInterrupt: print('asked')"
    )
    process = start(listens)
    wait_for_line(process, "up")
    assert stop([process], grace_s=60) == []
    assert process.poll() == 0
    assert process.tail[-1] == "asked"


def test_stop_kills_those_that_do_not_listen() -> None:
    deaf = "import signal, time\nfor s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\nprint('up', flush=True); time.sleep(600)"
    process = start(deaf)
    wait_for_line(process, "up")
    assert stop([process], grace_s=0.2) == ["script"]
    assert process.poll() == -9
    assert describe_exit(-9) == "killed by SIGKILL"
