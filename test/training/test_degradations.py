# SPDX-License-Identifier: Apache-2.0
"""Codec configurations by name: what the network sees is exactly what the codec decodes, cached or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("plcv_ros.codecs._native")
pytest.importorskip("simplejpeg")

from plcv_ros.codecs import CODECS, decode, make_codec
from plcv_ros.training.degradations import full_name, parse_degradation, parse_mixture, psnr, read_configuration


def picture(seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.repeat(np.repeat(coarse, 8, 0), 8, 1)


def test_it_is_the_codec() -> None:
    seen = parse_degradation("astc:12x12:fine").see(picture())
    payload = make_codec("astc", block=(12, 12), preset="fine").encode(picture())
    assert np.array_equal(seen.image, decode(payload))
    assert seen.payload_bytes == len(payload)
    assert seen.bits_per_pixel() == pytest.approx(8 * len(payload) / (48 * 64))
    assert np.array_equal(parse_degradation("jpeg:40")(picture()), decode(make_codec("jpeg", quality=40).encode(picture())))


@pytest.mark.skipif("jxs" not in CODECS, reason="this build has no JPEG XS codec")
def test_jpeg_xs_options() -> None:
    image = np.tile(picture(), (5, 5, 1))
    names = ["jxs:main:2", "jxs:main:2:nosig", "jxs:pruned:2", "jxs:main:3"]
    payloads = [parse_degradation(name).see(image) for name in names]
    expected = make_codec("jxs", bpp=2.0, preset="main", significance=False).encode(image)
    assert np.array_equal(payloads[1].image, decode(expected))
    assert [round(seen.bits_per_pixel(), 1) for seen in payloads] == [2, 2, 2, 3]
    assert len({seen.image.tobytes() for seen in payloads}) == 4
    with pytest.raises(ValueError, match="bpp"):
        parse_degradation("jxs:main:2")(picture())  # too small for the headers of two bits a pixel


def test_a_path_that_ends_in_a_space(tmp_path: Path) -> None:
    path = tmp_path / "weights.json "
    _, _, options = read_configuration(f" jxs : main:3 :weights={path}")
    assert options["weights"] == str(path)


def test_original_is_untouched() -> None:
    image = picture()
    seen = parse_degradation("original").see(image)
    assert seen.image is image
    assert seen.bits_per_pixel() == 24
    assert psnr(image, seen.image) == float("inf")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("original", "original"),
        ("astc", "astc:8x8:fast"),
        ("astc:12x12", "astc:12x12:fast"),
        ("astc:12x12:paper", "astc:12x12:paper"),
        ("jpeg", "jpeg:90"),
        ("jpeg:040", "jpeg:40"),
        ("jxs", "jxs:main:3"),
        ("jxs:pruned:2.50", "jxs:pruned:2.5"),
        ("jxs:main:3:nosig", "jxs:main:3:nosig"),
    ],
)
def test_names_have_their_defaults_written_out(text: str, name: str) -> None:
    assert full_name(text) == name
    assert full_name(name) == name
    if text.split(":", maxsplit=1)[0] in {*CODECS, "original"}:
        assert parse_degradation(text).name == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("h264", "expected original, astc"),
        ("", "expected original, astc"),
        ("original:1", "expected original, astc"),
        ("astc:8", "footprint '8'"),
        ("astc:9x9", "block is"),
        ("astc:8x8:best", "preset is"),
        ("astc:8x8:fast:more", "expected original, astc"),
        ("jpeg:x", "invalid literal"),
        ("jpeg:0", "quality"),
        ("jxs:main:x", "could not convert"),
        ("jxs:main:3:sig", "expected nosig"),
        ("jxs:main:3:weights=", "expected nosig, weights=FILE"),
        ("jxs:main:3:nosig=1", "expected nosig, weights=FILE"),
        ("jxs:main:3:weights=missing.json", "weights file missing.json cannot be read"),
    ],
)
def test_wrong_names_are_explained(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_degradation(text)
    assert repr(text) in str(caught.value)


def test_mixtures() -> None:
    assert [d.name for d in parse_mixture("original+astc+jpeg:50")] == ["original", "astc:8x8:fast", "jpeg:50"]
    with pytest.raises(ValueError, match="twice"):
        parse_mixture("astc+astc:8x8:fast")


def test_cache_returns_the_same_and_is_used(tmp_path: Path) -> None:
    plain, cached = parse_degradation("astc:8x8:fast"), parse_degradation("astc:8x8:fast", tmp_path)
    for _ in range(2):
        for seed in (0, 1):
            assert np.array_equal(plain(picture(seed)), cached(picture(seed)))
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 2
    # What lies in the cache is what is decoded: a payload put there by hand is taken for the picture's.
    files[0].write_bytes(files[1].read_bytes())
    assert np.array_equal(cached(picture(0)), cached(picture(1)))


def test_cache_keeps_configurations_and_shapes_apart(tmp_path: Path) -> None:
    flat = np.zeros((16, 32, 3), np.uint8)
    for text in ("astc:8x8:fast", "astc:8x8:paper", "astc:12x12:fast", "jpeg:90"):
        degradation = parse_degradation(text, tmp_path)
        assert degradation(flat).shape == (16, 32, 3)
        assert degradation(flat.reshape(32, 16, 3)).shape == (32, 16, 3)
    assert len(list(tmp_path.iterdir())) == 4


def test_psnr() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    assert psnr(image, image + 1) == pytest.approx(48.13, abs=0.01)
    assert psnr(image, image - 1) == pytest.approx(48.13, abs=0.01)
