# SPDX-License-Identifier: Apache-2.0
"""The ranges of what a training run is set to, for the settings and for the command line alike. Needs neither torch nor data."""

from __future__ import annotations

from plcv_ros.ranges import Range

MAX_COUNT = 2**31 - 1
MAX_THREADS = 256

SETTINGS = {
    "epochs": Range(1, 1_000_000),
    "batch": Range(1, 65_536),
    "crop": Range(32, 8192),
    "rate": Range(0, 10, above_low=True),
    "encoder_rate": Range(0, 10),
    "average": Range(0, 1, below_high=True),
    "distillation": Range(0, 1000),
    "overlap": Range(0, 1000),
    "auxiliary": Range(0, 1000),
    "weight_decay": Range(0, 10),
    "warmup": Range(0, MAX_COUNT),
    "seed": Range(0, MAX_COUNT),
    "threads": Range(0, MAX_THREADS),
    "stop_after": Range(0, MAX_COUNT),
}
"""Number of :class:`plcv_ros.training.settings.Settings` (``crop``: of its augmentation) -> its range."""
