# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is written is read again, and every damaged or foreign file is a CheckpointError naming the path."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import load_file, save_file  # noqa: E402

from plcv_ros.labels import CAMVID  # noqa: E402
from plcv_ros.perception import CheckpointError, load_predictor  # noqa: E402
from plcv_ros.perception.checkpoint import Checkpoint, read_checkpoint, save_checkpoint  # noqa: E402
from plcv_ros.perception.networks import build_network  # noqa: E402
from plcv_ros.perception.shipped import KEY  # noqa: E402

SMALL = {"scale": 0.5, "width": 16, "fine": 8}


def small_checkpoint() -> Checkpoint:
    torch.manual_seed(3)
    network = build_network("espnetv2_fpn", len(CAMVID), SMALL)
    return Checkpoint("espnetv2_fpn", dict(SMALL), CAMVID, network.state_dict(), metadata={"codec": "original", "scores": [{"miou": 0.5}]})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "small.safetensors"
    save_checkpoint(path, small_checkpoint())
    return path


def header_of(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"][KEY])


def rewrite(source: Path, target: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """A copy of a checkpoint with its header and tensors changed."""
    header, tensors = header_of(source), load_file(source)
    change(header, tensors)
    save_file(tensors, target, {KEY: json.dumps(header)})
    return target


def test_round_trip(written: Path) -> None:
    before, after = small_checkpoint(), read_checkpoint(written)
    assert (after.architecture, after.arguments) == (before.architecture, before.arguments)
    assert (after.label_set.name, after.label_set.classes, after.label_set.colours) == (CAMVID.name, CAMVID.classes, CAMVID.colours)
    assert (after.mean, after.std) == (before.mean, before.std)
    assert after.metadata["codec"] == "original"
    assert after.metadata["scores"] == [{"miou": 0.5}]
    assert after.metadata["version"]
    assert after.tensors.keys() == before.tensors.keys()
    for name, tensor in before.tensors.items():
        stored = tensor.half() if tensor.ndim > 1 else tensor
        assert torch.equal(after.tensors[name], stored), name


def test_half_precision_changes_next_to_nothing(written: Path) -> None:
    image = torch.rand(1, 3, 48, 64)
    checkpoint = small_checkpoint()
    with torch.inference_mode():
        exact = checkpoint.network()(image)
        stored = read_checkpoint(written).network()(image)
    assert (exact - stored).abs().max() < 0.02 * exact.abs().max()


def test_written_files_can_be_read_by_others(written: Path) -> None:
    assert written.stat().st_mode & 0o044


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.safetensors.*no such checkpoint"):
        load_predictor(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match=r"nosuchname.*shipped ones: default"):
        load_predictor("nosuchname")


def test_directory_is_not_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        load_predictor(tmp_path)


def drop_tensor(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    del tensors["classify.weight"]


def extra_tensor(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["surprise"] = torch.zeros(3)


def wrong_shape(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["classify.weight"] = torch.zeros(11, 9, 1, 1)


def wrong_type(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["classify.bias"] = torch.zeros(11, dtype=torch.int64)


def not_finite(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["classify.bias"] = torch.full((11,), float("nan"))


def set_header(**entries: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(header: dict[str, Any], _: dict[str, Any]) -> None:
        header.update(entries)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_tensor, "missing.*classify.weight"),
        (extra_tensor, "unknown.*surprise"),
        (wrong_shape, r"'classify.weight' has shape \(11, 9, 1, 1\)"),
        (wrong_type, "'classify.bias' is torch.int64"),
        (not_finite, "'classify.bias' holds values that are not finite"),
        (set_header(format=2), "format 2"),
        (set_header(architecture="espnetv2_fpn"), "'architecture'"),
        (set_header(architecture={"name": "resnet9000", "arguments": {}}), "unknown architecture 'resnet9000'"),
        (set_header(architecture={"name": "espnetv2_fpn", "arguments": {"depth": 3}}), "depth"),
        (set_header(architecture={"name": "espnetv2_fpn", "arguments": {"scale": 7.0}}), "scale 7.0"),
        (set_header(architecture={"name": "espnetv2_fpn", "arguments": {"scale": [1]}}), "espnetv2_fpn|scale"),
        (set_header(architecture={"name": "espnetv2_fpn", "arguments": {**SMALL, "width": 10**12}}), "width"),
        (set_header(architecture={"name": "espnetv2_fpn", "arguments": {**SMALL, "width": "16"}}), "width"),
        (set_header(label_set={"classes": []}), "class table"),
        (set_header(label_set=None), "'label_set'"),
        (set_header(normalisation={"mean": [0, 0], "std": [1, 1, 1]}), "mean"),
        (set_header(normalisation={"mean": [0, 0, 0], "std": [1, 0, 1]}), "std"),
        (set_header(normalisation={"mean": [0, 0, "0"], "std": [1, 1, 1]}), "mean"),
    ],
)
def test_mismatches_name_path_and_problem(written: Path, tmp_path: Path, change: Any, said: str) -> None:
    path = rewrite(written, tmp_path / "changed.safetensors", change)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_predictor(path, device="cpu")
    assert str(path) in str(caught.value)


def test_files_of_others(written: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.safetensors"
    save_file({"x": torch.zeros(2)}, plain)
    with pytest.raises(CheckpointError, match=r"plain\.safetensors: no 'plcv_ros' entry"):
        load_predictor(plain)
    listed = tmp_path / "listed.safetensors"
    save_file({"x": torch.zeros(2)}, listed, {KEY: "[1, 2]"})
    with pytest.raises(CheckpointError, match="not a JSON object"):
        load_predictor(listed)
    broken = tmp_path / "broken.safetensors"
    save_file({"x": torch.zeros(2)}, broken, {KEY: "{"})
    with pytest.raises(CheckpointError, match=r"broken\.safetensors"):
        load_predictor(broken)
    pickled = tmp_path / "model.pth"
    torch.save({"x": torch.zeros(2)}, pickled)
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_predictor(pickled)


def test_truncation_anywhere(written: Path, tmp_path: Path) -> None:
    data = written.read_bytes()
    path = tmp_path / "cut.safetensors"
    for length in (0, 1, 7, 8, 9, 500, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"cut\.safetensors"):
            load_predictor(path)


def test_changed_header_bytes_never_crash(written: Path, tmp_path: Path) -> None:
    data = bytearray(written.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    random = np.random.default_rng(0)
    path = tmp_path / "changed.safetensors"
    for _ in range(150):
        changed = bytearray(data)
        for position in random.integers(0, 8 + length, 3):
            changed[position] = random.integers(0, 256)
        path.write_bytes(changed)
        try:
            read_checkpoint(path).network()
        except (CheckpointError, ValueError):
            continue
