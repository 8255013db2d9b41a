# SPDX-License-Identifier: Apache-2.0
"""Header fields: all of them, as another reader of the format sees them, and hostile bytes refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.codecs import CodecError, header, make_codec

IMAGE = np.arange(24 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(24, 40, 3)


def jpeg(**options) -> bytes:
    pytest.importorskip("simplejpeg")
    return bytes(make_codec("jpeg", **options).encode(IMAGE))


def test_astc():
    assert header(make_codec("astc", block=(12, 12)).encode(IMAGE)) == {
        "magic": "13aba15c",
        "block_x": 12,
        "block_y": 12,
        "block_z": 1,
        "width": 40,
        "height": 24,
        "depth": 1,
    }


@pytest.mark.parametrize(("subsampling", "luma"), [("420", (2, 2)), ("422", (2, 1)), ("444", (1, 1)), ("440", (1, 2))])
def test_jpeg(subsampling, luma):
    fields = header(jpeg(subsampling=subsampling))
    assert (fields["process"], fields["precision"], fields["width"], fields["height"]) == ("baseline DCT", 8, 40, 24)
    assert [(c["horizontal"], c["vertical"]) for c in fields["components"]] == [luma, (1, 1), (1, 1)]
    assert fields["jfif_version"] == "1.01"


def test_jpeg_quantization_tables_are_pillows():
    image = pytest.importorskip("PIL.Image")
    import io

    payload = jpeg(quality=63)
    tables = image.open(io.BytesIO(payload)).quantization
    zigzag = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i % 8 if (i // 8 + i % 8) % 2 == 0 else i // 8)))
    for number, table in tables.items():
        natural = [0] * 64
        for position, value in zip(zigzag, header(payload)[f"quantization_table_{number}"]):
            natural[position] = value
        assert list(table) in (natural, header(payload)[f"quantization_table_{number}"])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_jpeg_headers(data):
    payload = bytearray(jpeg())
    for _ in range(data.draw(st.integers(1, 6))):
        payload[data.draw(st.integers(3, 620))] = data.draw(st.integers(0, 255))
    payload = payload[: data.draw(st.integers(4, len(payload)))]
    try:
        fields = header(payload)
    except CodecError:
        return
    assert fields["process"]
