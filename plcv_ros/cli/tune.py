# SPDX-License-Identifier: Apache-2.0
"""``plcv tune``: search the gains and priorities of JPEG XS by which a network loses least."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plcv_ros.cli import outputs
from plcv_ros.cli.idle import Needs
from plcv_ros.cli.progress import done_column
from plcv_ros.requirements import explain
from plcv_ros.texts import counted

if TYPE_CHECKING:
    from plcv_ros.codecs.jpegxs.weights import Weights
    from plcv_ros.training.tuning import Evaluation, Objective, TuningSettings

EPILOG = """
The search (CMA-ES) varies one weight a band and compares the network's output behind the codec with its own on clean pictures. It keeps
the rate, and every decoder reads the streams. Interrupted (Ctrl-C, SIGTERM, a crash), the same command goes on where it was, and so does
one with more generations. Then it compares what it found with the encoder's own weights on other pictures.

writes into --out: course.csv (every evaluation), weights.json (for `plcv encode --weights` and jxs:main:2:weights=FILE),
comparison.csv, tuning.png

example:
  plcv tune default --data camvid=PATH,split=fit --codec jxs:main:2 --compare camvid=PATH,split=held-out --rate 2.5 --rate 3
"""


NEEDS = (Needs("rate", [], lambda args: bool(args.compare), "without --compare"),)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv tune``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add = parser.add_argument
    add("checkpoint", help="the network: a checkpoint file, or the name of a shipped one")
    add("--data", required=True, metavar="SET", help="labelled pictures to tune on, for example camvid=PATH,split=fit")
    add("--pictures", type=int, default=32, metavar="N", help="how many of them, evenly spread; 0 = all (default %(default)s)")
    add("--codec", default="jxs:main:2", metavar="CODEC", help="jxs[:main[:3[:nosig]]] (default %(default)s)")
    add("--generations", type=int, default=18, help="of the search (default %(default)s)")
    add("--population", type=int, default=14, help="evaluations a generation; one more is made of its mean (default %(default)s)")
    add("--sigma", type=float, default=0.5, metavar="PLANES", help="first step size in bit planes (default %(default)s)")
    add("--seed", type=int, default=0, help="of the search (default %(default)s)")
    add("--compare", action="append", default=[], metavar="SET", help="compare with the encoder's own weights on these pictures, all of them")
    add("--rate", type=float, action="append", default=[], metavar="BPP", help="measure the encoder's own weights at this rate too (repeat)")
    add("--out", type=Path, default=Path("runs/tuning"), metavar="DIR", help="folder of the results (default %(default)s)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default %(default)s)")
    add("--threads", type=int, default=0, help="CPU threads; 0 = half of the cores (default)")


def run(args: argparse.Namespace) -> int:
    """Run ``plcv tune``: 0 when everything is written or it was stopped, 1 with the reason on stderr otherwise."""
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # see plcv_ros.cli.train
    try:
        from plcv_ros.perception import load_predictor
        from plcv_ros.training.datasets import open_dataset
        from plcv_ros.training.tuning import Objective, best
    except ImportError as error:
        print(explain("plcv tune", error, "remote,tune"), file=sys.stderr)
        return 1
    from rich.console import Console
    from rich.progress import Progress

    console = Console()
    try:
        settings = settings_of(args)
        outputs.probe(args, folders=("out",))
        dataset = open_dataset(args.data, split="fit")
        compared = [open_dataset(spec, split="held-out") for spec in args.compare]
        predictor = load_predictor(args.checkpoint, args.device, args.threads)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("clean pictures", total=args.pictures or len(dataset))
            objective = Objective(predictor, dataset, args.pictures, lambda: bar.advance(task))
        course = search(console, objective, settings, args)
        if course is None:
            console.print("stopped; the same command goes on from here", highlight=False)
            return 0
        found = best(course).weights
        for pictures in compared:
            show_comparison(console, Objective(predictor, pictures), pictures.name, settings, course[0].weights, found, args)
    except (ValueError, OSError, ImportError) as error:
        print(f"plcv tune: {error}", file=sys.stderr)
        return 1
    return 0


def settings_of(args: argparse.Namespace) -> TuningSettings:
    """The settings of the search; raises ValueError for another codec than JPEG XS."""
    from plcv_ros.perception.checkpoint import find_checkpoint
    from plcv_ros.training.degradations import read_configuration
    from plcv_ros.training.tuning import TuningSettings

    name, kind, options = read_configuration(args.codec)
    if kind != "jxs" or "weights" in options:
        raise ValueError(f"codec {name!r}: expected jxs[:main[:3[:nosig]]]")
    data = args.data.partition(",")[2]
    kind_of_data = args.data.partition("=")[0].partition(",")[0]
    # Without the place of the data on this machine.
    pictures = [",".join(filter(None, [kind_of_data, data])), str(args.pictures)]
    network = find_checkpoint(args.checkpoint).name
    return TuningSettings(options, network, pictures, args.population, args.sigma, args.seed)


def search(console: Any, objective: Objective, settings: TuningSettings, args: argparse.Namespace) -> list[Evaluation] | None:
    """Search with a bar and a line a generation, and write what was found; None where it was stopped before its end."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from plcv_ros.cli.train_progress import Stopping
    from plcv_ros.codecs.jpegxs import JxsCodec
    from plcv_ros.training.band_weights import band_names, coded_weights
    from plcv_ros.training.tuning import WEIGHTS, best, read_course, tune, write_weights

    codec = JxsCodec(**settings.options)
    start = coded_weights(codec, *objective.picture_size)
    total = 1 + args.generations * (args.population + 1)
    columns = (TextColumn("{task.description}"), BarColumn(), done_column(), TimeElapsedColumn(), TimeRemainingColumn())
    with Stopping() as stop, Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("search", total=total, completed=len(read_course(args.out)))

        def report(new: Evaluation, least: Evaluation) -> None:
            bar.update(task, advance=1, description=f"generation {new.generation}, divergence {least.divergence:.4f}")
            if new.evaluation % (args.population + 1) == 0:
                console.print(
                    f"generation {new.generation}   mean {new.divergence:.5f}   best {least.divergence:.5f} "
                    f"(mIoU {least.miou:.2%}, {least.psnr:.2f} dB)",
                    highlight=False,
                )

        course = tune(objective, settings, start, args.generations, args.out, report, stop)
    if len(course) < total:
        return None
    least = best(course)
    comments = {
        "codec": args.codec,
        "bands": f"{codec.tools.levels}, RGB",
        "network": settings.network,
        "tuned on": f"{settings.pictures[0]}, {counted(len(objective), 'picture')}",
        "divergence": [round(course[0].divergence, 6), round(least.divergence, 6)],
    }
    write_weights(args.out / WEIGHTS, least.weights, comments)
    draw(console, course, band_names(codec.tools.levels), args.out / "tuning.png")
    console.print(f"divergence {course[0].divergence:.5f} -> {least.divergence:.5f}; weights in {args.out / WEIGHTS}", highlight=False)
    return course


