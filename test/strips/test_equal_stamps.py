# SPDX-License-Identifier: Apache-2.0
"""Frames of one header in strips: whatever is lost, doubled or reordered, each is counted once and none gets strips of another."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.codecs import AstcCodec, JxsCodec, decode
from plcv_ros.strips import StripAssembler, StripTag, read_tag, write_tag

WIDTH, HEIGHT = 32, 60
CODECS = {"astc": (AstcCodec(block=(8, 8)), 100), "jxs": (JxsCodec(bpp=8.0), 1)}
STAMPS = {"zero": lambda _: 0, "twice": lambda i: i // 2, "jumping back": lambda i: i % 3, "good": lambda i: i}
Strip = tuple[StripTag, bytes]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@cache
def frame(seed: int, codec: str = "astc") -> tuple[npt.NDArray[np.uint8], tuple[Strip, ...]]:
    """A decoded picture and its strips."""
    image = np.random.default_rng(seed).integers(0, 256, (8, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)[:HEIGHT]
    maker, max_bytes = CODECS[codec]
    strips = [(StripTag(s.index, s.count, s.first_row, HEIGHT), bytes(s.payload)) for s in maker.encode_strips(image, max_bytes=max_bytes)]
    return decode(maker.encode(image)), tuple(strips)


def assembler(**options: Any) -> StripAssembler:
    """One that knows the size of these frames, and hands on whatever has come of them."""
    return StripAssembler(1 << 20, believed=[(HEIGHT, WIDTH)], least_share=0.0, **options)


def numbered(strips: tuple[Strip, ...], number: int | None) -> list[Strip]:
    """As a sender writes them that has had the header before."""
    return [(read_tag(write_tag(StripTag(t.index, t.count, t.first_row, t.height, number))), payload) for t, payload in strips]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(STAMPS)),
    st.integers(1, 12),
    st.floats(0, 0.9),
    st.floats(0, 0.5),
    st.integers(0, 20),
    st.booleans(),
    st.integers(0, 1 << 30),
)
def test_every_frame_is_whole_partial_or_lost(
    name: str, frames: int, loss: float, doubling: float, displacement: int, repaired: bool, seed: int
) -> None:
    chance, clock = random.Random(seed), Clock()
    box = assembler(clock=clock, repair_s=0.1 if repaired else 0.0)
    seen: set[int] = set()
    sent = []
    for i in range(frames):
        stamp = STAMPS[name](i)
        strips = numbered(frame(i)[1], i if stamp in seen else None)
        seen.add(stamp)
        sent += [(i, stamp, tag, payload) for tag, payload in [*strips, strips[-1]]]
    arrived = [one for one in sent if chance.random() >= loss]
    arrived += [one for one in arrived if chance.random() < doubling]
    places = [(k if displacement == 20 else sent.index(one) + chance.uniform(0, displacement)) for k, one in enumerate(arrived)]
    if displacement == 20:
        chance.shuffle(places)
    arrived = [one for _, one in sorted(zip(places, arrived), key=lambda placed: placed[0])]
    done = []
    for i, stamp, tag, payload in arrived:
        done += box.add(stamp, i, tag, "astc", payload)
        clock.now += 0.0005
    done += box.finish()

    there = {i for i, *_ in arrived}
    assert sorted(one.header for one in done) == sorted(there)
    whole, partial, lost = sum(one.complete for one in done), box.counters.partial, frames - len(there)
    assert whole + partial + lost == frames
    assert box.counters.strips + box.counters.doubled + box.counters.late == len(arrived)
    assert box.counters.missing == sum(one.count - one.strips for one in done)
    for one in done:
        shown = frame(one.header)[0]
        np.testing.assert_array_equal(one.image[~one.missing_rows], shown[~one.missing_rows])


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("name", sorted(STAMPS))
@pytest.mark.parametrize("repair_s", [0.0, 0.1])
def test_frames_without_a_number_are_told_by_what_is_in_them(codec: str, name: str, repair_s: float) -> None:
    """As a sender writes them that knows of no numbers; the last strip comes twice."""
    clock = Clock()
    box = assembler(clock=clock, repair_s=repair_s)
    done = []
    for i in range(12):
        strips = frame(i, codec)[1]
        for tag, payload in [*strips, strips[-1]]:
            done += box.add(STAMPS[name](i), i, tag, codec, payload)
        clock.now += 0.1
    done += box.finish()
    assert [(one.header, one.complete) for one in done] == [(i, True) for i in range(12)]
    for one in done:
        np.testing.assert_array_equal(one.image, frame(one.header, codec)[0])
    assert (box.counters.doubled, box.counters.late) == (12, 0)


def test_a_lost_tail_or_head_costs_no_frame() -> None:
    """Without a number the first strips of the last frame here may be late ones of the frame before, which lacks them."""
    clock = Clock()
    box = assembler(clock=clock)
    done = []
    for i, kept in enumerate([slice(None), slice(0, 5), slice(0, None), slice(3, None), slice(None)]):
        for tag, payload in frame(i)[1][kept]:
            done += box.add(0, i, tag, "astc", payload)
        clock.now += 0.1
    assert [(one.header, one.complete) for one in done] == [(0, True), (1, False), (2, True), (3, False), (4, False)]
    assert box.counters.late == 3


def test_a_picture_that_does_not_change_comes_again_after_a_while() -> None:
    """A recording that begins again, a driver that is started again: the strips are those of before, long after."""
    clock = Clock()
    box = assembler(clock=clock)
    done = []
    for i in range(3):
        for tag, payload in frame(1)[1]:
            done += box.add(0, i, tag, "astc", payload)
            assert box.add(0, i, tag, "astc", payload) == []  # doubled by the network
        clock.now += 1.5
    assert [(one.header, one.complete) for one in done] == [(0, True), (1, True), (2, True)]


def test_a_frame_of_another_size_under_the_same_header_is_one_more() -> None:
    box = assembler()
    image = np.zeros((HEIGHT + 20, WIDTH, 3), np.uint8)
    other = [(StripTag(s.index, s.count, s.first_row, len(image)), bytes(s.payload)) for s in CODECS["astc"][0].encode_strips(image, max_bytes=100)]
    done = []
    for strips in (frame(0)[1], other, frame(0)[1]):
        for tag, payload in strips:
            done += box.add(0, None, tag, "astc", payload)
    assert [one.image.shape[0] for one in done] == [HEIGHT, HEIGHT + 20, HEIGHT]
    assert all(one.complete for one in done)


@given(st.integers(0, 9_999_999_999))
def test_a_number_survives_the_text_and_older_readers_do_not_see_it(number: int) -> None:
    text = f"rgb8; astc compressed rgb8 8x8 {write_tag(StripTag(2, 135, 16, 1080, number))}"
    assert read_tag(text) == StripTag(2, 135, 16, 1080, number)
    assert text.endswith(" strip 3/135 row 16/1080")
    assert write_tag(StripTag(2, 135, 16, 1080)) == "strip 3/135 row 16/1080"
