#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the codecs: time and ratio to libjpeg-turbo, bits a pixel, PSNR, threads, instruction sets.

    python benchmarks/codecs.py                          # everything; the data folder makes the frames photographs
    python benchmarks/codecs.py --codecs jxs --no-quality --rates 3 --threads 1

Speed: 1920x1080 frames in rotation, every case in turn with libjpeg-turbo (simplejpeg, 4:2:0, fast DCT) in one process, medians. ASTC is
compared with the quality whose rate is nearest, JPEG XS at every rate with quality 90. Quality: mean over the CamVid test frames of the
per-frame PSNR. Frames and method: benchmarks/measuring.py. Prints Markdown and JSON; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import (
    DATA,
    FRAMES,
    HEIGHT,
    REFERENCE,
    ROOT,
    WIDTH,
    Image,
    Jpeg,
    bits_per_pixel,
    jpeg_at,
    machine,
    markdown,
    memcpy_ms,
    psnr,
    quality_frames,
    run_decode,
    run_encode,
    run_jpeg_decode,
    run_jpeg_encode,
    say,
    simd,
    speed_frames,
    timed,
    write_csv,
)

from plcv_ros.codecs import decode, make_codec, simd_targets
from plcv_ros.codecs.astc import BLOCKS, PRESETS

JPEG_QUALITY = 90

JPEGXS: dict[str, dict[str, Any]] = {
    "main": {"preset": "main"},
    "high": {"preset": "high"},
    "high, no significance": {"preset": "high", "significance": False},
    "pruned": {"preset": "pruned"},
}
"""Name in the tables -> options of the codec."""


def jpeg_cases(jpeg: Jpeg, frames: list[Image]) -> dict[str, Callable[[int], Any]]:
    """The yardstick, timed in turn with everything else."""
    return {
        "jpeg encode": partial(run_jpeg_encode, jpeg, frames),
        "jpeg decode": partial(run_jpeg_decode, jpeg, [jpeg.encode(f) for f in frames]),
    }


def measure_astc(frames: list[Image], rounds: int, busy: bool, threads: list[int], targets: list[str]) -> list[dict[str, Any]]:
    """A row for every footprint, preset (and decoding), instruction set and number of threads."""
    rows = []
    for block in BLOCKS:
        detail = f"{block[0]}x{block[1]}"
        payload = make_codec("astc", block=block).encode(frames[0])
        jpeg, rate = jpeg_at(frames, bits_per_pixel([payload]))
        say(f"{detail}: libjpeg-turbo quality {jpeg.quality}, {rate:.2f} bit/px")
        cases = jpeg_cases(jpeg, frames)
        keys = []
        image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        for target in targets:
            with simd(target):
                payloads, narrow = ([make_codec("astc", block=block, preset=p).encode(f) for f in frames] for p in ("fast", "vision"))
                for count in threads:
                    for preset in PRESETS:
                        codec = make_codec("astc", block=block, preset=preset, threads=count)
                        keys.append((target, count, preset))
                        cases[f"{target} {count} {preset}"] = partial(run_encode, codec, frames, bytearray(len(payload)))
                    # The presets' payloads differ in their block mode at most.
                    for what, shown in (("decode", payloads), ("decode vision", narrow)):
                        keys.append((target, count, what))
                        cases[f"{target} {count} {what}"] = partial(run_decode, target, shown, count, image)
        result = timed(cases, rounds, busy, time.thread_time if busy else time.perf_counter)
        for target, count, what in keys:
            against = result["jpeg decode" if what.startswith("decode") else "jpeg encode"]
            row = {"block": detail, "what": what if what.startswith("decode") else f"encode {what}", "target": target, "threads": count}
            single = result[f"{target} {threads[0]} {what}"]
            row |= times(result[f"{target} {count} {what}"], bits_per_pixel([payload]), against, single)
            rows.append(row | {"jpeg_quality": jpeg.quality, "jpeg_bit_per_px": round(rate, 3)})
    return rows


