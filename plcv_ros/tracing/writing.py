# SPDX-License-Identifier: Apache-2.0
"""Files of a report: whole or as they were before, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` once all is written, and is removed where that fails. An OSError names
    ``path``, not the file beside it."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


def probe(folder: Path) -> None:
    """Make ``folder`` where it is missing and see that files can be written there. Raises OSError naming the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".probe.{os.getpid()}"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
