# SPDX-License-Identifier: Apache-2.0
"""Real weights to gains and priorities and back, and what is in the streams that they make."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros.codecs import jpegxs
from plcv_ros.codecs.jpegxs import JxsCodec
from plcv_ros.codecs.targets import simd_targets
from plcv_ros.training.band_weights import band_names, coded_weights, to_reals, to_weights

reals = st.lists(st.floats(-20, 20), min_size=24, max_size=24)


def picture() -> np.ndarray:
    """(96, 160, 3) uint8: noise over ramps and edges."""
    noise = np.random.default_rng(1).integers(0, 60, (96, 160, 3), dtype=np.uint8)
    return noise + np.linspace(0, 180, 160).astype(np.uint8)[None, :, None] // 40 * 40


@pytest.mark.parametrize("levels", ["5/2", "5/1", "5/0"])
@pytest.mark.parametrize("colour_transform", [True, False])
def test_the_encoders_own_weights_survive(levels: str, colour_transform: bool) -> None:
    codec = JxsCodec(4, levels=levels, colour_transform=colour_transform)
    weights = coded_weights(codec, 480, 360)
    assert to_weights(to_reals(weights)) == weights
    assert len(weights.gains) == 3 * len(band_names(levels))
    again = JxsCodec(4, levels=levels, colour_transform=colour_transform, weights=vars(weights))
    assert again.encode(picture()) == codec.encode(picture())


def test_band_names() -> None:
    assert band_names("5/1") == ["LL5,1", "HL5,1", "HL4,1", "HL3,1", "HL2,1", "HL1,1", "LH1,1", "HH1,1"]
    assert band_names("5/2") == ["LL5,2", "HL5,2", "HL4,2", "HL3,2", "HL2,2", "LH2,2", "HH2,2", "HL1,1", "LH1,1", "HH1,1"]
    assert band_names("5/0") == ["LL5,0", "HL5,0", "HL4,0", "HL3,0", "HL2,0", "HL1,0"]


@given(reals)
def test_gains_and_priorities_order_bands_as_the_weights_do(values: list[float]) -> None:
    weights = to_weights(values)
    assert min(weights.gains) == 0
    assert max(weights.gains) <= 15
    assert sorted(weights.priorities) == list(range(24))
    given = np.asarray(values) - min(values)
    inside = np.flatnonzero(given < 15)
    found = to_reals(weights)
    lighter = given[inside][:, None] < given[inside][None, :]
    assert (found[inside][:, None] < found[inside][None, :])[lighter].all()


def test_a_whole_plane_more_is_a_gain_of_one_more() -> None:
    start = np.linspace(0, 6, 24)
    raised = start.copy()
    raised[5] += 1
    before, after = to_weights(start), to_weights(raised)
    assert after.gains == tuple(gain + (band == 5) for band, gain in enumerate(before.gains))


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf], [[1.0]]])
def test_weights_that_are_none(values: list[float]) -> None:
    with pytest.raises(ValueError, match="expected a list of finite numbers"):
        to_weights(values)


@settings(max_examples=20, deadline=None)
@given(reals, st.sampled_from([3.0, 4.0, 6.0]), st.booleans())
def test_streams_are_whole_whatever_the_weights(values: list[float], bpp: float, significance: bool) -> None:
    """Constant size, the weights in the header, one codestream of valid structure, the same pixels by every instruction set."""
    weights = to_weights(values)
    codec = JxsCodec(bpp, "main", significance=significance, weights=vars(weights))
    payload = codec.encode(picture())
    assert len(payload) == codec.payload_size(160, 96) == 160 * 96 * bpp / 8
    fields = jpegxs.header(payload)
    assert (fields["G"], fields["P"]) == (weights.gains, weights.priorities)
    assert fields["Lcod"] == len(payload)
    assert len(jpegxs.split(payload)) == 1
    decoded = jpegxs.decode(payload)
    with pytest.MonkeyPatch.context() as patch:
        for target in simd_targets():
            patch.setenv("PLCV_SIMD", target)
            assert np.array_equal(jpegxs.decode(payload), decoded)
