# SPDX-License-Identifier: Apache-2.0
"""From the parameters of a node that encodes to a codec, and to its name."""

from __future__ import annotations

from plcv_ros.codecs import Codec, make_codec
from plcv_ros.nodes.coding import ORIGINAL
from plcv_ros.nodes.parameters import Value


def codec_from(values: dict[str, Value]) -> Codec | None:
    """The codec that the parameters name; None for raw. Raises CodecError."""
    if values["codec"] == "astc":
        width, _, height = str(values["astc_block"]).partition("x")
        return make_codec("astc", block=(int(width), int(height)), preset=str(values["astc_preset"]), threads=int(values["threads"]))
    if values["codec"] == "jxs":
        significance = {"preset": None, "always": True, "never": False}[str(values["jxs_significance"])]
        return make_codec(
            "jxs",
            bpp=float(values["jxs_bpp"]),
            preset=str(values["jxs_preset"]),
            significance=significance,
            weights=str(values["jxs_weights"]) or None,
            threads=int(values["threads"]),
        )
    if values["codec"] == "jpeg":
        return make_codec("jpeg", quality=int(values["jpeg_quality"]), threads=int(values["threads"]))
    return None


def coding_from(values: dict[str, Value]) -> str:
    """The codec that the parameters name, as training names it (``astc:8x8:fast``, ``jxs:main:3:nosig``); empty for auto."""
    if values["codec"] == "astc":
        return f"astc:{values['astc_block']}:{values['astc_preset']}"
    if values["codec"] == "jxs":
        flags = ":nosig" if values["jxs_significance"] == "never" else ""
        return f"jxs:{values['jxs_preset']}:{float(values['jxs_bpp']):g}{flags}"
    if values["codec"] == "jpeg":
        return f"jpeg:{values['jpeg_quality']}"
    return ORIGINAL if values["codec"] == "raw" else ""
