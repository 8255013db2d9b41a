# SPDX-License-Identifier: Apache-2.0
"""What a codec makes of a picture, for training and scoring: the real codec, at the camera's resolution, before any resizing or cropping.

A configuration is named by a text:

``original``                     no codec
``astc[:8x8[:fast]]``            block footprint, preset ``fast``, ``fine``, ``vision``, ``vision_fine`` or ``paper``
``jpeg[:90]``                    quality
``jxs[:main[:3[:nosig]]]``       preset ``main``, ``high`` or ``pruned``, bits per pixel, without significance flags
``jxs:main:2:weights=FILE``      with the gains and priorities in a file, as `plcv tune` writes it

Several, joined by ``+``, are a mixture: every training picture goes through one of them, drawn at random.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import CodecError, decode, make_codec
from plcv_ros.codecs.registry import Codec

Image = npt.NDArray[np.uint8]

ORIGINAL = "original"

FORMS = "original, astc[:8x8[:fast]], jpeg[:90] or jxs[:main[:3[:nosig|:weights=FILE]]]"


@dataclass(frozen=True)
class Seen:
    """A picture after the codec, and what it cost: ``image`` (H, W, 3) uint8 rgb8, ``payload_bytes`` (of the raw pixels without a codec)."""

    image: Image
    payload_bytes: int

    def bits_per_pixel(self) -> float:
        """Bits of payload for each pixel of the picture."""
        height, width = self.image.shape[:2]
        return 8 * self.payload_bytes / float(height * width)


class Degradation:
    """One codec configuration: ``degradation(image)`` is what the remote network sees of ``image``, (H, W, 3) uint8 rgb8 both.

    ``name`` is the configuration with every default written out. With ``cache``, payloads are kept as files in that folder and read
    from there the next time; they are found by the picture's pixels and by what the encoder makes of a test picture, so another
    encoder never meets the payloads of this one.
    """

    def __init__(self, name: str, codec: Codec | None, cache: Path | None = None) -> None:
        self.name = name
        self._codec = codec
        self._cache: Path | None = None
        if cache is not None and codec is not None:
            probe = hashlib.sha256(bytes(codec.encode(_probe()))).hexdigest()[:12]
            self._cache = cache / f"{name.replace(':', '_')}-{probe}"

    def __repr__(self) -> str:
        return f"Degradation({self.name!r})"

    def __call__(self, image: Image) -> Image:
        return self.see(image).image

    def see(self, image: Image) -> Seen:
        """The picture after encoder and decoder, with the size of its payload. Raises CodecError for pictures the codec does not take."""
        if self._codec is None:
            return Seen(image, image.nbytes)
        payload = self._payload(image)
        return Seen(decode(payload), len(payload))

    def _payload(self, image: Image) -> bytes:
        assert self._codec is not None
        if self._cache is None:
            return bytes(self._codec.encode(image))
        key = hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()[:32]
        path = self._cache / key
        if path.is_file():
            return path.read_bytes()
        payload = bytes(self._codec.encode(image))
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own until it is whole: several runs may fill one cache.
        partial = path.with_name(f"{key}.{os.getpid()}.partial")
        partial.write_bytes(payload)
        partial.replace(path)
        return payload


def _probe() -> Image:
    """(240, 320, 3) uint8: noise, edges and ramps, so that any change of an encoder shows in the payload."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    noise[:80] = np.linspace(0, 255, 320).astype(np.uint8)[None, :, None]
    noise[80:160, 100:] //= 4
    return noise


def parse_degradation(text: str, cache: Path | None = None) -> Degradation:
    """The configuration that ``text`` names (see the module's text); raises ValueError naming the part that is wrong."""
    name, kind, options = read_configuration(text)
    try:
        return Degradation(name, None if kind == ORIGINAL else make_codec(kind, **options), cache)
    except CodecError as error:
        raise ValueError(f"codec {text!r}: {error}") from error


def full_name(text: str) -> str:
    """``astc`` -> ``astc:8x8:fast``: the configuration with its defaults written out, whether its codec is there or not; or ValueError."""
    return read_configuration(text)[0]


def read_configuration(text: str) -> tuple[str, str, dict[str, Any]]:
    """Full name, codec (or ``original``) and options for make_codec; raises ValueError naming the part that is wrong."""
    # What ends a path is a part of it, a space too.
    kind, *words = [word if word.startswith("weights=") else word.strip() for word in text.split(":")]
    defaults = {ORIGINAL: (), "astc": ("8x8", "fast"), "jpeg": ("90",), "jxs": ("main", "3", "")}
    if kind not in defaults or len(words) > len(defaults[kind]):
        raise ValueError(f"codec {text!r}: expected {FORMS}")
    words += defaults[kind][len(words) :]
    try:
        if kind == "astc":
            match = re.fullmatch(r"(\d{1,2})x(\d{1,2})", words[0])
            if match is None:
                raise ValueError(f"footprint {words[0]!r}, expected WxH")
            return ":".join([kind, *words]), kind, {"block": (int(match[1]), int(match[2])), "preset": words[1]}
        if kind == "jpeg":
            return f"jpeg:{int(words[0])}", kind, {"quality": int(words[0])}
        if kind == "jxs":
            preset, rate, flags = words
            key, _, file = flags.partition("=")
            further: dict[str, dict[str, Any]] = {"": {}, "nosig": {"significance": False}, "weights": {"weights": file}}
            if key not in further or bool(file) != (key == "weights"):
                raise ValueError(f"{flags!r}, expected nosig, weights=FILE or nothing")
            name = f"jxs:{preset}:{float(rate):g}" + (f":{flags}" if flags else "")
            return name, kind, {"bpp": float(rate), "preset": preset, **further[key]}
    except ValueError as error:
        raise ValueError(f"codec {text!r}: {error}") from error
    return ORIGINAL, ORIGINAL, {}


def parse_mixture(text: str, cache: Path | None = None) -> list[Degradation]:
    """``original+astc:8x8:fast`` -> the configurations, in order; raises ValueError where one is wrong or named twice."""
    mixture = [parse_degradation(part, cache) for part in text.split("+")]
    names = [degradation.name for degradation in mixture]
    if len(set(names)) < len(names):
        raise ValueError(f"codecs {text!r}: a configuration is named twice")
    return mixture


def psnr(image: Image, seen: Image) -> float:
    """Peak signal-to-noise ratio of ``seen`` against ``image`` in dB, over all channels; infinite where they are equal."""
    error = float(np.mean((image.astype(np.float32) - seen.astype(np.float32)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
