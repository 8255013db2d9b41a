# SPDX-License-Identifier: Apache-2.0
"""The weights that come with the package: found by name, of the shape that their preset needs, in streams that are whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictures import psnr, street

from plcv_ros.codecs import CodecError, jpegxs, make_codec
from plcv_ros.codecs.jpegxs.weights import TUNED, load_weights, tuned_names


def test_there_are_some() -> None:
    assert "segmentation_main" in tuned_names()


@pytest.mark.parametrize("name", tuned_names())
def test_every_one_makes_whole_streams(name: str) -> None:
    content = json.loads((TUNED / f"{name}.json").read_text())
    _, preset, bpp = content["codec"].split(":")
    codec = make_codec("jxs", preset=preset, bpp=float(bpp), weights=name)
    plain = make_codec("jxs", preset=preset, bpp=float(bpp))
    image = street(360, 480)
    payload = codec.encode(image)
    assert len(payload) == codec.payload_size(480, 360) == plain.payload_size(480, 360)
    fields = jpegxs.header(payload)
    assert (list(fields["G"]), list(fields["P"])) == (content["gains"], content["priorities"])
    assert fields["Lcod"] == len(payload)
    assert fields["slices"] == len(list(codec.encode_strips(image, max_bytes=1)))
    # Tuned for a network, they lose detail that is seen, not the picture.
    assert 30 < psnr(image, jpegxs.decode(payload)) < psnr(image, jpegxs.decode(plain.encode(image)))


def test_a_file_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("segmentation_main").write_text('{"gains": [1, 0], "priorities": [0, 1]}')
    weights = load_weights("segmentation_main")
    assert weights is not None
    assert weights.gains == (1, 0)


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(CodecError, match=r"weights file segmentation_high cannot be read: .*by name there are .*segmentation_main"):
        make_codec("jxs", weights="segmentation_high")
