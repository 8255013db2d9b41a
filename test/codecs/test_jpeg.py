# SPDX-License-Identifier: Apache-2.0
"""The JPEG codec: formats, errors, and its absence."""

from __future__ import annotations

import sys

import numpy as np
import pictures
import pytest

from plcv_ros.codecs import CodecError, decode, info, make_codec

pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")


def test_round_trip_and_info() -> None:
    image = pictures.street()
    codec = make_codec("jpeg", quality=95, subsampling="444")
    payload = codec.encode(image)
    assert info(payload) == {"codec": "jpeg", "width": 480, "height": 360, "detail": "", "bytes": len(payload)}
    assert pictures.psnr(image, decode(payload)) > 34
    assert codec.payload_size(480, 360) is None


def test_pixel_formats_and_strides() -> None:
    rgb = pictures.street(60, 85)
    codec = make_codec("jpeg", quality=90)
    expected = decode(codec.encode(rgb)).astype(int)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    alpha = np.full((*rgb.shape[:2], 1), 9, np.uint8)
    padded = np.zeros((60, 100, 3), np.uint8)
    padded[:, :85] = rgb
    for image, pixel_format in (
        (bgr, "bgr8"),
        (np.concatenate([rgb, alpha], 2), "rgba8"),
        (np.concatenate([bgr, alpha], 2), "bgra8"),
        (padded[:, :85], "rgb8"),
        (np.ascontiguousarray(rgb[::-1])[::-1], "rgb8"),
    ):
        assert np.abs(decode(codec.encode(image, pixel_format=pixel_format)).astype(int) - expected).max() <= 2
    grey = np.ascontiguousarray(rgb[..., 1])
    decoded = decode(codec.encode(grey, pixel_format="mono8"))
    assert decoded.shape == rgb.shape
    assert (decoded[..., 0] == decoded[..., 2]).all()
    assert pictures.psnr(grey, decoded[..., 0]) > 30


def test_out_and_limits() -> None:
    image = pictures.street(40, 50)
    codec = make_codec("jpeg")
    payload = codec.encode(image)
    assert codec.encode(image, out=bytearray(10000)) == payload
    with pytest.raises(CodecError, match="out has 10 bytes"):
        codec.encode(image, out=bytearray(10))
    with pytest.raises(CodecError, match="2000 pixels"):
        decode(payload, max_pixels=1999)
    out = np.empty((40, 50, 3), np.uint8)
    assert decode(payload, out=out) is out
    assert (out == decode(payload)).all()
    with pytest.raises(CodecError, match="no strips"):
        codec.encode_strips(image)


def test_damage() -> None:
    payload = make_codec("jpeg").encode(pictures.street(40, 50))
    for bad in (payload[:3], payload[:20], payload[:100]):
        with pytest.raises(CodecError, match="JPEG"):
            decode(bad)


def test_without_simplejpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    with pytest.raises(CodecError, match="needs simplejpeg: pip install simplejpeg"):
        make_codec("jpeg")
    make_codec("astc")
