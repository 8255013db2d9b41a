#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What loss costs the network: mIoU of frames as benchmarks/link.py recorded their arrival, against the same frames without loss.

    python benchmarks/loss_accuracy.py --records link_records --camvid DATA/camvid
    python benchmarks/loss_accuracy.py --only "astc_12x12 strips"     # combinations whose name contains the text

Scenes: frame k of a generated 1080p drive takes the fate of the k-th recorded frame. CamVid's labelled 15 Hz sequence: a whole frame takes the
fate of the k-th recorded one; of strips of the same size, so of as many packets as those of 1080p, as many are lost at random as the link loses
packets. Rows of lost strips come from the frame before. Of a frame that did not arrive (of H.264: none that can be decoded until the next
intra picture) the labels are those of the frame before. Every codec's frames have the network that was trained on them, where there is one.
Writes benchmarks/reference/link_accuracy.csv, which `link.py --report` shows with the latencies.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from link import ASTC_PRESET, HEIGHT, JXS_PRESET, RATE, SENDERS, WIDTH, Combination, combinations, read_accuracy, record_path, write_accuracy
from links.accuracy import Accuracy
from measuring import Jpeg, jpeg_at, say, scene_frames

from plcv_ros.codecs import decode, make_codec
from plcv_ros.perception.by_codec import Networks, load_networks
from plcv_ros.perception.metrics import ConfusionMatrix
from plcv_ros.strips import StripAssembler, StripTag

PACKET_BYTES = 1400
"""What an Ethernet packet carries of a message."""

Image = npt.NDArray[np.uint8]
Missing = npt.NDArray[np.bool_]
Fates = list[Missing | None]
"""Of each frame the rows that did not arrive, (1080,) bool; None for one of which nothing did."""


@dataclass(frozen=True)
class Picture:
    """A frame without loss, the rows of it that are missing where it arrives (None: nothing does), its labels."""

    image: Image
    missing: Missing | None
    labels: Image


def parse_rows(text: str) -> Missing:
    """The rows that a line of links/recorder.py names, (1080,) bool."""
    missing = np.zeros(HEIGHT, bool)
    for part in text.split():
        first, last = part.split("-")
        missing[int(first) : int(last) + 1] = True
    return missing


def recorded(path: Path, count: int) -> Fates:
    """The fates of the latest ``count`` frames of a run."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    stamps = np.array([int(line["stamp_ns"]) for line in lines])
    numbers = np.rint((stamps - stamps.max()) / 1e9 * RATE).astype(int) + count - 1
    fates: Fates = [None] * count
    for number, line in zip(numbers, lines):
        missing = parse_rows(line["missing_rows"])
        if number >= 0 and not missing.all():
            fates[number] = missing
    return fates


def coder(sender: str) -> tuple[Callable[[Image], Image], str]:
    """(pixels -> pixels as the sender's codec leaves them, the codec's name as training has it)."""
    kind, _, detail = sender.partition("_")
    if kind in {"astc", "jxs"}:
        codec = strip_codec(sender)
        name = f"astc:{detail}:{ASTC_PRESET}" if kind == "astc" else f"jxs:{JXS_PRESET}:{float(detail):g}"
        return lambda image: decode(codec.encode(image)), name
    if kind == "jpeg":
        jpeg: Jpeg = jpeg_at(scene_frames(WIDTH, HEIGHT, 3), SENDERS[sender].bits)[0]
        return lambda image: decode(jpeg.encode(image)), f"jpeg:{jpeg.quality}"
    if kind == "h264":
        return h264_coder(SENDERS[sender].bits), "original"
    return lambda image: image, "original"


def strip_codec(sender: str) -> Any:
    """The encoder of a sender of ASTC or JPEG XS."""
    kind, _, detail = sender.partition("_")
    if kind == "astc":
        width, _, height = detail.partition("x")
        return make_codec("astc", block=(int(width), int(height)), preset=ASTC_PRESET)
    return make_codec("jxs", bpp=SENDERS[sender].bits, preset=JXS_PRESET)


def h264_coder(bits: float) -> Callable[[Image], Image]:
    """Every frame through one encoder and decoder, in order, at ``bits`` a pixel."""
    import av
    from links.h264 import encoder

    decoder: Any = av.CodecContext.create("h264", "r")
    context: Any = None
    number = 0

    def code(image: Image) -> Image:
        nonlocal context, number
        height, width = image.shape[0] & ~1, image.shape[1] & ~1
        if context is None:
            context = encoder(width, height, RATE, round(bits * width * height * RATE))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24").reformat(format="yuv420p")
        frame.pts, number = number, number + 1
        pictures = [picture for packet in context.encode(frame) for picture in decoder.decode(packet)]
        return np.asarray(pictures[-1].to_ndarray(format="rgb24"), np.uint8)

    return code


def scenes(code: Callable[[Image], Image], fates: Fates) -> Iterator[Picture]:
    """A drive at 1920x1080."""
    from plcv_ros.scenes import SceneSequence

    sequence = SceneSequence(WIDTH, HEIGHT, seed=3, rate=RATE)
    for number, missing in enumerate(fates):
        image, labels = sequence.frame(number)
        yield Picture(code(image), missing, labels)


def camvid(root: Path, sender: str, code: Callable[[Image], Image], fates: Fates, strip_loss: float | None) -> Iterator[Picture]:
    """CamVid's validation sequence; ``strip_loss``: the share of packets lost of frames in strips, None for whole frames."""
    from plcv_ros.training.datasets import open_dataset

    data = open_dataset(f"camvid={root}", split="val")
    random = np.random.default_rng(1)
    for number in range(len(data)):
        image, labels = data[number]
        missing: Missing | None = None
        if strip_loss is not None:
            missing = lost_rows(sender, image, strip_loss, random)
        elif fates[number % len(fates)] is not None:
            missing = np.zeros(image.shape[0], bool)
        coded = code(image)
        yield Picture(coded, missing, labels[: coded.shape[0], : coded.shape[1]])


