# SPDX-License-Identifier: Apache-2.0
"""The classifier: probabilities of the network as it was trained, and nothing else taken for one."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from plcv_ros.labels import class_list  # noqa: E402
from plcv_ros.perception import CheckpointError  # noqa: E402
from plcv_ros.perception.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from plcv_ros.perception.classifier import Classifier, load_classifier  # noqa: E402
from plcv_ros.perception.networks import build_network  # noqa: E402
from plcv_ros.perception.normalisation import IMAGENET_MEAN, IMAGENET_STD  # noqa: E402

MANY = class_list("many", tuple(f"class {i}" for i in range(1000)))


def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    arguments = {"scale": 0.5, "width": 32}
    return Checkpoint("espnetv2_classifier", arguments, MANY, build_network("espnetv2_classifier", len(MANY), arguments).state_dict())


def test_probabilities_are_the_networks(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 91, 3), dtype=np.uint8)
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, checkpoint())
    classifier = load_classifier(path, "cpu")
    assert classifier.label_set.classes == MANY.classes
    probabilities = classifier.probabilities(image[:, ::-1])
    assert probabilities.shape == (1000,)
    torch.set_warn_always(True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of pictures that cannot be written
        classifier.probabilities(np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape))
    torch.set_warn_always(False)
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)
    pixels = (image[:, ::-1] / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    with torch.inference_mode():
        wanted = checkpoint().network()(torch.from_numpy(pixels).permute(2, 0, 1)[None].float()).softmax(1)[0].numpy()
    assert np.allclose(probabilities, wanted, atol=2e-5)
    assert classifier.predict(image[:, ::-1]) == probabilities.argmax()


def test_other_pictures_and_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        Classifier(checkpoint()).predict(np.zeros((4, 4), np.uint8))
    arguments = {"scale": 0.5, "width": 8, "fine": 8}
    segmentation = Checkpoint("espnetv2_fpn", arguments, MANY, build_network("espnetv2_fpn", len(MANY), arguments).state_dict())
    save_checkpoint(tmp_path / "s.safetensors", segmentation)
    with pytest.raises(CheckpointError, match=r"s\.safetensors.*not a classification network"):
        load_classifier(tmp_path / "s.safetensors", "cpu")
