# SPDX-License-Identifier: Apache-2.0
"""Work through a table of runs: train what is not trained, test what is not tested, go on where an earlier call stopped."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plcv_ros.perception.checkpoint import Checkpoint, find_checkpoint, read_checkpoint, record_score, save_checkpoint
from plcv_ros.perception.classifier import Classifier
from plcv_ros.perception.predictor import Predictor
from plcv_ros.training import classification, loop, segmentation
from plcv_ros.training.averaging import average
from plcv_ros.training.datasets import UNSEEN_SEEDS, open_dataset
from plcv_ros.training.degradations import Degradation, full_name, parse_degradation, parse_mixture
from plcv_ros.training.evaluate import evaluate
from plcv_ros.training.results import TRAINING, Counts, read_run, write_row
from plcv_ros.training.run import Sample
from plcv_ros.training.settings import Settings, describe
from plcv_ros.training.table import Run, Table, fill_in

TASKS = {"segmentation": segmentation.SEGMENTATION, "classification": classification.CLASSIFICATION}


def default_settings(task: str) -> Settings:
    """The recipe that a task starts from."""
    return classification.default_settings() if task == "classification" else Settings()


@contextmanager
def holding(folder: Path) -> Iterator[bool]:
    """True where no other process works on the run in ``folder``; the system lets go of it even after a crash."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def missing_tests(run: Run, results: Path) -> list[str]:
    """The tests of ``run`` that have no scores yet, under their full names."""
    done = {row["tested_on"] for row in read_run(results, run.name)}
    return [name for name in map(full_name, run.tests) if name not in done]


def finished_checkpoint(run: Run, folder: Path) -> Path | None:
    """The weights of a run that was trained to its end: where the table keeps them, or in the run's folder.

    Raises ValueError where those were trained with other settings than the table has now.
    """
    for path in (run.checkpoint, folder / "model.safetensors"):
        if path is not None and path.is_file():
            training = read_checkpoint(path).metadata.get("training", {})
            if training.get("steps", 0) == training.get("of_steps"):
                _check_settings(run, path, training)
                return path
    return None


def _check_settings(run: Run, path: Path, training: dict[str, Any]) -> None:
    if run.average:
        if set(training.get("averaged", ())) != set(run.average):
            raise ValueError(
                f"{path} is the mean of {', '.join(training.get('averaged', ())) or 'nothing'}: delete it to make that of {', '.join(run.average)}"
            )
        return
    wanted = describe(settings_of(run, 0, "cpu"), [])["settings"]
    other = [f"{key} {training[key]!r} instead of {value!r}" for key, value in wanted.items() if key in training and training[key] != value]
    if other:
        raise ValueError(f"{path} was trained with {', '.join(other)}: delete it to train it as the table says, or name that run differently")


