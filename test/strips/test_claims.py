# SPDX-License-Identifier: Apache-2.0
"""Strips that claim more than they bring: what they cost follows what came, and frames of the camera go on beside them."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest
from test_strips import HEIGHT, WIDTH, Clock, decoded, jxs_strips_of, picture, strips_of

from plcv_ros.codecs import AstcCodec
from plcv_ros.strips import Dropped, StripAssembler, StripError, StripTag, read_tag, write_tag
from plcv_ros.strips.assembler import LEAST_SHARE, MAX_LANES
from plcv_ros.strips.repair import BUDGET, FEWEST_ASKED
from plcv_ros.strips.sizes import MAX_BELIEVED, MAX_CANDIDATES, Sizes


def one_of_many(rows: int = 16384, width: int = 1024, index: int = 0, count: int = 2048) -> tuple[StripTag, bytes]:
    """A valid strip of 2 kB that claims to be one of a frame of 16.8 megapixels."""
    payload = bytes(AstcCodec(block=(8, 8)).encode(np.zeros((8, width, 3), np.uint8)))
    return StripTag(index, count, 8 * index, rows), payload


def box_and_drops(**options: Any) -> tuple[StripAssembler, list[Dropped]]:
    dropped: list[Dropped] = []
    return StripAssembler(1 << 24, on_drop=dropped.append, **options), dropped


@pytest.mark.parametrize("repair_s", [0.0, 0.1])
def test_one_strip_of_an_unknown_size_is_no_frame_and_ends_none(repair_s: float) -> None:
    clock = Clock()
    box, dropped = box_and_drops(clock=clock, repair_s=repair_s)
    done, claim = [], itertools.count()
    for number in range(10):
        image = picture(number)
        for tag, payload in strips_of(image):
            clock.now += 0.0005
            done += box.add(number, number, tag, "astc", payload)
            done += box.add(("claim", next(claim)), "claim", one_of_many()[0], "astc", one_of_many()[1])
            box.requests()
        np.testing.assert_array_equal(done[-1].image, decoded(image))
    clock.now += 1.0
    assert box.expire() == []
    assert [(frame.header, frame.complete) for frame in done] == [(number, True) for number in range(10)]
    assert {frame.header for frame in dropped} == {"claim"}
    assert "8 of 16384 rows of a frame of 1024x16384 pixels came" in dropped[0].why
    assert (box.counters.dropped, box.counters.partial, box.counters.missing) == (80, 80, 0)
    # 80 of them: not 163,760 requests.
    assert box.counters.requested <= (0 if not repair_s else 160 + BUDGET)


def test_claims_cost_time_in_proportion_to_what_came() -> None:
    box, _ = box_and_drops(repair_s=0.1)
    tag, payload = one_of_many()
    start = time.perf_counter()
    for number in range(200):
        box.add(number, None, tag, "astc", payload)
        box.requests()
    each_ms = (time.perf_counter() - start) * 1e3 / 200
    print(f"{each_ms:.3f} ms for a strip of {len(payload)} bytes that claims {tag.height} rows")
    assert box.counters.requested <= 200 + BUDGET
    assert [len(lane.shapes) for lane in box._lanes.values()] == [2]


@pytest.mark.parametrize("strips", [strips_of(picture(1)), jxs_strips_of(picture(1, height=90))])
def test_a_size_is_believed_once_all_rows_came_and_then_frames_are_concealed(strips: list[tuple[StripTag, bytes]]) -> None:
    codec = "astc" if len(strips) == 8 else "jxs"
    box, dropped = box_and_drops()

    def send(number: int, lost: set[int]) -> list[bool]:
        done = [frame for tag, payload in strips if tag.index not in lost for frame in box.add(number, number, tag, codec, payload)]
        return [frame.complete for frame in done + box.finish()]

    assert send(0, {2}) == send(1, {2}) == []
    assert [(frame.header, frame.strips, frame.count) for frame in dropped] == [(0, len(strips) - 1, len(strips)), (1, len(strips) - 1, len(strips))]
    assert send(2, set()) == [True]
    assert send(3, {2}) == [False]
    assert box.counters.dropped == 2


def test_on_a_link_that_loses_much_several_frames_show_the_size() -> None:
    """Else a frame of 135 strips of which a tenth is lost would never be whole."""
    box, dropped = box_and_drops()
    for number, lost in enumerate([{0, 3}, {0, 5}, {1, 6}]):
        done = [f for tag, payload in strips_of(picture(number)) if tag.index not in lost for f in box.add(number, number, tag, "astc", payload)]
    assert [(frame.header, frame.complete) for frame in done] == [(2, False)]
    assert [frame.header for frame in dropped] == [0, 1]


def test_a_frame_of_too_few_rows_is_dropped() -> None:
    box, dropped = box_and_drops(believed=[(HEIGHT, WIDTH)])
    strips = strips_of(picture(1))
    for number in range(1, 8):
        done = [f for tag, payload in strips[:number] for f in box.add(number, number, tag, "astc", payload)] + box.finish()
        assert len(done) == (number * 8 >= LEAST_SHARE * HEIGHT)
    assert [frame.header for frame in dropped] == [1]
    assert (box.counters.frames, box.counters.dropped, box.counters.partial) == (7, 1, 7)


def test_a_gap_between_the_first_and_the_last_of_two_strips_is_no_whole_frame() -> None:
    box, dropped = box_and_drops()
    codec = AstcCodec(block=(8, 8))
    ends = bytes(codec.encode(np.zeros((8, 64, 3), np.uint8)))
    assert box.add(1, 1, StripTag(0, 2, 0, 16384), "astc", ends) == []
    assert box.add(1, 1, StripTag(1, 2, 16376, 16384), "astc", ends) == []
    assert len(dropped) == 1


def test_frames_of_other_sizes_end_none() -> None:
    """Also whole ones, which are cheap where they are small."""
    box, _ = box_and_drops()
    done, claim = [], itertools.count()
    for number in range(3):
        for tag, payload in strips_of(picture(number)):
            done += box.add(number, number, tag, "astc", payload)
            for size in range(1, 8 if number else 4):  # more once the size is believed
                small = strips_of(picture(1, width=8 * size, height=16), max_bytes=16 * size)[0]
                done += box.add(next(claim) + 10, "small", *small[:1], "astc", small[1])
            assert len(box._lanes) <= MAX_LANES
    assert [(frame.header, frame.complete) for frame in done] == [(number, True) for number in range(3)]


def test_requests_follow_what_came() -> None:
    box, _ = box_and_drops(repair_s=1.0, believed=[(16384, 1024)])
    asked = 0
    for number in range(20):
        tag, payload = one_of_many(index=1000)
        box.add(number, None, tag, "astc", payload)
        asked += sum(len(request.indices) for request in box.requests())
        assert box.deadline is None or box.deadline > 0
    assert FEWEST_ASKED <= asked <= 20 + BUDGET
    # Nothing may be asked for any more: the thread that asks sleeps until a frame is given up.
    box, _ = box_and_drops(repair_s=1.0, clock=Clock(), believed=[(16384, 1024)])
    box.add(1, None, *one_of_many(index=1000)[:1], "astc", one_of_many()[1])
    assert len(box.requests()[0].indices) == FEWEST_ASKED
    assert box.requests() == []
    assert box.deadline == pytest.approx(101.0)


def test_sizes_are_bounded() -> None:
    sizes = Sizes()
    for height in range(1, 200):
        assert sizes.note((height, 8), np.ones(height, bool))
        assert not sizes.note((1000 + height, 8), np.arange(1000 + height) > 3)
    assert len(sizes._believed) == MAX_BELIEVED
    assert len(sizes._candidates) == MAX_CANDIDATES
    assert sizes.believed((199, 8))
    assert not sizes.believed((1, 8))


def test_long_texts_are_refused_by_their_length() -> None:
    text = write_tag(StripTag(0, 8, 0, 64))
    assert read_tag(f"rgb8; astc compressed rgb8 8x8 {text}").count == 8
    with pytest.raises(StripError, match="1000025 characters, expected at most 256"):
        read_tag("frame 1 strip 1/2 row 0/8".rjust(1_000_025))
