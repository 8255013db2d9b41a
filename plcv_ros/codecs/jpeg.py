# SPDX-License-Identifier: Apache-2.0
"""JPEG through libjpeg-turbo (the simplejpeg package), for comparison and for stock viewers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from plcv_ros.requirements import TooOldError, check

from . import _native, jpeg_frame
from .errors import CodecError
from .exif import upright
from .images import MAX_PIXELS, PIXEL_FORMATS, check_image, check_size
from .payloads import Encoded, Payload, Strip, as_bytes_view, writable_view
from .threads import check_threads

SUBSAMPLINGS: tuple[str, ...] = ("444", "422", "420", "440", "411")

MAGIC = bytes.fromhex("ffd8ff")

_COLORSPACES = {"rgb8": "RGB", "bgr8": "BGR", "rgba8": "RGBA", "bgra8": "BGRA", "mono8": "GRAY"}


def _simplejpeg() -> Any:
    try:
        import simplejpeg

        check(simplejpeg, "simplejpeg")
    except TooOldError as error:
        raise CodecError(f"the jpeg codec needs {error}") from None
    except ImportError:
        raise CodecError('the jpeg codec needs simplejpeg: pip install simplejpeg, or ".[edge]" or ".[remote]"') from None
    return simplejpeg


class JpegCodec:
    """Baseline JPEG encoder; `decode` reads what it writes. Holds no state between frames.

    quality: 1..100. subsampling: chroma subsampling, "420" by default. fast_dct: libjpeg-turbo's less exact, faster DCT.
    threads is accepted, as every codec does, and changes nothing: libjpeg-turbo codes a frame in one thread. Raises CodecError.
    """

    name = "jpeg"
    pixel_formats = PIXEL_FORMATS
    detail = ""

    def __init__(self, quality: int = 90, subsampling: str = "420", fast_dct: bool = True, threads: int = 1) -> None:
        if isinstance(quality, bool) or not isinstance(quality, (int, np.integer)) or not 1 <= quality <= 100:
            raise CodecError(f"quality is {quality!r}, expected an int from 1 to 100")
        if subsampling not in SUBSAMPLINGS:
            raise CodecError(f"subsampling is {subsampling!r}, expected one of {', '.join(SUBSAMPLINGS)}")
        self.quality = int(quality)
        self.subsampling = subsampling
        self.fast_dct = bool(fast_dct)
        self.threads = check_threads(threads)
        self._encode = _simplejpeg().encode_jpeg

    def __repr__(self) -> str:
        return f"JpegCodec(quality={self.quality}, subsampling={self.subsampling!r}, fast_dct={self.fast_dct})"

    def payload_size(self, width: int, height: int) -> None:
        """None: the bytes depend on the picture."""
        check_size(width, height)

    def encode(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", out: Any = None) -> Encoded:
        """Encode one frame to a JPEG file: bytes, or, with `out`, a memoryview of the part of it that was written.

        image, pixel_format: as for ASTC. out: writable buffer; CodecError where the payload does not fit. Raises CodecError.
        """
        image, width, height = check_image(image, pixel_format)
        pixels = image.reshape(height, width, 1) if image.ndim == 2 else image
        if pixels.strides[0] < width * pixels.shape[2] or pixels.strides[1:] != (pixels.shape[2], 1):
            pixels = np.ascontiguousarray(pixels)  # libjpeg-turbo takes padded rows, but none that overlap or run upwards
        colour = "Gray" if pixel_format == "mono8" else self.subsampling
        payload: bytes = self._encode(
            pixels, quality=self.quality, colorspace=_COLORSPACES[pixel_format], colorsubsampling=colour, fastdct=self.fast_dct
        )
        if out is None:
            return payload
        target = writable_view(out, len(payload))
        target[:] = payload
        return target

    def encode_strips(self, image: npt.NDArray[np.uint8], pixel_format: str = "rgb8", max_bytes: int = 5200) -> Iterator[Strip]:
        """Not offered: the bytes of a JPEG strip are known only once it is coded. Raises CodecError."""
        raise CodecError(f"the jpeg codec has no strips of at most {max_bytes} bytes: its rate is not constant; use astc")


def header(payload: Payload, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) in pixels of the picture that :func:`decode` makes of a JPEG payload; CodecError where its header cannot be read."""
    return _frame(as_bytes_view(payload), max_pixels).size


def orientation(payload: Payload) -> int:
    """Exif orientation 1..8 of a JPEG payload, 1 where it has none: how :func:`decode` turns the stored pixels. Raises CodecError."""
    return jpeg_frame.read_frame(as_bytes_view(payload)).orientation


def decode(payload: Payload, max_pixels: int = MAX_PIXELS, fast_dct: bool = True, pixel_format: str = "rgb8") -> npt.NDArray[np.uint8]:
    """Decode a JPEG payload to (H, W, 3) uint8 rgb8 or bgr8, or (H, W) mono8, chroma smoothly upsampled, turned as its Exif orientation says.

    Accepted as whole: a file whose every block is there, also with bytes that belong to nothing before or behind its end marker, or
    without that marker. Of several files one behind another the first is decoded. Raises CodecError, also where a part of the picture is missing.
    """
    view = as_bytes_view(payload)
    frame = _frame(view, max_pixels)
    jpeg_frame.check_complete(view, frame)
    pixels = np.empty((frame.height, frame.width, 1 if pixel_format == "mono8" else 3), np.uint8)
    options = {"colorspace": _COLORSPACES[pixel_format], "fastdct": fast_dct, "fastupsample": False, "buffer": pixels}
    try:
        try:
            _simplejpeg().decode_jpeg(view, **options)
        except ValueError:
            _decode_repaired(view, frame, options)
    except ValueError as error:
        raise CodecError(f"payload of {len(view)} bytes is no complete JPEG file: {error}") from None
    return upright(pixels[..., 0] if pixel_format == "mono8" else pixels, frame.orientation)


def _decode_repaired(view: memoryview, frame: jpeg_frame.JpegFrame, options: dict[str, Any]) -> None:
    """Decode a payload of which libjpeg-turbo warned, if the whole picture is there. Raises ValueError where it is not.

    The library names its first warning alone and makes up what is missing. So the blocks are counted here for sequential Huffman coding,
    which is what cameras send; of the rest, nothing but the bytes behind the last scan may have been wrong.
    """
    decode_jpeg = _simplejpeg().decode_jpeg
    if frame.sequential:
        decode_jpeg(_native.jpeg_repaired(view), **options)
        return
    end = jpeg_frame.end_of_scans(view, frame)
    try:
        decode_jpeg(view[:end].tobytes() + jpeg_frame.EOI, **options)
    except ValueError as error:
        stray = re.search("([0-9]+) extraneous bytes before marker 0xd9", str(error))
        if stray is None:
            raise
        decode_jpeg(view[: end - int(stray[1])].tobytes() + jpeg_frame.EOI, **options)


def _frame(view: memoryview, max_pixels: int) -> jpeg_frame.JpegFrame:
    frame = jpeg_frame.read_frame(view)
    if frame.width * frame.height > max_pixels:
        raise CodecError(f"image has {frame.width * frame.height} pixels ({frame.width}x{frame.height}), expected at most max_pixels = {max_pixels}")
    if frame.precision != 8:
        raise CodecError(f"the JPEG file has {frame.precision} bits a sample, expected 8")
    return frame


def components(payload: Payload) -> int:
    """Components of a JPEG payload: 1 grey, 3 colour, 4 CMYK. Raises CodecError."""
    return len(jpeg_frame.read_frame(as_bytes_view(payload)).components)
