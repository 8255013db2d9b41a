# SPDX-License-Identifier: Apache-2.0
"""``plcv train``: train a segmentation network."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType

EPILOG = """
data sets (--data, --validate; several may be given):
  camvid=PATH[,split=train]      CamVid, SegNet layout; splits train, val, test, fit (train without its held-out block), held-out
                                 (--validate: held-out)
  scenes[,seeds=1000:1150,frames=4,seconds=40,size=640x360]
                                 generated scenes: frames of each seed, spread over that many seconds (--validate: seeds 0:20)
  folder=PATH[,labels=camvid]    PATH/images/* and PATH/labels/*.png, label values = class ids of that label set
  ...,share=0.5                  an epoch draws half of the set's pictures (2: each twice)

examples:
  plcv train segmentation --data camvid=PATH --data scenes --init espnetv2_s_2.0_city_1024x512.pth --out runs/mixed
  plcv train segmentation --data camvid=PATH --data scenes --init espnetv2_s_2.0_city_1024x512.pth --out runs/mixed --resume
  plcv train segmentation --data scenes,seeds=1000:1020 --epochs 2 --out runs/tiny        (from scratch, no data needed)

The run folder gets last.pt (to resume from), metrics.csv, and model.safetensors, a checkpoint of the averaged weights that
`plcv eval` and the segmentation node load by path. Ctrl-C saves and ends; --resume continues to the same result.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv train``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("task", choices=["segmentation"], help="what the network does")
    parser.add_argument("--data", action="append", required=True, metavar="SET", help="train on this data set (repeat to mix)")
    parser.add_argument("--validate", action="append", default=[], metavar="SET", help="score the averaged weights on this data set now and then")
    parser.add_argument("--validate-every", type=int, default=5, metavar="EPOCHS", help="epochs between two such scores (default %(default)s)")
    parser.add_argument("--init", type=Path, metavar="PATH", help="start from a checkpoint, or from a published ESPNetv2 .pth (its encoder)")
    parser.add_argument("--out", type=Path, default=Path("runs/segmentation"), metavar="DIR", help="folder of the run (default %(default)s)")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out, with the same other arguments")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the data (default %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="pictures a step (default %(default)s)")
    parser.add_argument("--crop", type=int, default=320, metavar="PIXELS", help="side of the training crops (default %(default)s)")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate (default %(default)s)")
    parser.add_argument("--encoder-rate", type=float, default=0.5, metavar="SHARE", help="the encoder's, as a share of it (default %(default)s)")
    parser.add_argument("--overlap", type=float, default=0.5, metavar="WEIGHT", help="weight of the soft Jaccard loss (default %(default)s)")
    parser.add_argument("--average", type=float, default=0.997, metavar="DECAY", help="decay a step of the averaged weights (default %(default)s)")
    parser.add_argument("--scale", type=float, default=2.0, help="of the ESPNetv2 encoder: 0.5, 1.0, 1.25, 1.5 or 2.0 (default %(default)s)")
    parser.add_argument("--width", type=int, default=128, metavar="CHANNELS", help="of the decoder (default %(default)s)")
    parser.add_argument("--fine", type=int, default=32, metavar="CHANNELS", help="of the decoder at half resolution (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 = as many as cores (default)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default %(default)s)")
    parser.add_argument("--stop-after", type=int, default=0, metavar="STEPS", help="save and end after this many steps; 0 = run to the end")


def portable_command(arguments: list[str]) -> str:
    """The command as a checkpoint's header tells it: paths without the folders of this machine, and as if run in one go."""
    return shlex.join(["plcv", *(re.sub(r"(^|=)/[^,]*/", r"\1", a) for a in arguments if a != "--resume")])


def run(args: argparse.Namespace) -> int:
    """Run ``plcv train``: 0 when the checkpoint is written, 1 with the reason on stderr otherwise."""
    # The OpenMP threads of torch wait for each other in a busy loop, by default for so long that anything else running beside the
    # training slows it several times; read once, when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        from plcv_ros.perception.predictor import choose_device
        from plcv_ros.training.augment import Augmentation
        from plcv_ros.training.datasets import UNSEEN_SEEDS, open_dataset
        from plcv_ros.training.segmentation import Sample, Settings, train
    except ImportError as error:
        print(f'plcv train: {error}; install the packages it needs with: pip install "plcv_ros[remote]"', file=sys.stderr)
        return 1
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    try:
        data = [open_dataset(spec) for spec in args.data]
        validation = [open_dataset(spec, split="held-out", seeds=UNSEEN_SEEDS) for spec in args.validate]
        settings = Settings(
            arguments={"scale": args.scale, "width": args.width, "fine": args.fine},
            epochs=args.epochs,
            batch=args.batch,
            rate=args.rate,
            encoder_rate=args.encoder_rate,
            overlap=args.overlap,
            average=args.average,
            augmentation=Augmentation(crop=args.crop),
            seed=args.seed,
            threads=args.threads,
            device=choose_device(args.device),
            stop_after=args.stop_after,
        )
    except ValueError as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1

    console = Console()
    for dataset in data:
        console.print(f"train on {dataset.name}: {len(dataset)} pictures, share {dataset.share:g}. {dataset.licence}", highlight=False)
    stopping = False

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console, disable=not console.is_terminal)
    task = progress.add_task("train", total=None, epoch=0, loss=float("nan"))
    losses: list[float] = []
    epoch: int | None = None

    def report(sample: Sample) -> None:
        nonlocal epoch
        losses.append(sample.loss)
        mean = sum(losses[-50:]) / len(losses[-50:])
        progress.update(task, total=sample.steps, completed=sample.step, epoch=f"{sample.epoch}/{args.epochs}", loss=mean)
        finished, epoch = epoch not in {None, sample.epoch}, sample.epoch
        if finished:
            scores = "".join(f"   {name} {value:.1%}" for name, value in (sample.scores or {}).items())
            console.print(f"epoch {epoch:3d}/{args.epochs}   step {sample.step}/{sample.steps}   loss {mean:.3f}{scores}", highlight=False)

    try:
        with progress:
            path = train(
                settings,
                data,
                args.out,
                init=args.init,
                validation=validation,
                validate_every=args.validate_every,
                resume=args.resume,
                stop=lambda: stopping,
                report=report,
                notes={"command": portable_command(args.arguments)},
            )
    except (ValueError, OSError) as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if stopping or args.stop_after:
        console.print(f"stopped; the same command with --resume continues. So far: {path}", highlight=False, soft_wrap=True)
    else:
        console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", highlight=False, soft_wrap=True)
    return 0
