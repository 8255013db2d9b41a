#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What lost strips cost the network: mIoU of frames as they were delivered, against the same frames without loss.

    python benchmarks/loss_accuracy.py --records link_records      # deliveries that benchmarks/link.py recorded, on generated 1080p scenes
    python benchmarks/loss_accuracy.py --camvid ../shared/data/camvid --loss 0.01    # CamVid's labelled 15 Hz sequence, packets lost at random

Scenes: frame k of a generated drive takes the fate of the k-th recorded frame: rows of lost strips come from the frame shown before. CamVid:
strips of at most 5200 bytes as the camera sends them (four packets each), each packet lost with the given probability. A frame of which
nothing arrived leaves the labels of the one before in force.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from measuring import say

from plcv_ros.codecs import AstcCodec, decode
from plcv_ros.perception import Predictor, load_predictor
from plcv_ros.perception.metrics import ConfusionMatrix
from plcv_ros.strips import StripAssembler, StripTag

WIDTH, HEIGHT, RATE = 1920, 1080, 30.0
PACKET_BYTES = 1400
"""What an Ethernet packet carries of a message."""

Image = npt.NDArray[np.uint8]


def parse_rows(text: str) -> npt.NDArray[np.bool_]:
    """The rows that a line of links/recorder.py names, (1080,) bool."""
    missing = np.zeros(HEIGHT, bool)
    for part in text.split():
        first, last = part.split("-")
        missing[int(first) : int(last) + 1] = True
    return missing


def recorded(path: Path, count: int) -> list[npt.NDArray[np.bool_] | None]:
    """Missing rows of each frame after the warm-up; None for a frame of which nothing arrived."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    stamps = np.array([int(line["stamp_ns"]) for line in lines])
    numbers = np.rint((stamps - stamps.min()) / 1e9 * RATE).astype(int)
    fates: dict[int, npt.NDArray[np.bool_]] = {int(n): parse_rows(line["missing_rows"]) for n, line in zip(numbers, lines)}
    start = 90
    return [fates.get(k) for k in range(start, min(int(numbers.max()) + 1, start + count))]


def scenes(codec: AstcCodec, fates: list[npt.NDArray[np.bool_] | None], step: int) -> Iterator[tuple[Image, Image | None, Image]]:
    """(frame without loss, frame as delivered or None, labels) of a drive at 1920x1080, every ``step``-th frame."""
    from plcv_ros.scenes import SceneSequence

    sequence = SceneSequence(WIDTH, HEIGHT, seed=3, rate=RATE)
    shown: Image | None = None
    for k, missing in enumerate(fates):
        # The frame before is needed where rows come from it.
        if missing is None or (k % step and not (k + 1 < len(fates) and (k + 1) % step == 0)):
            continue
        image, labels = sequence.frame(k)
        clean = decode(codec.encode(image))
        delivered = clean.copy()
        if missing.any():
            delivered[missing] = 128 if shown is None else shown[missing]
        shown = delivered
        if k % step == 0:
            yield clean, delivered, labels


def camvid(root: Path, codec: AstcCodec, loss: float, seed: int) -> Iterator[tuple[Image, Image | None, Image]]:
    """The same for CamVid's validation sequence, with packets lost at random."""
    from plcv_ros.training.datasets import open_dataset

    data = open_dataset(f"camvid={root}", split="val")
    random = np.random.default_rng(seed)
    assembler = StripAssembler(1 << 24)
    for number in range(len(data)):
        image, labels = data[number]
        done = []
        for strip in codec.encode_strips(image):
            packets = -(-len(strip.payload) // PACKET_BYTES)
            if random.random() < (1 - loss) ** packets:
                done += assembler.add(number, None, StripTag(strip.index, strip.count, strip.first_row, image.shape[0]), "astc", strip.payload)
        if not done:
            # The tail is lost: what a receiver does after its patience.
            done = assembler.finish()
        yield decode(codec.encode(image)), done[-1].image if done else None, labels


def score(frames: Iterator[tuple[Image, Image | None, Image]], predictor: Predictor, total: int) -> tuple[float, float, int, int]:
    """(mIoU without loss, mIoU as delivered, frames, frames of which nothing arrived)."""
    clean, lossy = ConfusionMatrix(predictor.label_set), ConfusionMatrix(predictor.label_set)
    count = gone = 0
    latest: Image | None = None
    for whole, delivered, labels in frames:
        count += 1
        clean.update(labels, predictor.predict(whole))
        if delivered is None:
            gone += 1
        else:
            latest = predictor.predict(delivered)
        if latest is not None:
            lossy.update(labels, latest)
        if count % 20 == 0:
            say(f"{count} of about {total} frames")
    return clean.miou(), lossy.miou(), count, gone


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, help="folder of benchmarks/link.py --records")
    parser.add_argument("--camvid", type=Path, help="folder of CamVid in SegNet's layout")
    parser.add_argument("--loss", type=float, default=0.01, help="share of packets lost (CamVid)")
    parser.add_argument("--block", default="12x12", choices=("8x8", "12x12"))
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--frames", type=int, default=300, help="recorded frames to use")
    parser.add_argument("--step", type=int, default=3, help="score every so-manieth scene frame")
    args = parser.parse_args()
    width, _, height = args.block.partition("x")
    codec = AstcCodec(block=(int(width), int(height)))
    predictor = load_predictor(args.checkpoint)
    print("| frames | lost | mIoU without loss | as delivered | difference |\n| --- | --- | --- | --- | --- |")
    if args.records:
        for path in sorted(args.records.glob(f"astc_{args.block}_strips_best_effort_*.csv")):
            fates = recorded(path, args.frames)
            rows = np.mean([1.0 if fate is None else fate.mean() for fate in fates])
            clean, lossy, count, gone = score(scenes(codec, fates, args.step), predictor, len(fates) // args.step)
            print(f"| {path.stem}: {count} scene frames, {gone} gone | {100 * rows:.1f} % of rows | {100 * clean:.1f} | {100 * lossy:.1f} "
                  f"| {100 * (lossy - clean):+.1f} |")  # fmt: skip
    if args.camvid:
        clean, lossy, count, gone = score(camvid(args.camvid, codec, args.loss, 1), predictor, 101)
        print(f"| CamVid validation: {count} frames, {gone} gone | {100 * args.loss:g} % of packets | {100 * clean:.1f} | {100 * lossy:.1f} "
              f"| {100 * (lossy - clean):+.1f} |")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
