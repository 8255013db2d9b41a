# SPDX-License-Identifier: Apache-2.0
"""Files that are whole or as they were before, whatever happens while they are written; and whether a folder can be written to at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` once all is written, and is removed where that fails. An OSError names
    ``path``, not the file beside it."""
    beside: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".plcv.", suffix=path.suffix, dir=path.parent)
        beside = Path(name)
        os.close(handle)
        yield beside
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    except OSError as error:
        raise _named(path, error) from error
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def probe(folder: Path) -> None:
    """Make ``folder`` where it is missing and see that files can be written there. Raises OSError naming the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".plcv.", dir=folder) as file:
            # An empty file needs no block of the disk.
            file.write(b"\0")
            file.flush()
    except OSError as error:
        raise _named(folder, error) from error


def _named(path: Path, error: OSError) -> OSError:
    return OSError(error.errno, error.strerror or str(error), str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
