# SPDX-License-Identifier: Apache-2.0
"""``plcv train segmentation``: train a segmentation network."""

from __future__ import annotations

import argparse
import sys

from plcv_ros.cli.idle import Needs
from plcv_ros.cli.train_common import add_arguments, options_of, refuse_idle, run_task

EPILOG = """
data sets (--data, --validate; several may be given):
  camvid=PATH[,split=train]      CamVid in SegNet's split; splits train, val, test, fit (train without its held-out block), held-out
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
  plcv train segmentation --data camvid=PATH --network huggingface --pretrained nvidia/segformer-b0-finetuned-ade-512-512 --out runs/segformer
  plcv train segmentation --data camvid=PATH --network torchvision --option model=deeplabv3_mobilenet_v3_large --out runs/deeplab
  torchrun --nproc-per-node 4 -m plcv_ros.cli.main train segmentation --data cityscapes=PATH --mixed --out runs/city

The run folder gets last.pt (to resume from), metrics.csv, and model.safetensors, a checkpoint of the averaged weights that
`plcv eval` and the segmentation node load by path. Ctrl-C saves and ends; --resume continues to the same result.
"""


_OWN = ("espnetv2_fpn", "with another --network than espnetv2_fpn")
NEEDS = (
    Needs("width", 128, lambda args: args.network == _OWN[0], _OWN[1]),
    Needs("fine", 32, lambda args: args.network == _OWN[0], _OWN[1]),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``plcv train segmentation``."""
    add_arguments(parser, "segmentation", epochs=40, batch=8, crop=320, network="espnetv2_fpn")
    parser.epilog = EPILOG
    parser.add_argument("--overlap", type=float, default=0.5, metavar="WEIGHT", help="weight of the soft Jaccard loss (default %(default)s)")
    parser.add_argument("--width", type=int, default=128, metavar="CHANNELS", help="of the decoder (default %(default)s)")
    parser.add_argument("--fine", type=int, default=32, metavar="CHANNELS", help="of the decoder at half resolution (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Run ``plcv train segmentation``: 0 when the checkpoint is written, 1 with the reason on stderr otherwise."""
    try:
        refuse_idle(args, NEEDS)
        options = options_of(args)
    except ValueError as error:
        print(f"plcv train: {error}", file=sys.stderr)
        return 1
    if args.network == "espnetv2_fpn":
        options = {"scale": args.scale, "width": args.width, "fine": args.fine, **options}
    return run_task(args, "segmentation", {"arguments": options, "overlap": args.overlap})
