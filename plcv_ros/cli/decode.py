# SPDX-License-Identifier: Apache-2.0
"""``plcv decode``: .astc, .jxs and .jpg files to pictures."""

from __future__ import annotations

import argparse
import sys

from plcv_ros.cli import batch
from plcv_ros.cli.encode import add_files
from plcv_ros.codecs import MAX_PIXELS, SUFFIXES, CodecError, decode

EPILOG = """
Existing files are not touched unless --force or --skip-existing says so; nothing is written before that is checked.

examples:
  plcv decode frame.astc frame.png
  plcv decode encoded/ pictures/
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add_files(
        parser, f"encoded files ({', '.join(SUFFIXES)}), or folders of them", "a picture (.png, .ppm, .bmp, .tif), or a folder for several inputs"
    )
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS, metavar="N", help="refuse larger pictures (default %(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads that decode one picture (default 1)")


def run(args: argparse.Namespace) -> int:
    """Decode; 0 when all went well, 1 where a file failed, 2 for wrong usage."""
    try:
        from plcv_ros.cli.pictures import LOSSLESS_SUFFIXES, PictureError, write_picture

        if batch.is_file_target(args.output) and args.output.suffix.lower() not in LOSSLESS_SUFFIXES:
            raise batch.BatchError(f"{args.output} ends in {args.output.suffix}, expected one of {', '.join(LOSSLESS_SUFFIXES)}")
        planned = batch.jobs(args.inputs, args.output, ".png", SUFFIXES, args.recursive)
        todo = batch.apply_policy(planned, args.existing)
    except batch.BatchError as error:
        print(f"plcv decode: {error}", file=sys.stderr)
        return 2
    written = 0

    def work(job: batch.Job) -> None:
        nonlocal written
        image = decode(job.source.read_bytes(), max_pixels=args.max_pixels, threads=args.threads)
        with batch.replacing(job.target) as path:
            write_picture(path, image)
        written += 1
        if len(planned) == 1:
            print(f"{job.target}: {image.shape[1]}x{image.shape[0]}")

    failed = batch.run_jobs(todo, work, "decode", (PictureError, CodecError, OSError))
    if len(planned) > 1:
        skipped = len(planned) - len(todo)
        print(f"{written} files{f', {skipped} left alone' if skipped else ''}")
    return int(failed > 0)
