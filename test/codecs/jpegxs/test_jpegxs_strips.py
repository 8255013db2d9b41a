# SPDX-License-Identifier: Apache-2.0
"""Strips of JPEG XS frames: the frame's own slices, and, where some are lost, damage no further than the wavelet reaches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.codecs import CodecError, JxsCodec, decode, jpegxs


def picture(height: int = 200, width: int = 96, channels: int = 3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 8 + 2, width // 8 + 2, channels), np.uint8)
    image = coarse.repeat(8, 0).repeat(8, 1)[:height, :width].astype(np.int16) + random.integers(-9, 10, (height, width, channels))
    return np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("levels", ["5/0", "5/1", "5/2"])
@pytest.mark.parametrize("max_bytes", [1, 1500, 10**6])
def test_strips_are_the_frame_s_slices(levels: str, max_bytes: int) -> None:
    image, codec = picture(), JxsCodec(bpp=6.0, levels=levels)
    payload = bytes(codec.encode(image))
    strips = list(codec.encode_strips(image, max_bytes=max_bytes))
    fields = jpegxs.header(payload)
    at, slices = fields["header_bytes"], fields["slices"]
    assert b"".join([payload[:at], *(s.payload[at:-2] for s in strips), payload[-2:]]) == payload
    assert [s.index for s in strips] == list(range(strips[0].count)) == list(range(len(strips)))
    held = [jpegxs.strip_slices(s.payload)[1] for s in strips]
    assert [k for part in held for k in part] == list(range(slices))
    assert [s.first_row for s in strips] == [16 * part.start for part in held]
    for strip, part in zip(strips, held):
        assert len(strip.payload) <= max_bytes or len(part) == 1
    shown, damaged = jpegxs.decode_strips([s.payload for s in reversed(strips)])
    np.testing.assert_array_equal(shown, decode(payload))
    assert not damaged.any()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["5/0", "5/1", "5/2"]), st.sets(st.integers(0, 12), min_size=1, max_size=12), st.sampled_from(["rgb8", "mono8", "yuv422"]))
def test_damage_reaches_no_further_than_it_says(levels: str, lost: set[int], pixel_format: str) -> None:
    image = picture(channels={"rgb8": 3, "mono8": 1, "yuv422": 2}[pixel_format])
    codec = JxsCodec(bpp=8.0, levels=levels)
    whole = decode(codec.encode(image, pixel_format))
    strips = list(codec.encode_strips(image, pixel_format, max_bytes=1))
    assert len(strips) == 13
    shown, damaged = jpegxs.decode_strips([s.payload for s in strips if s.index not in lost], threads=2)
    np.testing.assert_array_equal(shown[~damaged], whole[~damaged])
    for index in lost:
        assert damaged[16 * index : 16 * index + 16].all()
    reach = {"5/0": 0, "5/1": 3, "5/2": 7}[levels]
    assert damaged.sum() <= (16 + reach) * len(lost)


def test_reach_is_no_larger_than_it_must_be() -> None:
    image = np.full((96, 64, 3), 40, np.uint8)
    for levels, (above, below) in zip(("5/0", "5/1", "5/2"), jpegxs.strips.REACH.values()):
        codec = JxsCodec(bpp=12.0, levels=levels)
        strips = list(codec.encode_strips(image, max_bytes=1))
        shown, damaged = jpegxs.decode_strips([s.payload for s in strips if s.index != 2])
        wrong = np.flatnonzero((shown != image).any(axis=(1, 2)))
        assert (32 - above, 48 + below) == (np.flatnonzero(damaged)[0], np.flatnonzero(damaged)[-1] + 1)
        assert wrong[0] >= 32 - above
        assert wrong[-1] < 48 + below


def test_strips_that_do_not_belong_together_are_refused() -> None:
    codec = JxsCodec(bpp=6.0)
    mine = [s.payload for s in codec.encode_strips(picture(), max_bytes=1)]
    other = [s.payload for s in JxsCodec(bpp=7.0).encode_strips(picture(), max_bytes=1)]
    at = jpegxs.strip_slices(mine[0])[0]["header_bytes"]
    wrong: list[list[bytes]] = [[], [mine[0], other[1]], [mine[1], mine[1]], [b""], [mine[0][:-3]], [mine[0], mine[1][:at] + b"\xff\x11"]]
    for strips in wrong:
        with pytest.raises(CodecError):
            jpegxs.decode_strips(strips)
    beyond = bytearray(mine[-1])
    beyond[at + 4 : at + 6] = (13).to_bytes(2, "big")
    with pytest.raises(CodecError, match="Islh is 13"):
        jpegxs.decode_strips([bytes(beyond)])
    with pytest.raises(CodecError, match="max_pixels"):
        jpegxs.decode_strips(mine, max_pixels=1000)
    # Another codestream behind the EOC of one would hide the slices of those that follow.
    with pytest.raises(CodecError, match="expected nothing behind the EOC"):
        jpegxs.decode_strips([mine[0] + b"\xff\x10\xff\x50\x00\x00", *mine[1:]])
    with pytest.raises(CodecError):  # a strip alone is no codestream
        decode(mine[1])


@pytest.mark.parametrize("options", [{"lossless": True}, {"rate_control": "picture"}])
def test_slices_without_a_size_of_their_own_make_no_strips(options: dict[str, object]) -> None:
    with pytest.raises(CodecError, match="constant size"):
        JxsCodec(**options).encode_strips(picture())  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_strips_are_refused_or_decoded(data: st.DataObject) -> None:
    strips = [bytearray(s.payload) for s in JxsCodec(bpp=6.0).encode_strips(picture(64, 48), max_bytes=1)]
    for _ in range(data.draw(st.integers(1, 4))):
        strip = strips[data.draw(st.integers(0, len(strips) - 1))]
        strip[data.draw(st.integers(0, len(strip) - 1))] = data.draw(st.integers(0, 255))
    try:
        shown, damaged = jpegxs.decode_strips([bytes(s) for s in strips], max_pixels=10_000)
    except CodecError:
        return
    assert shown.shape[0] == damaged.shape[0]
