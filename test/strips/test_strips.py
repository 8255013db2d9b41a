# SPDX-License-Identifier: Apache-2.0
"""Strips put together again: what is lost, late, doubled, reordered or malformed, and what the frames then look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.codecs import AstcCodec, CodecError, JxsCodec, decode, jpegxs
from plcv_ros.strips import StripAssembler, StripError, StripTag, read_tag, write_tag

WIDTH, HEIGHT, JXS_HEIGHT = 64, 60, 90
CODEC = AstcCodec(block=(8, 8))
Pixels = npt.NDArray[np.uint8]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, 0).repeat(8, 1)[:height, :width])


def strips_of(image: Pixels, max_bytes: int = 200) -> list[tuple[StripTag, bytes]]:
    return [(StripTag(s.index, s.count, s.first_row, image.shape[0]), bytes(s.payload)) for s in CODEC.encode_strips(image, max_bytes=max_bytes)]


def decoded(image: Pixels) -> Pixels:
    return decode(CODEC.encode(image))


def assembler(**options: Any) -> StripAssembler:
    """One that knows the sizes of these frames, and hands on whatever has come of them."""
    return StripAssembler(max_pixels=1 << 20, **{"believed": [(HEIGHT, WIDTH), (JXS_HEIGHT, WIDTH)], "least_share": 0.0, **options})


@given(st.integers(1, 16384), st.data())
def test_tags_survive_the_text(height: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, height))
    index = data.draw(st.integers(0, count - 1))
    first_row = data.draw(st.integers(max(index, 1), height - 1)) if index else 0
    tag = StripTag(index, count, first_row, height)
    assert read_tag(f"rgb8; astc compressed rgb8 8x8 {write_tag(tag)}") == tag


@pytest.mark.parametrize(
    "text",
    ["", "rgb8; astc compressed rgb8 8x8", "strip 1/2 row 0", "strip 0/2 row 0/8", "strip 3/2 row 4/8", "strip 1/9 row 0/8", "strip 2/2 row 8/8",
     "strip 2/2 row 0/8", "strip 1/2 row 4/8", "strip 1/1 row 0/99999", "strip -1/2 row 0/8", "strip 1/1 row 0/0", "strip ١/2 row 0/8"],
)  # fmt: skip
def test_odd_tags_are_refused_by_value(text: str) -> None:
    with pytest.raises(StripError, match="expected"):
        read_tag(text)


def test_all_strips_make_the_frame_that_the_whole_payload_makes() -> None:
    image, box = picture(1), assembler()
    strips = strips_of(image)
    assert len(strips) > 4
    done = [frame for tag, payload in strips for frame in box.add("a", "header", tag, "astc", payload)]
    assert [(f.header, f.complete, bool(f.missing_rows.any())) for f in done] == [("header", True, False)]
    np.testing.assert_array_equal(done[0].image, decoded(image))


@pytest.mark.parametrize(
    ("block", "modes", "text"),
    [
        ("fcffffffffffffff003c0038003c003c", "all", "is an HDR block"),
        ("00000000000000000000000000000000", "all", "is an error block"),
        ("fcfdffffffffffff0080004000c0ffff", "pruned", "is not in the pruned block mode of the frame"),
    ],
)
def test_a_strip_with_a_block_that_is_not_decoded_is_concealed(block: str, modes: str, text: str) -> None:
    before, image, box = picture(1), picture(2), assembler(astc_modes=modes)
    for tag, payload in strips_of(before):
        box.add("before", None, tag, "astc", payload)
    done = []
    for tag, payload in strips_of(image):
        if tag.index == 2:
            with pytest.raises(CodecError, match=text):
                box.add("frame", None, tag, "astc", payload[:32] + bytes.fromhex(block) + payload[48:])
        else:
            done += box.add("frame", None, tag, "astc", payload)
    first, end = (tag.first_row for tag, _ in strips_of(image)[2:4])
    expected = decoded(image).copy()
    expected[first:end] = decoded(before)[first:end]
    assert np.flatnonzero(done[0].missing_rows).tolist() == list(range(first, end))
    np.testing.assert_array_equal(done[0].image, expected)


def test_order_does_not_matter_until_the_last_strip() -> None:
    image, box = picture(2), assembler()
    *rest, last = strips_of(image)
    done = [frame for tag, payload in [*reversed(rest), last] for frame in box.add(1, None, tag, "astc", payload)]
    assert done[0].complete
    np.testing.assert_array_equal(done[0].image, decoded(image))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 7), max_size=8), min_size=1, max_size=6))
def test_rows_of_lost_strips_are_the_previous_frame_s(losses: list[set[int]]) -> None:
    """Frames with any strips lost: each row is this frame's where its strip came, else what was shown there before; nothing is lost in silence."""
    box = assembler()
    shown: Pixels | None = None
    done = []
    expected = []
    for number, lost in enumerate(losses):
        image = picture(number)
        strips = strips_of(image)
        assert len(strips) == 8
        if len(lost) < 8:
            now = np.full_like(image, 128) if shown is None else shown.copy()
            for index, (tag, _) in enumerate(strips):
                if index not in lost:
                    end = strips[index + 1][0].first_row if index < 7 else HEIGHT
                    now[tag.first_row : end] = decoded(image)[tag.first_row : end]
            shown = now
            expected.append((number, now, 8 - len(lost)))
        for index, (tag, payload) in enumerate(strips):
            if index not in lost:
                done += box.add(number, number, tag, "astc", payload)
    box._clock = lambda: float("inf")
    done += box.expire()
    assert [(f.header, f.strips) for f in done] == [(number, count) for number, _, count in expected]
    for frame, (_, image, count) in zip(done, expected):
        np.testing.assert_array_equal(frame.image, image)
        assert frame.missing_rows.any() == (count < 8)
    assert box.counters.missing == sum(8 - count for _, _, count in expected)
    assert box.counters.partial == sum(count < 8 for _, _, count in expected)


