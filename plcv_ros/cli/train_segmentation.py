# SPDX-License-Identifier: Apache-2.0
"""``plcv train segmentation``: train a segmentation network."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

EPILOG = """
data sets (--data, --validate; several may be given):
  camvid=PATH[,split=train]      CamVid, SegNet layout; splits train, val, test, fit (train without its held-out block), held-out
                                 (--validate: held-out)
  cityscapes=PATH[,split=train]  leftImg8bit and gtFine, 19 classes (--validate: val)
  scenes[,seeds=1000:1150,frames=4,seconds=40,size=640x360,keep=DIR]
                                 generated scenes: frames of each seed, spread over that many seconds (--validate: seeds 0:20)
  folder=PATH[,labels=camvid]    PATH/images/* and PATH/labels/*.png, label values = class ids of that label set
  ...,share=0.5                  an epoch draws half of the set's pictures (2: each twice)

codecs (--codec): original, astc[:8x8[:fast]], jpeg[:90], jxs[:main[:3[:nosig]]]; a+b draws one of them for every picture.

examples:
  plcv train segmentation --data camvid=PATH --data scenes --init espnetv2_s_2.0_city_1024x512.pth --out runs/mixed
  plcv train segmentation --data camvid=PATH --data scenes --init espnetv2_s_2.0_city_1024x512.pth --out runs/mixed --resume
  plcv train segmentation --data camvid=PATH --init default --codec astc:8x8:fast --distil 1 --epochs 6 --rate 8e-4 --out runs/astc
  plcv train segmentation --data scenes,seeds=1000:1020 --epochs 2 --out runs/tiny        (from scratch, no data needed)
  torchrun --nproc-per-node 4 -m plcv_ros.cli.main train segmentation --data cityscapes=PATH --mixed --out runs/city

The run folder gets last.pt (to resume from), metrics.csv, and model.safetensors, a checkpoint of the averaged weights that
`plcv eval` and the segmentation node load by path. Ctrl-C saves and ends; --resume continues to the same result.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv train segmentation``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("--data", action="append", required=True, metavar="SET", help="train on this data set (repeat to mix)")
    parser.add_argument("--validate", action="append", default=[], metavar="SET", help="score the averaged weights on this data set now and then")
    parser.add_argument("--validate-every", type=int, default=5, metavar="EPOCHS", help="epochs between two such scores (default %(default)s)")
    parser.add_argument(
        "--init", metavar="PATH", help="start from a checkpoint (path or shipped name), or from a published ESPNetv2 .pth (its encoder)"
    )
    parser.add_argument("--codec", default="original", metavar="CODECS", help="send the pictures through codecs first (default %(default)s)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the codecs' payloads as files in this folder")
    parser.add_argument(
        "--distil", type=float, default=0.0, metavar="WEIGHT", help="of the loss against the teacher on the clean picture (default 0)"
    )
    parser.add_argument("--teacher", metavar="PATH", help="checkpoint of the teacher (default: that of --init)")
    parser.add_argument("--out", type=Path, default=Path("runs/segmentation"), metavar="DIR", help="folder of the run (default %(default)s)")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out, with the same other arguments")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the data (default %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="pictures a step, over all processes (default %(default)s)")
    parser.add_argument("--crop", type=int, default=320, metavar="PIXELS", help="side of the training crops (default %(default)s)")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate (default %(default)s)")
    parser.add_argument("--encoder-rate", type=float, default=0.5, metavar="SHARE", help="the encoder's, as a share of it (default %(default)s)")
    parser.add_argument("--overlap", type=float, default=0.5, metavar="WEIGHT", help="weight of the soft Jaccard loss (default %(default)s)")
    parser.add_argument("--average", type=float, default=0.997, metavar="DECAY", help="decay a step of the averaged weights (default %(default)s)")
    parser.add_argument("--network", default="espnetv2_fpn", metavar="NAME", help="architecture (default %(default)s), see docs/training.md")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="argument of an architecture other than the default")
    parser.add_argument("--scale", type=float, default=2.0, help="of the ESPNetv2 encoder: 0.5, 1.0, 1.25, 1.5 or 2.0 (default %(default)s)")
    parser.add_argument("--width", type=int, default=128, metavar="CHANNELS", help="of the decoder (default %(default)s)")
    parser.add_argument("--fine", type=int, default=32, metavar="CHANNELS", help="of the decoder at half resolution (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default %(default)s)")
    parser.add_argument("--mixed", action="store_true", help="compute in bfloat16 where it is safe (for GPUs)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 = as many as cores (default)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default %(default)s)")
    parser.add_argument("--tensorboard", action="store_true", help="write curves for TensorBoard into the run folder")
    parser.add_argument("--stop-after", type=int, default=0, metavar="STEPS", help="save and end after this many steps; 0 = run to the end")


def network_arguments(args: argparse.Namespace) -> dict[str, Any]:
    """The architecture's own arguments: those of the default one have flags, others come as ``--option NAME=VALUE``, the value in JSON."""
    if args.network == "espnetv2_fpn":
        return {"scale": args.scale, "width": args.width, "fine": args.fine}
    options: dict[str, Any] = {}
    for option in args.option:
        name, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"--option {option!r}: expected NAME=VALUE")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def run(args: argparse.Namespace) -> int:
    """Run ``plcv train segmentation``: 0 when the checkpoint is written, 1 with the reason on stderr otherwise."""
    # The OpenMP threads of torch wait for each other in a busy loop, by default for so long that anything else running beside the
    # training slows it several times; read once, when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        from plcv_ros.perception.checkpoint import find_checkpoint
        from plcv_ros.perception.predictor import choose_device
        from plcv_ros.training.augment import Augmentation
        from plcv_ros.training.board import Board
        from plcv_ros.training.datasets import UNSEEN_SEEDS, open_dataset
        from plcv_ros.training.degradations import parse_mixture
        from plcv_ros.training.parallel import join_processes, leave_processes
        from plcv_ros.training.run import Sample
        from plcv_ros.training.segmentation import Settings, train
    except ImportError as error:
        print(f'plcv train: {error}; install the packages it needs with: pip install "plcv_ros[remote]"', file=sys.stderr)
        return 1
    from rich.console import Console

    from plcv_ros.cli.train import portable_command
    from plcv_ros.cli.train_progress import Stopping, TrainingProgress

    try:
        processes, device = join_processes(choose_device(args.device))
        console = Console(quiet=processes.rank > 0)
        data = [open_dataset(spec) for spec in args.data]
        validation = [open_dataset(spec, split="held-out", seeds=UNSEEN_SEEDS) for spec in args.validate]
        settings = Settings(
            architecture=args.network,
            arguments=network_arguments(args),
            codecs="+".join(codec.name for codec in parse_mixture(args.codec)),
            distillation=args.distil,
            epochs=args.epochs,
            batch=args.batch,
            rate=args.rate,
            encoder_rate=args.encoder_rate,
            overlap=args.overlap,
            average=args.average,
            augmentation=Augmentation(crop=args.crop),
            seed=args.seed,
            mixed=args.mixed,
            threads=args.threads,
            device=device,
            stop_after=args.stop_after,
        )
        for dataset in data:
            console.print(f"train on {dataset.name}: {len(dataset)} pictures, share {dataset.share:g}. {dataset.licence}", highlight=False)
        board = Board(args.out) if args.tensorboard and processes.rank == 0 else None
        with Stopping() as stop, TrainingProgress(console) as progress:

            def report(sample: Sample) -> None:
                progress(sample)
                if board:
                    board(sample)

            path = train(
                settings,
                data,
                args.out,
                init=initial_weights(args.init, find_checkpoint),
                teacher=initial_weights(args.teacher, find_checkpoint),
                validation=validation,
                validate_every=args.validate_every,
                resume=args.resume,
                stop=stop,
                report=report,
                notes={"command": portable_command(args.arguments)},
                processes=processes,
                cache=args.cache,
            )
        if board:
            board.close()
        leave_processes()
    except (ValueError, OSError) as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1
    if stop.asked or args.stop_after:
        console.print(f"stopped; the same command with --resume continues. So far: {path}", highlight=False, soft_wrap=True)
    else:
        console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", highlight=False, soft_wrap=True)
    return 0


def initial_weights(name: str | None, find: Any) -> Path | None:
    """A ``.pth`` file as it is, anything else as a checkpoint by path or shipped name; raises CheckpointError where there is none."""
    if name is None:
        return None
    return Path(name) if name.endswith(".pth") else Path(find(name))
