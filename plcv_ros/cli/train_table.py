# SPDX-License-Identifier: Apache-2.0
"""``plcv train table``: train and test a series of runs, each as far as it is not done."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from plcv_ros.cli import outputs
from plcv_ros.requirements import explain

if TYPE_CHECKING:
    from plcv_ros.training.run import Sample
    from plcv_ros.training.table import Run

EPILOG = """
The table (docs/results/segmentation.yaml is one) names the runs. Their scores are kept in a folder beside it, and a run whose scores
are all there is skipped. Interrupted (Ctrl-C, SIGTERM, a crash), the same command goes on from the end of the last epoch.
Several such commands may work on one table at the same time, on a GPU each for instance: each takes runs that no other is at.

examples:
  plcv train table docs/results/segmentation.yaml --place camvid=PATH --place scenes=runs/pictures
  plcv train table docs/results/segmentation.yaml --place camvid=PATH --place scenes=runs/pictures --only astc-8x8-fast_s1
  plcv train table docs/results/segmentation.yaml --list
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv train table``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("table", type=Path, help="YAML file with the runs")
    parser.add_argument("--place", action="append", default=[], metavar="NAME=PATH", help="where the data called {NAME} in the table is")
    parser.add_argument("--only", action="append", metavar="RUN", help="do this run alone (may be repeated)")
    parser.add_argument("--list", action="store_true", help="list the runs and what is missing of each, and do nothing")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of this table's run folders (default runs/TABLE, as runs/segmentation)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the codecs' payloads as files in this folder")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 = as many as cores (default)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default %(default)s)")
    parser.add_argument("--tensorboard", action="store_true", help="write curves for TensorBoard into the run folders")


def run(args: argparse.Namespace) -> int:
    """Run ``plcv train table``: 0 when nothing is missing any more or it was stopped, 1 with the reasons on stderr otherwise."""
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # see plcv_ros.cli.train
    try:
        from plcv_ros.perception.predictor import choose_device
        from plcv_ros.training.board import Boards
        from plcv_ros.training.runner import missing_tests, runs_to_do, work
        from plcv_ros.training.table import read_table
    except ImportError as error:
        print(explain("plcv train", error, "remote"), file=sys.stderr)
        return 1
    from rich.console import Console

    from plcv_ros.cli.train_progress import Stopping, TrainingProgress

    console = Console()
    try:
        table = read_table(args.table)
        places = dict(place.partition("=")[::2] for place in args.place)
        if not all(places.values()):
            raise ValueError(f"--place {args.place}: expected NAME=PATH")
        folder = args.out or Path("runs") / table.path.stem
        if args.list:
            wanted = runs_to_do(table, folder)
            for entry in table.runs:
                missing = ", ".join(missing_tests(entry, table.results())) or ("weights" if entry.name in wanted else "")
                console.print(f"{entry.name}: {'missing ' + missing if missing else 'done'}", highlight=False, soft_wrap=True)
            return 0
        outputs.probe_folder("--out", folder)
        outputs.probe(args, folders=("cache",))
        with Stopping() as stop, TrainingProgress(console) as progress, Boards(folder, args.tensorboard) as boards:

            def report(entry: Run, sample: Sample) -> None:
                progress(sample, entry.name)
                boards(sample, entry.name)

            failures = work(
                table,
                folder,
                places,
                only=args.only,
                threads=args.threads,
                device=choose_device(args.device),
                cache=args.cache,
                stop=stop,
                report=report,
                say=lambda text: console.print(text, highlight=False, soft_wrap=True),
            )
    except (ValueError, OSError) as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1
    for failure in failures:
        print(f"plcv train: {failure}", file=sys.stderr)
    return 1 if failures else 0
