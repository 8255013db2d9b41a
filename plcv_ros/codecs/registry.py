# SPDX-License-Identifier: Apache-2.0
"""Codecs by name, payloads by magic number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, overload

import numpy as np
import numpy.typing as npt

from . import astc, jpeg, jpeg_header, jpegxs
from .errors import CodecError
from .images import MAX_PIXELS, check_max_pixels, check_out
from .payloads import Encoded, Payload, as_bytes_view
from .threads import check_threads


class Codec(Protocol):
    """What every codec offers; see AstcCodec for the manual."""

    name: str

    @property
    def pixel_formats(self) -> Mapping[str, int]:
        """Formats of pixels that `encode` takes -> bytes a pixel."""

    @property
    def detail(self) -> str:
        """What `format` strings say beyond the name, e.g. "8x8"."""

    def payload_size(self, width: int, height: int) -> int | None:
        """Bytes of every payload of this size, or None where they depend on the picture."""

    def encode(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", out: Any = None) -> Encoded:
        """Encode one frame; bytes-like."""

    def encode_strips(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", max_bytes: int = 5200) -> Any:
        """Encode one frame as strips: with ASTC each is a complete file; JPEG XS has `jpegxs.decode_strips` for them."""


_CODECS: dict[str, type[Any]] = {"astc": astc.AstcCodec, "jxs": jpegxs.JxsCodec, "jpeg": jpeg.JpegCodec}

CODECS: tuple[str, ...] = tuple(_CODECS)
"""Names that `make_codec` takes."""


SUFFIXES: dict[str, str] = {".astc": "astc", ".jxs": "jxs", ".jpg": "jpeg", ".jpeg": "jpeg"}
"""Suffix of a file -> its codec. The first one of a codec is the one to write."""


@overload
def make_codec(name: Literal["astc"], *, block: tuple[int, int] = (8, 8), preset: str = "fast", threads: int = 1) -> astc.AstcCodec: ...


@overload
def make_codec(
    name: Literal["jxs"],
    *,
    bpp: float = 3.0,
    preset: str = "high",
    significance: bool | None = None,
    rate_control: str = "slice",
    lossless: bool = False,
    weights: str | Path | Mapping[str, Any] | None = None,
    threads: int = 1,
    vertical_prediction: bool | None = None,
    raw_counts: bool | None = None,
    quantizer: str | None = None,
    signs: str | None = None,
    levels: str | None = None,
    precision: str | None = None,
    search: str | None = None,
    colour_transform: bool | None = None,
) -> jpegxs.JxsCodec: ...


@overload
def make_codec(name: Literal["jpeg"], *, quality: int = 90, subsampling: str = "420", fast_dct: bool = True, threads: int = 1) -> jpeg.JpegCodec: ...


@overload
def make_codec(name: str) -> Codec: ...


def make_codec(name: str, **options: Any) -> Codec:
    """Make a codec: ``make_codec("astc", block=(8, 8), preset="fast", threads=1)``, ``make_codec("jxs", bpp=3.0, preset="high")``,
    ``make_codec("jpeg", quality=90)``.

    Options are those of AstcCodec, JxsCodec and JpegCodec. Raises CodecError, also for options that the codec does not have.
    """
    return codec_from(name, options)


def codec_from(name: str, options: Mapping[str, Any]) -> Codec:
    """`make_codec` where the name and the options are known at run time alone, so that a type checker cannot compare them."""
    kind = _CODECS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise CodecError(f"codec is {name!r}, expected one of {', '.join(CODECS)}")
    try:
        codec: Codec = kind(**options)
    except TypeError as error:
        raise CodecError(f"options of the {name} codec are {dict(options)}: {error}") from None
    return codec


_MAGIC = {"astc": astc.MAGIC, "jxs": jpegxs.MAGIC, "jpeg": jpeg.MAGIC}


def _identify(view: memoryview) -> str:
    start = bytes(view[: len(jpegxs.FILE_SIGNATURE)])
    if start == jpegxs.FILE_SIGNATURE:
        return "jxs"  # which says what it expects instead
    for name, magic in _MAGIC.items():
        if start.startswith(magic):
            return name
    expected = " or ".join(f"{magic.hex()} ({name})" for name, magic in _MAGIC.items())
    raise CodecError(f"payload of {len(view)} bytes starts with {start[:4].hex() or 'nothing'}, expected {expected}")


def decode(
    payload: Payload,
    max_pixels: int = MAX_PIXELS,
    threads: int = 1,
    out: npt.NDArray[np.uint8] | None = None,
    colour: str | None = None,
    astc_modes: str = "all",
) -> npt.NDArray[np.uint8]:
    """Decode any of the formats, told apart by magic number, to (H, W, 3) uint8 rgb8.

    payload: bytes-like. max_pixels: larger images are refused before anything is allocated. threads: for codecs that can use them.
    out: (H, W, 3) uint8 array of the image's size to decode into (its rows may be apart), returned. colour: what the components of a
    JPEG XS codestream are, which it does not say itself (`jpegxs.decode`); the other formats leave no choice. astc_modes: which block modes of
    ASTC are accepted, "all" of the LDR profile or those of this package's encoder, "pruned" (`astc.decode`). Raises CodecError.
    """
    view = as_bytes_view(payload)
    limit = check_max_pixels(max_pixels)
    threads = check_threads(threads)
    name = _identify(view)
    if name == "jxs":
        return jpegxs.decode(view, limit, threads, out, colour)
    if colour is not None:
        raise CodecError(f"colour is {colour!r}, expected None for {name}: only JPEG XS codestreams leave open what their components are")
    if name == "astc":
        if out is not None:
            _, _, width, height = astc.header(view, limit)
            check_out(out, width, height)
        return astc.decode(view, limit, threads, out, astc_modes)
    if out is not None:
        check_out(out, *jpeg.header(view, limit))
    image = jpeg.decode(view, limit)
    if out is None:
        return image
    out[...] = image
    return out


def info(payload: Payload) -> dict[str, Any]:
    """What a payload says of itself, without decoding it: codec, width, height (pixels), detail, bytes. Raises CodecError."""
    view = as_bytes_view(payload)
    name = _identify(view)
    if name == "astc":
        block_x, block_y, width, height = astc.header(view)
        return {"codec": name, "width": width, "height": height, "detail": f"{block_x}x{block_y}", "bytes": len(view)}
    if name == "jxs":
        fields = jpegxs.header(view)
        width, height = fields["Wf"], fields["Hf"]
        rate = 8 * (fields["Lcod"] or len(view)) / (width * height)
        return {"codec": name, "width": width, "height": height, "detail": f"{rate:.3g}bpp", "bytes": len(view)}
    width, height = jpeg.header(view)
    return {"codec": name, "width": width, "height": height, "detail": "", "bytes": len(view)}


def header(payload: Payload) -> dict[str, Any]:
    """Every field of a payload's header, by the names of its standard; numbers, texts and lists of them. Raises CodecError."""
    view = as_bytes_view(payload)
    name = _identify(view)
    if name == "jxs":
        fields = jpegxs.header(view)
        return fields | {"COM": [{"Tcom": kind, "text": text.decode("latin-1")} for kind, text in fields["COM"]]}
    if name == "astc":
        block_x, block_y, width, height = astc.header(view)
        return {"magic": astc.MAGIC.hex(), "block_x": block_x, "block_y": block_y, "block_z": 1, "width": width, "height": height, "depth": 1}
    return jpeg_header.fields(view)
