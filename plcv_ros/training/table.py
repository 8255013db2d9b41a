# SPDX-License-Identifier: Apache-2.0
"""The table of a series of runs: which network learns from what, through which codecs, with which seed, and what it is tested on.

A YAML file (docs/results/segmentation.yaml is one)::

    task: segmentation                      # or classification
    train: ["camvid={camvid},split=train"]  # data sets; {camvid} is filled in on the command line
    test: camvid={camvid},split=test
    init: espnetv2_camvid_scenes            # initial weights: a shipped name, a path, or RUN of an earlier run of the table ("=RUN")
    control: original                       # trained on this, every loss is measured from it
    settings: {epochs: 6, rate: 8.0e-4}     # of the training loop
    references: [paper, prototype]          # whose figures the report sets beside ours, where a goal tells them
    goals:                                  # a score in %, or percentage points that may be lost to the control or to another configuration
      - {codec: original, at_least: 66.0, prototype: 62.9}
      - {codec: "astc:8x8:fast", at_most: 1.0, paper: 4.4 / 4.0, prototype: 2.3}
      - {codec: "jxs:main:3:nosig", against: "jxs:main:3", at_most: 0.3}
      - {codec: "jxs:high:3", retrained: false, at_most: 0.5}  # of the control
    remarks: seeds 1 and 2 came later       # stands below the goals in the report
    runs:
      - {train_on: original, seed: 0, tests: [original, "astc:8x8:fast"]}
      - {train_on: astc:8x8:fast, seed: 0, tests: [original, "astc:8x8:fast"], checkpoint: ../weights/x.safetensors}

``{seed}`` stands for the seed of the run: in a cross-validation, the fold. A run may have entries of its own for ``train``, ``test``,
``init`` and ``settings`` (merged), and a ``name``. One with ``average: [RUN, RUN]`` trains nothing: its weights are the mean of those of earlier
runs, each codec that they were trained on counting the same. ``checkpoint`` is where its weights are kept for good, relative to the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TASKS = ("segmentation", "classification")


@dataclass(frozen=True)
class Run:
    """One training and its tests."""

    name: str
    task: str
    train_on: str
    seed: int
    tests: tuple[str, ...]
    train: tuple[str, ...]
    test: str
    init: str | None
    settings: dict[str, Any]
    checkpoint: Path | None
    average: tuple[str, ...] = ()
    """Names of the runs whose mean it is, instead of a training."""

    def plain(self) -> bool:
        """Whether it is named after its codecs and seed: the table's usual recipe."""
        return self.name == run_name(self.train_on, self.seed)


@dataclass(frozen=True)
class Goal:
    """What training on ``codec`` and testing on it is to reach: a score in %, or a loss to ``against`` (on its own test) in percentage points.

    Without ``retrained`` it is the control that is tested on ``codec``, and on ``against``.
    """

    codec: str
    against: str
    at_least: float | None
    at_most: float | None
    references: tuple[str, ...]
    """The same figure elsewhere, as text, in the order of the table's ``references``; empty where there is none."""
    retrained: bool = True


@dataclass(frozen=True)
class Table:
    """The runs, in the order they are done, the codecs of the control, and the goals."""

    path: Path
    task: str
    control: str
    runs: tuple[Run, ...]
    goals: tuple[Goal, ...]
    references: tuple[str, ...] = ()
    remarks: str = ""
    """What a reader of the goals has to know."""

    def results(self) -> Path:
        """The folder beside the file where the scores are kept."""
        return self.path.with_suffix("")


def run_name(train_on: str, seed: int) -> str:
    """``astc:8x8:fast`` and 1 -> ``astc-8x8-fast_s1``."""
    return f"{train_on.replace(':', '-')}_s{seed}"


def read_table(path: Path) -> Table:
    """Read a table of runs; raises ValueError naming the file and the entry that is wrong, OSError where it cannot be read."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        return _table(path, content)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"no entry {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path}: {reason}") from error


def _table(path: Path, content: Any) -> Table:
    if not isinstance(content, dict):
        raise TypeError("expected a mapping with the entries task, train, test, runs")
    known = {"task", "train", "test", "init", "control", "settings", "references", "goals", "remarks", "runs"}
    if content.keys() - known:
        raise ValueError(f"unknown entry {', '.join(sorted(content.keys() - known))}; known: {', '.join(sorted(known))}")
    if content["task"] not in TASKS:
        raise ValueError(f"task {content['task']!r}, expected one of {', '.join(TASKS)}")
    runs = tuple(_run(path, content, row) for row in content["runs"])
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"a run is named twice: {', '.join(sorted({n for n in names if names.count(n) > 1}))}")
    for position, run in enumerate(runs):
        later = set(run.average) - set(names[:position])
        if later:
            raise ValueError(f"run {run.name} averages {', '.join(sorted(later))}: no earlier run")
    control = str(content.get("control", "original"))
    references = tuple(str(name) for name in content.get("references", ()))
    goals = tuple(_goal(goal, control, references) for goal in content.get("goals", []))
    return Table(path, content["task"], control, runs, goals, references, str(content.get("remarks", "")).strip())


def _goal(row: Any, control: str, references: tuple[str, ...]) -> Goal:
    if not isinstance(row, dict):
        raise TypeError(f"goal {row!r}, expected a mapping")
    known = {"codec", "against", "at_least", "at_most", "retrained", *references}
    if row.keys() - known or len(row.keys() & {"at_least", "at_most"}) != 1:
        raise ValueError(f"goal {row}: expected codec, one of at_least and at_most, and of the others {', '.join(sorted(known))}")
    at_least, at_most = (float(row[key]) if key in row else None for key in ("at_least", "at_most"))
    elsewhere = tuple(str(row.get(name, "")) for name in references)
    return Goal(str(row["codec"]), str(row.get("against", control)), at_least, at_most, elsewhere, bool(row.get("retrained", True)))


def _run(path: Path, content: dict[str, Any], row: Any) -> Run:
    if not isinstance(row, dict):
        raise TypeError(f"run {row!r}, expected a mapping")
    known = {"name", "train_on", "seed", "tests", "train", "test", "init", "settings", "checkpoint", "average"}
    if row.keys() - known:
        raise ValueError(f"run {row}: unknown entry {', '.join(sorted(row.keys() - known))}; known: {', '.join(sorted(known))}")
    train_on, seed = str(row["train_on"]), int(row["seed"])
    init = row.get("init", content.get("init"))
    return Run(
        name=str(row.get("name", run_name(train_on, seed))),
        task=content["task"],
        train_on=train_on,
        seed=seed,
        tests=tuple(str(test) for test in row["tests"]),
        train=tuple(str(spec) for spec in row.get("train", content["train"])),
        test=str(row.get("test", content["test"])),
        init=None if init is None else str(init).replace("{seed}", str(seed)),
        settings={**content.get("settings", {}), **row.get("settings", {})},
        checkpoint=path.parent / row["checkpoint"] if "checkpoint" in row else None,
        average=tuple(str(name) for name in row.get("average", ())),
    )


def fill_in(spec: str, places: dict[str, str]) -> str:
    """``camvid={camvid},split=test`` -> with the path of ``places["camvid"]``; raises ValueError naming a place that is not given."""
    missing = sorted(set(re.findall(r"{(\w+)}", spec)) - places.keys())
    if missing:
        raise ValueError(f"{spec!r} needs the path of {', '.join(missing)}: give --place {missing[0]}=PATH")
    return re.sub(r"{(\w+)}", lambda match: places[match[1]], spec)
