# SPDX-License-Identifier: Apache-2.0
"""Picture files: one set of rules for depth, orientation, completeness, transparency and labels, whoever reads them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from PIL import ImageOps  # noqa: E402

from plcv_ros import codecs  # noqa: E402
from plcv_ros.camera import SourceError, open_source  # noqa: E402
from plcv_ros.cli.main import main  # noqa: E402
from plcv_ros.pictures import PictureError, decode_picture, read_labels, read_picture  # noqa: E402

Y, X = np.mgrid[:24, :40]
RGB = np.stack([40 + 3 * X, 60 + 5 * Y, 90 + X + Y], -1).astype(np.uint8)
IDS = np.where(X < 10, 3, np.where(Y < 8, 5, 1)).astype(np.uint8)


def saved(kind: str, orientation: int = 1, pixels: np.ndarray = RGB, mode: str | None = None, **options: object) -> bytes:
    """A picture file as Pillow writes it."""
    image = pil.fromarray(pixels)
    image = image.convert(mode) if mode else image
    if orientation != 1:
        exif = image.getexif()
        exif[0x112] = orientation
        options["exif"] = exif
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


LOSSLESS: dict[str, dict] = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}, "JPEG": {"quality": 95, "subsampling": 0}}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", LOSSLESS)
def test_pictures_are_turned_as_viewers_turn_them(kind: str, orientation: int) -> None:
    data = saved(kind, orientation, **LOSSLESS[kind])
    picture = decode_picture(data, "x")
    expected = np.asarray(ImageOps.exif_transpose(pil.open(io.BytesIO(data))).convert("RGB"))
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.rgb8.astype(int) - expected).max() <= 1
    assert picture.orientation == orientation
    assert ("turned" in picture.note) == (orientation != 1)


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_jpeg_has_one_size_whichever_way(tmp_path: Path, orientation: int) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "p.jpg"
    path.write_bytes(saved("JPEG", orientation, quality=95))
    pixels = codecs.decode(path.read_bytes())
    out = np.empty_like(pixels)
    assert (codecs.decode(path.read_bytes(), out=out) == pixels).all()
    facts = codecs.info(path.read_bytes())
    assert (facts["height"], facts["width"]) == pixels.shape[:2] == ((40, 24) if orientation > 4 else (24, 40))
    assert codecs.header(path.read_bytes()).get("orientation", 1) == orientation
    assert main(["encode", str(path), str(tmp_path / "p.jxs"), "--lossless"]) == 0
    assert np.abs(codecs.decode((tmp_path / "p.jxs").read_bytes()).astype(int) - pixels).mean() < 2, "the exact and the fast DCT"
    assert main(["decode", str(path), str(tmp_path / "p.png")]) == 0
    assert (cv2.imread(str(tmp_path / "p.png"))[..., ::-1] == pixels).all()
    with open_source(str(tmp_path / "in")) as source:
        frame = source.read()
        assert frame is not None
        assert frame.image.shape == pixels.shape
        assert ("turned" in source.description) == (orientation != 1)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_are_refused(tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / f"deep{suffix}"
    cv2.imwrite(str(path), np.full((8, 9), 1500, np.uint16))
    with pytest.raises(PictureError, match=rf"deep\{suffix}: 16 bits a sample, expected 8"):
        read_picture(path)
    with pytest.raises(SourceError, match="16 bits a sample"):
        open_source(str(path.parent))
    assert main(["encode", str(path), str(tmp_path / "o.astc")]) == 1
    shown = capsys.readouterr().err
    assert shown.count(path.name) == 1
    assert "16 bits a sample" in shown


def test_other_depths() -> None:
    with pytest.raises(PictureError, match="float32"):
        decode_picture(cv2.imencode(".tif", np.zeros((8, 9), np.float32))[1], "x")
    twelve = bytearray(saved("JPEG"))
    twelve[twelve.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(PictureError, match="12 bits a sample, expected 8"):
        decode_picture(twelve, "x")
    shallow = decode_picture(b"P5 # four bits\n2 2\n15\n\x00\x05\x0a\x0f", "x")
    assert shallow.pixels.tolist() == [[0, 85], [170, 255]]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "PPM", "JPEG"])
def test_truncated_files_are_refused(kind: str, tmp_path: Path) -> None:
    data = saved(kind, pixels=np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8))
    decode_picture(data, "whole")
    for size in (0, 1, 12, len(data) // 2, len(data) - 40):
        with pytest.raises(PictureError, match=r"^cut: "):
            decode_picture(data[:size], "cut")
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(data[: len(data) // 2])
    assert main(["encode", str(path), str(tmp_path / "o.astc")]) == 1
    assert not (tmp_path / "o.astc").exists()


def test_colours() -> None:
    see_through = np.dstack([RGB, np.full((24, 40), 100, np.uint8)])
    for data, said in ((saved("PNG", pixels=see_through), "transparency"), (saved("PNG", pixels=np.dstack([RGB, RGB[..., :1] | 255])), "")):
        picture = decode_picture(data, "x")
        assert (picture.pixel_format, (picture.rgb8 == RGB).all()) == ("bgr8", True)
        assert said in picture.note
        assert bool(picture.note) == bool(said)
    assert "transparency is dropped; it is turned" in decode_picture(saved("PNG", 6, pixels=see_through), "x").note
    for kind in ("PNG", "JPEG", "TIFF"):
        assert decode_picture(saved(kind, mode="L"), "x").pixel_format == "mono8"
    palette = decode_picture(saved("PNG", pixels=IDS * 40, mode="P"), "x")
    assert (palette.pixel_format, palette.pixels.shape) == ("bgr8", (24, 40, 3))
    assert np.abs(decode_picture(saved("JPEG", mode="CMYK", quality=100), "x").rgb8.astype(int) - RGB).mean() < 4


def labelled(folder: Path, picture: bytes, labels: bytes, suffix: str = ".png") -> Path:
    for name, data in (("images", picture), ("labels", labels)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / f"a{suffix if name == 'images' else '.png'}").write_bytes(data)
    return folder / "labels" / "a.png"


TURNS = [(drawn_on, k) for drawn_on in ("stored pixels", "stored pixels, with Exif", "shown pixels") for k in range(1, 9)]
"""Without those of which the size does not tell what the labels were drawn on."""


@pytest.mark.parametrize(("drawn_on", "orientation"), [turn for turn in TURNS if turn[0] != "shown pixels" or turn[1] not in (2, 3, 4)])
def test_labels_lie_on_the_picture(tmp_path: Path, drawn_on: str, orientation: int) -> None:
    ids = np.asarray(ImageOps.exif_transpose(pil.open(io.BytesIO(saved("PNG", orientation, pixels=IDS)))))
    file = saved("PNG", pixels=ids if drawn_on == "shown pixels" else IDS, orientation=orientation if "Exif" in drawn_on else 1)
    path = labelled(tmp_path, saved("JPEG", orientation), file, ".jpg")
    assert (read_labels(path, read_picture(tmp_path / "images" / "a.jpg")) == ids).all()
    with open_source(str(tmp_path / "images")) as source:
        frame = source.read()
        assert frame is not None
        assert frame.labels is not None
        assert frame.labels.shape == frame.image.shape[:2]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (saved("PNG", pixels=IDS.T.copy()), r"shape \(40, 24\)"),
        (saved("PNG", pixels=IDS[:-1]), r"shape \(23, 40\)"),
        (saved("PNG"), "8-bit grey PNG"),
        (saved("PNG", pixels=np.dstack([IDS, IDS])), "8-bit grey PNG"),
        (cv2.imencode(".png", IDS.astype(np.uint16))[1].tobytes(), "16 bits a sample"),
        (saved("JPEG", pixels=IDS), "no PNG"),
        (saved("PNG", pixels=IDS)[:-30], "no picture"),
        (b"", "no PNG"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: bytes, said: str) -> None:
    path = labelled(tmp_path, saved("PNG"), labels)
    with pytest.raises(PictureError, match=rf"a\.png: .*{said}"):
        read_labels(path, decode_picture(saved("PNG"), "x"))
    with pytest.raises(SourceError, match=said):
        open_source(str(tmp_path / "images"))
    from plcv_ros.training.datasets import open_dataset

    with pytest.raises(ValueError, match=said):
        open_dataset(f"folder={tmp_path}").load(0)


def test_ids_of_few_bits_and_of_a_palette(tmp_path: Path) -> None:
    picture = decode_picture(saved("PNG"), "x")
    image = pil.new("P", (40, 24))
    image.putdata(IDS.ravel().tolist())
    image.putpalette([value for k in range(256) for value in (k * 7 % 256, 255 - k, k)])
    for bits in (8, 4):
        file = io.BytesIO()
        image.save(file, "PNG", bits=bits)
        assert (read_labels(labelled(tmp_path, saved("PNG"), file.getvalue()), picture) == IDS).all()
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), IDS % 2, [cv2.IMWRITE_PNG_BILEVEL, 1])
    assert (read_labels(path, picture) == IDS % 2).all()


def test_a_folder_passes_damaged_files_by(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"{k}.png").write_bytes(saved("PNG", pixels=RGB + np.uint8(k)) if k not in (0, 3) else saved("PNG")[: 60 + k])
    with open_source(str(tmp_path)) as source:
        assert (source.width, source.height) == (40, 24)
        frames = [source.read() for _ in range(4)]
    assert [None if f is None else (f.index, int(f.image[0, 0, 2]) - 40) for f in frames] == [(0, 1), (1, 2), (2, 4), None]
    assert source.damaged == 2
    assert "3.png" in source.damage
    with open_source(str(tmp_path), loop=True) as source:
        assert [int(f.image[0, 0, 2]) - 40 for f in (source.read() for _ in range(7)) if f] == [1, 2, 4, 1, 2, 4, 1]
        assert source.damaged == 2, "each file once"
        for path in tmp_path.iterdir():
            path.write_bytes(b"")
        with pytest.raises(SourceError, match="none of the 5 pictures"):
            source.read()
    with pytest.raises(SourceError, match=r"none of the 5 pictures .* can be used.*empty"):
        open_source(str(tmp_path))
