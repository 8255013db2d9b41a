# SPDX-License-Identifier: Apache-2.0
"""One pass over the pictures of a video, decoded by FFmpeg (PyAV), that goes on behind damage and counts it.

A decoder tells of damage in four ways: it refuses a packet, it flags a frame, it hands out nothing for a packet (what refers to a lost picture,
what comes before the first key frame), or it says nothing at all. The first three are counted here; of the last kind are codecs without
checksums (VP8, VP9), and frames predicted from a lost one, which look wrong until the next key frame, in every player.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Colorspace, VideoReformatter

from plcv_ros.camera.errors import SourceError

SAMPLE_PACKETS, SAMPLE_BYTES = 240, 8_000_000
"""How far to look ahead for what the intervals between frames are."""

EVEN = 0.25
"""Intervals that differ by less than this share count as even: containers round their times, cameras jitter."""

ROUNDED_TIME_S = 0.0005
"""Matroska rounds times to milliseconds."""

SPARSE = 0.1
"""Share of the intervals that may be longer by missing frames in a video at even intervals."""

LONGEST_GAP_S = 10.0
"""In streams whose times may jump (a transport stream that was cut), a longer step is a jump."""

UNEVEN_END_S = 1.0
"""Where intervals are uneven, a video that ends so much before what its header says is cut off."""

REFUSALS = 1000
"""So many reads that fail in a row are the end of the data."""

NO_VIDEO = ("tty", "image2", "image2pipe", "srt", "ass", "webvtt")
JUMPING = ("mpegts", "rtsp", "flv", "hls")
INDEXED = ("mov", "avi")
"""Formats whose index says which frames there are: a gap between two of them was recorded so."""

UNCLEAR_CODECS = ("vp8",)
"""Codecs with packets that hold no picture to show."""

HDR = {16: "PQ", 18: "HLG"}
BT709, BT2020 = 1, (9, 10)
MATRIX_709, MATRIX_601, MATRIX_2020 = Colorspace.ITU709, Colorspace.ITU601, getattr(Colorspace, "BT2020", Colorspace.ITU709)
"""PyAV before 17 lacks the last one."""

FULL_RANGE = 2
LOW_DELAY = 1 << 19
"""AV_CODEC_FLAG_LOW_DELAY."""


def reason_of(error: BaseException) -> str:
    """What FFmpeg says, without the name that it was opened by (a URL may hold a password)."""
    if isinstance(error, av.error.ExitError):
        return "timed out"
    return str(getattr(error, "strerror", "") or error or type(error).__name__)


class Media:
    """An opened video. ``frames`` may be gone through once; ``picture`` turns a frame into pixels.

    ``name``: path or URL as FFmpeg takes it, ``label``: how messages name it, ``timeouts``: seconds to open and to wait for data. Damage is
    told to ``report``: a reason, one line, and the number of frames that it cost. Raises SourceError.
    """

    def __init__(
        self,
        name: str,
        label: str,
        *,
        container_format: str | None = None,
        options: Mapping[str, str] | None = None,
        timeouts: tuple[float, float] | None = None,
    ) -> None:
        self.label = label
        self.report: Callable[[str, int], None] = lambda _reason, _frames: None
        self._live = False
        try:
            self._container: Any = av.open(name, format=container_format, options=dict(options or {}), timeout=timeouts, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            cut = "; it is no video, or cut off before its index" if isinstance(error, (av.error.InvalidDataError, av.error.EOFError)) else ""
            raise SourceError(f"{label} cannot be opened as a video: {reason_of(error)}{cut}") from error
        try:
            self._stream = self._video_stream()
        except BaseException:
            self._container.close()
            raise
        self._context: Any = self._stream.codec_context
        # With a thread a frame, a decoder hands out every frame later by the number of threads, and its errors too.
        self._context.thread_type = "SLICE"
        if self._context.name == "mjpeg":
            # Otherwise a JPEG of which half is missing is a frame with a grey half.
            self._context.options = {"err_detect": "explode"}
        self._format = frozenset(self._container.format.name.split(","))
        self._ahead: deque[Any] = deque()
        self._reformatter: Any = VideoReformatter()
        self._turn: tuple[bool, bool, bool] | None = None
        self._pending: set[int] = set()
        self._corrupt: set[int] = set()
        self._tracked = self._context.name not in UNCLEAR_CODECS
        self._reason = ""
        self._newest_dts: int | None = None
        self._lost = 0
        """Frames reported since the last one that came out."""
        self._end_s: float | None = None
        self._packets_read = self._frames_out = self._refused = 0
        self.period_s: float | None = None
        """Between two frames, where that is the same everywhere as far as can be seen."""
        self.variable = False
        self._untimed = False

    def _video_stream(self) -> Any:
        names = set(self._container.format.name.split(","))
        if names & set(NO_VIDEO) or any(name.endswith("_pipe") for name in names):
            raise SourceError(f"{self.label} cannot be opened as a video: it is a picture or a text ({self._container.format.long_name})")
        videos = [stream for stream in self._container.streams.video if not _is_cover(stream)]
        if not videos:
            found = ", ".join(stream.type for stream in self._container.streams) or "nothing"
            raise SourceError(f"{self.label} holds no video; its streams are: {found}")
        stream = videos[0]
        if stream.codec_context is None:
            raise SourceError(f"{self.label} holds video of a codec that this FFmpeg has no decoder for")
        return stream

    def follow(self) -> Media:
        """Take it for a stream that is joined on its way: the newest frame matters, and the first ones may lack what they refer to."""
        self._live = True
        self._context.flags |= LOW_DELAY
        return self

    @property
    def finite(self) -> bool:
        """Whether the data end somewhere: a recording, not a stream."""
        try:
            size = int(self._container.size)
        except (av.error.FFmpegError, ValueError):
            size = 0
        return self._container.duration is not None or size > 0

    @property
    def rate(self) -> float | None:
        """Frames a second, the mean; None where nothing says so."""
        timeless = self._untimed or self._live
        rates = (self._stream.guessed_rate, self._stream.average_rate) if timeless else (self._stream.average_rate, self._stream.guessed_rate)
        return next((float(rate) for rate in rates if rate and 0.0 < float(rate) < 1000.0), None)

    @property
    def notes(self) -> list[str]:
        """What whoever sees the pictures should know of them."""
        notes = []
        if self.variable:
            notes.append(f"variable frame rate{f', {self.rate:.4g} Hz on average' if self.rate else ''}")
        depth = max((component.bits for component in self._context.format.components), default=8) if self._context.format else 8
        if depth > 8:
            notes.append(f"{depth} bits a sample, converted to 8")
        transfer = HDR.get(int(getattr(self._context, "color_trc", 0) or 0))
        if transfer:
            notes.append(f"HDR ({transfer}), whose brightness is not converted: the pictures look pale")
        if self._turn is not None and any(self._turn):
            notes.append("turned upright as the file says")
        return notes

    @property
    def width(self) -> int:
        """In pixels, as coded: before the picture is turned."""
        return int(self._context.width)

    @property
    def height(self) -> int:
        """In pixels, as coded: before the picture is turned."""
        return int(self._context.height)

    @property
    def codec(self) -> str:
        """Name of the codec, or of the pixel format where the video is not compressed."""
        return str(self._context.pix_fmt if self._context.name == "rawvideo" else self._context.name)

    def look_ahead(self) -> None:
        """Read the first packets, to know whether frames come at even intervals."""
        size = 0
        source = self._read()
        while len(self._ahead) < SAMPLE_PACKETS and size < SAMPLE_BYTES:
            packet = next(source, None)
            if packet is None:
                break
            self._ahead.append(packet)
            size += packet.size
        times = sorted(float(p.pts * self._stream.time_base) for p in self._ahead if p.pts is not None and not p.is_discard)
        self._untimed = not times
        intervals = [b - a for a, b in pairwise(times) if b > a]
        if len(intervals) < 2:
            self.period_s = 1.0 / self.rate if self.rate and times else None
            return
        middle = median(intervals)
        # Where a frame is missing, the interval is a multiple.
        steps = [max(1, round(interval / middle)) for interval in intervals]
        even = all(abs(interval - step * middle) <= EVEN * middle + step * ROUNDED_TIME_S for interval, step in zip(intervals, steps))
        rate = self._stream.average_rate
        self.variable = (
            not even
            or sum(step > 1 for step in steps) > SPARSE * len(steps)
            or bool(rate and "mov" in self._format and abs(middle * float(rate) - 1.0) > EVEN)
        )
        self.period_s = None if self.variable else middle

    def frames(self) -> Iterator[Any]:
        """The frames that could be decoded whole, in the order of their times."""
        last = 0.0 if "matroska" in self._format and not self._live else None
        for packet in self._packets():
            for frame in self._decode(packet):
                self._account(frame)
                if frame.is_corrupt or frame.pts in self._corrupt:
                    self._corrupt.discard(frame.pts)
                    self._damaged(f"the frame {self._at(frame.pts)} is damaged")
                    continue
                last = self._check_gap(last, frame)
                self._lost = 0
                if self._turn is None:
                    self._turn = _turn(frame)
                yield frame
        if not self._live:
            self._count_lost(sorted(self._pending) if self._tracked else [])
            self._check_end()

    def _packets(self) -> Iterator[Any]:
        """The packets, and None at the end, which makes the decoder give out what it holds."""
        while self._ahead:
            yield self._ahead.popleft()
        yield from self._read()
        yield None

    def _read(self) -> Iterator[Any]:
        refused = 0
        packets = self._container.demux(self._stream)
        while refused <= REFUSALS:
            packet, refusal = _next_packet(packets)
            if refusal:
                refused += 1
                self._damaged(f"data that cannot be read: {refusal}")
                packets = self._container.demux(self._stream)
            elif packet is None:
                return
            elif packet.size:  # an empty one (AVI has them for "as before") would end the decoding
                refused = 0
                self._packets_read += 1
                if packet.pts is not None:
                    end = float((packet.pts + (packet.duration or 0)) * self._stream.time_base) + (0 if packet.duration else self.period_s or 0)
                    self._end_s = end if self._end_s is None else max(end, self._end_s)
                yield packet

    def _decode(self, packet: Any) -> list[Any]:
        if packet is not None and not packet.is_discard:
            if self._newest_dts is not None and packet.dts is not None and packet.dts < self._newest_dts:
                self._pending.clear()  # the times begin anew: nothing can be told by their order
            self._newest_dts = packet.dts
            if packet.pts is not None:
                self._pending.add(packet.pts)
                if packet.is_corrupt:
                    self._corrupt.add(packet.pts)
        try:
            frames: list[Any] = self._context.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.FFmpegError as error:
            frames = []
            self._refused += 1
            self._reason = reason_of(error)
            if packet is not None and (packet.pts is None or not self._tracked):
                self._damaged(f"a frame cannot be decoded: {self._reason}")
        return frames

    def _account(self, frame: Any) -> None:
        """Frames come out in the order of their times: what should have come before this one is lost."""
        self._frames_out += 1
        if frame.interlaced_frame:
            self._tracked = False  # two packets may be one frame
        if frame.pts is None:
            return
        earlier = sorted(pts for pts in self._pending if pts < frame.pts)
        self._pending.difference_update((*earlier, frame.pts))
        if self._live and self._turn is None:
            return  # who joins a stream cannot decode what refers to frames before
        if self._tracked:
            self._count_lost(earlier)

    def _count_lost(self, times: list[int]) -> None:
        for pts in times:
            why = self._reason or "damaged, or it refers to a frame that is lost"
            self._damaged(f"the frame {self._at(pts)} cannot be decoded: {why}")
        self._reason = ""

    def _check_gap(self, last: float | None, frame: Any) -> float | None:
        """Whether frames are missing between the last one and this, in a stream that has no index of them."""
        if frame.pts is None:
            return last
        now = float(frame.pts * self._stream.time_base)
        if last is not None and self.period_s and not self._format & set(INDEXED):
            gap = now - last
            missing = round(gap / self.period_s) - 1 - self._lost if 1.5 * self.period_s < gap <= LONGEST_GAP_S else 0
            if missing > 0:
                self._damaged(f"{missing} frames are missing before {now:.3f} s", missing)
        return now

    def _check_end(self) -> None:
        if "avi" in self._format and self._stream.frames > self._packets_read:
            missing = self._stream.frames - self._packets_read
            self._damaged(f"the data end after {self._packets_read} of {self._stream.frames} frames", missing)
        elif self._untimed:
            without = self._packets_read - self._frames_out - self._refused
            if without > 0 and self._tracked:
                self._damaged(f"{without} frames cannot be decoded: damaged, or they refer to a frame that is lost", without)
        else:
            self._check_length()

    def _check_length(self) -> None:
        """Whether the packets end before the header says that the video does."""
        announced = _announced_s(self._container, self._stream, self._format)
        if announced is None or self._end_s is None:
            return
        rest = announced - self._end_s
        missing = round(rest / self.period_s) if self.period_s else int(rest > UNEVEN_END_S)
        if missing > 0:
            self._damaged(f"the data end at {self._end_s:.3f} s of {announced:.3f} s", missing)

    def _damaged(self, reason: str, frames: int = 1) -> None:
        self._lost += frames
        self.report(f"{self.label}: {reason}", frames)

    def _at(self, pts: int | None) -> str:
        return "there" if pts is None else f"at {float(pts * self._stream.time_base):.3f} s"

    def step_ns(self, before: Any, frame: Any) -> int | None:
        """Nanoseconds from one frame to the next by the video's own times; None where it has none, or where they jump."""
        if before is None or before.pts is None or frame.pts is None:
            return None
        step = int((frame.pts - before.pts) * Fraction(self._stream.time_base) * 1_000_000_000)
        jump = self._format & set(JUMPING) and step > LONGEST_GAP_S * 1e9
        return None if step <= 0 or jump else step

    def picture(self, frame: Any) -> npt.NDArray[np.uint8]:
        """``frame`` as (H, W, 3) uint8, bgr, upright. Raises SourceError for a pixel format that cannot be converted."""
        full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
        matrix = MATRIX_709 if frame.colorspace == BT709 else MATRIX_2020 if frame.colorspace in BT2020 else MATRIX_601
        try:
            converted = self._reformatter.reformat(
                frame,
                format="bgr24",
                src_colorspace=matrix,
                dst_colorspace=MATRIX_601,
                src_color_range="JPEG" if full else "MPEG",
                dst_color_range="JPEG",
            )
        except (av.error.FFmpegError, ValueError, KeyError) as error:
            raise SourceError(f"{self.label} has pixels of the format {frame.format.name}, which cannot be converted to bgr8: {error}") from error
        image: npt.NDArray[np.uint8] = converted.to_ndarray()
        transposed, mirrored, upside_down = self._turn or (False, False, False)
        if transposed:
            image = image.swapaxes(0, 1)
        if mirrored:
            image = image[:, ::-1]
        if upside_down:
            image = image[::-1]
        return np.ascontiguousarray(image)

    def close(self) -> None:
        """Close the file or connection."""
        self._ahead.clear()
        self._container.close()


