# SPDX-License-Identifier: Apache-2.0
"""What a decoder must know of a JPEG file before it decodes (ITU-T T.81, annex B): size, depth, orientation, and whether all scans are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import exif
from .errors import CodecError

EOI = b"\xff\xd9"
_SOI, _EOI, _SOS, _APP1, _TEM = 0xD8, 0xD9, 0xDA, 0xE1, 0x01
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ARITHMETIC = 0xC9
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_WITHOUT_BODY = frozenset({_TEM, *range(0xD0, 0xD8)})
_USUAL_HEADER = 2048
_MOST_SEGMENTS = 4096
_ALL_BITS = 14
"""A number above that of every bit that a scan may leave to later ones."""
_MOST_SCANS = 128
"""More are refused before they are decoded: a scan of ten bytes costs a decoder as much as the whole picture."""
_VISITS_PER_BYTE, _FEWEST_VISITS = 100, 100_000
"""A decoder visits the blocks of a component once in each of its scans, whatever they bring, some 50 ns each: a file may make it do so that often for
each of its bytes (a grey picture with the usual scans: 20 times), or, where it is small, this often."""

_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


class JpegFrame(NamedTuple):
    """What the segments of a JPEG file up to its first scan say. ``width`` and ``height`` in pixels as stored."""

    width: int
    height: int
    precision: int
    """Bits a sample."""
    components: tuple[int, ...]
    """Identifiers."""
    blocks: int
    """8x8 blocks of all components, at least."""
    process: int
    """Code of the marker: 0xc0 baseline, 0xc2 progressive, from 0xc9 on arithmetic coding, ..."""
    orientation: int
    """Exif, 1..8."""
    first_scan: int
    """Offset of the first SOS marker."""
    component_blocks: tuple[int, ...]
    """Of ``blocks``, those of each component."""

    @property
    def progressive(self) -> bool:
        """Whether scans refine each other."""
        return self.process in _PROGRESSIVE

    @property
    def sequential(self) -> bool:
        """Whether it is baseline or extended sequential, with Huffman codes."""
        return self.process in (0xC0, 0xC1)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as shown."""
        return (self.height, self.width) if exif.swaps_sides(self.orientation) else (self.width, self.height)


def read_frame(view: memoryview) -> JpegFrame:
    """The frame of a JPEG file. Raises CodecError where there is none that ends in a scan."""
    if bytes(view[:2]) != b"\xff\xd8":
        raise CodecError(f"payload of {len(view)} bytes is no JPEG file: it starts with {bytes(view[:2]).hex() or 'nothing'}, expected ffd8")
    try:
        # A camera's header is short, and bytes are read twice as fast as a view.
        return _read_frame(bytes(view[:_USUAL_HEADER]))
    except CodecError:
        return _read_frame(view)


def _read_frame(data: bytes | memoryview) -> JpegFrame:
    found: tuple[int, bytes] | None = None
    turned: int | None = None
    for code, start, end in segments(data):
        if code == _SOS:
            if found is None:
                raise CodecError(f"payload of {len(data)} bytes is no JPEG file: its first scan comes before the size of the picture")
            return _frame(*found, orientation=turned or 1, first_scan=start - 4)
        if code in _FRAMES and found is None:
            found = code, bytes(data[start:end])
        elif code == _APP1 and turned is None and data[start : start + 6] == b"Exif\0\0":
            turned = exif.orientation(data[start + 6 : end])[0]
    raise AssertionError("segments end in a scan or an error")


