# SPDX-License-Identifier: Apache-2.0
"""Segmentation networks of other libraries, where those are installed: torchvision's LR-ASPP and DeepLabV3, Hugging Face's SegFormer and others.

They are built here with fresh weights (from a checkpoint's header nothing is ever downloaded); ``plcv train segmentation --pretrained``
starts from published weights instead, through :func:`load_published`.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def library(name: str, package: str) -> Any:
    """The module ``name`` of the optional ``package``; raises ValueError saying how to install it."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # a torchvision built for another torch raises the latter
        raise ValueError(f"this network needs {package} ({error}); install it with: pip install {package}") from error


class _HalfResolution(nn.Module):
    """Another library's network with our contract: scores (N, classes, ceil(H/2), ceil(W/2)); a pair of main and auxiliary ones in training."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder: nn.Module

    def scores(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Main and auxiliary scores, at any resolution."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        main, auxiliary = self.scores(image)
        size = [(side + 1) // 2 for side in image.shape[-2:]]
        main = functional.interpolate(main, size=size, mode="bilinear", align_corners=False)
        return (main, auxiliary) if self.training else main


TORCHVISION = ("lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "deeplabv3_resnet101")


class TorchvisionSegmentation(_HalfResolution):
    """One of torchvision's segmentation networks, ``model`` being its name there. Raises ValueError where torchvision is not installed."""

    def __init__(self, classes: int, model: str = "lraspp_mobilenet_v3_large") -> None:
        super().__init__()
        if model not in TORCHVISION:
            raise ValueError(f"model {model!r}: expected one of {', '.join(TORCHVISION)}")
        build = getattr(library("torchvision.models.segmentation", "torchvision"), model)
        options = {} if model.startswith("lraspp") else {"aux_loss": True}
        network = build(weights=None, weights_backbone=None, num_classes=classes, **options)
        # The name under which the optimiser finds what starts from trained weights.
        self.encoder = network.backbone
        self.head = network.classifier
        self.side = getattr(network, "aux_classifier", None)
        self.lraspp = model.startswith("lraspp")

    def scores(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.encoder(image)
        main = self.head(features if self.lraspp else features["out"])
        return main, self.side(features["aux"]) if self.side is not None and self.training else main


class HuggingFaceSegmentation(_HalfResolution):
    """Any semantic-segmentation network of the transformers library that answers with ``logits``, SegFormer above all.

    ``config`` is its configuration as plain data, with ``model_type`` (as in a published ``config.json``); without one, SegFormer-B0.
    Raises ValueError where transformers is not installed or does not know the configuration.
    """

    def __init__(self, classes: int, config: dict[str, Any] | None = None) -> None:
        super().__init__()
        transformers = library("transformers", "transformers")
        values = {"model_type": "segformer", **(config or {}), "num_labels": classes}
        kind = values.pop("model_type")
        try:
            settings = transformers.AutoConfig.for_model(kind, **values)
            self.encoder = transformers.AutoModelForSemanticSegmentation.from_config(settings)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"transformers does not build a segmentation network of {kind!r}: {error}") from error

    def scores(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.encoder(pixel_values=image).logits
        return logits, logits


def load_published(network: nn.Module, name: str) -> None:
    """Load published weights by name into a network of this module, all tensors that fit: the number of classes may differ.

    For torchvision that is the name of its weights (``LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1``), for transformers
    that of a repository or a folder. Raises ValueError where they cannot be had.
    """
    if not isinstance(network, _HalfResolution):
        raise ValueError(f"{type(network).__name__} has no weights published under a name")  # noqa: TRY004  (a wish, not a type)
    try:
        if isinstance(network, HuggingFaceSegmentation):
            transformers = library("transformers", "transformers")
            published = {f"encoder.{k}": v for k, v in transformers.AutoModelForSemanticSegmentation.from_pretrained(name).state_dict().items()}
        else:
            tensors = library("torchvision.models", "torchvision").get_weight(name).get_state_dict(progress=False)
            places = {"backbone": "encoder", "classifier": "head", "aux_classifier": "side"}
            published = {f"{places[k.partition('.')[0]]}.{k.partition('.')[2]}": v for k, v in tensors.items()}
    except (OSError, KeyError) as error:
        raise ValueError(f"published weights {name!r}: {error}") from error
    expected = network.state_dict()
    fitting = {k: v for k, v in published.items() if k in expected and v.shape == expected[k].shape}
    if len(fitting) < len(expected) // 2:
        raise ValueError(f"published weights {name!r}: only {len(fitting)} of {len(expected)} tensors fit this network")
    with torch.no_grad():
        network.load_state_dict({**expected, **fitting})
