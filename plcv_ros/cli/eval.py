# SPDX-License-Identifier: Apache-2.0
"""``plcv eval``: score a checkpoint on labelled pictures."""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plcv_ros.cli import outputs
from plcv_ros.cli.idle import Needs
from plcv_ros.perception.shipped import DEFAULT, SUFFIX, WEIGHTS
from plcv_ros.requirements import explain
from plcv_ros.texts import counted

if TYPE_CHECKING:
    from plcv_ros.perception import Predictor
    from plcv_ros.perception.classifier import Classifier
    from plcv_ros.training.classification import Top1
    from plcv_ros.training.evaluate import Evaluation

EPILOG = """
data sets: as for `plcv train segmentation`: camvid=PATH[,split=test], cityscapes=PATH, scenes[,seeds=0:20,frames=4], folder=PATH[,labels=cityscapes];
           scenes are generated and need no files
codecs: original, astc[:8x8[:fast]], jpeg[:90], jxs[:main[:3[:nosig]]]

examples:
  plcv eval default --data scenes --codec original --codec astc:12x12 --limit 8
  plcv eval default --data camvid=PATH --split test
  plcv eval default --data scenes --pictures out/scenes --worst
  plcv eval runs/mixed/model.safetensors --data camvid=PATH --split held-out --codec astc:8x8:fast --json out/score.json
  plcv eval default runs/astc/model.safetensors --data camvid=PATH --codec original --codec astc:8x8 --csv out/matrix.csv
                                 (every checkpoint through every codec, as a matrix)
  plcv eval default auto --data camvid=PATH --codec astc:8x8 --codec astc:12x12
                                 (what a network of its own for each codec is worth)
"""


CSV_START = ("checkpoint", "trained_on", "data", "codec")
"""The first columns, the same for every task; the task's figures follow."""

WITHOUT_SPLITS = ("scenes", "folder")

