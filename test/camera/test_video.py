# SPDX-License-Identifier: Apache-2.0
"""Video files: damage is counted and passed by, times are the file's own, a loop begins again, and pictures are upright."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

from videos import cut, damage, make, shown, turn, write_sound

from plcv_ros.camera import Frame, Source, SourceError, open_source
from plcv_ros.camera.video import open_file

SHARED = Path(__file__).parents[2].parent / "shared"
S = 1_000_000_000


def play(path: Path, limit: int = 1000, **options: Any) -> tuple[Source, list[Frame]]:
    with open_source(str(path), **options) as source:
        frames: list[Frame] = []
        while len(frames) < limit and (frame := source.read()) is not None:
            frames.append(frame)
        return source, frames


def number(frame: Frame) -> int:
    """Which of the first 64 pictures it is (they repeat after 64)."""
    rgb = frame.image[..., ::-1].astype(int)
    return int(np.argmin([np.abs(rgb - shown(k)).mean() for k in range(64)]))


FORMATS = {
    "mp4": ("libx264", "yuv420p"),
    "ts": ("libx264", "yuv420p"),
    "h264": ("libx264", "yuv420p"),
    "mkv": ("libx264", "yuv420p"),
    "avi": ("mjpeg", "yuvj420p"),
    "mjpeg": ("mjpeg", "yuvj420p"),
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_frame_in_order_and_again_in_a_loop(tmp_path: Path, suffix: str) -> None:
    file = make(tmp_path / f"v.{suffix}", *FORMATS[suffix])
    source, frames = play(file)
    rate = 25 if suffix == "mjpeg" else 30  # such a file says nothing of its rate
    assert (source.width, source.height, source.rate, source.live, source.damaged, source.damage) == (64, 48, rate, False, 0, "")
    assert len(frames) == 60
    assert [number(frame) for frame in frames] == list(range(60))
    assert [frame.index for frame in frames] == list(range(60))
    source, frames = play(file, limit=150, loop=True)
    assert len(frames) == 150
    assert number(frames[125]) == 5
    assert source.damaged == 0
    if suffix != "h264":  # raw H.264 has no times
        assert source.timed
        steps = np.diff([frame.time_ns for frame in frames if frame.time_ns is not None])
        assert np.abs(steps - S / rate).max() < 0.002 * S, "also from one pass to the next"
    else:
        assert {frame.time_ns for frame in frames} == {None}


@pytest.mark.parametrize("suffix", ["mp4", "avi", "ts", "mkv"])
@pytest.mark.parametrize("numbers", [(0,), (25,), (59,), (1, 2, 3, 45)], ids=str)
def test_damaged_packets_cost_their_frames_and_are_counted(tmp_path: Path, suffix: str, numbers: tuple[int, ...]) -> None:
    source, frames = play(damage(make(tmp_path / f"v.{suffix}", *FORMATS[suffix]), numbers))
    # A lost key frame takes those along that refer to it; containers without an index lose a little more, and the end of a ts says nothing.
    few = len(numbers) + (10 if 0 in numbers or suffix in ("ts", "mkv") else 0)
    if suffix == "mkv":
        few += 45  # an overwritten block header takes the rest of its cluster of a second along
    assert 60 - few <= len(frames) <= 60 - len(numbers)
    if not (suffix == "ts" and numbers in ((0,), (59,))):
        assert abs(len(frames) + source.damaged - 60) <= (1 if suffix in ("ts", "mkv") else 0)
        assert str(tmp_path) in source.damage
        assert "\n" not in source.damage
    assert [frame.index for frame in frames] == list(range(len(frames)))


def test_time_goes_on_over_damage(tmp_path: Path) -> None:
    _, frames = play(damage(make(tmp_path / "v.mp4"), [25, 26]))
    times = [frame.time_ns for frame in frames if frame.time_ns is not None]
    assert times[24] == pytest.approx(24 / 30 * S, abs=1000)
    assert times[25] == pytest.approx(27 / 30 * S, abs=1000)


def test_half_a_jpeg_is_damage_not_a_grey_half(tmp_path: Path) -> None:
    file = make(tmp_path / "v.avi", "mjpeg", "yuvj420p", count=10)
    data = bytearray(file.read_bytes())
    from videos import packets

    position, size = packets(file)[4]
    data[position + size // 2 : position + size] = bytes(size - size // 2)
    file.write_bytes(data)
    source, frames = play(file)
    assert (len(frames), source.damaged) == (9, 1)
    assert [number(frame) for frame in frames] == [0, 1, 2, 3, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("extra", ["after", "before the end", "no end"])
def test_jpegs_with_stray_bytes_are_shown(tmp_path: Path, extra: str) -> None:
    """Cameras pad their JPEG frames, and some leave the end marker out."""
    import av

    file = make(tmp_path / "v.mjpeg", "mjpeg", "yuvj420p", count=3)
    with av.open(str(file)) as container:
        jpegs = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    changed = {"after": lambda j: j + bytes(37), "before the end": lambda j: j[:-2] + bytes(5) + j[-2:], "no end": lambda j: j[:-2]}[extra]
    file.write_bytes(b"".join(map(changed, jpegs)))
    source, frames = play(file)
    assert (len(frames), source.damaged) == (3, 0)


def test_a_file_that_is_cut_off_says_so(tmp_path: Path) -> None:
    for name, codec, options in (("v.mp4", "libx264", {"movflags": "faststart"}), ("v.avi", "mjpeg", {}), ("v.mkv", "libx264", {})):
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        source, frames = play(cut(make(tmp_path / name, codec, pixels, container_options=options), 30))
        assert len(frames) == 30, name
        assert source.damaged == 30, name
        assert "the data end" in source.damage
    with pytest.raises(SourceError, match=r"w\.mp4 cannot be opened as a video.*cut off before its index"):
        open_source(str(cut(make(tmp_path / "w.mp4"), 30)))


def test_nothing_that_can_be_decoded(tmp_path: Path) -> None:
    file = damage(make(tmp_path / "v.mp4", count=10), range(10))
    with pytest.raises(SourceError, match=r"v\.mp4 holds no frame that can be decoded.*cannot be decoded: Invalid data"):
        open_source(str(file), loop=True)


def test_what_is_whole_is_not_called_damaged(tmp_path: Path) -> None:
    files = [
        make(tmp_path / "b.mp4", bf="3", g="12"),
        make(tmp_path / "b.ts", bf="3", g="12"),
        make(tmp_path / "a.mp4", audio=True),
        make(tmp_path / "a.mkv", audio=True),
        make(tmp_path / "a.ts", audio=True),
        make(tmp_path / "v8.webm", "libvpx", **{"auto-alt-ref": "1", "lag-in-frames": "10"}),
        make(tmp_path / "v9.webm", "libvpx-vp9", **{"auto-alt-ref": "1", "lag-in-frames": "10"}),
        make(tmp_path / "m.avi", "mpeg4"),
        make(tmp_path / "one.mp4", count=1),
        make(tmp_path / "two.mkv", count=2),
        make(tmp_path / "i.ts", flags="+ilme+ildct"),
    ]
    for file in files:
        source, frames = play(file)
        assert len(frames) == {"one.mp4": 1, "two.mkv": 2}.get(file.name, 60), file
        assert (source.damaged, source.damage) == (0, ""), file
    clip = SHARED / "data/driving_clips/solidWhiteRight.mp4"
    if clip.is_file():
        source, frames = play(clip, width=64, height=36)
        assert (len(frames), source.damaged) == (221, 0)


VARIABLE = [*(k / 30 for k in range(15)), *(0.5 + k / 2 for k in range(10))]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_variable_frame_rate_is_said_and_kept(tmp_path: Path, suffix: str) -> None:
    source, frames = play(make(tmp_path / f"v.{suffix}", times=VARIABLE))
    assert "variable frame rate" in source.description
    assert [frame.time_ns for frame in frames] == pytest.approx([t * S for t in VARIABLE], abs=0.002 * S)
    assert source.damaged == 0
    source, _ = play(make(tmp_path / f"even.{suffix}"))
    assert "variable frame rate" not in source.description


def test_later_variable_frame_rate_of_an_mp4(tmp_path: Path) -> None:
    """Its index tells that the mean is not what the first frames are like."""
    times = [*(k / 30 for k in range(260)), *(9 + k for k in range(20))]
    source, frames = play(make(tmp_path / "v.mp4", times=times, g="100"))
    assert "variable frame rate" in source.description
    assert frames[-1].time_ns == pytest.approx(28 * S, abs=0.001 * S)


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
    ],
    ids=["right", "upside down", "left", "mirrored", "flipped", "transposed"],
)
def test_pictures_are_upright(tmp_path: Path, matrix: tuple[int, int, int, int], upright: Any) -> None:
    source, frames = play(turn(make(tmp_path / "v.mp4", count=3), matrix))
    truth = upright(shown(0))
    assert (source.height, source.width) == truth.shape[:2] == frames[0].image.shape[:2]
    assert np.abs(frames[0].image[..., ::-1].astype(int) - truth).mean() < 25
    assert "turned upright" in source.description
    assert frames[0].image.flags.c_contiguous


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "gray", "yuv422p10le"])
def test_other_pixel_formats_are_converted(tmp_path: Path, pixels: str) -> None:
    source, frames = play(make(tmp_path / "v.mkv", "libx264", pixels, count=5))
    assert len(frames) == 5
    assert frames[0].pixel_format == "bgr8"
    assert abs(float(frames[0].image.mean()) - float(shown(0).mean())) < 12
    assert ("10 bits a sample, converted to 8" in source.description) == ("10" in pixels)


@pytest.mark.parametrize("colorspace", [1, 5, 9])
@pytest.mark.parametrize("full", [False, True])
def test_colours_follow_what_the_file_says(tmp_path: Path, colorspace: int, full: bool) -> None:
    import av
    from av.video.reformatter import Colorspace, VideoReformatter

    names = {1: "ITU709", 5: "ITU601", 9: "BT2020"}
    if not hasattr(Colorspace, names[colorspace]):
        pytest.skip("this PyAV has no BT.2020")
    bars = np.zeros((64, 96, 3), np.uint8)
    bars[:, :32], bars[:, 32:64], bars[:, 64:] = (200, 30, 40), (30, 180, 60), (40, 50, 210)
    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=10, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p" if full else "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, 2 if full else 1
        rgb: Any = av.VideoFrame.from_ndarray(bars, format="rgb24")
        frame: Any = VideoReformatter().reformat(
            rgb,
            format=stream.pix_fmt,
            src_colorspace=Colorspace.ITU601,
            dst_colorspace=Colorspace[names[colorspace]],
            src_color_range="JPEG",
            dst_color_range="JPEG" if full else "MPEG",
        )
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    _, frames = play(tmp_path / "v.mp4")
    for column, colour in ((15, (200, 30, 40)), (48, (30, 180, 60)), (80, (40, 50, 210))):
        assert np.abs(frames[0].image[32, column, ::-1].astype(int) - colour).max() < 6


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    import av
    import cv2

    with av.open(str(tmp_path / "s.mp4"), "w") as container:
        write_sound(container, container.add_stream("aac", rate=8000, layout="mono"))
    with pytest.raises(SourceError, match=r"s\.mp4 holds no video; its streams are: audio"):
        open_source(str(tmp_path / "s.mp4"))
    cv2.imwrite(str(tmp_path / "p.png"), shown(0))
    with pytest.raises(SourceError, match=r"p\.png cannot be opened as a video: it is a picture"):
        open_source(str(tmp_path / "p.png"))
    (tmp_path / "notes.txt").write_text("frames\n" * 100)
    with pytest.raises(SourceError, match=r"notes\.txt cannot be opened as a video"):
        open_source(str(tmp_path / "notes.txt"))
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(SourceError, match=r"empty\.mp4 cannot be opened as a video"):
        open_source(str(tmp_path / "empty.mp4"))
    with pytest.raises(SourceError, match=r"pixel_format 'MJPG' of source .*only a camera"):
        open_source(str(tmp_path / "empty.mp4"), pixel_format="MJPG")


def test_names_with_colons_and_spaces(tmp_path: Path) -> None:
    file = make(tmp_path / "http:a b@c?d.mp4", count=3)
    assert len(play(file)[1]) == 3


def pipe_of(data: bytes, path: Path) -> threading.Thread:
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as pipe:
            pipe.write(data)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_a_pipe_ends_and_cannot_begin_again(tmp_path: Path) -> None:
    """open_source refuses pipes, whose writer may never come; who knows its writer may still play one."""
    writer = pipe_of(make(tmp_path / "v.ts").read_bytes(), tmp_path / "pipe.ts")
    with open_file(tmp_path / "pipe.ts", None, None, None, True) as source:
        assert all(source.read() is not None for _ in range(60))
        assert source.damaged == 0
        with pytest.raises(SourceError, match=r"pipe\.ts ended after 60 frames and cannot begin again \(loop\): it is a pipe"):
            source.read()
    writer.join(5)
    with pytest.raises(SourceError, match=r"pipe\.ts' is neither a regular file nor a folder"):
        open_source(str(tmp_path / "pipe.ts"))


def test_a_file_that_is_gone_when_it_should_begin_again(tmp_path: Path) -> None:
    file = make(tmp_path / "v.mp4", count=5)
    with open_source(str(file), loop=True) as source:
        assert all(source.read() is not None for _ in range(5))
        file.unlink()
        with pytest.raises(SourceError, match=r"v\.mp4 ended after 5 frames and cannot begin again \(loop\).*No such file"):
            source.read()
