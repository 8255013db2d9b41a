# SPDX-License-Identifier: Apache-2.0
"""Files in, files out: which output belongs to which input, what may be overwritten, progress, and errors that do not stop the rest."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plcv_ros import writing
from plcv_ros.camera.folder import natural_key
from plcv_ros.cli.progress import done_column
from plcv_ros.cli.streams import STANDARD, read_input, write_output

Existing = Literal["refuse", "skip", "overwrite"]


class BatchError(ValueError):
    """Inputs and outputs that do not fit together; the message is for the person who named them."""


class OutputError(Exception):
    """An output that cannot be written; the message names it and the cause. ``lasting``: the next output would meet the same."""

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"{name} cannot be written: {error.strerror or error}")
        self.lasting = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR, errno.EEXIST)


@dataclass(frozen=True)
class Job:
    """One input and where its output goes."""

    source: Path
    target: Path

    @property
    def name(self) -> str:
        """The input as messages call it."""
        return "standard input" if self.source == STANDARD else str(self.source)

    def read(self) -> bytes:
        """The bytes of the input. Raises OSError."""
        return read_input() if self.source == STANDARD else self.source.read_bytes()


def find_files(folder: Path, suffixes: Collection[str], recursive: bool) -> list[Path]:
    """Files of ``folder`` that end in one of ``suffixes`` (lower case, with the dot), in natural order; BatchError where there are none."""
    found = [p for p in (folder.rglob("*") if recursive else folder.iterdir()) if p.suffix.lower() in suffixes and p.is_file()]
    if not found:
        raise BatchError(f"{folder} holds no file that ends in {', '.join(suffixes)}" + ("" if recursive else "; --recursive looks into its folders"))
    return sorted(found, key=lambda p: natural_key(str(p.relative_to(folder))))


def jobs(inputs: Sequence[Path], output: Path, suffix: str, suffixes: Collection[str], recursive: bool = False) -> list[Job]:
    """Pair inputs with outputs.

    One file and an ``output`` with a suffix: that file. Otherwise ``output`` is a folder; each file becomes ``output/<stem><suffix>``, and
    the ``suffixes`` files of an input folder keep their place below it. ``-`` is standard input, or standard output.
    Raises BatchError, also where two inputs would share one output.
    """
    if is_file_target(output):
        if len(inputs) != 1 or inputs[0].is_dir():
            what = f"{len(inputs)} inputs" if len(inputs) != 1 else f"the files of {inputs[0]}"
            raise BatchError(f"{output} is one file, expected a folder for {what}")
        return [Job(_existing(inputs[0]), output)]
    result: list[Job] = []
    for source in inputs:
        if source.is_dir():
            files = find_files(source, suffixes, recursive)
            result += [Job(file, output / file.relative_to(source).with_suffix(suffix)) for file in files]
        elif source == STANDARD:
            raise BatchError(f"the input is standard input: name a file as the output, or -, instead of the folder {output}")
        else:
            result.append(Job(_existing(source), output / f"{source.stem}{suffix}"))
    seen: dict[Path, Path] = {}
    for job in result:
        if job.target in seen:
            raise BatchError(f"{seen[job.target]} and {job.source} would both become {job.target}")
        seen[job.target] = job.source
    return result


def is_file_target(output: Path) -> bool:
    """Whether ``output`` names a file rather than a folder: it has a suffix and is no folder, or is standard output."""
    return output == STANDARD or (bool(output.suffix) and not output.is_dir())


def _existing(path: Path) -> Path:
    if path != STANDARD and not path.is_file():
        raise BatchError(f"{path}: no such file")
    return path


def apply_policy(planned: Sequence[Job], existing: Existing, outputs: Callable[[Job], Sequence[Path]] = lambda job: (job.target,)) -> list[Job]:
    """The jobs that shall be done; ``outputs`` are the files that one of them writes.

    Raises BatchError, before anything is written, where a file exists that may not be overwritten, or is an input too.
    """
    sources = {job.source.resolve() for job in planned}
    files = {job: outputs(job) for job in planned}
    there = [path for paths in files.values() for path in paths if path != STANDARD and path.exists()]
    for path in there:
        if path.resolve() in sources:
            raise BatchError(f"{path} is input and output at once")
    if there and existing == "refuse":
        names = ", ".join(map(str, there[:3])) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        raise BatchError(f"{names} exist{'s' if len(there) == 1 else ''} already; --force overwrites, --skip-existing leaves such files alone")
    if existing == "skip":
        return [job for job, paths in files.items() if not all(path.exists() for path in paths)]
    return list(planned)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside ``target`` to write to; it takes ``target``'s place when all went well, so that no half-written file is left.

    Raises OutputError for every OSError, which would name the path beside ``target``, or none.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing.replacing(target) as path:
            yield path
    except OSError as error:
        raise OutputError(str(target), error) from error


def write(target: Path, data: bytes | memoryview) -> None:
    """Write ``data`` to ``target``, whole or not at all; ``-`` is standard output. Raises OutputError, and BrokenPipeError where nobody reads."""
    if target != STANDARD:
        with replacing(target) as path:
            path.write_bytes(data)
        return
    try:
        write_output(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError("standard output", error) from error


def say(text: str, target: Path) -> None:
    """Print what was done, on stderr where standard output is the picture."""
    print(text, file=sys.stderr if target == STANDARD else sys.stdout)


def run_jobs(todo: Sequence[Job], work: Callable[[Job], None], command: str, errors: tuple[type[Exception], ...]) -> int:
    """Do ``work`` for every job behind a progress bar (several jobs, in a terminal); returns how many failed, each said on stderr.

    An output that fails for a reason that the next one would meet too (a full disk) ends the run: one message, not one a file.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), done_column(), TimeRemainingColumn())
    shown = len(todo) > 1 and console.is_terminal
    bar = Progress(*columns, console=console, transient=True, disable=not shown)
    with bar if shown else contextlib.nullcontext():  # rich before 12 ends a bar that is not shown with an empty line
        task = bar.add_task(command, total=len(todo))
        for number, job in enumerate(todo, 1):
            try:
                work(job)
            except BrokenPipeError:
                raise
            except OutputError as error:
                rest = len(todo) - number if error.lasting else 0
                failed += 1 + rest
                text = f"{error}; {rest} more {'is' if rest == 1 else 'are'} not written" if rest else str(error)
                console.print(f"plcv {command}: {text}", markup=False, highlight=False, soft_wrap=True)
                if error.lasting:
                    break
            except errors as error:
                failed += 1
                text = " ".join(str(error).split()).removeprefix(f"{job.name}: ")
                console.print(f"plcv {command}: {job.name}: {text}", markup=False, highlight=False, soft_wrap=True)
            bar.advance(task)
    return failed
