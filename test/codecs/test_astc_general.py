# SPDX-License-Identifier: Apache-2.0
"""Blocks in any mode: LDR ones decode as by Arm's decoder, HDR and error blocks are refused with their place, and the work is bounded."""

from __future__ import annotations

import sys

import arm
import numpy as np
import pictures
import pytest

from plcv_ros.codecs import CodecError, _native, astc, decode, make_codec, simd_targets
from plcv_ros.codecs.targets import current_target

FOOTPRINTS = [(4, 4), (5, 4), (5, 5), (6, 5), (6, 6), (8, 5), (8, 6), (8, 8), (10, 5), (10, 6), (10, 8), (10, 10), (12, 10), (12, 12)]
"""All of the format's in two dimensions."""

MODE_BITS = 17
"""Block mode, partitions and endpoint mode of a block with one partition."""

HDR_VOID_EXTENT = bytes.fromhex("fcffffffffffffff") + np.array([1, 0.5, 0.25, 1], np.float16).tobytes()
LDR_VOID_EXTENT = bytes.fromhex("fcfdffffffffffff") + bytes.fromhex("ff80ff4000c0ffff")
RESERVED = bytes(16)


def astc_file(blocks: bytes, block: tuple[int, int], width: int, height: int) -> bytes:
    sizes = b"".join(n.to_bytes(3, "little") for n in (width, height, 1))
    return bytes.fromhex("13aba15c") + bytes([*block, 1]) + sizes + blocks


def with_block(payload: bytes, index: int, block: bytes) -> bytes:
    return payload[: 16 + 16 * index] + block + payload[32 + 16 * index :]


def with_endpoint_mode(payload: bytes, index: int, mode: int) -> bytes:
    """The endpoint mode (bits 13 to 16) of a block of one partition."""
    bits = int.from_bytes(payload[16 + 16 * index : 32 + 16 * index], "little")
    return with_block(payload, index, (bits & ~(15 << 13) | mode << 13).to_bytes(16, "little"))


def outcome(payload: bytes) -> np.ndarray | str:
    try:
        return decode(payload)
    except CodecError as error:
        return str(error)


@pytest.fixture
def frame() -> bytes:
    """6 x 4 blocks of 8x8."""
    return bytes(make_codec("astc").encode(pictures.street(32, 48)))


@pytest.mark.parametrize("block", FOOTPRINTS)
def test_random_blocks_decode_as_by_arms_library(block: tuple[int, int], rng: np.random.Generator) -> None:
    """Every partition count, plane count, weight range and endpoint mode comes up among them; void extents are made so."""
    columns, rows = 40, 50
    blocks = rng.integers(0, 256, (rows * columns, 16), dtype=np.uint8)
    blocks[::40, :2] = (0xFC, 0xFD)
    blocks[::40, 2:8] |= rng.choice(np.array([0, 255], np.uint8), (rows, 1))
    width, height = columns * block[0], rows * block[1]
    by_arm = arm.decode(astc_file(blocks.tobytes(), block, width, height), block, width, height)
    tiles = by_arm.reshape(rows, block[1], columns, block[0], 3).transpose(0, 2, 1, 3, 4).reshape(rows * columns, block[1], block[0], 3)
    decoded = refused = 0
    for one, expected in zip(blocks, tiles):
        result = outcome(astc_file(one.tobytes(), block, *block))
        if isinstance(result, str):
            assert "is an HDR block" in result or "is an error block" in result
            # White is what Arm's decoder makes of an error; of an HDR block at least the texels of the HDR partition are magenta.
            colours = expected.reshape(-1, 3)
            assert (colours == 255).all() or "HDR" in result, one.tobytes().hex()
            refused += 1
        else:
            assert (result == expected).all(), one.tobytes().hex()
            decoded += 1
    assert decoded > 40
    assert refused > 40


