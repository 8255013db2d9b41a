# SPDX-License-Identifier: Apache-2.0
"""Network definitions, found by the architecture name that a checkpoint carries. A network here is torch and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from plcv_ros.perception.networks.espnetv2_classifier import Espnetv2Classifier
from plcv_ros.perception.networks.espnetv2_fpn import Espnetv2Fpn
from plcv_ros.perception.networks.libraries import HuggingFaceSegmentation, TorchvisionSegmentation
from plcv_ros.requirements import check

SEGMENTATION: dict[str, Callable[..., nn.Module]] = {
    "espnetv2_fpn": Espnetv2Fpn,
    "torchvision": TorchvisionSegmentation,
    "huggingface": HuggingFaceSegmentation,
}
check(torch, "torch")  # with one line to the user, before an older one fails in the middle of a network
CLASSIFICATION: dict[str, Callable[..., nn.Module]] = {"espnetv2_classifier": Espnetv2Classifier}

NETWORKS = {**SEGMENTATION, **CLASSIFICATION}
"""Architecture name -> its class: called with ``classes`` and the architecture's own keyword arguments."""

STRIDE = 2
"""The networks answer at half resolution; :func:`resize_scores` brings their scores to the size of the picture."""


def build_network(name: str, classes: int, arguments: Mapping[str, Any], on: str = "cpu") -> nn.Module:
    """The network ``name`` with fresh weights (``on="meta"``: with none at all); raises ValueError naming what it does not accept."""
    if name not in NETWORKS:
        raise ValueError(f"unknown architecture {name!r}; this version knows {', '.join(sorted(NETWORKS))}")
    with torch.device(on):
        try:
            return NETWORKS[name](classes=classes, **arguments)
        except TypeError as error:
            raise ValueError(f"architecture {name!r} does not take the arguments {dict(arguments)!r}: {error}") from error


def task_of(name: str) -> str:
    """``segmentation`` or ``classification``: what the architecture ``name`` is for; raises ValueError for an unknown one."""
    if name not in NETWORKS:
        raise ValueError(f"unknown architecture {name!r}; this version knows {', '.join(sorted(NETWORKS))}")
    return "segmentation" if name in SEGMENTATION else "classification"


def check_task(name: str, task: str) -> None:
    """Raises ValueError where the architecture ``name`` is unknown, or not one for ``task``."""
    if task_of(name) != task:
        raise ValueError(f"architecture {name!r} is not a {task} network")


def resize_scores(scores: Tensor, height: int, width: int) -> Tensor:
    """Class scores (N, C, ceil(H/2), ceil(W/2)) -> (N, C, H, W), bilinear; odd sizes lose the row or column that was rounded up."""
    doubled = functional.interpolate(scores, scale_factor=float(STRIDE), mode="bilinear", align_corners=False)
    return doubled[..., :height, :width]