def lost_rows(sender: str, image: Image, loss: float, random: np.random.Generator) -> Missing | None:
    """Rows that a receiver has to conceal where each packet of the strips of ``image`` is lost with probability ``loss``."""
    codec = strip_codec(sender)
    box, done = StripAssembler(1 << 24, believed=[image.shape[:2]]), []
    for strip in codec.encode_strips(image):
        packets = -(-len(strip.payload) // PACKET_BYTES)
        if random.random() < (1 - loss) ** packets:
            done += box.add(0, None, StripTag(strip.index, strip.count, strip.first_row, image.shape[0]), codec.name, strip.payload)
    done += box.finish()
    return done[-1].missing_rows if done else None


def score(pictures: Iterator[Picture], predict: Callable[[Image], Image], labels: Any, step: int) -> tuple[float, float, int]:
    """(mIoU without loss, mIoU as delivered, frames scored), every ``step``-th frame."""
    clean, lossy, count = ConfusionMatrix(labels), ConfusionMatrix(labels), 0
    shown: Image | None = None
    in_force: Callable[[], Image] | None = None

    for number, picture in enumerate(pictures):
        scored = number % step == 0
        unharmed = predict(picture.image) if scored else None
        if picture.missing is not None:
            image = picture.image
            if picture.missing.any():
                image = image.copy()
                image[picture.missing] = 128 if shown is None else shown[picture.missing]
            shown = image
            known = unharmed if not picture.missing.any() else None
            in_force = _later(predict, image, known)
        if scored and unharmed is not None:
            count += 1
            clean.update(picture.labels, unharmed)
            if in_force is not None:
                lossy.update(picture.labels, in_force())
    return clean.miou(), lossy.miou(), count


def _later(predict: Callable[[Image], Image], image: Image, known: Image | None) -> Callable[[], Image]:
    """The labels of ``image``, predicted once, when they are asked for."""
    labels = known

    def ask() -> Image:
        nonlocal labels
        if labels is None:
            labels = predict(image)
        return labels

    return ask


def measure(combination: Combination, args: argparse.Namespace, networks: Networks) -> list[Accuracy]:
    """Scores of one combination, on each of the data."""
    fates = recorded(record_path(args.records, combination, 0), args.frames)
    lost = float(np.mean([1.0 if fate is None else fate.mean() for fate in fates]))
    link = combination.link
    results = []
    for data in ("scenes", "camvid") if args.camvid else ("scenes",):
        code, coding = coder(combination.sender)
        network = networks.choose(coding)
        predictor = networks[network]
        strip_loss = (0.0 if combination.repaired else link.loss) if combination.strips else None
        pictures = scenes(code, fates) if data == "scenes" else camvid(args.camvid, combination.sender, code, fates, strip_loss)
        clean, lossy, count = score(pictures, predictor.predict, networks.label_set, args.step if data == "scenes" else 1)
        results.append(Accuracy(*combination.key, data, network, count, round(lost, 4), round(clean, 4), round(lossy, 4)))
        say(f"{combination.name}, {data}: mIoU {100 * clean:.1f} -> {100 * lossy:.1f} ({network})")
    return results


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, default=Path("link_records"), help="folder of benchmarks/link.py --records")
    parser.add_argument("--camvid", type=Path, help="folder of CamVid in SegNet's split (docs/training.md)")
    parser.add_argument("--only", default="", help="combinations whose name contains this")
    parser.add_argument("--checkpoint", default="auto")
    parser.add_argument("--frames", type=int, default=300, help="recorded frames to use")
    parser.add_argument("--step", type=int, default=10, help="score every so-manieth scene frame")
    args = parser.parse_args()
    networks = load_networks(args.checkpoint)
    results = {result.place: result for result in read_accuracy()}
    for combination in combinations(False):
        if args.only in combination.name and record_path(args.records, combination, 0).exists():
            results.update({result.place: result for result in measure(combination, args, networks)})
            write_accuracy(list(results.values()))
    for result in results.values():
        words = dataclasses.asdict(result)
        print(", ".join(f"{name} {value}" for name, value in words.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
