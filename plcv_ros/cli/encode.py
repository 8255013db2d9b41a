# SPDX-License-Identifier: Apache-2.0
"""``plcv encode``: picture files to .astc, .jxs and .jpg files."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Any

from plcv_ros.cli import batch
from plcv_ros.cli.idle import Needs
from plcv_ros.cli.streams import STANDARD
from plcv_ros.codecs import CODECS, SUFFIXES, Codec, CodecError, codec_from
from plcv_ros.codecs.astc import PRESETS as ASTC_PRESETS
from plcv_ros.codecs.jpegxs.encoding import RATE_CONTROLS
from plcv_ros.codecs.jpegxs.presets import LEVELS, PRECISIONS, PRESETS, QUANTIZERS, SEARCHES, SIGNS
from plcv_ros.requirements import explain
from plcv_ros.texts import counted

EPILOG = """
The codec is the one of the output's suffix (.astc, .jxs, .jpg), or --codec where the output is a folder. Existing files are not touched
unless --force or --skip-existing says so; nothing is written before that is checked. - is standard input, or standard output (with --codec).

examples:
  plcv encode in.png out.astc
  plcv encode in.png out.jxs --bpp 3 --preset high
  plcv encode in.png out.jxs --lossless
  plcv encode photos/ encoded/ --codec astc --block 12x12 --skip-existing
  plcv encode - - --codec jxs < in.png > out.jxs
"""

OPTIONS: dict[str, tuple[str, ...]] = {
    "block": ("astc",),
    "preset": ("astc", "jxs"),
    "bpp": ("jxs",),
    "lossless": ("jxs",),
    "rate_control": ("jxs",),
    "weights": ("jxs",),
    "significance": ("jxs",),
    "vertical_prediction": ("jxs",),
    "raw_counts": ("jxs",),
    "quantizer": ("jxs",),
    "signs": ("jxs",),
    "levels": ("jxs",),
    "precision": ("jxs",),
    "search": ("jxs",),
    "colour_transform": ("jxs",),
    "quality": ("jpeg",),
    "subsampling": ("jpeg",),
}
"""Option of the codec (and of this command) -> the codecs that have it."""


FLAGS = {
    "significance": "flags that skip groups of 32 coefficients",
    "vertical_prediction": "bit-plane counts predicted from the line above",
    "raw_counts": "bit-plane counts as plain numbers where that is shorter",
    "colour_transform": "RGB through the reversible colour transform",
}
CHOICES = {
    "quantizer": (QUANTIZERS, "rounding towards zero, or to the nearest level"),
    "signs": (SIGNS, "with every coefficient, or apart and only where it is not zero"),
    "levels": (LEVELS, "horizontal/vertical levels of the wavelet transform"),
    "precision": (PRECISIONS, "bits/fraction bits of the transform; B/0 is the samples' own depth"),
    "search": (SEARCHES, "how a precinct's quantization is found"),
}

NEEDS = tuple(Needs(name, None, lambda args: not args.lossless, "with --lossless") for name in ("bpp", "rate_control", "precision", "search"))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add_files(parser, "pictures (.png, .jpg, ...), or folders of them", "a file, or a folder for several inputs")
    parser.add_argument("--codec", choices=CODECS, help="where the output's suffix does not say it")
    parser.add_argument("--block", type=_block, metavar="WxH", help="ASTC: 8x8 (2.00 bit/px, the default) or 12x12 (0.889 bit/px)")
    parser.add_argument("--preset", help=f"ASTC: {', '.join(ASTC_PRESETS)} (default fast); JPEG XS: {', '.join(PRESETS)} (default high)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads that encode one picture (default 1)")
    jxs = parser.add_argument_group("JPEG XS")
    jxs.add_argument("--bpp", type=float, metavar="BITS", help="bits a pixel, of the whole file (default 3)")
    jxs.add_argument("--lossless", action="store_const", const=True, help="the exact pixels, in as many bytes as they take")
    jxs.add_argument("--rate-control", choices=RATE_CONTROLS, help="every slice its share (default), or what one leaves over to the next")
    jxs.add_argument("--weights", type=Path, metavar="JSON", help="gains and priorities: a file of plcv tune, or segmentation_main")
    tools = parser.add_argument_group("JPEG XS coding tools, where the preset's are not wanted")
    for name, text in FLAGS.items():
        tools.add_argument(f"--{name.replace('_', '-')}", action=argparse.BooleanOptionalAction, help=text)
    for name, (choices, text) in CHOICES.items():
        tools.add_argument(f"--{name}", choices=choices, help=text)
    jpeg = parser.add_argument_group("JPEG")
    jpeg.add_argument("--quality", type=int, metavar="Q", help="1 to 100 (default 90)")
    jpeg.add_argument("--subsampling", help="444, 422, 420 (default), 440, 411")


def add_files(parser: argparse.ArgumentParser, inputs: str, output: str) -> None:
    """The arguments that encode and decode share."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=inputs)
    parser.add_argument("output", type=Path, metavar="OUTPUT", help=output)
    parser.add_argument("-r", "--recursive", action="store_true", help="also take the folders below an input folder")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("-f", "--force", dest="existing", action="store_const", const="overwrite", default="refuse", help="overwrite files")
    existing.add_argument("--skip-existing", dest="existing", action="store_const", const="skip", help="leave files that exist, do the others")