def draw(console: Any, course: list[Evaluation], bands: list[str], path: Path) -> None:
    """Draw the course where matplotlib is installed; say so where it is not."""
    from plcv_ros.training.tuning_figures import draw_tuning

    try:
        draw_tuning(course, bands, path)
    except ImportError as error:
        console.print(f"no figure: {error}", highlight=False)


def show_comparison(
    console: Any, objective: Objective, data: str, settings: TuningSettings, default: Weights, tuned: Weights, args: argparse.Namespace
) -> None:
    """Compare on one data set, print the table, write the CSV."""
    from rich.progress import Progress
    from rich.table import Table

    from plcv_ros.training.tuning_comparison import compare, write_comparison

    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(data, total=None)
        result = compare(objective, data, settings, default, tuned, args.rate, lambda: bar.advance(task))
    table = Table(title=f"{settings.network} on {data}, {args.codec}")
    columns = ("weights", "bits_per_pixel", "psnr", "divergence", "cross_entropy", "miou")
    for name in columns:
        table.add_column(name, justify="left" if name == "weights" else "right")
    for row in result.rows():
        table.add_row(*(f"{row[name]:.2%}" if name == "miou" else str(row[name]) for name in columns))
    console.print(table)
    console.print(f"tuned over default weights: {result.gain} pp mIoU, 95 % interval over the pictures", highlight=False)
    for name, rate in zip(("divergence", "mIoU"), result.equal_rates()):
        where = f"at {rate:.2f} bit/px" if rate is not None else "not at the rates measured"
        console.print(f"default weights reach the {name} of the tuned ones {where}", highlight=False)
    console.print(f"written: {write_comparison(args.out, result)}", highlight=False)
