# SPDX-License-Identifier: Apache-2.0
"""What the codec benchmarks share: frames, libjpeg-turbo as the yardstick, timing in turn, PSNR, tables.

Speed: 1920x1080 rgb8 crops of 3x2 mosaics of the KITTI frames, native pixels, used in rotation so that none is warm in a cache. Every case
is timed in turn, round after round, in random order and in one process with libjpeg-turbo; medians are reported. Without the data folder,
generated scenes take the frames' place.
"""

from __future__ import annotations

import csv
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import Codec, decode, simd_targets

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "benchmarks/reference"
DATA = ROOT.parent / "shared/data"
"""Where the data folder is looked for unless --data names it."""
WIDTH, HEIGHT, FRAMES = 1920, 1080, 5

Image = npt.NDArray[np.uint8]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def read_rgb(path: Path) -> Image:
    import cv2

    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def scene_frames(width: int, height: int, count: int) -> list[Image]:
    from plcv_ros.scenes import SceneSequence

    sequence = SceneSequence(width=width, height=height, seed=1)
    return [sequence.frame(15 * i)[0] for i in range(count)]


def speed_frames(data: Path | None) -> tuple[list[Image], str]:
    """1920x1080 frames and where they come from."""
    folder = data / "kitti_2011_09_26_seq/image_02" if data else None
    # KITTI's own folders have the pictures in one named "data".
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".png", ".webp"}) if folder else []
    if len(paths) < 6:
        return scene_frames(WIDTH, HEIGHT, FRAMES), "generated scenes"
    images = [read_rgb(path) for path in paths]
    height, width = min(i.shape[0] for i in images), min(i.shape[1] for i in images)
    frames = []
    for k in range(FRAMES):
        tiles = [images[(4 * k + i) % len(images)][:height, :width] for i in range(6)]
        mosaic = np.vstack([np.hstack(tiles[2 * row : 2 * row + 2]) for row in range(3)])
        frames.append(np.ascontiguousarray(mosaic[:HEIGHT, :WIDTH]))
    return frames, f"{FRAMES} crops of 3x2 mosaics of {len(images)} KITTI frames"


def quality_frames(data: Path | None, every: int) -> tuple[list[Image], str]:
    """Frames for PSNR and where they come from."""
    from plcv_ros.training.datasets import open_dataset

    if data is None or not (data / "camvid/test.txt").exists():
        return scene_frames(640, 360, 12), "12 generated scenes 640x360"
    test = open_dataset(f"camvid={data / 'camvid'},split=test")
    frames = [test.load(index)[0] for index in range(0, len(test), every)]
    return frames, f"{len(frames)} CamVid test frames 480x360"


@contextmanager
def simd(target: str) -> Iterator[None]:
    """Code inside uses this instruction set."""
    before = os.environ.get("PLCV_SIMD")
    os.environ["PLCV_SIMD"] = target
    try:
        yield
    finally:
        if before is None:
            del os.environ["PLCV_SIMD"]
        else:
            os.environ["PLCV_SIMD"] = before


class Jpeg:
    """libjpeg-turbo at one quality."""

    def __init__(self, quality: int) -> None:
        import simplejpeg

        self.quality = quality
        self._module = simplejpeg

    def encode(self, image: Image) -> bytes:
        payload: bytes = self._module.encode_jpeg(image, quality=self.quality, colorspace="RGB", colorsubsampling="420", fastdct=True)
        return payload

    def decode(self, payload: bytes) -> Image:
        image: Image = self._module.decode_jpeg(payload, colorspace="RGB", fastdct=True, fastupsample=True)
        return image


def bits_per_pixel(payloads: list[Any]) -> float:
    return statistics.mean(len(p) for p in payloads) * 8 / (WIDTH * HEIGHT)


def jpeg_at(frames: list[Image], wanted: float) -> tuple[Jpeg, float]:
    """The quality whose mean rate is nearest to `wanted` bit/px, by bisection (the rate rises with the quality)."""
    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        if bits_per_pixel([Jpeg(middle).encode(f) for f in frames]) < wanted:
            low = middle
        else:
            high = middle
    rates = {q: bits_per_pixel([Jpeg(q).encode(f) for f in frames]) for q in (low, high)}
    quality = min(rates, key=lambda q: abs(rates[q] - wanted))
    return Jpeg(quality), rates[quality]


def psnr(a: Image, b: Image) -> float:
    error = np.mean((a.astype(np.float32) - b) ** 2, dtype=np.float64)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def timed(
    cases: dict[str, Callable[[int], Any]], rounds: int, minimum: bool = False, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median milliseconds a case; cases take turns in random order, each going through all frames.

    For a busy machine: ``minimum`` in place of the median, and where nothing but the calling thread works ``clock = time.thread_time``.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    shuffle = random.Random(0).shuffle
    for n in range(rounds + 1):
        shuffle(order)  # what ran before leaves frames in the cache, or drives them out
        for name in order:
            run = cases[name]
            for i in range(FRAMES):
                start = clock()
                run(i)
                if n:  # the first round warms up
                    times[name].append(clock() - start)
        say(f"  round {n} of {rounds}")
    return {name: 1e3 * (min(values) if minimum else statistics.median(values)) for name, values in times.items()}


def run_jpeg_encode(jpeg: Jpeg, frames: list[Image], i: int) -> None:
    jpeg.encode(frames[i])


def run_jpeg_decode(jpeg: Jpeg, payloads: list[bytes], i: int) -> None:
    jpeg.decode(payloads[i])


def run_encode(codec: Codec, frames: list[Image], out: bytearray, i: int) -> None:
    codec.encode(frames[i], out=out)


def run_decode(target: str, payloads: list[bytes], threads: int, out: Image, i: int) -> None:
    with simd(target):
        decode(payloads[i], threads=threads, out=out)


def machine() -> dict[str, str]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
        family = {k: next((line.split(":", 1)[1].strip() for line in lines if line.startswith(k + "\t")), "?") for k in ("cpu family", "model")}
        cpu += f" (family {family['cpu family']}, model {family['model']})"
    facts = {"cpu": cpu, "cores": str(os.cpu_count()), "simd": ", ".join(simd_targets()), "python": platform.python_version()}
    for package in ("plcv_ros", "simplejpeg", "numpy"):
        facts[package] = version(package) if find_spec(package) else "not installed"
    return facts


def memcpy_ms(frames: list[Image]) -> float:
    target = np.empty_like(frames[0])
    return timed({"memcpy": lambda i: np.copyto(target, frames[i])}, 8)["memcpy"]


def markdown(rows: list[dict[str, Any]], columns: list[str]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    lines += ["| " + " | ".join(str(row[c]) for c in columns) + " |" for row in rows]
    return "\n".join(lines)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    say(f"wrote {path}")
