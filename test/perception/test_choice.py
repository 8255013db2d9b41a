# SPDX-License-Identifier: Apache-2.0
"""Which checkpoint for which codec, by rule; and what the shipped ones say of themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plcv_ros.perception import CheckpointError
from plcv_ros.perception.choice import choose, specialists
from plcv_ros.perception.shipped import DEFAULT, KEY, Shipped, read_header, shipped

TRAINED_ON = {
    "clean": "original",
    "coarse": "astc:12x12:fast",
    "coarse_paper": "astc:12x12:paper",
    "fine": "astc:8x8:fast",
    "fine_vision": "astc:8x8:vision",
    "jpeg_48": "jpeg:48",
    "jpeg_87": "jpeg:87",
    "low": "jxs:main:2",
    "main": "jxs:main:3",
    "nosig": "jxs:main:3:nosig",
    "pruned": "jxs:pruned:3",
}


@pytest.mark.parametrize(
    ("frames", "name"),
    [
        ("original", "clean"),
        ("astc:8x8", "fine"),
        ("astc:8x8:paper", "fine"),
        ("astc:8x8:vision", "fine_vision"),
        ("astc:12x12:vision", "coarse"),
        ("astc:12x12", "coarse"),
        ("astc:12x12:paper", "coarse_paper"),
        ("astc:12x12:fine", "coarse"),
        ("astc:6x6", "mixture"),
        ("jxs:main:3", "main"),
        ("jxs:main:2.99", "main"),
        ("jxs:main:3:nosig", "nosig"),
        ("jxs:pruned:3", "pruned"),
        ("jxs:pruned:4", "pruned"),
        ("jxs:high:3", "main"),
        ("jxs:high:1.5", "low"),
        ("jxs:main:4.6", "mixture"),
        ("jxs:main:1.3", "mixture"),
        ("jpeg", "jpeg_87"),
        ("jpeg:50", "jpeg_48"),
        ("h264", "mixture"),
        ("", "mixture"),
        ("astc", "mixture"),
        ("jxs", "mixture"),
        ("jxs:main:nan", "mixture"),
        ("jxs:main:-3", "mixture"),
        ("jxs:main:inf", "mixture"),
    ],
)
def test_rules(frames: str, name: str) -> None:
    assert choose(frames, TRAINED_ON, "mixture") == name


def test_names_that_are_none_are_nobodys_choice() -> None:
    odd = {"a": "", "b": "astc", "c": "jxs:main:x", "d": "jxs", "e": "?"}
    for frames in ("original", "astc:8x8", "jxs:main:3", "?", ""):
        assert choose(frames, odd, "default") == "default"


def test_of_two_alike_the_default() -> None:
    assert choose("original", {"a": "original", "b": "original"}, "b") == "b"
    assert choose("original", {"b": "original", "a": "original"}, "c") == "a"


def test_specialists_can_take_the_defaults_place() -> None:
    def made(name: str, codec: str, kinds: tuple[str, ...] = ("camvid train", "scenes 1:2"), classes: tuple[str, ...] = ("road", "sky")) -> Shipped:
        first, *others = kinds
        data = [{"name": first}, *({"name": kind, "stage": "initial weights"} for kind in others)]
        return Shipped(Path(f"{name}.safetensors"), {"codec": codec, "data": data, "label_set": {"classes": [{"name": c} for c in classes]}})

    known = {
        each.name: each
        for each in (
            made("mixture", "original+astc:8x8:fast"),
            made("astc", "astc:8x8:fast"),
            made("free", "astc:8x8:fast", kinds=("scenes 1:2",)),
            made("other", "astc:12x12:fast", classes=("road",)),
        )
    }
    assert specialists(known, "mixture") == {"astc": "astc:8x8:fast"}


def test_shipped_headers() -> None:
    known = shipped()
    assert DEFAULT in known
    for name, each in known.items():
        assert each.path.stem == each.name == name
        assert each.codec
        assert each.classes
        assert each.kinds_of_data
        assert all(entry["licence"] in each.header["licence"] for entry in each.header["data"])
    # Several for one codec would leave it to chance which one is chosen.
    codecs = list(specialists(known).values())
    assert len(set(codecs)) == len(codecs)


def test_headers_are_those_that_torch_reads() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from plcv_ros.perception.checkpoint import read_checkpoint

    for name, each in shipped().items():
        checkpoint = read_checkpoint(name)
        assert checkpoint.metadata == {k: v for k, v in each.header.items() if k not in {"architecture", "label_set", "normalisation"}}
        assert checkpoint.label_set.classes == each.classes
        assert sum(p.numel() for p in checkpoint.network().parameters()) == each.parameters


def damaged(text: str | None, length: int | None = None) -> bytes:
    content = json.dumps({"__metadata__": {KEY: text}} if text is not None else {}).encode()
    return (len(content) if length is None else length).to_bytes(8, "little") + content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "unpack requires"),
        (b"\xff" * 40, "expected at most those of the file"),
        (damaged(None), "no 'plcv_ros' entry"),
        (damaged("[]"), "not a JSON object"),
        (damaged("{"), "Expecting"),
        (damaged('{"format": 2}'), "checkpoint format 2, this version reads 1"),
        ((5).to_bytes(8, "little") + b"[1,2]", "the header is not a JSON object"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=text) as caught:
        read_header(path)
    assert str(path) in str(caught.value)
    with pytest.raises(CheckpointError):
        shipped(tmp_path)
