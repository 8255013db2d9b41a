# SPDX-License-Identifier: Apache-2.0
"""What ``plcv train segmentation`` and ``plcv train classification`` share: arguments, and one run from start to end."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from plcv_ros.cli import outputs
from plcv_ros.cli.idle import Needs, complaint
from plcv_ros.requirements import explain
from plcv_ros.texts import counted


def add_arguments(parser: argparse.ArgumentParser, task: str, epochs: int, batch: int, crop: int, network: str) -> None:
    """Add the arguments that every task has, with its own defaults."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--data", action="append", required=True, metavar="SET", help="train on this data set (repeat to mix)")
    add("--validate", action="append", default=[], metavar="SET", help="score the averaged weights on this data set now and then")
    add("--validate-every", type=int, default=5, metavar="EPOCHS", help="epochs between two such scores (default %(default)s)")
    add("--init", metavar="PATH", help="start from a checkpoint (path or shipped name), or a published ESPNetv2 .pth (its encoder)")
    add("--pretrained", metavar="NAME", help="start from weights that torchvision or Hugging Face publish (with --network)")
    add("--codec", default="original", metavar="CODECS", help="send the pictures through codecs first (default %(default)s)")
    add("--cache", type=Path, metavar="DIR", help="keep the codecs' payloads as files in this folder")
    add("--distil", type=float, default=0.0, metavar="WEIGHT", help="of the loss against the teacher on the clean picture (default 0)")
    add("--teacher", metavar="PATH", help="checkpoint of the teacher (default: that of --init)")
    add("--out", type=Path, default=Path("runs") / task, metavar="DIR", help="folder of the run (default %(default)s)")
    add("--resume", action="store_true", help="continue the run in --out, with the same other arguments")
    add("--epochs", type=int, default=epochs, help="passes over the data (default %(default)s)")
    add("--batch", type=int, default=batch, help="pictures a step, over all processes (default %(default)s)")
    add("--crop", type=int, default=crop, metavar="PIXELS", help="side of the training crops (default %(default)s)")
    add("--rate", type=float, default=2e-3, help="peak learning rate (default %(default)s)")
    add("--encoder-rate", type=float, default=0.5, metavar="SHARE", help="the encoder's, as a share of it (default %(default)s)")
    add("--average", type=float, default=0.997, metavar="DECAY", help="decay a step of the averaged weights (default %(default)s)")
    add("--network", default=network, metavar="NAME", help="architecture (default %(default)s); docs/training.md lists them")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="argument of another architecture, the value in JSON")
    add(
        "--scale",
        type=float,
        default=2.0,
        help="of the ESPNetv2 encoder: 0.5, 1.0, 1.25, 1.5 or 2.0 (default %(default)s)",
    )
    add("--seed", type=int, default=0, help="of everything random (default %(default)s)")
    add("--mixed", action="store_true", help="compute in bfloat16 where it is safe (for GPUs)")
    add("--threads", type=int, default=0, help="CPU threads; 0 = as many as cores (default)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default %(default)s)")
    add("--tensorboard", action="store_true", help="write curves for TensorBoard into the run folder")
    add("--stop-after", type=int, default=0, metavar="STEPS", help="save and end after this many steps; 0 = run to the end")


NEEDS = (
    Needs("validate_every", 5, lambda args: bool(args.validate), "without --validate"),
    Needs("teacher", None, lambda args: args.distil > 0, "without --distil"),
    Needs("scale", 2.0, lambda args: args.network.startswith("espnetv2_"), "with another --network than espnetv2_*"),
    Needs("cache", None, lambda args: args.codec != "original", "without --codec"),
)


def refuse_idle(args: argparse.Namespace, own: tuple[Needs, ...]) -> None:
    """Raises ValueError where options would do nothing; ``own`` are those of the task alone."""
    wrong = complaint(args, (*NEEDS, *own))
    if wrong:
        raise ValueError(wrong)


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """``--option NAME=VALUE`` as a dict, values in JSON or else as text; raises ValueError for one without ``=``."""
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


def run_task(args: argparse.Namespace, task: str, own: dict[str, Any]) -> int:
    """Run one training: 0 when the checkpoint is written, 1 with the reason on stderr otherwise. ``own`` are settings of the task alone."""
    # The OpenMP threads of torch wait for each other in a busy loop, by default for so long that anything else running beside the
    # training slows it several times; read once, when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        from plcv_ros.perception.checkpoint import find_checkpoint
        from plcv_ros.perception.predictor import choose_device
        from plcv_ros.perception.published import published_arguments
        from plcv_ros.training import loop
        from plcv_ros.training.board import Boards
        from plcv_ros.training.datasets import UNSEEN_SEEDS, open_dataset
        from plcv_ros.training.degradations import parse_mixture
        from plcv_ros.training.parallel import join_processes, leave_processes
        from plcv_ros.training.run import Sample
        from plcv_ros.training.runner import TASKS, default_settings
    except ImportError as error:
        print(explain("plcv train", error, "remote"), file=sys.stderr)
        return 1
    from dataclasses import replace

    from rich.console import Console

    from plcv_ros.cli.train import portable_command
    from plcv_ros.cli.train_progress import Stopping, TrainingProgress

    def weights(name: str | None) -> Path | None:
        return None if name is None else Path(name) if name.endswith(".pth") else find_checkpoint(name)

    try:
        processes, device = join_processes(choose_device(args.device))
        console = Console(quiet=processes.rank > 0)
        outputs.probe(args, folders=("out", "cache"))
        init, teacher = weights(args.init), weights(args.teacher)
        data = [open_dataset(spec) for spec in args.data]
        validation = [open_dataset(spec, split="held-out", seeds=UNSEEN_SEEDS) for spec in args.validate]
        if args.pretrained and not args.option:
            own = {**own, "arguments": published_arguments(args.network, args.pretrained) or own["arguments"]}
        base = default_settings(task)
        settings = replace(
            base,
            architecture=args.network,
            codecs="+".join(codec.name for codec in parse_mixture(args.codec)),
            distillation=args.distil,
            epochs=args.epochs,
            batch=args.batch,
            rate=args.rate,
            encoder_rate=args.encoder_rate,
            average=args.average,
            augmentation=replace(base.augmentation, crop=args.crop),
            seed=args.seed,
            mixed=args.mixed,
            threads=args.threads,
            device=device,
            stop_after=args.stop_after,
            **own,
        )
        for dataset in data:
            console.print(f"train on {dataset.name}: {counted(len(dataset), 'picture')}, share {dataset.share:g}. {dataset.licence}", highlight=False)
        with Stopping() as stop, TrainingProgress(console) as progress, Boards(args.out, args.tensorboard and processes.rank == 0) as boards:

            def report(sample: Sample) -> None:
                progress(sample)
                boards(sample)

            path = loop.train(
                TASKS[task],
                settings,
                data,
                args.out,
                init=init,
                published=args.pretrained,
                teacher=teacher,
                validation=validation,
                validate_every=args.validate_every,
                resume=args.resume,
                stop=stop,
                report=report,
                notes={"command": portable_command(args.arguments)},
                processes=processes,
                cache=args.cache,
            )
        leave_processes()
    except (ValueError, OSError) as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1
    if stop.asked or args.stop_after:
        console.print(f"stopped; the same command with --resume continues. So far: {path}", highlight=False, soft_wrap=True)
    else:
        console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", highlight=False, soft_wrap=True)
    return 0
