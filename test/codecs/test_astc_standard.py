# SPDX-License-Identifier: Apache-2.0
"""Payloads are standard ASTC: Arm's decoder reads them and agrees with ours to one code value."""

from __future__ import annotations

import arm
import numpy as np
import pictures
import pytest

from plcv_ros.codecs import decode, info, make_codec

BLOCKS = ((8, 8), (12, 12))
PRESETS = ("fast", "fine", "paper", "vision", "vision_fine")


def _check(image: np.ndarray, block: tuple[int, int], preset: str) -> None:
    height, width = image.shape[:2]
    payload = make_codec("astc", block=block, preset=preset).encode(image)
    ours = decode(payload)
    assert ours.shape == image.shape
    difference = np.abs(ours.astype(int) - arm.decode(payload, block, width, height))
    assert difference.max() <= 1, (block, preset, width, height)


@pytest.mark.parametrize("block", BLOCKS)
def test_all_small_sizes(block: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    for height in range(1, 41):
        for width in range(1, 41):
            kind = pictures.KINDS[(height * 3 + width) % len(pictures.KINDS)]
            _check(kind(rng, height, width), block, PRESETS[(height + width) % len(PRESETS)])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("kind", pictures.KINDS, ids=lambda kind: kind.__name__)
def test_kinds_of_pictures(kind, block: tuple[int, int], preset: str, rng: np.random.Generator) -> None:
    for _ in range(4):
        _check(kind(rng, 123, 331), block, preset)


@pytest.mark.parametrize("block", BLOCKS)
def test_photographs(block: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    paths = (
        sorted((pictures.SHARED / "camvid/images/test").glob("*.webp"))[::60]
        + sorted((pictures.SHARED / "kitti_2011_09_26_seq/image_02").glob("*.webp"))[::12]
    )
    if not paths:
        pytest.skip(f"no photographs below {pictures.SHARED}")
    for path in paths:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for preset in PRESETS:
            _check(image, block, preset)


@pytest.mark.parametrize("preset", ["fast", "vision"])
@pytest.mark.parametrize("block", BLOCKS)
def test_every_endpoint_order_decodes_exactly(block: tuple[int, int], preset: str, rng: np.random.Generator) -> None:
    """Random endpoints and weights behind the pruned prefix: half of the blocks need blue contraction."""
    width, height = 16 * block[0], 24 * block[1]
    payload = bytearray(make_codec("astc", block=block, preset=preset).encode(np.zeros((height, width, 3), np.uint8)))
    blocks = np.frombuffer(payload, np.uint8, offset=16).reshape(-1, 16)
    blocks[:, 3:] = rng.integers(0, 256, blocks[:, 3:].shape)
    blocks[:, 2] = (blocks[:, 2] & 1) | (rng.integers(0, 128, len(blocks)) << 1)
    difference = np.abs(decode(payload).astype(int) - arm.decode(bytes(payload), block, width, height))
    assert difference.max() <= 1


def test_flat_pictures_keep_their_colour_to_half_a_quantisation_step(rng: np.random.Generator) -> None:
    for preset in PRESETS:
        allowed = 3 if preset.startswith("vision") else 5
        for _ in range(50):
            image = pictures.flat(rng, 17, 23)
            assert np.abs(decode(make_codec("astc", preset=preset).encode(image)).astype(int) - image).max() <= allowed


def test_the_presets_differ_in_the_first_bits_of_their_blocks() -> None:
    """Block mode 102 (8x5 weights of 2 bits) or 264 (6x6), one partition, endpoint mode 8 (Khronos Data Format, ASTC, block modes)."""
    for preset in PRESETS:
        payload = make_codec("astc", preset=preset).encode(np.zeros((8, 8, 3), np.uint8))
        bits = int.from_bytes(payload[16:], "little")
        assert (bits & 2047, (bits >> 11) & 3, (bits >> 13) & 15) == (264 if preset.startswith("vision") else 102, 0, 8)


def test_a_frame_of_both_block_modes(rng: np.random.Generator) -> None:
    image = pictures.gradient(rng, 24, 64)
    fast, vision = (bytes(make_codec("astc", preset=preset).encode(image)) for preset in ("fast", "vision"))
    mixed = fast[:-16] + vision[-16:]
    assert np.abs(decode(mixed).astype(int) - arm.decode(mixed, (8, 8), 64, 24)).max() <= 1
    assert (decode(mixed)[-8:, -8:] == arm.decode(vision, (8, 8), 64, 24)[-8:, -8:]).all()


def test_header_and_sizes() -> None:
    codec = make_codec("astc", block=(12, 12))
    payload = codec.encode(np.zeros((25, 13, 3), np.uint8))
    assert payload[:16] == bytes.fromhex("13aba15c0c0c010d0000190000010000")
    assert len(payload) == codec.payload_size(13, 25) == 16 + 2 * 3 * 16
    assert info(payload) == {"codec": "astc", "width": 13, "height": 25, "detail": "12x12", "bytes": len(payload)}


@pytest.mark.parametrize("block", [(6, 6), (8, 8), (12, 12)])
def test_foreign_blocks_decode_as_by_arms_library(block: tuple[int, int]) -> None:
    image = pictures.street(96, 120)
    payload = arm.encode(image, block)
    assert (decode(payload) == arm.decode(payload, block, 120, 96)).all()


@pytest.mark.parametrize("size", [(16384, 9), (9, 16384)])
def test_longest_sides(size: tuple[int, int], rng: np.random.Generator) -> None:
    width, height = size
    for block in BLOCKS:
        _check(pictures.noise(rng, height, width), block, "fast")