def _block(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r}, expected WIDTHxHEIGHT, for example 8x8")
    return int(match[1]), int(match[2])


def run(args: argparse.Namespace) -> int:
    """Encode; 0 when all went well, 1 where a file failed, 2 for wrong usage."""
    from plcv_ros.camera.folder import SUFFIXES as PICTURES
    from plcv_ros.pictures import PictureError, decode_picture

    try:
        name = codec_name(args)
        if args.threads != 1 and name == "jpeg":
            raise batch.BatchError("--threads does nothing with jpeg: libjpeg-turbo encodes a picture in one thread")
        codec = codec_from(name, {"threads": args.threads, **codec_options(args, name)})
        suffix = next(suffix for suffix, codec_of in SUFFIXES.items() if codec_of == name)
        planned = batch.jobs(args.inputs, args.output, suffix, PICTURES, args.recursive)
        todo = batch.apply_policy(planned, args.existing)
    except (batch.BatchError, CodecError) as error:
        print(f"plcv encode: {error}", file=sys.stderr)
        return 2
    total = Totals()

    def work(job: batch.Job) -> None:
        picture = decode_picture(job.read(), job.name)
        pixels = picture.pixels
        start = time.perf_counter()
        payload = codec.encode(pixels, pixel_format=picture.pixel_format)
        milliseconds = 1e3 * (time.perf_counter() - start)
        batch.write(job.target, payload)
        height, width = pixels.shape[:2]
        total.add(len(payload), width * height, milliseconds)
        if picture.note:
            print(f"plcv encode: {job.name}: {picture.note}", file=sys.stderr)
        if len(planned) == 1:
            batch.say(f"{job.target}: {width}x{height}, {describe(codec)}, {total}", job.target)

    try:
        failed = batch.run_jobs(todo, work, "encode", (PictureError, CodecError, OSError))
    except ImportError as error:
        print(explain("plcv encode", error, "edge"), file=sys.stderr)
        return 1
    if len(planned) > 1:
        skipped = len(planned) - len(todo)
        print(f"{counted(total.files, 'file')}{f', {skipped} left alone' if skipped else ''}: {describe(codec)}, {total}")
    return int(failed > 0)


class Totals:
    """What was written, and how long the codec took."""

    def __init__(self) -> None:
        self.files = 0
        self._bytes = 0
        self._pixels = 0
        self._milliseconds = 0.0

    def add(self, size: int, pixels: int, milliseconds: float) -> None:
        """Count one picture."""
        self.files += 1
        self._bytes += size
        self._pixels += pixels
        self._milliseconds += milliseconds

    def __str__(self) -> str:
        if not self.files:
            return "nothing written"
        rate = 8 * self._bytes / self._pixels
        shown = f"{rate:.3g}" if rate < 1000 else f"{rate:.0f}"
        return f"{counted(self._bytes, 'byte')}, {shown} bit/px, {self._milliseconds / self.files:.1f} ms a picture"


def describe(codec: Codec) -> str:
    """The codec as ``format`` texts name it."""
    return f"{codec.name} {codec.detail}".rstrip()


def codec_name(args: argparse.Namespace) -> str:
    """The codec that --codec or the output's suffix names; raises BatchError."""
    suffix = args.output.suffix.lower()
    if args.output == STANDARD:
        if args.codec is None:
            raise batch.BatchError(f"the output is standard output: name the codec with --codec {', '.join(CODECS)}")
        return str(args.codec)
    if not batch.is_file_target(args.output):
        if args.codec is None:
            raise batch.BatchError(f"{args.output} is a folder: name the codec with --codec {', '.join(CODECS)}")
        return str(args.codec)
    if suffix not in SUFFIXES:
        raise batch.BatchError(f"{args.output} ends in {suffix}, expected one of {', '.join(SUFFIXES)}, or a folder with --codec")
    if args.codec not in (None, SUFFIXES[suffix]):
        raise batch.BatchError(f"{args.output} ends in {suffix}, but --codec is {args.codec}")
    return SUFFIXES[suffix]


def codec_options(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """The options given for codec ``name``; raises BatchError for those of another codec."""
    given = {option: getattr(args, option) for option in OPTIONS if getattr(args, option) is not None}
    for option in given:
        if name not in OPTIONS[option]:
            raise batch.BatchError(f"--{option.replace('_', '-')} belongs to {' and '.join(OPTIONS[option])}, the output is {name}")
    return given
