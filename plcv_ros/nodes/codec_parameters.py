# SPDX-License-Identifier: Apache-2.0
"""From the parameters of a node that encodes to a codec."""

from __future__ import annotations

from plcv_ros.codecs import Codec, make_codec
from plcv_ros.nodes.parameters import Value


def codec_from(values: dict[str, Value]) -> Codec | None:
    """The codec that the parameters name; None for raw. Raises CodecError."""
    if values["codec"] == "astc":
        width, _, height = str(values["astc_block"]).partition("x")
        return make_codec("astc", block=(int(width), int(height)), preset=str(values["astc_preset"]), threads=int(values["threads"]))
    if values["codec"] == "jxs":
        significance = {"preset": None, "always": True, "never": False}[str(values["jxs_significance"])]
        return make_codec(
            "jxs", bpp=float(values["jxs_bpp"]), preset=str(values["jxs_preset"]), significance=significance, threads=int(values["threads"])
        )
    if values["codec"] == "jpeg":
        return make_codec("jpeg", quality=int(values["jpeg_quality"]), threads=int(values["threads"]))
    return None
