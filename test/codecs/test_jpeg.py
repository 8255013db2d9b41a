# SPDX-License-Identifier: Apache-2.0
"""The JPEG codec: formats, errors, and its absence."""

from __future__ import annotations

import io
import sys
import time

import numpy as np
import pictures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


KINDS = {
    "420": {},
    "444, own tables": {"subsampling": 0, "optimize": True},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "restarts": {"restart_marker_blocks": 7},
    "progressive": {"progressive": True},
    "progressive grey": {"progressive": True, "mode": "L"},
}


def pillow(mode: str = "RGB", **options: object) -> bytes:
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.fromarray(pictures.street(123, 165)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def without_tables(payload: bytes) -> bytes:
    """A JPEG file of standard Huffman tables without them, as Motion JPEG has it."""
    out, at = bytearray(payload[:2]), 2
    while payload[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(payload[at + 2 : at + 4], "big")
        out += payload[at:end] if payload[at + 1] != 0xC4 else b""
        at = end
    return bytes(out) + payload[at:]


@pytest.mark.parametrize("kind", [*KINDS, "no tables"])
def test_whole_files_of_which_libjpeg_warns_are_decoded(kind: str) -> None:
    payload = without_tables(pillow()) if kind == "no tables" else pillow(**KINDS[kind])
    expected = decode(payload)
    rng = np.random.default_rng(0)
    stray = [bytes((i * 37) % 255 for i in range(600)), bytes(1), *(rng.integers(0, 256, 900, dtype=np.uint8).tobytes() for _ in range(5))]
    whole = [payload[:-2], payload[:-1], payload + bytes(500), payload + payload, payload[:-2] + bytes(100)]
    for case, data in enumerate([*whole, *(payload[:-2] + extra + payload[-2:] for extra in stray)]):
        assert (decode(data) == expected).all(), case


@pytest.mark.parametrize("kind", [*KINDS, "no tables"])
def test_a_part_of_a_picture_is_refused(kind: str) -> None:
    payload = without_tables(pillow()) if kind == "no tables" else pillow(**KINDS[kind])
    for size in (2, 100, 650, len(payload) // 2, len(payload) * 9 // 10, len(payload) - 12):
        for end in (b"", b"\xff\xd9"):
            with pytest.raises(CodecError, match=r"(?i)jpeg"):
                decode(payload[:size] + end)


def test_stray_bytes_before_restart_markers() -> None:
    payload = pillow(restart_marker_blocks=7)
    restarts = [at for at in range(len(payload) - 1) if payload[at] == 0xFF and 0xD0 <= payload[at + 1] <= 0xD7]
    data = bytearray(payload)
    for at in reversed(restarts[2::3]):
        data[at:at] = b"\1\2\3"
    assert (decode(data) == decode(payload)).all()
    lost, cut = payload[: restarts[2]] + payload[restarts[3] :], payload[: restarts[2] - 9] + payload[restarts[2] :]
    for bad in (lost, cut):
        with pytest.raises(CodecError, match="no complete JPEG"):
            decode(bad)


def test_progressive_files_have_all_their_scans() -> None:
    payload = pillow(progressive=True)
    scans = [at for at in range(len(payload) - 1) if payload[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for at in scans[1:]:
        with pytest.raises(CodecError, match="scans of its finer details are missing"):
            decode(payload[:at] + b"\xff\xd9")
    one = payload[scans[1] : scans[2]]
    with pytest.raises(CodecError, match="more than 128 scans"):
        decode(payload[: scans[1]] + one * 200 + b"\xff\xd9")


def test_work_is_bounded_by_the_payload() -> None:
    payload = bytearray(pillow())
    at = payload.index(b"\xff\xc0")
    payload[at + 5 : at + 9] = b"\x40\x00\x40\x00"
    with pytest.raises(CodecError, match="16384x16384 pixels take at least"):
        decode(payload)
    start = time.process_time()
    for filler in (b"\xff\xe1\0\2", b"\xff", b"\0", b"\xff\xff\xff\xd0"):
        with pytest.raises(CodecError):
            decode(b"\xff\xd8" + filler * (4_000_000 // len(filler)))
    assert time.process_time() - start < 60, "a hang, not a measurement"


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_files_never_crash(data: st.DataObject) -> None:
    payload = bytearray(pillow(**KINDS[data.draw(st.sampled_from(sorted(KINDS)))]))
    for _ in range(data.draw(st.integers(1, 8))):
        payload[data.draw(st.integers(3, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode(payload[: data.draw(st.integers(4, len(payload)))], max_pixels=1 << 20).ndim == 3
    except CodecError as error:
        assert str(error)


def test_without_simplejpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    with pytest.raises(CodecError, match="needs simplejpeg: pip install simplejpeg"):
        make_codec("jpeg")
    make_codec("astc")


def _progressive(size: int) -> tuple[bytes, bytes]:
    """A grey progressive file of size x size pixels without its end marker, and its last scan, which brings nothing where it comes again."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    file = io.BytesIO()
    image.fromarray(np.full((size, size, 3), 128, np.uint8)).save(file, "JPEG", progressive=True, quality=30)
    payload = file.getvalue()[:-2]
    return payload, payload[payload.rfind(b"\xff\xda") :]


def test_empty_scans_are_refused_by_their_number_before_anything_is_decoded() -> None:
    """5000 of them, 60 kB, would take a decoder minutes; behind the scan that completes the picture too."""
    payload, scan = _progressive(1024)
    assert decode(payload + b"\xff\xd9").shape == (1024, 1024, 3)
    assert decode(payload + scan + b"\xff\xd9").shape == (1024, 1024, 3)
    start = time.perf_counter()
    for file in (payload + scan * 5000 + b"\xff\xd9", payload + scan * 5000):
        with pytest.raises(CodecError, match="expected at most"):
            decode(file)
    print(f"{1e3 * (time.perf_counter() - start) / 2:.1f} ms for {len(file)} bytes")


def test_the_work_of_scans_is_bounded_by_the_bytes_of_the_file() -> None:
    payload, scan = _progressive(4096)
    assert decode(payload + b"\xff\xd9").shape == (4096, 4096, 3)
    with pytest.raises(CodecError, match=r"4096x4096 pixels whose scans have \d+ blocks or more, expected at most 100 for each byte"):
        decode(payload + 100 * scan + b"\xff\xd9")


@pytest.mark.parametrize("process", [0xC0, 0xC1, 0xC2, 0xC9, 0xCA])
def test_a_kilobyte_that_claims_16_megapixels_is_refused(process: int) -> None:
    payload = bytearray(bytes(make_codec("jpeg").encode(np.full((64, 64, 3), 128, np.uint8))))
    at = payload.index(b"\xff\xc0")
    payload[at + 1] = process
    payload[at + 5 : at + 9] = (4096).to_bytes(2, "big") * 2
    with pytest.raises(CodecError, match="4096x4096 pixels"):
        decode(bytes(payload) + bytes(1024 - len(payload) % 1024))
