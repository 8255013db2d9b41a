# SPDX-License-Identifier: Apache-2.0
"""The tables of a results folder as Markdown, made of the CSV files alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from plcv_ros.training.degradations import ORIGINAL, full_name
from plcv_ros.training.results import KEYS, Counts, Difference, concatenated, mean_score, paired_difference, read_counts, read_run
from plcv_ros.training.table import Goal, Run, Table

SCORES = {"segmentation": "mIoU", "classification": "top-1"}
"""Task -> what its score is called."""


@dataclass
class Results:
    """All scores of a table of runs: (run, codec of the test) -> CSV row and counts."""

    table: Table
    rows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    counts: dict[tuple[str, str], Counts] = field(default_factory=dict)

    def runs(self, train_on: str, tested_on: str) -> dict[int, Run]:
        """Seed -> the run of the plain recipe (named after its codecs) that was trained on one and tested on the other."""
        return {run.seed: run for run in self.table.runs if run.plain() and same(run.train_on, train_on) and (run.name, tested_on) in self.counts}

    def mean(self, train_on: str, tested_on: str) -> float | None:
        """Mean score over the seeds (all pictures, where the seeds are folds), 0..1; None where there is none."""
        runs = self.runs(train_on, tested_on)
        if not runs:
            return None
        return float(np.mean([c.score() for c in self._counts(runs.values(), tested_on)]))

    def score(self, train_on: str, tested_on: str) -> Difference | None:
        """The same in %, with its interval."""
        runs = self.runs(train_on, tested_on)
        return mean_score(self._counts(runs.values(), tested_on), seeds=len(runs)) if runs else None

    def difference(self, first: tuple[str, str], second: tuple[str, str]) -> Difference | None:
        """Score of the (trained on, tested on) pair ``first`` less that of ``second``, over the seeds that both have."""
        one, two = self.runs(*first), self.runs(*second)
        seeds = sorted(one.keys() & two.keys())
        if not seeds:
            return None
        a, b = (self._counts((runs[s] for s in seeds), test) for runs, test in ((one, first[1]), (two, second[1])))
        return paired_difference(a, b, seeds=len(seeds))

    def _counts(self, runs: Iterable[Run], tested_on: str) -> list[Counts]:
        counts = [self.counts[run.name, tested_on] for run in runs]
        # The folds of a cross-validation have pictures of their own: together they are one test.
        return [concatenated(counts)] if self.table.task == "classification" else counts


def same(first: str, second: str) -> bool:
    """Whether two texts name the same codecs."""
    return [full_name(part) for part in first.split("+")] == [full_name(part) for part in second.split("+")]


def read_results(table: Table) -> Results:
    """Read the CSV files beside a table; raises ValueError where scores and counts of a run do not fit each other."""
    results = Results(table)
    for run in table.runs:
        counts = read_counts(table.results(), run.name)
        for row in read_run(table.results(), run.name):
            tested_on = row["tested_on"]
            if tested_on not in counts:
                raise ValueError(f"{table.results() / run.name}.csv has a test on {tested_on} without counts of the pictures")
            results.rows[run.name, tested_on] = row
            results.counts[run.name, tested_on] = counts[tested_on]
    return results


def markdown(results: Results, figures: Iterable[Path] = ()) -> str:
    """The whole report; ``figures`` are paths relative to it."""
    table = results.table
    name = SCORES[table.task]
    parts = [
        f"# {table.task.capitalize()} through the codecs",
        f"Written by `plcv report` from the CSV files in `{table.results().name}/`; the runs stand in [{table.path.name}]({table.path.name}).",
        f"{name} and losses in % and percentage points. A loss is measured from the control, the network on original pictures that had the same"
        " extra training; it is paired by seed, and the brackets are a 95 % bootstrap interval over the test pictures.",
        *(f"![{figure.stem}]({figure.as_posix()})" for figure in figures),
    ]
    sections = {
        "Goals": _goals(results),
        "Every configuration": _configurations(results),
        "Trained on one, tested on another (seed 0)": _matrix(results),
        f"{'IoU' if table.task == 'segmentation' else 'Recall'} by class, first seed": _classes(results),
        "One network for several configurations, and means of the weights of several": _mixtures(results),
        "Other recipes": _variants(results),
    }
    for title, text in sections.items():
        if text:
            parts += [f"## {title}", text]
    missing = [
        f"- `{run.name}`: {', '.join(f'`{t}`' for t in tests)}"
        for run in table.runs
        if (tests := [t for t in map(full_name, run.tests) if (run.name, t) not in results.counts])
    ]
    parts += ["## Not done yet", "\n".join(missing) if missing else "Nothing is missing."]
    return "\n\n".join(parts) + "\n"


def grid(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join(["---", *["---:"] * (len(header) - 1)]) + " |"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def percent(score: float | None) -> str:
    """0.6589 -> 65.9."""
    return "" if score is None else f"{100 * score:.1f}"


def _tested(results: Results) -> list[str]:
    """All codecs of tests, in the order of the table."""
    return list(dict.fromkeys(t for run in results.table.runs for t in map(full_name, run.tests) if (run.name, t) in results.counts))


def _goals(results: Results) -> str:
    table, rows = results.table, []
    for goal in table.goals:
        codec, trained_on = full_name(goal.codec), goal.codec if goal.retrained else table.control
        if goal.at_least is not None:
            found, wanted = results.score(trained_on, codec), f"{SCORES[table.task]} at least {goal.at_least:.1f}"
        else:
            other = goal.against if goal.retrained else table.control
            found, wanted = results.difference((other, full_name(goal.against)), (trained_on, codec)), f"loses at most {goal.at_most:.1f}"
        against = "" if same(goal.against, table.control) else f", against `{goal.against}`"
        against += "" if goal.retrained else ", not retrained"
        verdict = "not done yet" if found is None else "met" if reached(goal, found.mean) else "not met"
        planned = sum(run.plain() and same(run.train_on, trained_on) for run in table.runs)
        if found is not None and found.seeds < planned:
            verdict += f" so far ({found.seeds} of {planned} seeds)"
        figures = ["", ""] if found is None else [found.precise(), str(found.seeds)]
        rows.append([f"`{goal.codec}`{against}", wanted, *figures, verdict, *goal.references])
    if not rows:
        return ""
    return "\n\n".join(filter(None, (grid(["after retraining", "goal", "here", "seeds", "", *table.references], rows), table.remarks)))


def reached(goal: Goal, value: float) -> bool:
    """Whether ``value``, as the report shows it, is what ``goal`` asks for."""
    shown = round(value, 2)
    return shown >= goal.at_least if goal.at_least is not None else goal.at_most is not None and shown <= goal.at_most


def _configurations(results: Results) -> str:
    control, rows = results.table.control, []
    if not results.runs(control, ORIGINAL):
        return ""
    for codec in _tested(results):
        facts = next(row for (_, tested_on), row in results.rows.items() if tested_on == codec)
        before = results.difference((control, ORIGINAL), (control, codec))
        after = results.difference((control, ORIGINAL), (codec, codec))
        rows.append(
            [
                f"`{codec}`",
                f"{float(facts['bits_per_pixel']):.2f}",
                f"{float(facts['psnr']):.1f}" if facts["psnr"] else "",
                percent(results.mean(control, codec)),
                "" if before is None or codec == ORIGINAL else str(before),
                percent(results.mean(codec, codec)) if codec != ORIGINAL else "",
                "" if after is None or codec == ORIGINAL else str(after),
                f"{len(results.runs(control, codec))} / {len(results.runs(codec, codec)) if codec != ORIGINAL else '-'}",
            ]
        )
    name = SCORES[results.table.task]
    header = ["codec", "bit/px", "PSNR (dB)", f"{name}, control", "loss without retraining", f"{name}, retrained", "loss after retraining", "seeds"]
    return (
        f"Seeds: of the control / retrained. A {name} is the mean over those; a loss is taken over the seeds that both sides have, so losses compare"
        f" where means of different seeds do not.\n\n{grid(header, rows)}"
    )


def _matrix(results: Results) -> str:
    tested = _tested(results)
    usual = [run for run in results.table.runs if run.seed == 0 and (run.plain() or "+" in run.train_on)]
    runs = [run for run in usual if any((run.name, t) in results.counts for t in tested)]
    rows = []
    for run in runs:
        scores = {t: float(results.counts[run.name, t].score()[0]) for t in tested if (run.name, t) in results.counts}
        name = f"mean of {len(run.average)} networks' weights (`{run.name}`)" if run.average else f"`{run.train_on}`".replace("+", "` + `")
        rows.append([name, *(percent(scores.get(t)) for t in tested)])
    return grid(["trained on", *(f"`{t}`" for t in tested)], rows) if rows else ""


def _classes(results: Results) -> str:
    lines, names = [], list[str]()
    for codec in _tested(results):
        for train_on in dict.fromkeys((results.table.control, codec)):
            runs = results.runs(train_on, codec)
            if not runs:
                continue
            row = results.rows[runs[min(runs)].name, codec]
            names = [key for key in row if key.startswith(("iou_", "recall_"))]
            lines.append([f"`{train_on}`", f"`{codec}`", *(percent(float(row[key])) if row[key] else "" for key in names)])
    return grid(["trained on", "tested on", *(key.partition("_")[2] for key in names)], lines) if names else ""


def _mixtures(results: Results) -> str:
    averages = [run for run in results.table.runs if run.average and same(run.train_on, results.table.control)]
    rows = []
    for run in results.table.runs:
        for test in map(full_name, run.tests):
            special = results.runs(test, test).get(run.seed)
            if not ("+" in run.train_on or run.average) or special is None or (run.name, test) not in results.counts:
                continue
            own = results.counts[run.name, test]
            pair = [results.counts[special.name, test]], [own]
            controls = results.runs(results.table.control, ORIGINAL)
            # What is the mean of several seeds stands against the controls of all of them, and against the mean of their weights.
            singles = [results.counts[c.name, ORIGINAL] for seed, c in controls.items() if run.average or seed == run.seed]
            means = [results.counts[c.name, ORIGINAL] for c in averages if run.average and (c.name, ORIGINAL) in results.counts]
            losses = [str(paired_difference(against, [own] * len(against))) if against else "" for against in (singles, means[:1])]
            scores = [percent(float(c[0].score()[0])) for c in reversed(pair)]
            rows.append([f"`{run.name}`", f"`{test}`", *scores, str(paired_difference(*pair)), *losses])
    header = ["network", "tested on", "its score", "specialised network", "loses to it", "loses to the control on originals"]
    header.append("loses to the mean of the controls' weights")
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return grid(header, rows) if rows else ""


def _variants(results: Results) -> str:
    rows = []
    for run in results.table.runs:
        for test in map(full_name, run.tests):
            if run.plain() or run.average or "+" in run.train_on or (run.name, test) not in results.counts:
                continue
            usual = results.runs(run.train_on, test).get(run.seed)
            gain = "" if usual is None else str(paired_difference([results.counts[usual.name, test]], [results.counts[run.name, test]]))
            score = percent(float(results.counts[run.name, test].score()[0]))
            rows.append([f"`{run.name}`", f"`{test}`", score, gain])
    header = ["run", "tested on", SCORES[results.table.task], "loses to the usual recipe"]
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return grid(header, rows) if rows else ""


def summary(results: Results) -> list[list[str]]:
    """All scores as rows of one CSV: the keys, bits per pixel, PSNR and the scores, in the order of the table; a header first."""
    ordered = [results.rows[run.name, t] for run in results.table.runs for t in map(full_name, run.tests) if (run.name, t) in results.rows]
    header = list(ordered[0]) if ordered else list(KEYS)
    return [header, *([row[key] for key in header] for row in ordered)]