def _next_packet(packets: Iterator[Any]) -> tuple[Any, str]:
    """The next packet, None at the end; and why it cannot be read, empty where it can."""
    try:
        packet = next(packets, None)
    except (av.error.EOFError, IndexError):  # PyAV has an IndexError for the end where another stream appeared on the way
        return None, ""
    except av.error.InvalidDataError as error:
        return None, reason_of(error)
    if packet is None or (packet.pts is None and packet.dts is None and not packet.size):
        return None, ""
    return packet, ""


def _is_cover(stream: Any) -> bool:
    """Whether the stream is the cover picture of a piece of music."""
    return "attached_pic" in str(getattr(stream, "disposition", "")).lower()


def _turn(frame: Any) -> tuple[bool, bool, bool]:
    """What brings the pictures upright by the display matrix (phones write it): transpose, then mirror, then turn upside down.

    The matrix takes x, y to a x + c y, b x + d y (ISO/IEC 14496-12, 6.2.2); turns by other angles than right ones are left alone.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None or len(bytes(data)) < 36:
        return False, False, False
    a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
    if not (a or c) or not (b or d) or (a and c):
        return False, False, False
    return (a == 0, (a or c) < 0, (b or d) < 0)


def _announced_s(container: Any, stream: Any, names: frozenset[str]) -> float | None:
    """How long the video is by the header, None where it says nothing of this stream alone."""
    if "mov" in names:
        return float(stream.duration * stream.time_base) if stream.duration else None  # what edit lists leave of it
    if "matroska" not in names:
        return None
    hours, _, rest = str(stream.metadata.get("DURATION", "")).partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return float(container.duration) / av.time_base if container.duration and len(container.streams) == 1 else None
