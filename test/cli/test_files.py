# SPDX-License-Identifier: Apache-2.0
"""``plcv encode``, ``decode`` and ``info``: files, folders, what is overwritten, and what is said of files that are wrong."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")

from plcv_ros import codecs  # noqa: E402
from plcv_ros.cli import batch  # noqa: E402
from plcv_ros.cli.main import main  # noqa: E402


def picture(height: int = 24, width: int = 40, offset: int = 0) -> np.ndarray:
    """A smooth (H, W, 3) rgb8 picture."""
    y, x = np.mgrid[:height, :width]
    return np.stack([40 + 3 * x, 60 + 5 * y, 90 + x + y], -1).astype(np.uint8) + np.uint8(offset)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    cv2.imwrite(str(path), picture()[..., ::-1])
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k, name in enumerate(("a.png", "b.png", "sub/c.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture(offset=k)[..., ::-1])
    (tmp_path / "in/notes.txt").write_text("no picture")
    return tmp_path / "in"


def words(*parts: object) -> list[str]:
    return [str(part) for part in parts]


@pytest.mark.parametrize(
    ("name", "options", "codec", "settings"),
    [
        ("out.astc", [], "astc", {}),
        ("out.astc", ["--block", "12x12", "--preset", "fine"], "astc", {"block": (12, 12), "preset": "fine"}),
        ("out.jxs", ["--bpp", "6"], "jxs", {"bpp": 6.0}),
        (
            "out.jxs",
            ["--bpp", "7.5", "--preset", "main", "--no-significance", "--vertical-prediction", "--signs", "inline", "--quantizer", "deadzone"],
            "jxs",
            {"bpp": 7.5, "preset": "main", "significance": False, "vertical_prediction": True, "signs": "inline", "quantizer": "deadzone"},
        ),
        ("out.jxs", ["--lossless"], "jxs", {"lossless": True}),
        ("out.jpg", ["--quality", "70", "--subsampling", "444"], "jpeg", {"quality": 70, "subsampling": "444"}),
        ("OUT.JPEG", [], "jpeg", {}),
    ],
)
def test_there_and_back(png: Path, tmp_path: Path, name: str, options: list[str], codec: str, settings: dict) -> None:
    encoded, decoded = tmp_path / name, tmp_path / "back.png"
    assert main(words("encode", png, encoded, *options)) == 0
    assert encoded.read_bytes() == bytes(codecs.make_codec(codec, **settings).encode(picture()))
    assert main(words("decode", encoded, decoded)) == 0
    assert (cv2.imread(str(decoded))[..., ::-1] == codecs.decode(encoded.read_bytes())).all()
    assert {path.name for path in tmp_path.iterdir()} == {"in.png", name, "back.png"}, "no temporary file is left"


def test_a_line_says_what_was_written(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words("encode", png, tmp_path / "o.astc"))
    out = capsys.readouterr().out
    assert f"{tmp_path / 'o.astc'}: 40x24, astc 8x8, 256 bytes, 2.13 bit/px" in out


def test_figures_of_a_tiny_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((1, 1, 3), np.uint8))
    assert main(words("encode", tmp_path / "a.png", tmp_path / "a.jpg")) == 0
    shown = capsys.readouterr().out
    assert f" {8 * (tmp_path / 'a.jpg').stat().st_size} bit/px" in shown, "no powers of ten"


def test_lossless_is_lossless(png: Path, tmp_path: Path) -> None:
    assert main(words("encode", png, tmp_path / "o.jxs", "--lossless")) == 0
    assert main(words("decode", tmp_path / "o.jxs", tmp_path / "back.png")) == 0
    assert (cv2.imread(str(tmp_path / "back.png")) == cv2.imread(str(png))).all()


def test_a_rate_that_does_not_fit_is_said(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("encode", png, tmp_path / "o.jxs", "--bpp", "0.5")) == 1
    assert "in.png: bpp gives 60 bytes, too few for 40x24 pixels: the smallest possible bpp is" in capsys.readouterr().err
    assert not (tmp_path / "o.jxs").exists()


def test_weights_reach_the_stream(png: Path, tmp_path: Path) -> None:
    fields = codecs.header(codecs.make_codec("jxs", bpp=6).encode(picture()))
    gains = [1, *fields["G"][1:]]
    (tmp_path / "w.json").write_text(json.dumps({"gains": gains, "priorities": list(fields["P"]), "made by": "a test"}))
    assert main(words("encode", png, tmp_path / "o.jxs", "--bpp", "6", "--weights", tmp_path / "w.json")) == 0
    assert list(codecs.header((tmp_path / "o.jxs").read_bytes())["G"]) == gains


def test_grey_stays_grey_and_transparency_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), picture()[..., 0])
    assert main(words("encode", tmp_path / "grey.png", tmp_path / "grey.jpg")) == 0
    assert len(codecs.header((tmp_path / "grey.jpg").read_bytes())["components"]) == 1
    assert capsys.readouterr().err == ""
    see_through = np.dstack([picture()[..., ::-1], np.full((24, 40), 100, np.uint8)])
    cv2.imwrite(str(tmp_path / "see.png"), see_through)
    assert main(words("encode", tmp_path / "see.png", tmp_path / "see.astc")) == 0
    assert "see.png: its transparency is dropped" in capsys.readouterr().err
    assert (tmp_path / "see.astc").read_bytes() == bytes(codecs.make_codec("astc").encode(picture()))


def test_folders_keep_their_shape(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("encode", folder, tmp_path / "enc", "--codec", "astc", "-r")) == 0
    assert sorted(str(p.relative_to(tmp_path / "enc")) for p in (tmp_path / "enc").rglob("*.*")) == ["a.astc", "b.astc", "sub/c.astc"]
    assert "3 files: astc 8x8, 768 bytes" in capsys.readouterr().out
    assert main(words("decode", tmp_path / "enc", tmp_path / "enc/sub/c.astc", tmp_path / "dec")) == 0
    assert sorted(p.name for p in (tmp_path / "dec").iterdir()) == ["a.png", "b.png", "c.png"]


def test_nothing_is_overwritten_unasked(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "enc"
    out.mkdir()
    (out / "b.astc").write_bytes(b"mine")
    command = words("encode", folder, out, "--codec", "astc")
    assert main(command) == 2
    assert "b.astc exists already; --force overwrites, --skip-existing leaves such files alone" in capsys.readouterr().err
    assert [p.name for p in out.iterdir()] == ["b.astc"], "not even the other file was written"
    assert main([*command, "--skip-existing"]) == 0
    assert "1 file, 1 left alone" in capsys.readouterr().out
    assert (out / "b.astc").read_bytes() == b"mine"
    assert (out / "a.astc").exists()
    assert main([*command, "--force"]) == 0
    assert codecs.info((out / "b.astc").read_bytes())["codec"] == "astc"
    with pytest.raises(SystemExit):
        main([*command, "--force", "--skip-existing"])


def test_one_bad_file_does_not_stop_the_others(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG no more")
    cv2.imwrite(str(folder / "deep.png"), np.zeros((4, 4), np.uint16))
    assert main(words("encode", folder, tmp_path / "enc", "--codec", "astc")) == 1
    shown = capsys.readouterr()
    assert f"plcv encode: {folder / 'a.png'}: no picture" in shown.err
    assert "deep.png: 16 bits a sample, expected 8" in shown.err
    assert "1 file:" in shown.out
    assert [p.name for p in (tmp_path / "enc").iterdir()] == ["b.astc"], "no half-written file is left"
    (tmp_path / "enc/bad.astc").write_bytes(codecs.astc.MAGIC)
    assert main(words("decode", tmp_path / "enc", tmp_path / "dec")) == 1
    assert "bad.astc: " in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "dec").iterdir()] == ["b.png"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["encode", "in.png", "out.gif"], "out.gif ends in .gif, expected one of .astc"),
        (["encode", "in.png", "out"], "out is a folder: name the codec with --codec"),
        (["encode", "in.png", "in.png"], "in.png ends in .png, expected one of .astc"),
        (["encode", "in.png", "out.astc", "--codec", "jpeg"], "out.astc ends in .astc, but --codec is jpeg"),
        (["encode", "in.png", "out.astc", "--quality", "7"], "--quality belongs to jpeg, the output is astc"),
        (["encode", "in.png", "out.astc", "--bpp", "3"], "--bpp belongs to jxs, the output is astc"),
        (["encode", "in.png", "out.jpg", "--no-raw-counts"], "--raw-counts belongs to jxs, the output is jpeg"),
        (["encode", "in.png", "out.jxs", "--preset", "fast"], "preset is 'fast', expected one of high, main, pruned"),
        (["encode", "in.png", "out.jxs", "--bpp", "0"], "bpp is 0.0, expected a number above 0"),
        (["encode", "in.png", "out.jxs", "--weights", "in.png"], "weights file in.png is not JSON"),
        (["encode", "in.png", "out.astc", "--block", "9x9"], "block is (9, 9), expected one of (8, 8), (12, 12)"),
        (["encode", "in.png", "out.jpg", "--quality", "700"], "quality is 700, expected an int from 1 to 100"),
        (["encode", "in.png", "in.png", "out.astc"], "out.astc is one file, expected a folder for 2 inputs"),
        (["encode", ".", "out.astc"], "out.astc is one file, expected a folder for the files of ."),
        (["encode", "no.png", "out.astc"], "no.png: no such file"),
        (["encode", "in.png", "in.png", "out", "--codec", "astc"], "in.png and in.png would both become out/in.astc"),
        (["encode", "empty", "out", "--codec", "astc"], "empty holds no file that ends in .png"),
        (["decode", "in.png", "out.ppm", "--planes"], "out.ppm ends in .ppm, expected one of .png, .tif"),
        (["decode", "in.png", "out.jpg"], "out.jpg ends in .jpg, expected one of .png, .ppm"),
        (["decode", "in.png", "in.png", "--force"], "in.png is input and output at once"),
        (["info", "empty"], "empty holds no file that ends in .astc"),
    ],
)
@pytest.mark.usefixtures("png")
def test_wrong_usage(command: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(command) == 2
    assert message in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"in.png", "empty"}


def test_decode_refuses_large_pictures(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words("encode", png, tmp_path / "o.astc"))
    assert main(words("decode", tmp_path / "o.astc", tmp_path / "o.png", "--max-pixels", 959)) == 1
    assert "expected at most max_pixels = 959" in capsys.readouterr().err


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.bin"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), batch.replacing(target) as path:
        path.write_bytes(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def environment() -> dict[str, str]:
    """For a process that shall find this package, installed or not, wherever it runs."""
    path = os.pathsep.join([str(Path(batch.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path}


def run_plcv(command: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    """A shell's command line in which ``plcv`` is this package's."""
    text = f'set -o pipefail; plcv() {{ "{sys.executable}" -m plcv_ros.cli.main "$@"; }}; {command}'
    return subprocess.run(["bash", "-c", text], cwd=cwd, capture_output=True, check=False, timeout=120, env=environment(), **options)


def test_standard_input_and_output(png: Path, tmp_path: Path) -> None:
    main(words("encode", png, tmp_path / "o.jxs", "--lossless"))
    piped = run_plcv("plcv encode - - --codec jxs --lossless < in.png | tee piped.jxs | plcv decode - - > piped.png", tmp_path)
    assert piped.returncode == 0, piped.stderr
    assert (tmp_path / "piped.jxs").read_bytes() == (tmp_path / "o.jxs").read_bytes()
    assert np.array_equal(cv2.imread(str(tmp_path / "piped.png"))[..., ::-1], picture())
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("plcv encode in.png -", 2, "the output is standard output: name the codec with --codec"),
        ("plcv encode - folder --codec astc < in.png", 2, "the input is standard input: name a file as the output"),
        ("echo no picture | plcv encode - o.astc", 1, "plcv encode: standard input: "),
        ("echo nothing | plcv decode - o.png", 1, "plcv decode: standard input: payload of 8 bytes"),
        ("plcv encode in.png o.jxs --lossless >/dev/null && cat o.jxs o.jxs | plcv decode - -", 1, "2 pictures, expected one for standard output"),
        ("plcv encode in.png - --codec astc > /dev/full", 1, "plcv encode: standard output cannot be written: No space left on device"),
        ("plcv params > /dev/full", 1, "plcv params: standard output cannot be written: No space left on device"),
    ],
)
def test_what_streams_cannot_do_is_one_line(png: Path, tmp_path: Path, command: str, status: int, message: str) -> None:
    done = run_plcv(command, tmp_path)
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (status, 1), said
    assert message in said


@pytest.mark.parametrize("command", ["params", "--help", "encode --help", "info o.jxs", "info o.jxs --json", "encode in.png - --codec astc"])
def test_a_closed_pipe_ends_quietly(png: Path, tmp_path: Path, command: str) -> None:
    main(words("encode", png, tmp_path / "o.jxs", "--lossless"))
    reader, writer = os.pipe()
    os.close(reader)
    try:
        words_ = [sys.executable, "-m", "plcv_ros.cli.main", *command.split()]
        done = subprocess.run(words_, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=120, env=environment())
    finally:
        os.close(writer)
    assert done.stderr == b""
    # Some versions of argparse swallow the failed write of a help text; rich ends with 1 by itself.
    assert done.returncode in {"--help": (0, 141), "encode --help": (0, 141), "info o.jxs": (1, 141)}.get(command, (141,))


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_a_full_disk_is_named_once_and_leaves_no_half_file(folder: Path, tmp_path: Path, command: str) -> None:
    source = folder
    if command == "decode":
        main(words("encode", "-r", folder, tmp_path / "encoded", "--codec", "astc"))
        source = tmp_path / "encoded"
    out = tmp_path / "full"
    out.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(out)], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("a small tmpfs cannot be mounted: not root")
    try:
        with contextlib.suppress(OSError):
            (out / "filler").write_bytes(bytes(8192))
        done = run_plcv(f"plcv {command} -r {source} {out} {'--codec astc' if command == 'encode' else ''}", tmp_path)
        left = {path.name for path in out.iterdir()} - {"filler"}
    finally:
        subprocess.run(["umount", str(out)], check=True)
    said = done.stderr.decode()
    assert done.returncode == 1 and said.count("\n") == 1, said
    assert f"plcv {command}: {out}/a." in said and "cannot be written: No space left on device; 2 more are not written" in said
    assert left == set()


def test_an_output_below_a_file_is_named(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(words("encode", png, tmp_path / "file/o.astc")) == 1
    assert capsys.readouterr().err == f"plcv encode: {tmp_path}/file/o.astc cannot be written: {os.strerror(errno.EEXIST)}\n"


def test_info(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("o.astc", "o.jpg"):
        main(words("encode", png, tmp_path / name))
    capsys.readouterr()
    assert main(words("info", tmp_path / "o.astc", tmp_path / "o.jpg")) == 0
    shown = capsys.readouterr().out
    for text in ("astc 8x8, 40x24, 256 bytes, 2.133 bit/px", "block_x", "width of a block", "baseline DCT", "horizontal 2", "quantization_table_1"):
        assert text in shown.replace("\n", " ") or text in shown
    assert main(words("info", tmp_path, "--json")) == 0
    astc, jpeg = json.loads(capsys.readouterr().out)
    assert astc["header"] == {"magic": "13aba15c", "block_x": 8, "block_y": 8, "block_z": 1, "width": 40, "height": 24, "depth": 1}
    assert jpeg["header"]["components"][0] == {"id": 1, "horizontal": 2, "vertical": 2, "quantization_table": 0}
    assert len(jpeg["header"]["quantization_table_0"]) == 64
    assert (jpeg["codec"], jpeg["width"], jpeg["height"], jpeg["bytes"]) == ("jpeg", 40, 24, (tmp_path / "o.jpg").stat().st_size)


def test_info_counts_the_blocks_of_astc_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    payload = bytearray(codecs.make_codec("astc").encode(np.zeros((24, 40, 3), np.uint8)))
    payload[16:32] = bytes.fromhex("fcfdffffffffffff") + bytes(8)  # a void extent
    payload[32:48] = bytes.fromhex("fcffffffffffffff") + bytes(8)  # one in floating point
    payload[48:64] = bytes(16)
    (tmp_path / "o.astc").write_bytes(payload)
    assert main(words("info", tmp_path / "o.astc")) == 0
    shown = capsys.readouterr().out
    for text in (
        "12 in the block mode of this package's encoder",
        "1 in other LDR block modes",
        "1 HDR (plcv decode refuses the file)",
        "1 error blocks",
    ):
        assert text in shown
    assert main(words("info", tmp_path / "o.astc", "--json")) == 0
    assert json.loads(capsys.readouterr().out)[0]["blocks"] == {"pruned": 12, "general": 1, "hdr": 1, "error": 1}
    assert main(words("decode", tmp_path / "o.astc", tmp_path / "o.png")) == 1
    assert "block 1 (8x8, at pixel 8, 0) is an HDR block" in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()
    payload[32:64] = payload[16:32] * 2
    (tmp_path / "o.astc").write_bytes(payload)
    assert main(words("decode", tmp_path / "o.astc", tmp_path / "o.png")) == 0


def test_info_of_files_that_are_wrong(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words("encode", png, tmp_path / "o.jpg"))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "o.jpg").read_bytes()[:30])
    capsys.readouterr()
    assert main(words("info", tmp_path / "cut.jpg", png, tmp_path / "none.astc", tmp_path / "o.jpg", "--json")) == 1
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)) == 1
    assert len(shown.err.splitlines()) == 3
    assert "none.astc: No such file" in shown.err
    assert "in.png: payload of" in shown.err


VECTORS = Path(__file__).parents[1] / "vectors" / "jpegxs"
MANIFEST = {vector["file"]: vector for vector in json.loads((VECTORS / "manifest.json").read_text())["vectors"]}


@pytest.mark.parametrize(
    "name",
    [
        "o01_gray_18x4_worked_example.jxs",
        "o08_gray12_lossless_64x33_h3v2.jxs",
        "o07_rgb_rct_lossless_75x51.jxs",
        "s23_rgb10_80x45.jxs",
        "s24_yuv422_12bit_90x40.jxs",
        "s18_yuv420_70x38_h2v2.jxs",
    ],
)
def test_planes_are_the_components_as_they_are(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vector = MANIFEST[name]
    assert main(words("decode", VECTORS / name, tmp_path / "p.png", "--planes")) == 0
    wide = vector["bit_depth"] > 8
    assert f"p_c0.png: {vector['width']}x{vector['height']}, {16 if wide else 8} bits" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == vector["components"]
    for c, expected in enumerate(vector["sha256_planes"]):
        plane = cv2.imread(str(tmp_path / f"p_c{c}.png"), cv2.IMREAD_UNCHANGED)
        assert plane.dtype == (np.uint16 if wide else np.uint8)
        assert hashlib.sha256(plane.astype("<u2" if wide else "u1").tobytes()).hexdigest() == expected


def test_every_frame_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "s29_rgb_two_frames.jxs"
    assert main(words("decode", VECTORS / name, tmp_path / "f.png")) == 0
    frames = [codecs.decode(part) for part in codecs.jpegxs.split((VECTORS / name).read_bytes())]
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["f_f0.png", "f_f1.png"]
    for k, frame in enumerate(frames):
        assert (cv2.imread(str(tmp_path / f"f_f{k}.png"))[..., ::-1] == frame).all()
    assert main(words("decode", VECTORS / name, tmp_path / "f.png")) == 2
    assert "f_f0.png" in capsys.readouterr().err, "what would be overwritten is known beforehand"
    assert main(words("decode", VECTORS / name, tmp_path / "p.tif", "--planes")) == 0
    assert len(list(tmp_path.glob("p_f?_c?.tif"))) == 6
    capsys.readouterr()
    assert main(words("info", VECTORS / name, "--json")) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert (facts["frames"], facts["bit_per_px"], facts["detail"]) == (2, 5.0, "5bpp")


def test_colour_is_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = VECTORS / "s14_yuv422_96x64_default.jxs"
    pictures = {}
    for colour in ("bt601-full", "bt601-limited"):
        assert main(words("decode", path, tmp_path / "c.png", "--colour", colour, "--force")) == 0
        pictures[colour] = cv2.imread(str(tmp_path / "c.png"))[..., ::-1]
        assert (pictures[colour] == codecs.decode(path.read_bytes(), colour=colour)).all()
    assert (pictures["bt601-full"] != pictures["bt601-limited"]).any()
    assert (pictures["bt601-full"] == codecs.decode(path.read_bytes())).all()
    capsys.readouterr()
    assert main(words("decode", path, tmp_path / "d.png", "--colour", "rgb")) == 1
    assert "components are subsampled" in capsys.readouterr().err


def test_planes_and_colour_are_for_jpeg_xs(png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words("encode", png, tmp_path / "o.astc"))
    assert main(words("decode", tmp_path / "o.astc", tmp_path / "p.png", "--planes")) == 1
    assert "--planes is for JPEG XS, this is astc" in capsys.readouterr().err
    assert main(words("decode", tmp_path / "o.astc", tmp_path / "p.png", "--colour", "rgb")) == 1
    assert "colour is 'rgb', expected None for astc" in capsys.readouterr().err
    assert not (tmp_path / "p.png").exists()


def test_damaged_codestreams_are_said_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = sorted(name for name, vector in MANIFEST.items() if vector["expect"] == "error")
    assert main(words("decode", *(VECTORS / name for name in bad), tmp_path / "out")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [Path(line.split(": ")[1]).name for line in lines] == bad
    assert not (tmp_path / "out").exists()


def test_info_of_jpeg_xs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("info", VECTORS)) == 1, "one of the invalid files has an invalid header"
    shown = capsys.readouterr()
    for name, vector in MANIFEST.items():
        if vector["expect"] == "ok":
            assert f"{name}: jxs " in shown.out
    for text in (
        "Qpih               1 ",
        "quantizer: uniform",
        "lossless",
        "reversible (RCT): components are R, G, B",
        "0x0080",
        "66x42 33x21 33x21",
        "DCO",
    ):
        assert text in shown.out
    assert "T1 " not in shown.out.split("o13_rgb_nlt1")[1].split("o0")[0].split("s01")[0], "the quadratic transform has no thresholds"


def test_info_names_profiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    payload = bytearray((VECTORS / "o04_rgb_rct_96x64.jxs").read_bytes())
    at = payload.index(b"\xff\x12") + 8
    payload[at : at + 4] = bytes.fromhex("4a402010")
    (tmp_path / "x.jxs").write_bytes(payload)
    assert main(words("info", tmp_path / "x.jxs")) == 0
    shown = capsys.readouterr().out
    assert "profile: High 444.12" in shown
    assert "level 4k-1, sublevel 12 bpp" in shown