def measure_jpegxs(frames: list[Image], rounds: int, busy: bool, threads: list[int], targets: list[str], rates: list[float]) -> list[dict[str, Any]]:
    """A row for every setting, rate, direction, instruction set and number of threads."""
    rows = []
    jpeg = Jpeg(JPEG_QUALITY)
    jpeg_rate = bits_per_pixel([jpeg.encode(f) for f in frames])
    say(f"libjpeg-turbo quality {jpeg.quality}, {jpeg_rate:.2f} bit/px")
    for bpp in rates:
        cases = jpeg_cases(jpeg, frames)
        quality: dict[str, tuple[float, float]] = {}
        keys = []
        image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        for name, options in JPEGXS.items():
            codec = make_codec("jxs", bpp=bpp, **options)
            payloads = [bytes(codec.encode(f)) for f in frames]
            quality[name] = bits_per_pixel(payloads), statistics.mean(psnr(f, decode(p)) for f, p in zip(frames, payloads))
            for target in targets:
                for count in threads:
                    with simd(target):
                        codec = make_codec("jxs", bpp=bpp, threads=count, **options)
                    keys.append((name, target, count))
                    cases[f"encode {name} {target} {count}"] = partial(run_encode, codec, frames, bytearray(len(payloads[0])))
                    cases[f"decode {name} {target} {count}"] = partial(run_decode, target, payloads, count, image)
        say(f"{bpp:g} bit/px: {len(cases)} cases")
        result = timed(cases, rounds, busy, time.thread_time if busy else time.perf_counter)
        for what in ("encode", "decode"):
            for name, target, count in keys:
                rate, decibel = quality[name]
                row = {"setting": name, "bpp": bpp, "what": what, "target": target, "threads": count}
                single = result[f"{what} {name} {target} {threads[0]}"]
                milliseconds, against = result[f"{what} {name} {target} {count}"], result[f"jpeg {what}"]
                row |= times(milliseconds, rate, against, single) | {"psnr_db": round(decibel, 3)}
                rows.append(row | {"jpeg_quality": jpeg.quality, "jpeg_bit_per_px": round(jpeg_rate, 3)})
    return rows


def times(milliseconds: float, rate: float, jpeg_ms: float, single_ms: float) -> dict[str, float]:
    """The figures that every row of a speed table has; ``ratio``: how many times as fast as libjpeg-turbo, ``speedup``: as one thread."""
    return {
        "ms": round(milliseconds, 3),
        "bit_per_px": round(rate, 3),
        "jpeg_ms": round(jpeg_ms, 3),
        "ratio": round(jpeg_ms / milliseconds, 3),
        "speedup": round(single_ms / milliseconds, 2),
    }


def measure_quality(frames: list[Image], codecs: list[str], rates: list[float]) -> list[dict[str, Any]]:
    """A row for every ASTC footprint and preset, and every JPEG XS setting and rate: mean of the per-frame PSNR."""
    settings: list[tuple[str, str, dict[str, Any]]] = []
    if "astc" in codecs:
        settings += [("astc", preset, {"block": block, "preset": preset}) for block in BLOCKS for preset in PRESETS]
    if "jxs" in codecs:
        settings += [("jxs", name, {"bpp": bpp, **options}) for bpp in rates for name, options in JPEGXS.items()]
    rows = []
    for name, setting, options in settings:
        codec = make_codec(name, **options)
        payloads = [codec.encode(f) for f in frames]
        rate = 8 * statistics.mean(len(p) / f[..., 0].size for p, f in zip(payloads, frames))
        value = statistics.mean(psnr(f, decode(p)) for f, p in zip(frames, payloads))
        rows.append({"codec": name, "detail": codec.detail, "preset": setting, "bit_per_px": round(rate, 3), "psnr_db": round(value, 3)})
        say(f"  {name} {codec.detail} {setting}: {value:.2f} dB")
    return rows


def write_test_reference() -> None:
    """Bytes and PSNR of the picture that test/codecs/test_quality.py compares."""
    sys.path.insert(0, str(ROOT / "test/codecs"))
    import pictures

    image = pictures.street()
    rows = []
    for block in BLOCKS:
        for preset in ("paper", "fast", "fine", "vision", "vision_fine"):
            codec = make_codec("astc", block=block, preset=preset)
            payload = codec.encode(image)
            rows.append({"block": codec.detail, "preset": preset, "bytes": len(payload), "psnr_db": f"{psnr(image, decode(payload)):.3f}"})
    write_csv(REFERENCE / "codecs_quality.csv", rows)


def jpegxs_summary(rows: list[dict[str, Any]], rate: float) -> str:
    """The README's table of JPEG XS at one rate, from the rows of `measure_jpegxs` or of their CSV file; PSNR at every rate."""
    table: dict[tuple[str, float, str, str, int], dict[str, Any]] = {
        (r["setting"], float(r["bpp"]), r["what"], r["target"], int(r["threads"])): r for r in rows
    }
    rates = sorted({key[1] for key in table})
    targets = list(dict.fromkeys(key[3] for key in table))
    lines = []
    for setting in dict.fromkeys(key[0] for key in table):
        line: dict[str, Any] = {f"{rate:g} bit/px": setting}
        for what in ("encode", "decode"):
            for target in targets:
                one = table[setting, rate, what, target, 1]
                line[f"{what}, {target}"] = f"{float(one['ms']):.2f} ms, {float(one['ratio']):.2f}x JPEG"
            two = table.get((setting, rate, what, targets[0], 2))
            if two:
                line[f"{what}, two threads"] = f"{float(two['ms']):.2f} ms ({float(two['speedup']):.2f}x one)"
        decibels = (float(table[setting, r, "encode", targets[0], 1]["psnr_db"]) for r in rates)
        line[f"PSNR at {', '.join(f'{r:g}' for r in rates)} bit/px"] = " / ".join(f"{d:.2f}" for d in decibels) + " dB"
        lines.append(line)
    return markdown(lines, list(lines[0]))