@pytest.mark.parametrize("block", [(8, 8), (12, 12)])
@pytest.mark.parametrize("preset", ["fast", "vision"])
def test_flipped_bits(block: tuple[int, int], preset: str, rng: np.random.Generator) -> None:
    """An error, or the picture that Arm's decoder makes; and no block but those that were hit goes to the general decoder."""
    width, height = 5 * block[0] - 3, 4 * block[1] - 1
    good = bytes(make_codec("astc", block=block, preset=preset).encode(pictures.noise(rng, height, width)))
    flips = [[bit + 128 * index] for bit in range(MODE_BITS) for index in (0, 1, 12, 19)]
    flips += [list(rng.integers(0, 128 * 20, int(rng.integers(1, 5)))) for _ in range(100)]
    outcomes = set()
    for bits in flips:
        bad = bytearray(good)
        for bit in bits:
            bad[16 + bit // 8] ^= 1 << (bit % 8)
        payload, image = bytes(bad), np.empty((height, width, 3), np.uint8)
        general = _native.astc_decode_general(memoryview(payload), 1 << 20, image, 1, current_target())
        assert general <= len(bits), bits
        result = outcome(payload)
        outcomes.add((type(result), general > 0))
        if isinstance(result, str):
            assert general == -1
            assert "is an HDR block" in result or "is an error block" in result
        else:
            assert (result == image).all()
            assert np.abs(result.astype(int) - arm.decode(payload, block, width, height)).max() <= 1, bits
    assert outcomes == {(str, False), (np.ndarray, False), (np.ndarray, True)}


def test_an_hdr_file_is_refused_and_named(frame: bytes) -> None:
    hdr = frame
    for index in range(24):
        hdr = with_endpoint_mode(hdr, index, 11)
    with pytest.raises(CodecError, match=r"block 0 \(8x8, at pixel 0, 0\) is an HDR block .*24 HDR blocks and 0 error blocks among its 24"):
        decode(hdr)
    assert astc.survey(hdr) == {"pruned": 0, "general": 0, "hdr": 24, "error": 0}


@pytest.mark.parametrize("modes", astc.MODES)
@pytest.mark.parametrize("index", [0, 7, 23])
@pytest.mark.parametrize(
    ("block", "text"),
    [
        (HDR_VOID_EXTENT, r"is an HDR block \(a void extent in floating point\)"),
        (RESERVED, r"is an error block \(a reserved block mode\)"),
        (bytes.fromhex("fcf1ffffffffffff") + bytes(8), r"is an error block \(reserved bits of its void extent are not set\)"),
        (bytes.fromhex("fcfd010000000000") + bytes(8), r"is an error block \(its void extent is empty\)"),
    ],
)
def test_one_bad_block_names_its_place(frame: bytes, modes: str, index: int, block: bytes, text: str) -> None:
    place = rf"block {index} \(8x8, at pixel {index % 6 * 8}, {index // 6 * 8}\)"
    with pytest.raises(CodecError, match=f"{place} {text}"):
        decode(with_block(frame, index, block), astc_modes=modes)


@pytest.mark.parametrize("mode", [2, 3, 7, 11, 14, 15])
def test_every_hdr_endpoint_mode(frame: bytes, mode: int) -> None:
    # A 4x4 grid of 4 levels leaves bits enough for the 8 values of the modes 14 and 15.
    bits = 0b01000010 | mode << 13
    with pytest.raises(CodecError, match=r"block 5 \(8x8, at pixel 40, 0\) is an HDR block"):
        decode(with_block(frame, 5, bits.to_bytes(16, "little")))


def test_hdr_in_one_of_two_partitions(frame: bytes) -> None:
    # The classes of the two are 2 and 3 (modes 8 to 11 and 12 to 15): one is 8, the other 15.
    values = 0b01000010 | 1 << 11 | 37 << 13 | (3 | 0b10 << 2 | 0b00 << 4) << 23
    bits = values | 0b11 << (128 - 32 - 2)
    with pytest.raises(CodecError, match=r"block 5 .* is an HDR block \(an endpoint mode of the HDR profile"):
        decode(with_block(frame, 5, bits.to_bytes(16, "little")))


def test_only_the_blocks_of_other_modes_go_to_the_general_decoder(frame: bytes) -> None:
    for index in (0, 9, 23):
        mixed = with_block(frame, index, LDR_VOID_EXTENT)
        assert astc.survey(mixed) == {"pruned": 23, "general": 1, "hdr": 0, "error": 0}
        expected = decode(frame).copy()
        y, x = index // 6 * 8, index % 6 * 8
        expected[y : y + 8, x : x + 8] = (0x80, 0x40, 0xC0)
        for target in simd_targets():
            for threads in (1, 2):
                image = np.empty_like(expected)
                assert _native.astc_decode_general(memoryview(mixed), 1 << 20, image, threads, target) == 1
                assert (image == expected).all(), (index, target, threads)
        canvas = np.full((40, 60, 3), 77, np.uint8)
        decode(mixed, out=canvas[4:36, 6:54])
        assert (canvas[4:36, 6:54] == expected).all()
        canvas[4:36, 6:54] = 77
        assert (canvas == 77).all(), "wrote beside the image"
        with pytest.raises(CodecError, match=rf"block {index} \(8x8, at pixel {x}, {y}\) is not in the pruned block mode of the frame"):
            decode(mixed, astc_modes="pruned")
    assert (decode(frame, astc_modes="pruned") == decode(frame)).all()


def test_a_first_block_of_the_other_pruned_mode_costs_one_block(frame: bytes) -> None:
    vision = bytes(make_codec("astc", preset="vision").encode(pictures.street(32, 48)))
    mixed = with_block(frame, 0, vision[16:32])
    image = np.empty((32, 48, 3), np.uint8)
    assert _native.astc_decode_general(memoryview(mixed), 1 << 20, image, 1, current_target()) == 1
    assert np.abs(image.astype(int) - arm.decode(mixed, (8, 8), 48, 32)).max() <= 1
    with pytest.raises(CodecError, match=r"block 1 .* is not in the pruned block mode of the frame"):
        decode(mixed, astc_modes="pruned")


@pytest.mark.parametrize("block", FOOTPRINTS)
def test_files_of_another_encoder(block: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    image = pictures.street(61, 83)
    payload = arm.encode(image, block)
    expected = arm.decode(payload, block, 83, 61)
    monkeypatch.setitem(sys.modules, "astc_encoder", None)
    assert (decode(payload) == expected).all()
    assert (decode(payload, threads=3) == expected).all()
    with pytest.raises(CodecError, match="is not in the pruned block mode of the frame, expected no other with astc_modes pruned"):
        decode(payload, astc_modes="pruned")


def test_strips_with_a_bad_block(rng: np.random.Generator) -> None:
    """Each strip is a file of its own: the bad one is refused with the place inside it, the others decode."""
    codec = make_codec("astc")
    strips = [bytes(s.payload) for s in codec.encode_strips(pictures.noise(rng, 48, 64), max_bytes=300)]
    for block, kind in ((HDR_VOID_EXTENT, "HDR"), (RESERVED, "error")):
        bad = with_block(strips[1], 10, block)
        with pytest.raises(CodecError, match=rf"block 10 \(8x8, at pixel 16, 8\) is an {kind} block"):
            decode(bad)
    assert decode(strips[0]).shape == decode(strips[2]).shape == (16, 64, 3)


@pytest.mark.parametrize("modes", ["some", "", None, True])
def test_unknown_modes(frame: bytes, modes: object) -> None:
    with pytest.raises(CodecError, match=r"astc_modes is .*, expected one of pruned, all"):
        decode(frame, astc_modes=modes)
