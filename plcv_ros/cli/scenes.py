# SPDX-License-Identifier: Apache-2.0
"""``plcv scenes``: write generated driving scenes as a data set, or a sheet of them to look at."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plcv_ros.cli import outputs
from plcv_ros.cli.idle import Needs
from plcv_ros.requirements import explain
from plcv_ros.texts import counted

if TYPE_CHECKING:
    from plcv_ros.scenes import SceneSequence

Image = npt.NDArray[np.uint8]

EPILOG = """
The data set is laid out like CamVid's: OUT/images/SPLIT/*.png, OUT/labels/SPLIT/*.png (class ids) and OUT/SPLIT.txt (names), so that
  plcv demo --source OUT/images/SPLIT and plcv train segmentation --data camvid=OUT,split=train read it.

examples:
  plcv scenes --preview scenes.png
  plcv scenes --out data/street --seeds 0:8 --frames 50 --size 480x360 --split train
"""
PREVIEW_COLUMNS, PREVIEW_ROWS, PREVIEW_FRAME = 3, 3, 40


NEEDS = (
    Needs("frames", 100, lambda args: args.out is not None, "without --out"),
    Needs("every", 1, lambda args: args.out is not None, "without --out"),
    Needs("split", "train", lambda args: args.out is not None, "without --out"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write frames and labels below this folder")
    parser.add_argument("--preview", type=Path, metavar="PNG", help="write one picture: nine seeds, each frame above its labels")
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="frames of each seed (default 100)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th frame only (default 1)")
    parser.add_argument("--seeds", type=_seeds, default=None, metavar="A[:B]", help="one seed, or those from A to B - 1 (default 0)")
    parser.add_argument("--size", type=_size, default=(640, 360), metavar="WxH", help="pixels (default 640x360)")
    parser.add_argument("--rate", type=float, default=15.0, metavar="HZ", help="frames a second of the drive (default 15)")
    parser.add_argument("--split", default="train", help="name of the split's folders (default train)")


def _seeds(text: str) -> range:
    match = re.fullmatch(r"(\d+)(?::(\d+))?", text)
    if not match or (match[2] and int(match[2]) <= int(match[1])):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a seed (7) nor a range of them (0:8)")
    return range(int(match[1]), int(match[2]) if match[2] else int(match[1]) + 1)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, for example 640x360")
    return int(match[1]), int(match[2])


def run(args: argparse.Namespace) -> int:
    """Write what was asked for; 2 where the arguments do not fit together."""
    problem = None
    if args.out is None and args.preview is None:
        problem = "nothing to do: name --out FOLDER or --preview PNG"
    elif not re.fullmatch(r"[\w.-]+", args.split) or args.split.strip(".") == "":
        problem = f"--split {args.split!r} cannot name a folder"
    if problem:
        print(f"plcv scenes: {problem}", file=sys.stderr)
        return 2
    try:
        if args.preview is not None:
            check_picture_name(args.preview)
        if args.out is not None:
            check_dataset_size(args.out, args.split, args.size)
        outputs.probe(args, folders=("out",), files=("preview",))
        if args.preview is not None:
            print(f"wrote {write_preview(args.preview, args.size, args.seeds or range(PREVIEW_COLUMNS * PREVIEW_ROWS), args.rate)}")
        if args.out is not None:
            write_dataset(args.out, args.split, args.seeds or range(1), args.frames, args.every, args.size, args.rate)
    except ImportError as error:
        print(explain("plcv scenes", error, "edge"), file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"plcv scenes: {error}", file=sys.stderr)
        return 1
    return 0


def _sequence(size: tuple[int, int], seed: int, rate: float) -> SceneSequence:
    from plcv_ros.scenes import SceneSequence

    return SceneSequence(size[0], size[1], seed, rate)


def check_picture_name(path: Path) -> None:
    """Raises ValueError where no picture can be written by this name."""
    import cv2

    if not path.suffix or not cv2.haveImageWriter(path.name):
        raise ValueError(f"--preview {path}: expected the name of a picture, for example scenes.png")


def check_dataset_size(out: Path, split: str, size: tuple[int, int]) -> None:
    """Raises ValueError where ``out`` holds pictures of this split in another size: half of a data set would not fit the other."""
    import cv2

    there = next(iter(sorted((out / "images" / split).glob("*.png"))), None)
    picture = None if there is None else cv2.imread(str(there))
    if picture is not None and picture.shape[1::-1] != size:
        raise ValueError(
            f"--size {size[0]}x{size[1]}: {out} holds pictures of {picture.shape[1]}x{picture.shape[0]} in split {split}; "
            "name another --split or --out, or the same size"
        )


def _save(path: Path, picture: Image) -> None:
    """``picture``: (H, W, 3) rgb8 or (H, W) grey."""
    import cv2

    if not cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture):
        raise OSError(f"{path} cannot be written: is it a picture's name (.png), in a folder that exists?")


def write_preview(path: Path, size: tuple[int, int], seeds: range, rate: float) -> Path:
    """A sheet of one frame a seed, above its labels in the class colours."""
    tiles = []
    for seed in seeds[: PREVIEW_COLUMNS * PREVIEW_ROWS]:
        sequence = _sequence(size, seed, rate)
        image, labels = sequence.frame(PREVIEW_FRAME)
        tiles.append(np.vstack([image, sequence.label_set.colourise(labels)]))
    columns = min(PREVIEW_COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path, np.vstack(rows))
    return path


def write_dataset(out: Path, split: str, seeds: range, frames: int, every: int, size: tuple[int, int], rate: float) -> None:
    """``frames`` labelled pictures of each seed, in CamVid's layout; prints class shares at the end."""
    from rich.progress import track

    images, labels = out / "images" / split, out / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    pixels = np.zeros(256, np.int64)
    sequence: SceneSequence | None = None
    for number in track(range(len(seeds) * frames), description=f"{out} ({split})"):
        seed, k = seeds[number // frames], number % frames
        if sequence is None or sequence.seed != seed:
            sequence = _sequence(size, seed, rate)
        image, ids = sequence.frame(k * every)
        name = f"scene{seed:05d}_{k * every:06d}"
        _save(images / f"{name}.png", image)
        _save(labels / f"{name}.png", ids)
        pixels += np.bincount(ids.ravel(), minlength=256)
        names.append(name)
    (out / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    assert sequence is not None
    shares = ", ".join(f"{c} {100 * n / pixels.sum():.1f} %" for c, n in zip(sequence.label_set.classes, pixels.tolist()))
    print(f"wrote {counted(len(names), 'labelled frame')} of {size[0]}x{size[1]} pixels to {images} and {labels}")
    print(f"pixels: {shares}")
