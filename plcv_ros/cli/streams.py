# SPDX-License-Identifier: Apache-2.0
"""Standard input and output as files of bytes (``-``), and what to do once nobody reads the output any more."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

STANDARD = Path("-")
"""Standard input as an input, standard output as an output."""


def read_input() -> bytes:
    """All of standard input. Raises OSError."""
    return sys.stdin.buffer.read()


def write_output(data: bytes | memoryview) -> None:
    """Write all of ``data`` to standard output. Raises OSError; BrokenPipeError where the reader has gone."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def abandon_output() -> None:
    """Let what standard output still holds go nowhere: Python writes it at exit, and would report the same failure once more."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
