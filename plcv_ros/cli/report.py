# SPDX-License-Identifier: Apache-2.0
"""``plcv report``: the tables and figures of docs/results, made of the CSV files that the runs left."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from plcv_ros.requirements import explain

if TYPE_CHECKING:
    from plcv_ros.training.report import Results

EPILOG = """
For each table X.yaml, the scores in X/ become X.md (tables), X.csv (all scores in one file) and X_losses.png, X_rates.png and
X_training.png. No network is loaded and nothing is measured: the same CSV files always give the same report.

examples:
  plcv report                                     (every table in docs/results that has scores)
  plcv report docs/results/segmentation.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv report``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("table", nargs="*", type=Path, help="tables of runs (default: docs/results/*.yaml)")
    parser.add_argument("--no-figures", action="store_true", help="write the tables alone (no matplotlib needed)")


def run(args: argparse.Namespace) -> int:
    """Run ``plcv report``: 0 when every report is written, 1 with the reason on stderr otherwise."""
    try:
        from plcv_ros.training.report import read_results
        from plcv_ros.training.table import read_table
    except ImportError as error:
        print(explain("plcv report", error, "remote"), file=sys.stderr)
        return 1
    tables = args.table or sorted(Path("docs/results").glob("*.yaml"))
    if not tables:
        print("plcv report: no docs/results/*.yaml here; name a table of runs", file=sys.stderr)
        return 1
    try:
        for path in tables:
            results = read_results(read_table(path))
            if not args.table and not results.rows:
                print(f"{path} has no scores yet: plcv train table {path}")
                continue
            written = write_report(results, not args.no_figures)
            print(f"wrote {', '.join(str(p) for p in written)}")
    except (ValueError, OSError, ImportError) as error:
        print(f"plcv report: {error}", file=sys.stderr)
        return 1
    return 0


def write_report(results: Results, with_figures: bool) -> list[Path]:
    """Write the files of one table's report and return their paths."""
    from plcv_ros.training.report import markdown, summary

    table = results.table
    figures = []
    if with_figures:
        from plcv_ros.training.figures import draw_losses, draw_rates, draw_training

        for name, draw in (("losses", draw_losses), ("rates", draw_rates), ("training", draw_training)):
            path = table.path.with_name(f"{table.path.stem}_{name}.png")
            if draw(results, path):
                figures.append(path)
    report = table.path.with_suffix(".md")
    report.write_text(markdown(results, [Path(figure.name) for figure in figures]), encoding="utf-8")
    scores = table.path.with_suffix(".csv")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(summary(results))
    scores.write_text(text.getvalue(), encoding="utf-8")
    return [report, scores, *figures]