NEEDS = (
    Needs("picture_count", 8, lambda args: args.pictures is not None, "without --pictures"),
    Needs("worst", False, lambda args: args.pictures is not None, "without --pictures"),
    Needs(
        "split", None, lambda args: re.split("[=,]", args.data)[0] not in WITHOUT_SPLITS, f"with {' and '.join(WITHOUT_SPLITS)}: they have no splits"
    ),
    Needs("cache", None, lambda args: any(codec != "original" for codec in args.codec or []), "without a --codec"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv eval``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{EPILOG}\nshipped checkpoints: default ({DEFAULT}), {', '.join(sorted(path.stem for path in WEIGHTS.glob(f'*{SUFFIX}')))}\n"
    parser.add_argument(
        "checkpoint", nargs="+", help="a checkpoint file, the name of a shipped one (below), or auto: for each codec the one that was trained on it"
    )
    parser.add_argument("--data", required=True, metavar="SET", help="labelled pictures, for example camvid=PATH or scenes")
    parser.add_argument("--split", metavar="NAME", help="of CamVid: test (default), val, train, fit or held-out")
    parser.add_argument("--codec", action="append", metavar="CODEC", help="send every picture through a codec first (repeat to test several)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the codecs' payloads as files in this folder")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="score only N pictures, evenly spread; 0 = all (default)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 = half of the cores (default)")
    parser.add_argument(
        "--full-size", action="store_true", help="do not shrink pictures much larger than 640x360, as the node does (published scores do not)"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write some pictures: seen, truth, overlay, prediction")
    parser.add_argument("--picture-count", type=int, default=8, metavar="N", help="how many (default %(default)s)")
    parser.add_argument("--worst", action="store_true", help="those with the lowest mIoU, instead of evenly spread ones")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="append the figures, one row a checkpoint and codec")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and the confusion matrix (one checkpoint, one codec)")
    parser.add_argument("--record", action="store_true", help="add the figures to the scores in each checkpoint's own header")


def run(args: argparse.Namespace) -> int:
    """Run ``plcv eval``: 0 when the figures are printed, 1 with the reason on stderr otherwise."""
    try:
        from plcv_ros.perception import Predictor
        from plcv_ros.perception.by_codec import AUTO
        from plcv_ros.perception.checkpoint import find_checkpoint, record_score
        from plcv_ros.perception.classifier import Classifier
        from plcv_ros.training.classification import evaluate_classes
        from plcv_ros.training.datasets import UNSEEN_SEEDS, open_dataset
        from plcv_ros.training.degradations import parse_degradation
        from plcv_ros.training.evaluate import Evaluation, evaluate, spread, worst, write_pictures
    except ImportError as error:
        print(explain("plcv eval", error, "remote"), file=sys.stderr)
        return 1
    from rich.console import Console
    from rich.progress import Progress

    console = Console()
    cells: list[dict[str, Any]] = []
    try:
        dataset = open_dataset(args.data, split=args.split or "test", seeds=UNSEEN_SEEDS)
        codecs = [parse_degradation(text, args.cache) for text in args.codec or ["original"]]
        if args.record and args.limit:
            raise ValueError("--record keeps scores of whole data sets; leave out --limit")
        if args.json and len(args.checkpoint) * len(codecs) > 1:
            raise ValueError("--json holds one checkpoint through one codec; use --csv for several")
        if args.record and AUTO in args.checkpoint:
            raise ValueError(f"--record writes into a checkpoint, expected a name or path of one, not {AUTO}")
        paths = [find_checkpoint(name) for name in args.checkpoint if name != AUTO]
        if args.csv:
            check_columns(args.csv, dataset.label_set.classes)
        outputs.probe(args, folders=("pictures", "cache"), files=("csv", "json"))
        for path in paths if args.record else []:
            outputs.probe_file("--record into", path)
        for name in args.checkpoint:
            network_for = load_checkpoint(name, args.device, args.threads, not args.full_size)
            for codec in codecs:
                network = network_for(codec.name)
                if args.pictures and isinstance(network, Classifier):
                    raise ValueError("--pictures shows segmentations; this checkpoint is a classification network")
                if network.label_set.classes != dataset.label_set.classes:
                    raise ValueError(f"{name} knows the classes of {network.label_set.name}, {dataset.name} has those of {dataset.label_set.name}")
                started = time.perf_counter()
                with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
                    advance = moving(bar, f"{name}, {codec.name}")
                    result: Evaluation | Top1 = (
                        evaluate_classes(network.predict, dataset, codec, args.limit, advance)
                        if isinstance(network, Classifier)
                        else evaluate(network.predict, dataset, codec, args.limit, advance)
                    )
                trained_on = str(network.metadata.get("codec", ""))
                row = {"checkpoint": name, "trained_on": trained_on, "data": dataset.name, "codec": codec.name, **result.row()}
                cells.append(row)
                print_result(console, row, result, time.perf_counter() - started)
                if args.pictures and isinstance(result, Evaluation) and isinstance(network, Predictor):
                    indices = spread(len(dataset), args.limit)
                    chosen = worst(result, args.picture_count) if args.worst else spread(len(indices), args.picture_count)
                    # Each checkpoint and codec has a folder of its own where there are several: the pictures' names are those of the data set.
                    alone = len(args.checkpoint) * len(codecs) == 1
                    folder = args.pictures if alone else args.pictures / f"{name}_{codec.name}".strip("/").replace("/", "_").replace(":", "-")
                    write_pictures(folder, [indices[i] for i in chosen], network.predict, dataset, codec)
                if args.record:
                    figures = {key: value for key, value in row.items() if key not in {"checkpoint", "trained_on"}}
                    record_score(find_checkpoint(name), {**figures, "data": dataset.spec})
                if args.csv:
                    append_csv(args.csv, row)
                if args.json:
                    args.json.parent.mkdir(parents=True, exist_ok=True)
                    text = json.dumps(without_nan({**row, **result.details()}), indent=1)
                    args.json.write_text(text + "\n", encoding="utf-8")
    except (ValueError, OSError, ImportError) as error:
        print(f"plcv eval: {error}", file=sys.stderr)
        return 1
    if len(cells) > 1:
        print_matrix(console, cells)
    return 0


def load_checkpoint(name: str, device: str, threads: int, shrinks: bool = True) -> Callable[[str], Classifier | Predictor]:
    """Codec -> the network of the checkpoint ``name`` for its frames, which is the same for all but with ``auto``; errors as in loading."""
    from plcv_ros.perception import load_predictor
    from plcv_ros.perception.by_codec import AUTO, load_networks
    from plcv_ros.perception.classifier import load_classifier
    from plcv_ros.perception.networks import task_of
    from plcv_ros.perception.published import open_checkpoint

    if name == AUTO:
        networks = load_networks(AUTO, device, threads, shrinks)
        return lambda codec: networks[networks.choose(codec)]
    classifies = task_of(open_checkpoint(name).architecture) == "classification"
    network = load_classifier(name, device, threads) if classifies else load_predictor(name, device, threads, shrinks=shrinks)
    return lambda _: network


def moving(bar: Any, title: str) -> Callable[[int, int], None]:
    """A function of (done, total) that moves a new line of a rich progress bar."""
    task = bar.add_task(title, total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)


def print_matrix(console: Any, cells: list[dict[str, Any]]) -> None:
    """Print the score of every checkpoint (rows) through every codec (columns)."""
    from rich.table import Table

    codecs = list(dict.fromkeys(cell["codec"] for cell in cells))
    table = Table(title=f"{'mIoU' if 'miou' in cells[0] else 'top-1'} in % on {cells[0]['data']}")
    table.add_column("checkpoint", overflow="fold")
    table.add_column("trained on", overflow="fold")
    for codec in codecs:
        table.add_column(codec, justify="right", overflow="fold")
    for start in range(0, len(cells), len(codecs)):
        row = cells[start : start + len(codecs)]
        trained_on = {cell["trained_on"] for cell in row}
        table.add_row(
            row[0]["checkpoint"],
            trained_on.pop() if len(trained_on) == 1 else "each its own",
            *(f"{cell.get('miou', cell.get('top1')):.1%}" for cell in row),
        )
    console.print(table)


def print_result(console: Any, row: dict[str, Any], result: Evaluation | Top1, seconds: float) -> None:
    """Print the table of classes and the line of totals."""
    from rich.table import Table

    table = Table(title=f"{row['checkpoint']} on {row['data']}, {row['codec']}")
    for name in ("class", "share", "IoU" if result.name == "mIoU" else "recall"):
        table.add_column(name, justify="left" if name == "class" else "right")
    for name, share, score in result.by_class():
        table.add_row(name, f"{share:.2%}", "" if math.isnan(score) else f"{score:.1%}")
    table.add_section()
    table.add_row(result.name, "", f"{result.score():.2%}")
    console.print(table)
    accuracy = f", pixel accuracy {row['pixel_accuracy']:.2%}" if "pixel_accuracy" in row else ""
    psnr = f", PSNR {row['psnr']:.2f} dB" if row["psnr"] != "" else ""
    console.print(
        f"{result.name} {result.score():.2%}{accuracy}, "
        f"{row['bits_per_pixel']:.2f} bit/px{psnr}, {counted(row['pictures'], 'picture')}, "
        f"{seconds / max(row['pictures'], 1) * 1e3:.0f} ms each with reading",
        highlight=False,
        soft_wrap=True,
    )


def without_nan(value: Any) -> Any:
    """Plain data with null for what is not a number, which JSON does not have: the score of a class or picture without a labelled pixel."""
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def csv_columns(path: Path) -> list[str]:
    """The names in the first line of a CSV file; none where it is empty or does not exist."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), [])


def check_columns(path: Path, classes: tuple[str, ...]) -> None:
    """Raises ValueError where ``path`` cannot take rows of this command, or has scores of other ``classes``: told before the scores are made."""
    header = csv_columns(path)
    scored = [name.removeprefix("iou_") for name in header if name.startswith("iou_")]
    if header and (header[: len(CSV_START)] != list(CSV_START) or (scored and scored != list(classes))):
        raise ValueError(f"--csv {path} has other columns: {', '.join(header)}")


def append_csv(path: Path, row: dict[str, Any]) -> None:
    """Append ``row``, with a header in a fresh file; raises ValueError where the file has other columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = csv_columns(path)
    fresh = not header
    if header not in ([], list(row)):
        raise ValueError(f"{path} has other columns: {', '.join(header)}")
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
