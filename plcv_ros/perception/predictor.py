# SPDX-License-Identifier: Apache-2.0
"""Prediction: a picture in, class ids out."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from plcv_ros.labels import MAX_PIXEL_CLASSES, LabelSet
from plcv_ros.perception.checkpoint import Checkpoint
from plcv_ros.perception.deploy import fold_batch_norm, use_onednn
from plcv_ros.perception.errors import CheckpointError
from plcv_ros.perception.memory import keep_freed_memory
from plcv_ros.perception.networks import check_task, resize_scores
from plcv_ros.perception.published import open_checkpoint
from plcv_ros.perception.tensors import tensor_of

WORKING_PIXELS = 640 * 360
"""Pictures of more than about twice as many pixels are shrunk before the network sees them."""


class Predictor:
    """A network ready to predict on one device.

    Any thread may call it: the work is done, one picture after the other, by a thread of its own. OpenMP keeps a pool of threads for
    every thread that asks it for parallel work, and two pools on the same cores slow each other (29 ms become 47 ms on two Zen 5 cores).
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", beside: Predictor | None = None, shrinks: bool = True) -> None:
        """``beside``: another predictor of the process, whose thread does this one's work too, for the reason above. ``shrinks``: whether
        large pictures are shrunk (:func:`shrink_factor`).

        Raises ValueError where the weights do not fit the architecture, or it is not one for segmentation.
        """
        check_task(checkpoint.architecture, "segmentation")
        if len(checkpoint.label_set) > MAX_PIXEL_CLASSES:
            raise ValueError(f"{len(checkpoint.label_set)} classes: label images tell {MAX_PIXEL_CLASSES} apart")
        self.label_set: LabelSet = checkpoint.label_set
        self.metadata: dict[str, Any] = checkpoint.metadata
        self.device = torch.device(device)
        self._worker: ThreadPoolExecutor = ThreadPoolExecutor(1, "predictor") if beside is None else beside._worker
        self.network: nn.Module = self._worker.submit(self._prepare, checkpoint).result()
        std = np.asarray(checkpoint.std, np.float32)
        self._scale = 1 / (255 * std)
        self._offset = -np.asarray(checkpoint.mean, np.float32) / std
        self._rows: dict[int, tuple[Tensor, Tensor]] = {}
        self._shrinks = shrinks

    def _prepare(self, checkpoint: Checkpoint) -> nn.Module:
        network = checkpoint.network()
        fold_batch_norm(network)
        if self.device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            use_onednn(network)
        return place_network(network, self.device)

    def warmup(self, height: int, width: int) -> None:
        """Predict one black picture of that size, so that the first real one is not slower than the others."""
        self.predict(np.zeros((height, width, 3), np.uint8))

    def predict(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 rgb8, any stride -> (H, W) uint8 class ids. Raises ValueError for another shape or dtype.

        Large pictures are segmented at a half, a third, ... of their size (:func:`shrink_factor`).
        """
        return self.predict_batch([image])[0]

    def predict_batch(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.uint8]]:
        """Pictures of one size in one pass of the network, as :meth:`predict` each. Raises ValueError where sizes differ, and for none."""
        for image in images:
            _check(image)
        shapes = sorted({image.shape[:2] for image in images})
        if len(shapes) != 1:
            raise ValueError(f"a batch of pictures of {len(shapes)} sizes {shapes}: expected pictures of one size")
        return self._worker.submit(lambda: list(self._pass(images)[1].numpy())).result()

    def predict_scores(self, image: npt.NDArray[np.uint8]) -> tuple[Tensor, npt.NDArray[np.uint8]]:
        """What :meth:`predict` decides by: class scores (1, C, h, w) float32 on the CPU, at the network's own resolution, and its answer."""
        _check(image)
        scores, labels = self._worker.submit(self._pass, [image]).result()
        return scores.float().cpu(), labels[0].numpy()

    def _pass(self, images: Sequence[npt.NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Scores (N, C, h, w) on the device and class ids (N, H, W) uint8 on the CPU."""
        height, width = images[0].shape[:2]
        factor = shrink_factor(height, width) if self._shrinks else 1
        with torch.inference_mode():
            each = [self.normalise(image) for image in images]
            if factor > 1:
                each = [shrink(pixels, factor) for pixels in each]
            pixels = each[0] if len(each) == 1 else torch.cat(each).contiguous(memory_format=torch.channels_last)
            scores: Tensor = self.network(pixels)
            labels = resize_scores(scores, *pixels.shape[-2:]).argmax(1).to(torch.uint8)
            if factor > 1:
                labels = labels.repeat_interleave(factor, 1).repeat_interleave(factor, 2)[:, :height, :width].contiguous()
            return scores, labels.cpu()

    def normalise(self, image: npt.NDArray[np.uint8]) -> Tensor:
        """(H, W, 3) uint8 -> (1, 3, H, W) float32, channels last, on the device."""
        height, width = image.shape[:2]
        if width not in self._rows:
            # Whole rows at a time: three values repeated over the row keep the inner loop long.
            self._rows = {width: tuple(torch.from_numpy(np.tile(v, width)).to(self.device) for v in (self._scale, self._offset))}  # type: ignore[dict-item]
        scale, offset = self._rows[width]
        pixels = tensor_of(image).to(self.device).view(height, width * 3)
        return torch.addcmul(offset, pixels.to(torch.float32), scale).view(1, height, width, 3).permute(0, 3, 1, 2)


def _check(image: npt.NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"image of shape {image.shape}, {image.dtype}: expected (H, W, 3) uint8")


def shrink_factor(height: int, width: int) -> int:
    """By which whole number a picture is shrunk before the network sees it: about :data:`WORKING_PIXELS` are left.

    The networks are trained on pictures of 480x360 to 640x360, enlarged up to 1.8 times; much larger ones show everything at a size they
    do not know, and take seconds where milliseconds count. On generated scenes, one thread, the shipped network: 1920x1080 84 % mIoU in
    53 ms shrunk, 74 % in 521 ms as it is; 1280x720 84 % in 50 ms shrunk, 88 % in 206 ms.
    """
    return max(round(math.sqrt(height * width / WORKING_PIXELS)), 1)


def shrink(pixels: Tensor, factor: int) -> Tensor:
    """(1, 3, H, W) -> (1, 3, ceil(H / factor), ceil(W / factor)): means of squares; the last row and column are repeated as needed."""
    height, width = pixels.shape[-2:]
    below, right = -height % factor, -width % factor
    if below or right:
        pixels = functional.pad(pixels, (0, right, 0, below), mode="replicate")
    mean = pixels.new_full((3, 1, factor, factor), 1 / factor**2)
    shrunk = functional.conv2d(pixels, mean, stride=factor, groups=3)
    return shrunk.contiguous(memory_format=torch.channels_last)


def place_network(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to ``device``, its weights in the channels-last order that convolutions are fastest with."""
    network = network.to(device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


DEVICES = ("cpu", "cuda", "mps", "xpu")
"""Kinds of devices that torch may have; of others its message lists twenty."""


def choose_device(device: str) -> str:
    """``auto`` -> ``cuda`` where torch finds a GPU, else ``cpu``; raises ValueError for a device that torch does not have."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        known = device.partition(":")[0] in DEVICES
        raise ValueError(f"device {device!r}: {str(error).splitlines()[0] if known else 'expected auto, cpu, cuda or cuda:<number>'}") from error
    return device


def available_cores() -> int:
    """Cores that this process may run on, where the system tells; all cores elsewhere."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_predictor(
    path_or_name: str | Path = "default", device: str = "auto", threads: int = 0, beside: Predictor | None = None, shrinks: bool = True
) -> Predictor:
    """Load a checkpoint by path or shipped name (``default``) onto ``device`` (``auto``, ``cpu``, ``cuda``, ``cuda:1``).

    Networks of other libraries go by the names of :mod:`plcv_ros.perception.published`.

    ``threads`` is the number of CPU threads torch uses, for the whole process; 0 takes half of the cores. All of them would be faster
    on an idle machine (29 instead of 44 ms on two cores), and several times slower as soon as decoder and DDS want one of them too.
    Memory settings of the C library change as well (:mod:`plcv_ros.perception.memory`). ``beside``, ``shrinks``: as of :class:`Predictor`.
    Raises :class:`CheckpointError` naming the path and the problem, ValueError for the device.
    """
    chosen = choose_device(device)
    if chosen == "cpu":
        keep_freed_memory()
    torch.set_num_threads(threads if threads > 0 else max(available_cores() // 2, 1))
    checkpoint = open_checkpoint(path_or_name)
    try:
        return Predictor(checkpoint, chosen, beside, shrinks)
    except ValueError as error:
        raise CheckpointError(f"{path_or_name}: {error}") from error
