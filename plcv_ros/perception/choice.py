# SPDX-License-Identifier: Apache-2.0
"""Which checkpoint sees the frames of which codec: the one that was trained on such frames, by what the checkpoints' headers say.

Codecs have the names of training (``astc:8x8:fast``, ``jxs:main:3:nosig``, ``jpeg:90``, ``original``). A payload leaves parts of them open:
``astc:8x8``, ``jpeg``.

=========  ==========================================================================================================================
frames     checkpoint
=========  ==========================================================================================================================
ASTC       trained on this footprint; of several the one of this preset (``fast`` where it is not known), then of this block mode
JPEG XS    trained on JPEG XS at a rate within a factor of 1.5: the nearest rate, then the same preset, then with the flags alike
JPEG       trained on JPEG; of several the nearest quality (90 where it is not known)
raw        trained on original pictures
the rest   the default
=========  ==========================================================================================================================

Where none is there, the default. A checkpoint trained on several codecs is nobody's specialist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from plcv_ros.perception.shipped import DEFAULT, Shipped

Distance = tuple[float, ...]

MAX_RATE_RATIO = 1.5

RATE_STEP = 0.05
"""Rates whose ratio is within this share of an octave are the same: constant-rate payloads are whole bytes."""

_USUAL_PRESET = "fast"
_USUAL_QUALITY = 90.0


def choose(frames: str, trained_on: Mapping[str, str], default: str) -> str:
    """Name of the checkpoint for frames of the codec ``frames``. ``trained_on``: name -> codec of each that may be chosen."""
    found: list[tuple[Distance, bool, str]] = []
    for name, codec in trained_on.items():
        away = distance(frames, codec)
        if away is not None:
            found.append((away, name != default, name))
    return min(found)[2] if found else default


def specialists(known: Mapping[str, Shipped], default: str = DEFAULT) -> dict[str, str]:
    """Name -> codec of the checkpoints of one codec that may take the default's place: of its classes, from the same kinds of data."""
    like = known[default]
    return {
        name: each.codec
        for name, each in known.items()
        if "+" not in each.codec and each.classes == like.classes and each.kinds_of_data == like.kinds_of_data
    }


def distance(frames: str, trained_on: str) -> Distance | None:
    """How unlike two codecs' frames are, to compare with others for the same ``frames``; None where too much, or where a name is none."""
    (kind, *here), (other, *there) = frames.split(":"), trained_on.split(":")
    if kind != other:
        return None
    if kind == "original":
        return ()
    if kind == "astc":
        return _astc(_padded(here, 2), _padded(there, 2))
    if kind == "jxs":
        return _jxs(_padded(here, 3), _padded(there, 3))
    if kind == "jpeg":
        return (abs(_number(here, _USUAL_QUALITY) - _number(there, _USUAL_QUALITY)),)
    return None


def _astc(here: list[str], there: list[str]) -> Distance | None:
    presets = here[1] or _USUAL_PRESET, there[1]
    modes = [preset.startswith("vision") for preset in presets]
    return (float(presets[0] != presets[1]) + float(modes[0] != modes[1]),) if here[0] == there[0] else None


def _jxs(here: list[str], there: list[str]) -> Distance | None:
    rates = _number(here[1:2], 0.0), _number(there[1:2], 0.0)
    if min(rates) <= 0 or max(rates) > MAX_RATE_RATIO * min(rates):
        return None
    octaves = abs(math.log2(rates[0] / rates[1]))
    return round(octaves / RATE_STEP), float(here[0] != there[0]), float(here[2] != there[2])


def _padded(words: list[str], length: int) -> list[str]:
    return (words + [""] * length)[:length]


def _number(words: list[str], missing: float) -> float:
    try:
        value = float(words[0]) if words and words[0] else missing
    except ValueError:
        return missing
    return value if math.isfinite(value) else missing