def work(
    table: Table,
    folder: Path,
    places: dict[str, str],
    only: list[str] | None = None,
    threads: int = 0,
    device: str = "cpu",
    cache: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Run, Sample], None] = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Do the runs of ``table`` (those named in ``only``) in order; run folders go into ``folder``, scores beside the table.

    A run that has all its scores, and its weights where the table keeps them, is skipped, but for one whose weights another run needs and that
    has none. One that another process works on is skipped as well, one that was interrupted goes on. Returns what could not be done, a line each:
    the others are done nevertheless.
    """
    failures = []
    if threads:
        torch.set_num_threads(threads)
    unknown = set(only or []) - {run.name for run in table.runs}
    if unknown:
        raise ValueError(f"{table.path} has no run {', '.join(sorted(unknown))}; it has {', '.join(run.name for run in table.runs)}")
    wanted = runs_to_do(table, folder, only)
    for run in table.runs:
        if stop() or run.name not in wanted:
            continue
        try:
            with holding(folder / run.name) as free:
                if not free:
                    say(f"{run.name}: another process is at it")
                    continue
                waits = [other.name for other in dependencies(run, table) if _busy(other, folder)]
                if waits:
                    say(f"{run.name}: waits for {', '.join(waits)}, which another process is at; the same command does it then")
                    continue
                checkpoint = _train(run, table, folder, places, threads, device, cache, stop, report, say)
                if checkpoint is None:
                    say(f"{run.name}: stopped; the same command continues")
                    continue
                failures += _test(run, checkpoint, table, places, device, stop, say)
                # Only now: what is kept tells its scores.
                if run.checkpoint is not None and not run.checkpoint.is_file():
                    run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(checkpoint, run.checkpoint)
        except (ValueError, OSError, RuntimeError) as error:  # torch: a state file that is damaged, a GPU without memory
            failures.append(f"{run.name}: {error}")
            say(failures[-1])
    return failures


def dependencies(run: Run, table: Table) -> list[Run]:
    """The earlier runs of the table that it starts from, or is the mean of."""
    names = {*run.average, *([run.init[1:]] if run.init and run.init.startswith("=") else [])}
    return [other for other in table.runs if other.name in names]


def runs_to_do(table: Table, folder: Path, only: list[str] | None = None) -> set[str]:
    """The runs (of those in ``only``) that lack scores or weights to be kept, and those whose weights they need and that have none."""
    chosen = [run for run in table.runs if not only or run.name in only]
    wanted = {run.name for run in chosen if missing_tests(run, table.results()) or (run.checkpoint and not run.checkpoint.is_file())}
    for run in reversed(table.runs):
        if run.name in wanted and _lacks_weights(run, folder):
            wanted |= {other.name for other in dependencies(run, table) if _lacks_weights(other, folder)}
    return wanted


def _lacks_weights(run: Run, folder: Path) -> bool:
    try:
        return finished_checkpoint(run, folder / run.name) is None
    except ValueError:  # weights of another recipe, to be told by whoever wants to use them
        return False


def _busy(run: Run, folder: Path) -> bool:
    """Whether another process trains a run that has no weights yet."""
    if finished_checkpoint(run, folder / run.name) is not None:
        return False
    with holding(folder / run.name) as free:
        return not free


def _train(
    run: Run,
    table: Table,
    folder: Path,
    places: dict[str, str],
    threads: int,
    device: str,
    cache: Path | None,
    stop: Callable[[], bool],
    report: Callable[[Run, Sample], None],
    say: Callable[[str], None],
) -> Path | None:
    """The checkpoint of a run that was trained to its end, now or before; None where it was asked to stop."""
    own = folder / run.name
    checkpoint = finished_checkpoint(run, own)
    if checkpoint is None and run.average:
        say(f"{run.name}: the mean of {', '.join(run.average)}")
        checkpoint = _average(run, table, folder)
    elif checkpoint is None:
        resume = (own / "last.pt").is_file()
        settings = settings_of(run, threads, device)
        datasets = [open_dataset(fill_in(spec, {**places, "seed": str(run.seed)})) for spec in run.train]
        say(f"{run.name}: {'goes on' if resume else 'starts'}")
        loop.train(
            TASKS[run.task],
            settings,
            datasets,
            own,
            init=initial(run, table, folder, places),
            resume=resume,
            stop=stop,
            report=lambda sample: report(run, sample),
            notes={"table": table.path.name, "run": run.name},
            cache=cache,
        )
        checkpoint = finished_checkpoint(run, own)
    if checkpoint is not None and (own / "metrics.csv").is_file():
        table.results().mkdir(parents=True, exist_ok=True)
        shutil.copyfile(own / "metrics.csv", table.results() / f"{run.name}{TRAINING}")
    return checkpoint


def _average(run: Run, table: Table, folder: Path) -> Path:
    """The checkpoint of the mean of other runs, in the run's folder."""
    groups: dict[str, dict[str, Checkpoint]] = {}
    for other in (other for other in table.runs if other.name in run.average):
        path = finished_checkpoint(other, folder / other.name)
        if path is None:
            raise ValueError(f"averages {other.name}, which is not finished")
        groups.setdefault(other.train_on, {})[other.name] = read_checkpoint(path)
    path = folder / run.name / "model.safetensors"
    names = "+".join(degradation.name for degradation in parse_mixture(run.train_on))
    save_checkpoint(path, average(list(groups.values()), names, {"table": table.path.name, "run": run.name}))
    return path


