# SPDX-License-Identifier: Apache-2.0
"""The ranges of all numbers that ``plcv`` takes: one table, the only place where a bound is written down. ``main`` checks them before the
command does anything."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from plcv_ros.ranges import Range
from plcv_ros.training.ranges import MAX_COUNT, MAX_THREADS, SETTINGS

_COUNT, _COUNT_OR_ALL = Range(1, MAX_COUNT), Range(0, MAX_COUNT)
_SEED = Range(0, MAX_COUNT)
_NETWORK_THREADS, _CODEC_THREADS = Range(0, MAX_THREADS), Range(1, 64)
_CHANNELS = Range(1, 4096)
_DAY_S = 86_400

_TRAIN = {
    "validate_every": _COUNT,
    "distil": SETTINGS["distillation"],
    **{name: SETTINGS[name] for name in ("epochs", "batch", "crop", "rate", "encoder_rate", "average", "seed", "threads", "stop_after")},
    "scale": Range(0, 10, above_low=True),
    "width": _CHANNELS,
}

RANGES: Mapping[str, Mapping[str, Range]] = {
    "demo": {
        "seconds": Range(0, _DAY_S, above_low=True),
        "rate": Range(0, 1000, above_low=True, zero="the source's own"),
        "threads": _NETWORK_THREADS,
        "seed": _SEED,
    },
    "up": {"grace": Range(0, 3600)},
    "encode": {"threads": _CODEC_THREADS},
    "decode": {"threads": _CODEC_THREADS, "max_pixels": _COUNT},
    "latency": {"seconds": Range(0, 365 * _DAY_S)},
    "eval": {"limit": _COUNT_OR_ALL, "threads": _NETWORK_THREADS, "picture_count": _COUNT},
    "scenes": {"frames": _COUNT, "every": _COUNT, "rate": Range(0.1, 1000)},
    "tune": {
        "pictures": _COUNT_OR_ALL,
        "generations": _COUNT,
        "population": Range(3, 10_000),
        "sigma": Range(0, 100, above_low=True),
        "seed": _SEED,
        "rate": Range(0, 64, above_low=True),
        "threads": _NETWORK_THREADS,
    },
    "train segmentation": {**_TRAIN, "overlap": SETTINGS["overlap"], "fine": _CHANNELS},
    "train classification": _TRAIN,
    "train table": {"threads": SETTINGS["threads"]},
}
"""Command -> the name in the namespace of every option that takes a number -> its range."""

OF_THE_CODEC = {"encode": {"bpp", "quality"}}
"""Options whose range the codec itself knows, and refuses before any picture is read."""


def complaint(args: argparse.Namespace) -> str:
    """What is wrong with the numbers given, empty where nothing is."""
    command = " ".join(filter(None, (args.command, getattr(args, "task", None))))
    wrong = [
        allowed.complaint(f"--{name.replace('_', '-')}", value)
        for name, allowed in RANGES.get(command, {}).items()
        for value in _values(getattr(args, name))
    ]
    return "; ".join(filter(None, wrong))


def _values(given: float | list[float] | None) -> list[float]:
    return given if isinstance(given, list) else [] if given is None else [given]
