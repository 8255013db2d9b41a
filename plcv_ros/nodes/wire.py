# SPDX-License-Identifier: Apache-2.0
"""Names on the wire: topics of a base image topic, and the ``format`` text of sensor_msgs/CompressedImage. No ROS, no pixels.

``format`` is ``<original encoding>; <codec> compressed <encoding> <detail>``. JPEG is written exactly as compressed_image_transport
writes it, because its subscribers take the colour order from that text.
"""

from __future__ import annotations

from dataclasses import dataclass

from plcv_ros.camera.encodings import canonical

TRANSPORTS = ("astc", "jxs", "compressed", "raw")
"""How an image travels: the last part of its topic, or ``raw`` for sensor_msgs/Image on the base topic itself."""

AUTO = "auto"

_TRANSPORT_OF_CODEC = {"astc": "astc", "jxs": "jxs", "jpeg": "compressed", "raw": "raw"}

CODECS_WITH_STRIPS = ("astc", "jxs")
"""Codecs whose frames can travel in strips, on ``<transport>_strips``."""

_YUV422 = ("yuv422", "yuv422_yuy2")

_KEPT_BY_JXS = {"mono8": "mono8", **dict.fromkeys(_YUV422, "yuv422")}
"""The order of a 4:2:2 picture's bytes is gone once it is coded as planes: both are called yuv422."""

MAX_FORMAT = 256
"""Characters of a ``format`` text that are looked at; the longest that is written here has some 90."""

_JPEG_ORIGINALS = ("rgb8", "bgr8", "rgba8", "bgra8")


def transport_of(codec: str) -> str:
    """Codec (astc, jxs, jpeg, raw) -> transport (astc, jxs, compressed, raw). Raises KeyError."""
    return _TRANSPORT_OF_CODEC[codec]


def transports_of(name: str) -> tuple[str, ...]:
    """The transports that a receiver listens to: ``auto`` stands for all that the sender may choose among."""
    return CODECS_WITH_STRIPS if name == AUTO else (name,)


def topic(base: str, transport: str, strips: bool = False) -> str:
    """Topic of a transport: ``camera/image``, ``astc`` -> ``camera/image/astc``, or, in strips, ``camera/image/astc_strips``."""
    return base if transport == "raw" else f"{base}/{transport}{'_strips' if strips else ''}"


def sibling(base: str, name: str) -> str:
    """Topic beside a base topic: ``camera/image``, ``camera_info`` -> ``camera/camera_info``, where image_transport looks for it."""
    head, slash, _ = base.rpartition("/")
    return f"{head}{slash}{name}"


@dataclass(frozen=True)
class Format:
    """A parsed ``format`` text; parts that are missing are empty. ``original`` and ``encoding`` are image encodings."""

    original: str
    codec: str
    encoding: str
    detail: str

    @property
    def colour(self) -> str | None:
        """The ``colour`` argument of :func:`plcv_ros.codecs.decode` for such a frame; None where the decoder's own rules hold.

        A 4:2:2 image's luma and colour are coded as they came, and ROS takes those for ITU-R BT.601 in limited range, as cv_bridge does.
        """
        return "bt601-limited" if self.codec == "jxs" and canonical(self.encoding) in _YUV422 else None


def write_format(original: str, codec: str, detail: str = "", encoding: str = "rgb8") -> str:
    """The ``format`` text of a frame.

    ``original`` is the encoding of the image before it was encoded, ``encoding`` the one that is coded: what a JPEG XS codestream itself
    does not say. A JPEG's subscribers turn the decoded colours back into the original encoding, which they can for rgb and bgr orders and
    mono8 alone, by the names that ROS has for them; a frame that was made rgb8 first (yuv, Bayer) is called rgb8 there.
    """
    if codec == "jpeg":
        name = canonical(original)
        if name == "mono8":
            return "mono8; jpeg compressed "
        return f"{name if name in _JPEG_ORIGINALS else 'rgb8'}; jpeg compressed bgr8"
    return f"{original}; {codec} compressed {encoding} {detail}".rstrip()


def coded_encoding(codec: str, pixel_format: str) -> str:
    """The encoding that ``codec`` codes for pixels in ``pixel_format``: JPEG XS keeps grey and 4:2:2 pictures what they are."""
    if codec == "jxs" and pixel_format in _KEPT_BY_JXS:
        return _KEPT_BY_JXS[pixel_format]
    return "rgb8"


def parse_format(text: str) -> Format:
    """Read a ``format`` text, however incomplete: ``jpeg`` alone, missing parts, odd spacing and letter case are all met in the field."""
    head, semicolon, tail = text[:MAX_FORMAT].partition(";")
    if not semicolon:
        head, tail = "", text
    words = tail.lower().replace(";", " ").split()
    if "compressed" in words:
        at = words.index("compressed")
        codec = words[at - 1] if at else ""
        rest = words[at + 1 :]
    else:
        codec = words[0] if words else ""
        rest = words[1:]
    codec = {"jpg": "jpeg"}.get(codec, codec)
    return Format(head.strip().lower(), codec, rest[0] if rest else "", " ".join(rest[1:]))