def test_a_lost_tail_is_given_up_after_silence() -> None:
    clock = Clock()
    box = assembler(patience_s=0.01, clock=clock)
    strips = strips_of(picture(3))
    for tag, payload in strips[:-1]:
        assert box.add(7, None, tag, "astc", payload) == []
        clock.now += 0.009  # slow, but coming
        assert box.expire() == []
    assert box.deadline == pytest.approx(clock.now + 0.001)
    clock.now += 0.002
    (frame,) = box.expire()
    assert (frame.strips, frame.complete) == (len(strips) - 1, False)
    assert frame.missing_rows[-4:].all()
    assert box.expire() == []
    assert box.deadline is None
    assert box.add(7, None, *strips[-1][:1], "astc", strips[-1][1]) == []
    assert box.counters.late == 1


def test_doubled_strips_are_counted_once() -> None:
    box = assembler()
    strips = strips_of(picture(4))
    box.add(1, None, strips[0][0], "astc", strips[0][1])
    box.add(1, None, strips[0][0], "astc", strips[0][1])
    assert (box.counters.strips, box.counters.doubled) == (1, 1)
    for tag, payload in strips[2:]:
        finished = box.add(1, None, tag, "astc", payload)
    assert [frame.strips for frame in finished] == [7]
    box.add(1, None, strips[-1][0], "astc", strips[-1][1])  # the second copy of the last one
    assert (box.counters.doubled, box.counters.late) == (2, 0)
    box.add(1, None, strips[1][0], "astc", strips[1][1])  # which the frame did without
    assert (box.counters.doubled, box.counters.late) == (2, 1)


@pytest.mark.parametrize("lost", [True, False])
def test_the_copy_of_the_last_strip_ends_a_frame_or_nothing(lost: bool) -> None:
    box = assembler()
    strips = strips_of(picture(4))
    done = [f for tag, payload in strips[: -1 if lost else None] for f in box.add(1, None, tag, "astc", payload)]
    assert len(done) == (not lost)
    done += box.add(1, None, strips[-1][0], "astc", strips[-1][1])
    assert [(f.strips, f.complete) for f in done] == [(8, True)]
    # Once the next frame has begun, it opens none.
    box.add(2, None, strips[0][0], "astc", strips[0][1])
    assert box.add(1, None, strips[-1][0], "astc", strips[-1][1]) == []
    assert [f.strips for f in box.finish()] == [1]


def test_malformed_strips_change_nothing() -> None:
    image, box = picture(5), assembler()
    strips = strips_of(image)
    wide = strips_of(picture(5, width=72))
    box.add("f", None, strips[0][0], "astc", strips[0][1])
    bad: list[tuple[Any, StripTag, str, bytes, type[Exception]]] = [
        ("f", strips[1][0], "astc", b"", CodecError),
        ("f", strips[1][0], "astc", strips[1][1][:-1], CodecError),
        ("f", strips[1][0], "jpeg", strips[1][1], StripError),
        ("f", StripTag(1, 9, 8, HEIGHT), "astc", strips[1][1], StripError),
        ("f", StripTag(1, 8, 8, HEIGHT + 8), "astc", strips[1][1], StripError),
        ("f", StripTag(1, 8, 7, HEIGHT), "astc", strips[1][1], StripError),
        ("f", StripTag(1, 8, 52, HEIGHT), "astc", strips[1][1], StripError),
        ("f", wide[1][0], "astc", wide[1][1], StripError),
        ("another", strips[1][0], "astc", b"\x13\xab\xa1\x5c", CodecError),
    ]
    for key, tag, codec, payload, error in bad:
        with pytest.raises(error):
            box.add(key, None, tag, codec, payload)
    (frame,) = [f for tag, payload in strips[1:] for f in box.add("f", None, tag, "astc", payload)]
    np.testing.assert_array_equal(frame.image, decoded(image))


