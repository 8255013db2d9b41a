# SPDX-License-Identifier: Apache-2.0
"""Classification: a picture in, the class of the whole picture out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from plcv_ros.perception.checkpoint import Checkpoint, find_checkpoint, read_checkpoint
from plcv_ros.perception.deploy import fold_batch_norm
from plcv_ros.perception.errors import CheckpointError
from plcv_ros.perception.networks import check_task
from plcv_ros.perception.predictor import choose_device, place_network
from plcv_ros.perception.tensors import tensor_of


class Classifier:
    """A classification network ready to predict on one device."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Raises ValueError where the weights do not fit the architecture, or it is not one for classification."""
        check_task(checkpoint.architecture, "classification")
        network = checkpoint.network()
        fold_batch_norm(network)
        self.label_set = checkpoint.label_set
        self.metadata = checkpoint.metadata
        self.device = torch.device(device)
        self.network = place_network(network, self.device)
        self._mean, self._std = (torch.tensor(v).view(1, 3, 1, 1).to(self.device) for v in (checkpoint.mean, checkpoint.std))

    def probabilities(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(H, W, 3) uint8 rgb8 -> (C,) float32, summing to 1. Raises ValueError for another shape or dtype."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"image of shape {image.shape}, {image.dtype}: expected (H, W, 3) uint8")
        with torch.inference_mode():
            pixels = tensor_of(image).to(self.device).permute(2, 0, 1)[None]
            scores = self.network((pixels.float() / 255 - self._mean) / self._std)
            return scores.softmax(1)[0].cpu().numpy()  # type: ignore[no-any-return]

    def predict(self, image: npt.NDArray[np.uint8]) -> int:
        """(H, W, 3) uint8 rgb8 -> the id of the most probable class."""
        return int(self.probabilities(image).argmax())


def load_classifier(path_or_name: str | Path, device: str = "auto", threads: int = 0) -> Classifier:
    """Load a classification checkpoint by path or shipped name onto ``device``; ``threads`` CPU threads for the process, 0 leaves torch's.

    Raises :class:`CheckpointError` naming the path and the problem, ValueError for the device.
    """
    chosen = choose_device(device)
    if threads > 0:
        torch.set_num_threads(threads)
    checkpoint = read_checkpoint(path_or_name)
    try:
        return Classifier(checkpoint, chosen)
    except ValueError as error:
        raise CheckpointError(f"{find_checkpoint(path_or_name)}: {error}") from error
