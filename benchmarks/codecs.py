#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the codecs: time and ratio to libjpeg-turbo, bits a pixel, PSNR, threads, instruction sets.

Speed: 1920x1080 rgb8 crops of 3x2 mosaics of the KITTI frames, native pixels, used in rotation so that none is warm in a cache. Every
case is timed in turn, round after round, against libjpeg-turbo (simplejpeg, 4:2:0, fast DCT, the quality whose rate is nearest) in the
same process; medians are reported. Quality: mean over the CamVid test frames of the per-frame PSNR. Without the data folder, generated
scenes take the place of both. Prints Markdown and JSON; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import Codec, decode, make_codec, simd_targets
from plcv_ros.codecs.astc import BLOCKS, PRESETS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "benchmarks/reference"
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
    paths = sorted((data / "kitti_2011_09_26_seq/image_02").glob("*.webp")) if data else []
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
    listing = data / "camvid/test.txt" if data else None
    if listing is None or not listing.exists():
        return scene_frames(640, 360, 12), "12 generated scenes 640x360"
    names = listing.read_text().split()[::every]
    return [read_rgb(listing.parent / f"images/test/{name}.webp") for name in names], f"{len(names)} CamVid test frames 480x360"


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


def timed(cases: dict[str, Callable[[int], Any]], rounds: int) -> dict[str, float]:
    """Median milliseconds a case; cases take turns in random order, each going through all frames."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    shuffle = random.Random(0).shuffle
    for n in range(rounds + 1):
        shuffle(order)  # what ran before leaves frames in the cache, or drives them out
        for name in order:
            run = cases[name]
            for i in range(FRAMES):
                start = time.perf_counter()
                run(i)
                if n:  # the first round warms up
                    times[name].append(time.perf_counter() - start)
        say(f"  round {n} of {rounds}")
    return {name: 1e3 * statistics.median(values) for name, values in times.items()}


def run_jpeg_encode(jpeg: Jpeg, frames: list[Image], i: int) -> None:
    jpeg.encode(frames[i])


def run_jpeg_decode(jpeg: Jpeg, payloads: list[bytes], i: int) -> None:
    jpeg.decode(payloads[i])


def run_encode(codec: Codec, frames: list[Image], out: bytearray, i: int) -> None:
    codec.encode(frames[i], out=out)


def run_decode(target: str, payloads: list[bytes], threads: int, out: Image, i: int) -> None:
    with simd(target):
        decode(payloads[i], threads=threads, out=out)


def measure_speed(frames: list[Image], rounds: int, threads: list[int], targets: list[str]) -> list[dict[str, Any]]:
    rows = []
    for block in BLOCKS:
        detail = f"{block[0]}x{block[1]}"
        payload = make_codec("astc", block=block).encode(frames[0])
        jpeg, rate = jpeg_at(frames, bits_per_pixel([payload]))
        say(f"{detail}: libjpeg-turbo quality {jpeg.quality}, {rate:.2f} bit/px")
        cases: dict[str, Callable[[int], Any]] = {
            "jpeg encode": partial(run_jpeg_encode, jpeg, frames),
            "jpeg decode": partial(run_jpeg_decode, jpeg, [jpeg.encode(f) for f in frames]),
        }
        keys = []
        image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        for target in targets:
            with simd(target):
                payloads = [make_codec("astc", block=block).encode(f) for f in frames]
                for count in threads:
                    for preset in PRESETS:
                        codec = make_codec("astc", block=block, preset=preset, threads=count)
                        keys.append((target, count, preset))
                        cases[f"{target} {count} {preset}"] = partial(run_encode, codec, frames, bytearray(len(payload)))
                    keys.append((target, count, "decode"))
                    cases[f"{target} {count} decode"] = partial(run_decode, target, payloads, count, image)
        result = timed(cases, rounds)
        for target, count, what in keys:
            milliseconds = result[f"{target} {count} {what}"]
            against = result["jpeg decode" if what == "decode" else "jpeg encode"]
            single = result[f"{target} {threads[0]} {what}"]
            rows.append(
                {
                    "block": detail,
                    "what": what if what == "decode" else f"encode {what}",
                    "target": target,
                    "threads": count,
                    "ms": round(milliseconds, 3),
                    "bit_per_px": round(bits_per_pixel([payload]), 3),
                    "jpeg_quality": jpeg.quality,
                    "jpeg_bit_per_px": round(rate, 3),
                    "jpeg_ms": round(against, 3),
                    "ratio": round(against / milliseconds, 2),
                    "speedup": round(single / milliseconds, 2),
                }
            )
    return rows


def measure_quality(frames: list[Image]) -> list[dict[str, Any]]:
    rows = []
    for block in BLOCKS:
        for preset in PRESETS:
            codec = make_codec("astc", block=block, preset=preset)
            payloads = [codec.encode(f) for f in frames]
            rate = 8 * statistics.mean(len(p) / f[..., 0].size for p, f in zip(payloads, frames))
            value = statistics.mean(psnr(f, decode(p)) for f, p in zip(frames, payloads))
            rows.append({"block": codec.detail, "preset": preset, "bit_per_px": round(rate, 3), "psnr_db": round(value, 3)})
            say(f"  {codec.detail} {preset}: {value:.2f} dB")
    return rows


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


def write_test_reference() -> None:
    """Bytes and PSNR of the picture that test/codecs/test_quality.py compares."""
    sys.path.insert(0, str(ROOT / "test/codecs"))
    import pictures

    image = pictures.street()
    rows = []
    for block in BLOCKS:
        for preset in ("paper", "fast", "fine"):
            codec = make_codec("astc", block=block, preset=preset)
            payload = codec.encode(image)
            rows.append({"block": codec.detail, "preset": preset, "bytes": len(payload), "psnr_db": f"{psnr(image, decode(payload)):.3f}"})
    write_csv(REFERENCE / "codecs_quality.csv", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ROOT.parent / "shared/data"
    parser.add_argument("--data", type=Path, default=default if default.exists() else None, help="data folder with kitti_2011_09_26_seq/ and camvid/")
    parser.add_argument("--rounds", type=int, default=20, help=f"times that every case goes through its {FRAMES} frames (default 20)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts to measure (default 1 2)")
    parser.add_argument(
        "--targets", nargs="+", default=[t for t in simd_targets() if t != "scalar"] or ["scalar"], help="instruction sets to measure"
    )
    parser.add_argument("--every", type=int, default=1, help="use every n-th CamVid frame for quality (default 1: all 233)")
    parser.add_argument("--no-speed", action="store_true", help="quality only")
    parser.add_argument("--no-quality", action="store_true", help="speed only")
    parser.add_argument("--json", type=Path, help="write the JSON here instead of printing it")
    parser.add_argument("--write-reference", action="store_true", help=f"write the CSV files in {REFERENCE.relative_to(ROOT)}")
    arguments = parser.parse_args()

    report: dict[str, Any] = {"machine": machine()}
    print(markdown([{"fact": k, "value": v} for k, v in report["machine"].items()], ["fact", "value"]))
    if not arguments.no_speed:
        frames, source = speed_frames(arguments.data)
        say(f"speed: {source}")
        report["speed_frames"] = source
        report["memcpy_ms"] = round(memcpy_ms(frames), 3)
        report["speed"] = measure_speed(frames, arguments.rounds, arguments.threads, arguments.targets)
        print(f"\nSpeed, 1920x1080 rgb8, {source}; copying a frame takes {report['memcpy_ms']} ms.\n")
        columns = ["block", "what", "target", "threads", "ms", "ratio", "speedup", "jpeg_ms", "jpeg_quality", "jpeg_bit_per_px"]
        print(markdown(report["speed"], columns))
    if not arguments.no_quality:
        pictures, source = quality_frames(arguments.data, arguments.every)
        say(f"quality: {source}")
        report["quality_frames"] = source
        report["quality"] = measure_quality(pictures)
        print(f"\nQuality, mean PSNR over {source}.\n")
        print(markdown(report["quality"], ["block", "preset", "bit_per_px", "psnr_db"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    else:
        print("\n```json\n" + json.dumps(report) + "\n```")
    if arguments.write_reference:
        if "speed" in report:
            write_csv(REFERENCE / "codecs.csv", report["speed"])
        if "quality" in report:
            write_csv(REFERENCE / "codecs_camvid.csv", report["quality"])
        write_test_reference()


if __name__ == "__main__":
    main()