def test_a_frame_larger_than_allowed_is_refused_before_memory_is_taken() -> None:
    box = StripAssembler(max_pixels=WIDTH * HEIGHT - 1)
    tag, payload = strips_of(picture(6))[0]
    with pytest.raises(StripError, match=f"{WIDTH}x{HEIGHT} pixels"):
        box.add(1, None, tag, "astc", payload)


def test_memory_is_used_again_but_never_under_the_reader_s_hands() -> None:
    box = assembler()
    held: list[Pixels] = []
    addresses = set()
    for number in range(12):
        image = picture(number)
        for tag, payload in strips_of(image):
            for frame in box.add(number, None, tag, "astc", payload):
                addresses.add(frame.image.__array_interface__["data"][0])
                held.append(frame.image)
                np.testing.assert_array_equal(frame.image, decoded(image))
        if len(held) == 2:
            box.release(held.pop(0))
            np.testing.assert_array_equal(held[0], decoded(image))
    assert len(addresses) <= 4


JXS = JxsCodec(bpp=8.0)


def jxs_strips_of(image: Pixels) -> list[tuple[StripTag, bytes]]:
    return [(StripTag(s.index, s.count, s.first_row, image.shape[0]), bytes(s.payload)) for s in JXS.encode_strips(image, max_bytes=1)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.integers(0, 5), max_size=6), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_jpeg_xs_slices_are_decoded_together_and_damage_is_concealed(losses: list[set[int]], shuffled: Any) -> None:
    box = assembler()
    shown: Pixels | None = None
    for number, lost in enumerate(losses):
        image = picture(number, height=JXS_HEIGHT)
        strips = jxs_strips_of(image)
        assert len(strips) == 6
        order = [k for k in range(5) if k not in lost]
        shuffled.shuffle(order)
        done = []
        for index in [*order, *({5} - lost)]:
            done += box.add(number, number, strips[index][0], "jxs", strips[index][1])
        done += box.finish()
        if len(lost) == 6:
            assert not done
            continue
        (frame,) = done
        whole = decode(JXS.encode(image))
        kept = ~frame.missing_rows
        np.testing.assert_array_equal(frame.image[kept], whole[kept])
        before = np.full_like(whole, 128) if shown is None else shown
        np.testing.assert_array_equal(frame.image[~kept], before[~kept])
        assert (frame.strips, frame.complete) == (6 - len(lost), not lost)
        assert bool(frame.missing_rows.any()) == bool(lost)
        shown = frame.image.copy()


def test_malformed_jpeg_xs_strips_change_nothing() -> None:
    image, box = picture(5, height=JXS_HEIGHT), assembler()
    strips = jxs_strips_of(image)
    wide = jxs_strips_of(picture(5, width=72, height=JXS_HEIGHT))
    box.add("f", None, strips[0][0], "jxs", strips[0][1])
    tag = strips[1][0]
    bad: list[tuple[StripTag, bytes]] = [
        (tag, b""),
        (tag, strips[1][1][:-1]),
        (tag, strips[2][1]),
        (StripTag(5, 6, 80, JXS_HEIGHT), strips[1][1]),
        (tag, wide[1][1]),
        (tag, JXS.encode(image)),
    ]
    for wrong, payload in bad:
        with pytest.raises((StripError, CodecError)):
            box.add("f", None, wrong, "jxs", payload)
    with pytest.raises(StripError, match="raw"):
        box.add("g", None, tag, "raw", strips[1][1])
    (frame,) = [f for t, payload in strips[1:] for f in box.add("f", None, t, "jxs", payload)]
    np.testing.assert_array_equal(frame.image, decode(JXS.encode(image)))


def broken_within(strips: list[tuple[StripTag, bytes]], index: int) -> bytes:
    """Strip ``index`` with one byte changed such that its structure is as before and its entropy coded data cannot be."""
    payload = strips[index][1]
    for at in range(len(payload) - 3, 0, -1):
        broken = payload[:at] + bytes([payload[at] ^ 0xFF]) + payload[at + 1 :]
        try:
            jpegxs.strip_slices(broken)
        except CodecError:
            continue
        try:
            jpegxs.decode_strips([broken if k == index else strip for k, (_, strip) in enumerate(strips)])
        except CodecError:
            return broken
    raise AssertionError("every change could be decoded")


def test_a_strip_that_is_broken_within_spoils_its_frame_alone() -> None:
    box = assembler()
    for number in range(3):
        strips = jxs_strips_of(picture(number, height=JXS_HEIGHT))
        if number == 1:
            strips[3] = (strips[3][0], broken_within(strips, 3))
        (frame,) = [f for tag, payload in strips for f in box.add(number, number, tag, "jxs", payload)]
        assert bool(frame.missing_rows.all()) == bool(frame.missing_rows.any()) == (number == 1)
        assert (frame.complete, frame.error is None, frame.strips) == (number != 1, number != 1, 6)