def _test(
    run: Run, checkpoint: Path, table: Table, places: dict[str, str], device: str, stop: Callable[[], bool], say: Callable[[str], None]
) -> list[str]:
    """Do the tests that are missing; returns those that could not be done (a codec that this build lacks), the others are done nevertheless."""
    failures = []
    for test in missing_tests(run, table.results()):
        if stop():
            break
        try:
            degradation = parse_degradation(test)
        except ValueError as error:
            failures.append(f"{run.name}: {error}")
            say(failures[-1])
            continue
        facts, counts, names = score(run, checkpoint, degradation, places, device)
        names_alone = {place: place for place in places}
        data = fill_in(run.test, {**names_alone, "seed": str(run.seed)})
        row = {
            "run": run.name,
            "trained_on": run.train_on,
            "seed": run.seed,
            "data": ",".join(part for part in data.split(",") if not part.startswith("keep=")),  # where copies are kept is no part of what they are
            "tested_on": test,
        }
        write_row(table.results(), {**row, **facts}, counts, names)
        record_score(checkpoint, {"data": row["data"], "codec": test, **facts})
        say(f"{run.name} on {test}: {counts.score()[0]:.2%}")
    return failures


def settings_of(run: Run, threads: int, device: str) -> Settings:
    """The training settings of a run; raises ValueError for entries that the training loop does not know."""
    values = dict(run.settings)
    augmentation = values.pop("augmentation", {})
    if "zoom" in augmentation:
        augmentation = {**augmentation, "zoom": tuple(augmentation["zoom"])}
    base = default_settings(run.task)
    names = "+".join(degradation.name for degradation in parse_mixture(run.train_on))
    try:
        augmentation = replace(base.augmentation, **augmentation)
        return replace(base, **values, augmentation=augmentation, codecs=names, seed=run.seed, threads=threads, device=device)
    except TypeError as error:
        raise ValueError(f"settings {run.settings}: {error}") from error


def initial(run: Run, table: Table, folder: Path, places: dict[str, str]) -> Path | None:
    """Path of the initial weights; ``=RUN`` is a finished run of the same table."""
    if run.init is None:
        return None
    init = fill_in(run.init, {**places, "seed": str(run.seed)})
    if not init.startswith("="):
        return Path(init) if init.endswith(".pth") else find_checkpoint(init)
    before = next((other for other in table.runs if other.name == init[1:]), None)
    path = None if before is None else finished_checkpoint(before, folder / before.name)
    if path is None:
        raise ValueError(f"initial weights {init!r}: there is no such run, or it is not finished")
    return path


def score(
    run: Run, checkpoint: Path, degradation: Degradation, places: dict[str, str], device: str
) -> tuple[dict[str, Any], Counts, tuple[str, ...]]:
    """Test a finished run through one codec: the figures of a row, the counts of every picture, and the names of their columns."""
    dataset = open_dataset(fill_in(run.test, {**places, "seed": str(run.seed)}), split="test", seeds=UNSEEN_SEEDS)
    stored = read_checkpoint(checkpoint)
    if stored.label_set.classes != dataset.label_set.classes:
        raise ValueError(f"{checkpoint} knows the classes of {stored.label_set.name}, {dataset.name} has those of {dataset.label_set.name}")
    if run.task == "classification":
        top1 = classification.evaluate_classes(Classifier(stored, device).predict, dataset, degradation)
        return top1.row(), Counts(top1.hits()[:, None], np.ones((len(top1.truths), 1), np.int64)), ("right",)
    result = evaluate(Predictor(stored, device).predict, dataset, degradation)
    return result.row(), Counts(np.stack(result.hits), np.stack(result.unions)), result.matrix.label_set.classes
