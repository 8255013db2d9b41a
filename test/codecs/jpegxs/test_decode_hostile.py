# SPDX-License-Identifier: Apache-2.0
"""Damaged and hostile codestreams: CodecError naming field, value and expectation, or a picture; never anything else, nor much memory."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vectors import MANIFEST, VALID, payload

from plcv_ros import codecs
from plcv_ros.codecs import CodecError, jpegxs

EXAMPLE = payload("o01_gray_18x4_worked_example.jxs")
RGB = payload("s03_rgb_64x48_default.jxs")


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def without_length(data: bytes) -> bytes:
    return changed(data, 12, bytes(4))


BOXES = bytes.fromhex("0000000c4a5853200d0a870a") + (20).to_bytes(4, "big") + b"ftypjxs " + bytes(4) + b"jxs "


@pytest.mark.parametrize(
    "read", [jpegxs.header, jpegxs.decode, jpegxs.decode_planes, jpegxs.strip_slices, lambda p: jpegxs.decode_strips([p]), jpegxs.split]
)
def test_a_file_with_boxes_is_called_that(read: Callable[[bytes], object]) -> None:
    message = r"payload is a JPEG XS file with boxes \(ISO/IEC 21122-3\), expected the codestream alone, which starts with SOC \(ff10\)"
    with pytest.raises(CodecError, match=message):
        read(BOXES + EXAMPLE)


@pytest.mark.parametrize("read", [codecs.decode, codecs.info, codecs.header])
def test_a_file_with_boxes_is_no_unknown_magic_number(read: Callable[[bytes], object]) -> None:
    for payload_ in (BOXES + EXAMPLE, BOXES, BOXES[:12]):
        with pytest.raises(CodecError, match="payload is a JPEG XS file with boxes"):
            read(payload_)
    with pytest.raises(CodecError, match="payload of 11 bytes starts with 0000000c, expected 13aba15c"):
        read(BOXES[:11])


PIH = 12  # of EXAMPLE: the first field, Lcod


@pytest.mark.parametrize(
    ("at", "new", "message"),
    [
        (0, b"\xff\x11", r"payload starts with ff11, expected SOC \(ff10\)"),
        (2, b"\xff\x12", r"SOC is followed by ff12, expected CAP \(ff50\)"),
        (4, b"\x00\x01", r"length of segment ff50 is 1, expected at least 2"),
        (4, b"\xff\xff", r"payload of 157 bytes ends within segment ff50"),
        (6, b"\x40\x80", r"CAP asks for Star-Tetrix \(bit 1\)"),
        (6, b"\x00\xc0", r"CAP has bit 9 set, expected at most bit 8"),
        (8, b"\xff\x13", r"CAP is followed by ff13, expected PIH \(ff12\)"),
        (10, b"\x00\x1b", r"length of PIH is 27, expected 26"),
        (PIH, b"\x00\x00\x00\x9e", r"Lcod is 158, expected at most the payload's 157 bytes"),
        (PIH, b"\x00\x00\x00\x10", r"Lcod is 16, expected more than the header's 54 bytes, or 0"),
        (PIH + 8, b"\x00\x00", r"Wf is 0, expected a width of at least 1"),
        (PIH + 10, b"\x00\x00", r"Hf is 0"),
        (PIH + 14, b"\x00\x00", r"Hsl is 0"),
        (PIH + 16, b"\x04", r"Nc is 4, expected 1 or 3|length of CDT"),
        (PIH + 17, b"\x08", r"Ng is 8, expected 4"),
        (PIH + 18, b"\x04", r"Ss is 4, expected 8"),
        (PIH + 19, b"\x13", r"Bw is 19 and Fq 8, expected 20 and 8, 18 and 6, or 8"),
        (PIH + 20, b"\x85", r"Br is 5, expected 4"),
        (PIH + 21, b"\x80", r"Fslc is 1, expected 0"),
        (PIH + 21, b"\x10", r"Ppoc is 1, expected 0"),
        (PIH + 21, b"\x03", r"Cpih is 3, expected 0 \(none\) or 1 \(RCT\)"),
        (PIH + 21, b"\x01", r"Nc is 1, expected 3 components, since Cpih is 1"),
        (PIH + 22, b"\x01", r"NLx is 0, expected 1 to 8"),
        (PIH + 22, b"\x12", r"NLy is 2, expected 0 to 1"),
        (PIH + 22, b"\x33", r"NLy is 3, expected 0 to 2"),
        (PIH + 22, b"\x62", r"18x4, too small for 6 horizontal and 2 vertical levels .*, expected no empty band"),
        (PIH + 23, b"\x60", r"Qpih is 2, expected 0 \(deadzone\) or 1 \(uniform\)"),
        (PIH + 23, b"\x48", r"Fs is 2, expected 0 or 1"),
        (PIH + 23, b"\x43", r"Rm is 3, expected 0 or 1"),
        (PIH + 24, b"\xff\x16", r"length of NLT|Tnlt is 8|CDT is missing"),
        (PIH + 24, b"\xff\x20", r"CDT is missing"),
        (PIH + 28, b"\x07", r"B\[0\] is 7, expected 8 to 16 bits a sample"),
        (PIH + 29, b"\x21", r"component 0 has sampling factors 2x1"),
        (PIH + 30, b"\xff\x77", r"marker ff77 at byte 42, expected a header segment or SLH"),
        (0x36 + 2, b"\x00\x05", r"marker ff20 of length 5 at byte 54, expected SLH \(ff20\) of length 4 for slice 0"),
        (0x36 + 4, b"\x00\x01", r"Islh is 1, expected 0"),
        (0x3C, b"\x00\x00\x2a", r"Lprc of precinct 0 of row 1 is|marker .* expected EOC|ends"),
        (0x3C, b"\x10\x00\x00", r"Lprc of precinct 0 of row 0 is 1048576, expected less than 2\^20"),
        (0x3C, b"\x00\x10\x00", r"Lprc of precinct 0 of row 0 is 4096, expected at most the 91 bytes that are left"),
        (0x41, b"\x40", r"precinct 0 of row 0: D of band 0 is 1, expected 0 or 2 in the first precinct row of a slice"),
        (0x42, b"\x7f\xff", r"sub-packets of 0 \+ 2 \+ 32767 \+ 0 bytes \(flags, Lcnt, Ldat, Lsgn\), expected at most the 36"),
        (0x42, b"\x00\x04", r"Ldat is 4, expected at least 8 bytes in the packet of line 0 of bands 0 to 0"),
        (0x42, b"\x80\x08\x00\x08", r"Lcnt is 1, expected at least 2 bytes of raw counts"),
        (0x46, b"\x01", r"Lsgn is 1, expected 0, since Fs is 0"),
        (0x47, b"\xff\xff", r"Lcnt is 2, expected 3 unary code words of at most 31 ones"),
        (0x47, b"\xff\x80", r"bit-plane count of band 0 is 16 or more, expected at most 15"),
        (0x9B, b"\xff\x12", r"marker ff12 at byte 155, expected EOC \(ff11\)"),
    ],
)
def test_fields(at: int, new: bytes, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        jpegxs.decode(changed(EXAMPLE, at, new))


def test_unary_code_of_32_ones() -> None:
    """31 ones are a code word, 32 are not, wherever they start."""
    data = without_length(EXAMPLE)
    start = 0x42
    for shift in range(3):
        for ones, message in ((31, "bit-plane count of band 0 is 16 or more, expected at most 15"), (32, "unary code words of at most 31 ones")):
            bits = "0" * shift + "1" * ones + "0" * (40 - ones - shift)
            counts = int(bits, 2).to_bytes(5, "big")
            packet = (8 << 24 | 5 << 11).to_bytes(5, "big") + counts
            damaged = data[:start] + packet + data[0x49:]
            damaged = changed(damaged, 0x3C, (41 + 3).to_bytes(3, "big"))
            with pytest.raises(CodecError, match=message):
                jpegxs.decode(damaged)


def test_lsgn_too_short() -> None:
    data = payload("s08_rgb_64x48_fs1.jxs")
    start = data.index(b"\xff\x20\x00\x04\x00\x00") + 6
    packet = start + (40 + 2 * 30 + 7) // 8
    lengths = int.from_bytes(data[packet : packet + 5], "big")
    assert lengths & 0x7FF > 1
    damaged = changed(data, packet, (lengths & ~0x7FF | 1).to_bytes(5, "big"))
    with pytest.raises(CodecError, match=r"Lsgn is 1, expected at least \d+ bytes"):
        jpegxs.decode(damaged)


@pytest.mark.parametrize("size", range(len(EXAMPLE)))
def test_truncated(size: int) -> None:
    for data in (EXAMPLE[:size], without_length(EXAMPLE)[:size]):
        for call in (jpegxs.decode, jpegxs.decode_planes, jpegxs.split):
            with pytest.raises(CodecError):
                call(data)


@pytest.mark.parametrize("extra", [b"\xff\x13\x00\x04\x08\x11", b"\xff\x14\x00\x02", b"\xff\x50\x00\x02"])
def test_segments_that_come_twice(extra: bytes) -> None:
    data = without_length(EXAMPLE)
    with pytest.raises(CodecError, match=r"second (CDT|WGT|CAP) at byte 54, expected one"):
        jpegxs.decode(data[:54] + extra + data[54:])


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (b"\xff\x15\x00\x03\x00", "length of COM is 3, expected at least 4"),
        (b"\xff\x16\x00\x05\x03\x00\x00", r"Tnlt is 3, expected 1 \(quadratic\) or 2 \(extended\)"),
        (b"\xff\x16\x00\x06\x01\x00\x00\x00", "length of NLT is 6, expected 5 for type 1"),
        (b"\xff\x16\x00\x0c\x02\x00\x10\x00\x00\x00\x00\x00\x00\x01", "T1 is 1048576, expected at most 1048575"),
        (b"\xff\x16\x00\x0c\x02\x00\x00\x00\x00\xff\x00\x00\x00\x01", "T2 is 4278190080, expected at most 1048575"),
        (b"\xff\x16\x00\x0c\x02" + bytes(8) + b"\x14", "E is 20, expected less than Bw, 20"),
        (b"\xff\x17\x00\x03\x01", "Sd is 1, expected 0"),
        (b"\xff\x18\x00\x05\x00\x00\x00", "length of CTS is 5, expected 4"),
        (b"\xff\x19\x00\x05\x00\x00\x00", "length of CRG is 5, expected 6"),
    ],
)
def test_optional_segments(segment: bytes, message: str) -> None:
    data = without_length(EXAMPLE)
    with pytest.raises(CodecError, match=message):
        jpegxs.decode(data[:54] + segment + data[54:])


@pytest.mark.parametrize("segment", ["ff17000300", "ff1800040000", "ff19000600000000", "ff1500040000"])
def test_segments_without_consequence(segment: str) -> None:
    data = without_length(EXAMPLE)
    np.testing.assert_array_equal(jpegxs.decode(data[:54] + bytes.fromhex(segment) + data[54:]), jpegxs.decode(EXAMPLE))


def test_memory_is_proportional_to_the_payload() -> None:
    """A header that promises 16384x16384 pixels allocates nothing where the bytes cannot hold that many."""
    data = without_length(changed(RGB, 20, (16384).to_bytes(2, "big") * 2))
    tracemalloc.start()
    for call in (jpegxs.decode, jpegxs.decode_planes):
        with pytest.raises(CodecError, match=r"codestream has 2304 bytes, expected at least \d{7,} for 16384x16384"):
            call(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


SMALL = [payload(v["file"]) for v in MANIFEST if v["bytes"] < 6000]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A test vector with some of its bytes changed, moved or cut off; its stated length is right, wrong or unknown."""
    data = bytearray(draw(st.sampled_from(SMALL)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.integers(0, 4))
        if kind == 0:
            data[at] = draw(st.integers(0, 255))
        elif kind == 1:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == 2:
            del data[at : at + draw(st.integers(1, 8))]
        elif kind == 3:
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        else:
            run = draw(st.integers(1, 16))
            data[at : at + run] = bytes([draw(st.sampled_from([0, 255]))]) * len(data[at : at + run])
        data = data or bytearray(1)
    if draw(st.booleans()) and len(data) > 16:
        data[12:16] = draw(st.sampled_from([0, len(data)])).to_bytes(4, "big")
    return bytes(data)


@settings(max_examples=1500, deadline=None)
@given(data=damaged(), threads=st.sampled_from([1, 3]))
@example(data=b"\xff\x10\xff\x50", threads=1)
@example(data=b"\xff\x10", threads=1)
def test_damaged(data: bytes, threads: int) -> None:
    try:
        fields = jpegxs.header(data, max_pixels=1 << 16)
        image = jpegxs.decode(data, max_pixels=1 << 16, threads=threads)
    except CodecError as error:
        assert re.search("expected|ends within|ends before|is missing", str(error)) is not None
        return
    assert image.shape == (fields["Hf"], fields["Wf"], 3)
    planes = jpegxs.decode_planes(data, max_pixels=1 << 16)
    assert [plane.shape[::-1] for plane in planes] == list(fields["component_sizes"])


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for call in (jpegxs.decode, jpegxs.decode_planes, jpegxs.header, jpegxs.split):
        with pytest.raises(CodecError):
            call(b"\xff\x10\xff\x50" + data)


@pytest.mark.parametrize("value", [None, 5, "text", np.zeros((4, 4), np.uint8)[:, ::2]])
def test_payloads_that_are_no_bytes(value: object) -> None:
    with pytest.raises(CodecError, match="payload"):
        jpegxs.decode(value)


def test_errors_do_not_depend_on_threads() -> None:
    data = bytearray(payload(next(v["file"] for v in VALID if v["file"].startswith("s25"))))
    for at in range(3000, len(data), 700):
        data[at] ^= 0x55
    messages = set()
    for threads in (1, 2, 4):
        with pytest.raises(CodecError) as caught:
            jpegxs.decode(bytes(data), threads=threads)
        messages.add(str(caught.value))
    assert len(messages) == 1