def segments(view: bytes | memoryview) -> Iterator[tuple[int, int, int]]:
    """(marker code, start, end of the body) of every segment after SOI up to the first scan. Bytes between segments are skipped, as viewers do."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        while at + 1 < len(view) and (view[at] != 0xFF or view[at + 1] in (0, 0xFF)):
            at += 1
        if at + 4 > len(view):
            break
        code = view[at + 1]
        if code == _EOI:
            break
        if code in _WITHOUT_BODY:
            at += 2
            continue
        end = at + 2 + (view[at + 2] << 8 | view[at + 3])
        if code == _SOI or end < at + 4 or end > len(view):
            raise CodecError(f"payload of {len(view)} bytes is no complete JPEG file: segment {code:#04x} at byte {at} ends at byte {end}")
        yield code, at + 4, end
        if code == _SOS:
            return
        at = end
    raise CodecError(f"payload of {len(view)} bytes is no complete JPEG file: it ends before its first scan")


def _frame(code: int, body: bytes, orientation: int, first_scan: int) -> JpegFrame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5] or body[5] == 0:
        raise CodecError(f"the frame header of the JPEG file has {len(body)} bytes, too few for its components")
    height, width = body[1] << 8 | body[2], body[3] << 8 | body[4]
    if not width or not height:
        raise CodecError(f"the JPEG file is of {width}x{height} pixels, expected at least 1x1")
    parts = [body[6 + 3 * i : 9 + 3 * i] for i in range(body[5])]
    factors = [(max(1, part[1] >> 4), max(1, part[1] & 15)) for part in parts]
    most_x, most_y = max(x for x, _ in factors), max(y for _, y in factors)
    blocks = tuple(-(-width * x // (8 * most_x)) * -(-height * y // (8 * most_y)) for x, y in factors)
    return JpegFrame(width, height, body[0], tuple(part[0] for part in parts), sum(blocks), code, orientation, first_scan, blocks)


def check_complete(view: memoryview, frame: JpegFrame) -> None:
    """CodecError where the file cannot hold the whole picture: fewer bytes than its blocks need, or scans that are missing.

    The time it takes is bounded by the payload, and for the usual file, one scan of all components, it is next to nothing.
    """
    # A block takes a bit for its DC coefficient and, where scans are sequential, one more that says that nothing follows.
    # Arithmetic codes may take less.
    bits = 0 if frame.process >= _ARITHMETIC else 1 if frame.progressive else 2
    least = frame.blocks * bits // 8
    if len(view) - frame.first_scan < least:
        raise CodecError(
            f"payload of {len(view)} bytes is no complete JPEG file: "
            f"{frame.width}x{frame.height} pixels take at least {frame.first_scan + least} bytes"
        )
    _check_work(view, frame, frame.blocks)
    if not frame.progressive and view[frame.first_scan + 4] == len(frame.components):
        return
    missing, _ = _scans(view, frame)
    if missing:
        raise CodecError(f"payload of {len(view)} bytes is no complete JPEG file: the scans of {missing} are missing")


def _check_work(view: memoryview, frame: JpegFrame, visits: int) -> None:
    """CodecError where a decoder would visit more blocks than the size of the file is worth."""
    if visits > max(_FEWEST_VISITS, _VISITS_PER_BYTE * len(view)):
        raise CodecError(
            f"payload of {len(view)} bytes is a JPEG file of {frame.width}x{frame.height} pixels whose scans have {visits} blocks or more, "
            f"expected at most {_VISITS_PER_BYTE} for each byte"
        )


def end_of_scans(view: memoryview, frame: JpegFrame) -> int:
    """Offset of the first marker behind the scan that completes the picture, or of the end of the file."""
    return _scans(view, frame)[1]


def _scans(view: memoryview, frame: JpegFrame) -> tuple[str, int]:
    """(what the scans of a file do not send, in words, empty where they send everything; the offset at which they end).

    Raises CodecError for more scans than a picture takes, behind its completion too: a decoder goes through all of them.
    """
    data = view.tobytes()
    to_come = {component: [_ALL_BITS] * 64 for component in frame.components}
    blocks = dict(zip(frame.components, frame.component_blocks))
    at, scans, visits, complete = frame.first_scan, 0, 0, -1
    while at + 4 <= len(data) and data[at + 1] != _EOI:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == _SOS:
            scans += 1
            if scans > _MOST_SCANS:
                raise CodecError(f"the JPEG file has more than {_MOST_SCANS} scans, expected at most as many")
            scan = data[at + 4 : end]
            visits += sum(blocks.get(component, 0) for component in scan[1 : 1 + 2 * scan[0] : 2]) if scan else 0
            _check_work(view, frame, visits)
            _sent(scan, frame.progressive, to_come)
        marker = _NEXT_MARKER.search(data, min(end, len(data)))
        at = len(data) if marker is None else marker.start()
        if complete < 0 and not any(any(bits) for bits in to_come.values()):
            complete = at
    if complete >= 0:
        return "", complete
    return "a colour component" if any(bits[0] == _ALL_BITS for bits in to_come.values()) else "its finer details", at


def _sent(scan: bytes, progressive: bool, to_come: dict[int, list[int]]) -> None:
    """Note what a scan header announces: the bits of each coefficient that are still to come after it."""
    if not scan or len(scan) < 4 + 2 * scan[0]:
        return
    first, last, low = (scan[1 + 2 * scan[0]], scan[2 + 2 * scan[0]], scan[3 + 2 * scan[0]] & 15) if progressive else (0, 63, 0)
    for i in range(scan[0]):
        bits = to_come.get(scan[1 + 2 * i])
        if bits is not None and last < 64:
            bits[first : last + 1] = [low] * max(0, last + 1 - first)
