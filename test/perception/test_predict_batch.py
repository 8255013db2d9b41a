# SPDX-License-Identifier: Apache-2.0
"""Several pictures in one pass of the network."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from plcv_ros.labels import CAMVID  # noqa: E402
from plcv_ros.perception.checkpoint import Checkpoint  # noqa: E402
from plcv_ros.perception.networks import build_network  # noqa: E402
from plcv_ros.perception.predictor import Predictor  # noqa: E402


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.manual_seed(1)
    arguments = {"scale": 0.5, "width": 16, "fine": 8}
    network = build_network("espnetv2_fpn", len(CAMVID), arguments)
    return Predictor(Checkpoint("espnetv2_fpn", arguments, CAMVID, network.state_dict()))


@pytest.mark.parametrize(("height", "width"), [(90, 160), (33, 61), (720, 1280)])
def test_a_batch_is_its_pictures(predictor: Predictor, height: int, width: int) -> None:
    rng = np.random.default_rng(5)
    smooth = rng.integers(0, 256, (5, 6, 8, 3), np.uint8)
    images = [np.ascontiguousarray(np.kron(s, np.ones((-(-height // 6), -(-width // 8), 1), np.uint8))[:height, :width]) for s in smooth]
    batch = predictor.predict_batch(images)
    assert len({labels.tobytes() for labels in batch}) == len(batch), "the pictures differ, so must their labels"
    for image, labels in zip(images, batch):
        assert (labels.shape, labels.dtype) == ((height, width), np.uint8)
        # Other block sizes inside the convolutions round otherwise: a pixel between two classes may go either way.
        assert np.mean(labels == predictor.predict(image)) > 0.999


def test_sizes_must_agree(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match="2 sizes"):
        predictor.predict_batch([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 33, 3), np.uint8)])
    with pytest.raises(ValueError, match="0 sizes"):
        predictor.predict_batch([])
    with pytest.raises(ValueError, match="expected \\(H, W, 3\\)"):
        predictor.predict_batch([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), np.uint8)])
