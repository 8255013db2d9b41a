# SPDX-License-Identifier: Apache-2.0
"""``plcv train classification``: train a classification network."""

from __future__ import annotations

import argparse
import sys

from plcv_ros.cli.idle import Needs
from plcv_ros.cli.train_common import add_arguments, options_of, refuse_idle, run_task

EPILOG = """
data sets (--data, --validate):
  classes=PATH[,split=train][,size=160]   PATH/<split>/<class>/* (ImageNet), or PATH/<class>/* (Caltech-101); size = shorter side of the
                                          pictures before any codec (--validate: val)
  classes=PATH,fold=0,folds=5[,size=160]  every class in five parts: train on four, test on part 0 (--validate: that part)

codecs (--codec): original, astc[:8x8[:fast]], jpeg[:90], jxs[:main[:3[:nosig]]]; a+b draws one of them for every picture.

examples:
  plcv train classification --data classes=PATH,size=160,fold=0,folds=5 --init espnetv2_s_2.0_city_1024x512.pth --out runs/classes
  plcv train classification --data classes=PATH,size=160,fold=0,folds=5 --init runs/classes/model.safetensors --codec astc --distil 1
                            --epochs 6 --rate 5e-4 --out runs/classes_astc
"""


NEEDS = (Needs("width", 512, lambda args: args.network == "espnetv2_classifier", "with another --network than espnetv2_classifier"),)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv train classification``."""
    add_arguments(parser, "classification", epochs=30, batch=32, crop=160, network="espnetv2_classifier")
    parser.epilog = EPILOG
    parser.add_argument("--width", type=int, default=512, metavar="CHANNELS", help="of the last convolution (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Run ``plcv train classification``: 0 when the checkpoint is written, 1 with the reason on stderr otherwise."""
    try:
        refuse_idle(args, NEEDS)
        options = options_of(args)
    except ValueError as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1
    if args.network == "espnetv2_classifier":
        options = {"scale": args.scale, "width": args.width, **options}
    return run_task(args, "classification", {"arguments": options})
