# SPDX-License-Identifier: Apache-2.0
"""The codec of a frame, as far as its payload tells, by the names of training: ``astc:8x8``, ``jxs:main:3:nosig``, ``jpeg``, ``original``. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plcv_ros import codecs
from plcv_ros.codecs import astc, jpegxs

ORIGINAL = "original"
"""A frame that no codec has seen."""


def coding_of(payload: Any, *, strip: bool = False) -> str:
    """The codec of a payload, or of a frame from one ``strip`` of it; empty where it is none.

    An ASTC file does not tell its encoder's preset, except for ``vision``, which has a block mode of its own (``vision_fine`` shares it), nor
    a JPEG its quality.
    A JPEG XS codestream tells tools: the presets of this package are told apart by them, those of other encoders are called by what they
    resemble.
    """
    try:
        if bytes(payload[: len(jpegxs.MAGIC)]) == jpegxs.MAGIC:
            fields = {**jpegxs.strip_slices(payload)[0], "Lcod": _stated_length(payload)} if strip else jpegxs.header(payload)
            return _jxs(fields, len(payload))
        info = codecs.info(payload)
        if info["codec"] == "astc" and astc.block_mode(payload) == astc.VISION_MODE:
            return f"astc:{info['detail']}:vision"
    except codecs.CodecError:
        return ""
    return f"{info['codec']}:{info['detail']}" if info["detail"] else str(info["codec"])


def _stated_length(strip: Any) -> int:
    """Lcod of the codestream that a strip is of: in the picture header, which follows the capabilities segment (ISO/IEC 21122-1, A.4)."""
    capabilities = int.from_bytes(bytes(strip[4:6]), "big")
    return int.from_bytes(bytes(strip[8 + capabilities : 12 + capabilities]), "big")


def _jxs(fields: Mapping[str, Any], size: int) -> str:
    rate = 8 * (fields["Lcod"] or size) / (fields["Wf"] * fields["Hf"])
    if not fields["Fs"]:
        return f"jxs:pruned:{rate:.3g}"
    # Run mode 1 is chosen with the significance flags of `main` and `high`, 0 without.
    return f"jxs:{'main' if fields['NLy'] < 2 else 'high'}:{rate:.3g}{'' if fields['Rm'] else ':nosig'}"
