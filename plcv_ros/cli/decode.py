# SPDX-License-Identifier: Apache-2.0
"""``plcv decode``: .astc, .jxs and .jpg files to pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt

from plcv_ros.cli import batch
from plcv_ros.cli.encode import add_files
from plcv_ros.cli.streams import STANDARD
from plcv_ros.codecs import MAX_PIXELS, SUFFIXES, CodecError, decode, info, jpegxs
from plcv_ros.texts import counted

EPILOG = """
A JPEG XS codestream does not say what its components are. Without --colour, three of full size are R, G, B, subsampled ones Y, Cb, Cr of
BT.601 in full range, and one is grey; more than 8 bits a sample are rounded to 8. --planes writes the components as they are, one grey picture
each (frame_c0.png, frame_c1.png, ...), in the low bits of 16 where a sample has more than 8. A file of several frames becomes frame_f0.png,
frame_f1.png, ...

Existing files are not touched unless --force or --skip-existing says so; nothing is written before that is checked. - is standard input, or standard
output (one picture, as PNG).

examples:
  plcv decode frame.astc frame.png
  plcv decode encoded/ pictures/
  plcv decode camera.jxs camera.png --colour bt601-limited
  plcv decode 12bit.jxs 12bit.png --planes
  plcv decode - - < in.jxs > out.png
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add_files(
        parser, f"encoded files ({', '.join(SUFFIXES)}), or folders of them", "a picture (.png, .ppm, .bmp, .tif), or a folder for several inputs"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--colour", choices=jpegxs.COLOURS, help="JPEG XS: what the components are")
    what.add_argument("--planes", action="store_true", help="JPEG XS: the components as they are")
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS, metavar="N", help="refuse larger pictures (default %(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads that decode one picture (default 1)")


def run(args: argparse.Namespace) -> int:
    """Decode; 0 when all went well, 1 where a file failed, 2 for wrong usage."""
    try:
        from plcv_ros.cli.pictures import LOSSLESS_SUFFIXES, PLANE_SUFFIXES, picture_file
        from plcv_ros.pictures import PictureError

        suffixes = PLANE_SUFFIXES if args.planes else LOSSLESS_SUFFIXES
        if args.output != STANDARD and batch.is_file_target(args.output) and args.output.suffix.lower() not in suffixes:
            raise batch.BatchError(f"{args.output} ends in {args.output.suffix}, expected one of {', '.join(suffixes)}")
        planned = batch.jobs(args.inputs, args.output, ".png", SUFFIXES, args.recursive)
        todo = batch.apply_policy(planned, args.existing, lambda job: planned_targets(job, args.planes, args.max_pixels))
    except batch.BatchError as error:
        print(f"plcv decode: {error}", file=sys.stderr)
        return 2
    written = 0

    def work(job: batch.Job) -> None:
        nonlocal written
        payload = job.read()
        names = targets(job.target, payload, args.planes, args.max_pixels)
        if len(names) > 1 and job.target == STANDARD:
            raise CodecError(f"{len(names)} pictures, expected one for standard output: name a file or a folder")
        for target, pixels in zip(names, pictures(payload, args)):
            batch.write(target, picture_file(target.suffix or ".png", pixels))
            written += 1
            if len(planned) == 1:
                batch.say(f"{target}: {pixels.shape[1]}x{pixels.shape[0]}, {8 * pixels.dtype.itemsize} bits", target)

    failed = batch.run_jobs(todo, work, "decode", (PictureError, CodecError, OSError))
    if len(planned) > 1:
        skipped = len(planned) - len(todo)
        alone = f", {counted(skipped, 'file')} left alone" if skipped else ""
        print(f"{counted(written, 'picture')}{alone}")
    return int(failed > 0)


def frames_of(payload: bytes, max_pixels: int) -> list[Any]:
    """The payloads in a file: a JPEG XS file may hold several codestreams."""
    return list(jpegxs.split(payload, max_pixels)) if payload.startswith(jpegxs.MAGIC) else [payload]


def pictures(payload: bytes, args: argparse.Namespace) -> Iterator[npt.NDArray[Any]]:
    """Every picture of a file, or with --planes every component of each. Raises CodecError."""
    for frame in frames_of(payload, args.max_pixels):
        if not args.planes:
            yield decode(frame, max_pixels=args.max_pixels, threads=args.threads, colour=args.colour)
        elif info(frame)["codec"] == "jxs":
            yield from jpegxs.decode_planes(frame, args.max_pixels, args.threads)
        else:
            raise CodecError(f"--planes is for JPEG XS, this is {info(frame)['codec']}")


def planned_targets(job: batch.Job, planes: bool, max_pixels: int) -> list[Path]:
    """`targets` before the file's turn comes. Standard input is read once, at its turn: what its several pictures would overwrite is not known."""
    try:
        return [job.target] if job.source == STANDARD else targets(job.target, job.source.read_bytes(), planes, max_pixels)
    except OSError:  # said when its turn comes
        return [job.target]


def targets(output: Path, payload: bytes, planes: bool, max_pixels: int) -> list[Path]:
    """The pictures that a file becomes: one, unless it holds several frames or its components are written apart."""
    try:
        frames = frames_of(payload, max_pixels)
        components = jpegxs.header(frames[0], max_pixels)["Nc"] if planes else 1
    except CodecError:  # said when it is decoded
        return [output]
    names = [f"_f{k}" for k in range(len(frames))] if len(frames) > 1 else [""]
    if planes:
        names = [f"{name}_c{c}" for name in names for c in range(components)]
    return [output.with_name(f"{output.stem}{name}{output.suffix}") for name in names]
