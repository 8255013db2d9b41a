# SPDX-License-Identifier: Apache-2.0
"""What docs/results says: its reports are what `plcv report` makes of its scores, and the default network keeps its promise."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("plcv_ros.codecs._native")
pytest.importorskip("yaml")

from plcv_ros.perception.shipped import DEFAULT, shipped
from plcv_ros.training.degradations import full_name
from plcv_ros.training.report import Results, markdown, read_results, summary
from plcv_ros.training.table import read_table

FOLDER = Path(__file__).parents[2] / "docs/results"
REPORTED = sorted(path for path in FOLDER.glob("*.yaml") if path.with_suffix(".md").is_file())
MAY_LOSE = 0.5
"""Points that the default may lose to a network of one codec."""


@cache
def results(path: Path) -> Results:
    return read_results(read_table(path))


@pytest.mark.parametrize("path", REPORTED, ids=lambda path: path.stem)
def test_reports_are_of_the_scores(path: Path) -> None:
    report = path.with_suffix(".md").read_text(encoding="utf-8")
    figures = [Path(name) for name in re.findall(rf"!\[\w+\]\(({path.stem}_\w+\.png)\)", report)]
    assert all((FOLDER / figure).is_file() for figure in figures)
    assert markdown(results(path), figures) == report, f"run plcv report {path}"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(summary(results(path)))
    assert path.with_suffix(".csv").read_text(encoding="utf-8") == text.getvalue()


def test_the_default_loses_little_to_networks_of_one_codec() -> None:
    """To all that were trained, the mean of their seeds, shipped or not."""
    found = results(FOLDER / "segmentation.yaml")
    default = shipped()[DEFAULT].header["training"]["run"]
    losses = {}
    for run in found.table.runs:
        for test in map(full_name, run.tests):
            special = found.mean(test, test)
            if run.name == default and special is not None and (run.name, test) in found.counts:
                losses[test] = 100 * (special - float(found.counts[run.name, test].score()[0]))
    assert len(losses) >= 7
    assert np.max(list(losses.values())) <= MAY_LOSE, losses
