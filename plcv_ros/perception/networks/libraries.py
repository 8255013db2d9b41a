# SPDX-License-Identifier: Apache-2.0
"""Segmentation networks of other libraries, where those are installed: torchvision's LR-ASPP and DeepLabV3, Hugging Face's SegFormer and others.

They are built here with fresh weights (from a checkpoint's header nothing is ever downloaded); ``plcv train segmentation --pretrained``
starts from published weights instead, through :func:`load_published`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from plcv_ros.perception.normalisation import IMAGENET_MEAN, IMAGENET_STD, Normalisation


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
    load_fitting(network, published, f"published weights {name!r}")


def is_of_library(network: nn.Module) -> bool:
    """Whether it is a network of this module."""
    return isinstance(network, _HalfResolution)


def load_fitting(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Load all tensors that ``network`` has under the same name and in the same shape; raises ValueError where those are less than half of it."""
    expected = network.state_dict()
    fitting = {k: v for k, v in tensors.items() if k in expected and v.shape == expected[k].shape}
    if len(fitting) < len(expected) // 2:
        raise ValueError(f"{name}: only {len(fitting)} of {len(expected)} tensors fit this network")
    with torch.no_grad():
        network.load_state_dict({**expected, **fitting})


def published_normalisation(network: nn.Module, name: str) -> Normalisation:
    """What the pixels of weights that :func:`load_published` loads are to be scaled by: ImageNet's mean and spread for torchvision, for
    transformers what the ``preprocessor_config.json`` beside the weights says, ImageNet's where there is none.

    Raises ValueError for a preprocessing that no mean and spread can express.
    """
    if not isinstance(network, HuggingFaceSegmentation):
        return Normalisation()
    # Without the option a file that is not there and a network that is down raise the same error.
    found = library("transformers.utils", "transformers").cached_file(name, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False)
    try:
        return Normalisation() if found is None else normalisation_of(json.loads(Path(found).read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"published weights {name!r}: preprocessor_config.json: {error}") from error


def normalisation_of(processor: Mapping[str, Any]) -> Normalisation:
    """The configuration of an image processor of the transformers library -> the same as mean and spread of pixels scaled to 0..1.

    Raises ValueError where they cannot express it.
    """
    if processor.get("do_flip_channel_order"):
        raise ValueError("do_flip_channel_order is set: networks that take blue first are not supported")
    normalises = processor.get("do_normalize", True)
    mean = processor.get("image_mean", IMAGENET_MEAN) if normalises else (0.0, 0.0, 0.0)
    std = processor.get("image_std", IMAGENET_STD) if normalises else (1.0, 1.0, 1.0)
    # One of a pixel's 255 steps as the library scales it, against a 255th here.
    factor = 255 * float(processor.get("rescale_factor", 1 / 255)) if processor.get("do_rescale", True) else 255.0
    for key, triple in (("image_mean", mean), ("image_std", std)):
        if not isinstance(triple, (list, tuple)) or len(triple) != 3:
            raise ValueError(f"{key} is {triple!r}, expected three numbers")
    if factor <= 0 or min(std) <= 0:
        raise ValueError(f"rescale_factor {processor.get('rescale_factor')!r} and image_std {std!r}: expected more than 0")
    return Normalisation(*((float(r) / factor, float(g) / factor, float(b) / factor) for r, g, b in (mean, std)))
