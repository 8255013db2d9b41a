# SPDX-License-Identifier: Apache-2.0
"""Coding tools of the JPEG XS encoder: what can be switched, and the presets that switch it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import CodecError

QUANTIZERS: tuple[str, ...] = ("deadzone", "uniform")
SIGNS: tuple[str, ...] = ("inline", "separate")
LEVELS: tuple[str, ...] = ("5/2", "5/1", "5/0")
PRECISIONS: tuple[str, ...] = ("20/8", "18/6", "B/0")
SEARCHES: tuple[str, ...] = ("full", "guess", "exhaustive")


@dataclass(frozen=True)
class Tools:
    """The switches. All of them are the encoder's choice: a conforming decoder reads every combination.

    significance: flags that skip groups of 32 coefficients (the paper prunes them). vertical_prediction: bit-plane counts may be predicted
    from the line above. raw_counts: counts as plain 4-bit numbers in packets where that is shorter. quantizer: "uniform" or "deadzone".
    signs: "separate" leaves out the signs of zeros, "inline" does not. levels: horizontal/vertical wavelet levels. precision: Bw/Fq of
    the transform that decoders follow; "B/0" keeps no fraction bits and fits no named profile. search: how (Q, R) of a precinct is found:
    over all steps, from the precinct above outwards, or the least squared error of everything that fits (slow; for tests).
    colour_transform: RGB through the reversible colour transform.
    """

    significance: bool = True
    vertical_prediction: bool = True
    raw_counts: bool = True
    quantizer: str = "uniform"
    signs: str = "separate"
    levels: str = "5/2"
    precision: str = "20/8"
    search: str = "guess"
    colour_transform: bool = True


PRESETS: dict[str, Tools] = {
    "high": Tools(),
    "main": Tools(levels="5/1"),
    # The fastest that stays within 1.5 dB of "high" at the same rate: docs/jpegxs.md has the measurements.
    "pruned": Tools(vertical_prediction=False, raw_counts=False, signs="inline"),
}
"""Preset -> its tools."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "quantizer": QUANTIZERS,
    "signs": SIGNS,
    "levels": LEVELS,
    "precision": PRECISIONS,
    "search": SEARCHES,
}


def tools_of(preset: str, switches: dict[str, Any]) -> Tools:
    """The tools of a preset with some switches set; a switch that is None keeps the preset's. Raises CodecError."""
    if not isinstance(preset, str) or preset not in PRESETS:
        raise CodecError(f"preset is {preset!r}, expected one of {', '.join(PRESETS)}")
    given = {name: value for name, value in switches.items() if value is not None}
    for name, value in given.items():
        choices = _CHOICES.get(name)
        if choices is None and not isinstance(value, bool):
            raise CodecError(f"{name} is {value!r}, expected true or false")
        if choices is not None and (not isinstance(value, str) or value not in choices):
            raise CodecError(f"{name} is {value!r}, expected one of {', '.join(choices)}")
    return replace(PRESETS[preset], **given)


def profile_of(tools: Tools, lossless: bool, three_components_444: bool) -> int:
    """Ppih: the smallest of the Main, High and MLS profiles that has these tools, or 0 (Unrestricted)."""
    if lossless:
        return 0x6EC0
    if tools.precision == "B/0":
        return 0
    if tools.levels == "5/2":
        return 0x4A40
    return 0x3A40 if three_components_444 else 0x3540