SPEED_COLUMNS = {
    "astc": ["block", "what", "target", "threads", "ms", "ratio", "speedup", "jpeg_ms", "jpeg_quality", "jpeg_bit_per_px"],
    "jxs": ["setting", "bpp", "what", "target", "threads", "ms", "ratio", "speedup", "psnr_db", "jpeg_ms", "jpeg_bit_per_px"],
}
SPEED_FILES = {"astc": "codecs.csv", "jxs": "jpegxs.csv"}


def main() -> None:
    """Measure what was asked for, print it, and write the reference files where that was asked for too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA if DATA.exists() else None, help="data folder with kitti_2011_09_26_seq/ and camvid/")
    parser.add_argument("--codecs", nargs="+", choices=SPEED_FILES, default=list(SPEED_FILES), help="default: all")
    parser.add_argument("--rates", type=float, nargs="+", default=[2.0, 3.0, 4.0], help="JPEG XS bit/px (default 2 3 4)")
    parser.add_argument("--rounds", type=int, default=20, help=f"times that every case goes through its {FRAMES} frames (default 20)")
    parser.add_argument("--busy", action="store_true", help="minima of the CPU time, one thread, in place of medians of the time: for busy machines")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts to measure (default 1 2)")
    parser.add_argument(
        "--targets", nargs="+", default=[t for t in simd_targets() if t != "scalar"] or ["scalar"], help="instruction sets to measure"
    )
    parser.add_argument("--every", type=int, default=1, help="use every n-th CamVid frame for quality (default 1: all 233)")
    parser.add_argument("--no-speed", action="store_true", help="quality only")
    parser.add_argument("--no-quality", action="store_true", help="speed only")
    parser.add_argument("--json", type=Path, help="write the JSON here instead of printing it")
    parser.add_argument("--write-reference", action="store_true", help=f"write the CSV files in {REFERENCE.relative_to(ROOT)}")
    parser.add_argument("--report", action="store_true", help="measure nothing: print the README's table of JPEG XS from the reference files")
    arguments = parser.parse_args()
    if arguments.report:
        with (REFERENCE / SPEED_FILES["jxs"]).open(newline="") as file:
            print(jpegxs_summary(list(csv.DictReader(file)), 3.0))
        return

    if arguments.busy:
        arguments.threads = [1]  # the time that other threads take is not seen
    report: dict[str, Any] = {"machine": machine()}
    print(markdown([{"fact": k, "value": v} for k, v in report["machine"].items()], ["fact", "value"]))
    if not arguments.no_speed:
        frames, source = speed_frames(arguments.data)
        say(f"speed: {source}")
        report["speed_frames"] = source
        report["memcpy_ms"] = round(memcpy_ms(frames), 3)
        print(f"\nSpeed, {WIDTH}x{HEIGHT} rgb8, {source}; copying a frame takes {report['memcpy_ms']} ms.")
        for name in arguments.codecs:
            if name == "astc":
                rows = measure_astc(frames, arguments.rounds, arguments.busy, arguments.threads, arguments.targets)
            else:
                rows = measure_jpegxs(frames, arguments.rounds, arguments.busy, arguments.threads, arguments.targets, arguments.rates)
            report[f"speed_{name}"] = rows
            print(f"\n{markdown(rows, SPEED_COLUMNS[name])}", flush=True)
    if not arguments.no_quality:
        pictures, source = quality_frames(arguments.data, arguments.every)
        say(f"quality: {source}")
        report["quality_frames"] = source
        report["quality"] = measure_quality(pictures, arguments.codecs, arguments.rates)
        print(f"\nQuality, mean PSNR over {source}.\n")
        print(markdown(report["quality"], ["codec", "detail", "preset", "bit_per_px", "psnr_db"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    else:
        print("\n```json\n" + json.dumps(report) + "\n```")
    if arguments.write_reference:
        for name in arguments.codecs:
            if f"speed_{name}" in report:
                write_csv(REFERENCE / SPEED_FILES[name], report[f"speed_{name}"])
        if "quality" in report:
            write_csv(REFERENCE / "codecs_camvid.csv", report["quality"])
        if "astc" in arguments.codecs:
            write_test_reference()


if __name__ == "__main__":
    main()
