# SPDX-License-Identifier: Apache-2.0
"""Networks of other libraries: the same contract as ours where they are installed, a clear reason where they are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from plcv_ros.labels import CAMVID  # noqa: E402
from plcv_ros.perception import CheckpointError, load_predictor  # noqa: E402
from plcv_ros.perception.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from plcv_ros.perception.networks import build_network, libraries  # noqa: E402
from plcv_ros.perception.networks.libraries import TORCHVISION, load_published, normalisation_of  # noqa: E402
from plcv_ros.perception.normalisation import Normalisation  # noqa: E402
from plcv_ros.perception.published import is_published  # noqa: E402

MODELS = [*(("torchvision", {"model": model}) for model in TORCHVISION[:3]), ("huggingface", {}), ("huggingface", {"config": {"model_type": "dpt"}})]


@pytest.mark.parametrize(("name", "arguments"), MODELS)
def test_they_answer_as_ours_do(name: str, arguments: dict, tmp_path: Path) -> None:
    try:
        network = build_network(name, len(CAMVID), arguments)
    except ValueError as error:
        assert "install it with" in str(error)
        pytest.skip(str(error))
    pictures = torch.randn(2, 3, 384, 384)
    main, auxiliary = network.train()(pictures)
    assert main.shape == auxiliary.shape[:2] + main.shape[2:] == (2, 11, 192, 192)
    (main.mean() + auxiliary.mean()).backward()
    assert any(name.startswith("encoder.") for name, _ in network.named_parameters())
    if arguments.get("config"):
        return  # a transformer of one picture size
    save_checkpoint(tmp_path / "x.safetensors", Checkpoint(name, arguments, CAMVID, network.state_dict()))
    predictor = load_predictor(tmp_path / "x.safetensors", device="cpu", threads=1)
    assert predictor.predict(np.zeros((65, 97, 3), np.uint8)).shape == (65, 97)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(libraries.importlib, "import_module", missing)
    with pytest.raises(ValueError, match="pip install torchvision"):
        build_network("torchvision", 11, {})
    with pytest.raises(ValueError, match="pip install transformers"):
        build_network("huggingface", 11, {})


def test_wrong_wishes_are_explained() -> None:
    with pytest.raises(ValueError, match="expected one of lraspp_mobilenet_v3_large"):
        build_network("torchvision", 11, {"model": "vgg"})
    with pytest.raises(ValueError, match="does not take the arguments"):
        build_network("torchvision", 11, {"scale": 1})
    with pytest.raises(ValueError, match="no weights published"):
        load_published(build_network("espnetv2_fpn", 3, {"scale": 0.5, "width": 8, "fine": 8}), "imagenet")


def test_published_networks_by_name(tmp_path: Path) -> None:
    try:
        transformers = libraries.library("transformers", "transformers")
    except ValueError as error:
        pytest.skip(str(error))
    names = {0: "road", 1: "car", 2: "car"}
    config = transformers.SegformerConfig(num_labels=3, id2label=names, label2id={v: k for k, v in names.items()})
    saved = transformers.SegformerForSemanticSegmentation(config).eval()
    saved.save_pretrained(tmp_path / "own")
    predictor = load_predictor(f"huggingface:{tmp_path / 'own'}", device="cpu", threads=1)
    assert predictor.label_set.classes == ("road 0", "car 1", "car 2")
    assert predictor.label_set.name == "own"
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    wanted = torch.nn.functional.interpolate(saved(predictor.normalise(picture)).logits, (32, 48), mode="bilinear")
    assert torch.allclose(predictor.network(predictor.normalise(picture)), wanted, atol=1e-3)
    processor = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (tmp_path / "own" / "preprocessor_config.json").write_text(json.dumps(processor))
    other = load_predictor(f"huggingface:{tmp_path / 'own'}", device="cpu", threads=1)
    assert float(other.normalise(picture)[0, 1, 5, 7]) == pytest.approx((picture[5, 7, 1] / 255 - 0.5) / 0.25, abs=1e-5)
    (tmp_path / "own" / "preprocessor_config.json").write_text(json.dumps({"do_flip_channel_order": True}))
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json: do_flip_channel_order"):
        load_predictor(f"huggingface:{tmp_path / 'own'}", device="cpu", threads=1)


IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


@pytest.mark.parametrize(
    ("processor", "wanted"),
    [
        ({}, Normalisation()),
        (IMAGENET, Normalisation()),
        ({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}, Normalisation((0.5,) * 3, (0.5,) * 3)),
        ({**IMAGENET, "do_normalize": False}, Normalisation((0.0,) * 3, (1.0,) * 3)),
        ({"rescale_factor": 1 / 127.5, "image_mean": [1, 1, 1], "image_std": [1, 1, 1]}, Normalisation((0.5,) * 3, (0.5,) * 3)),
        ({"do_rescale": False, "image_mean": [127.5, 127.5, 127.5], "image_std": [51, 51, 51]}, Normalisation((0.5,) * 3, (0.2,) * 3)),
    ],
)
def test_image_processors_become_mean_and_spread(processor: dict, wanted: Normalisation) -> None:
    assert normalisation_of(processor) == Normalisation(*(pytest.approx(triple) for triple in wanted))


@pytest.mark.parametrize(
    ("processor", "reason"),
    [
        ({"do_flip_channel_order": True}, "blue first"),
        ({"image_mean": 0.5}, "image_mean is 0.5, expected three numbers"),
        ({"image_std": [1, 1, 0]}, "expected more than 0"),
        ({"rescale_factor": 0}, "expected more than 0"),
    ],
)
def test_image_processors_that_mean_and_spread_cannot_express(processor: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalisation_of(processor)


def test_published_names_that_are_none(tmp_path: Path) -> None:
    for name in (f"huggingface:{tmp_path / 'none'}", "torchvision:vgg:IMAGENET"):
        with pytest.raises(CheckpointError, match=name.partition(":")[0]):
            load_predictor(name, device="cpu", threads=1)
    assert not is_published("default")
    assert not is_published("torchvision")
