# SPDX-License-Identifier: Apache-2.0
"""Networks that other libraries publish with their weights, as checkpoints: ``huggingface:NAME`` and ``torchvision:MODEL:WEIGHTS``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plcv_ros.labels import CITYSCAPES, LabelSet, class_list
from plcv_ros.perception.checkpoint import Checkpoint, read_checkpoint
from plcv_ros.perception.errors import CheckpointError
from plcv_ros.perception.networks import build_network
from plcv_ros.perception.networks.libraries import library, load_published, published_normalisation

KINDS = ("huggingface", "torchvision")


def is_published(name: str) -> bool:
    """Whether ``name`` asks for a network of another library."""
    return name.partition(":")[0] in KINDS and ":" in name


def open_checkpoint(name: str | Path) -> Checkpoint:
    """A checkpoint of this package by path or shipped name, or a published network; raises :class:`CheckpointError`."""
    return published_checkpoint(str(name)) if is_published(str(name)) else read_checkpoint(name)


def published_checkpoint(name: str) -> Checkpoint:
    """``huggingface:NAME``, ``torchvision:MODEL:WEIGHTS`` -> that network with its published weights and classes.

    For example ``huggingface:nvidia/segformer-b0-finetuned-cityscapes-512-1024`` (NAME may be a folder), or
    ``torchvision:lraspp_mobilenet_v3_large:COCO_WITH_VOC_LABELS_V1``. The weights come from where the library keeps or downloads them.
    Raises :class:`CheckpointError` naming what is wrong.
    """
    kind, _, rest = name.partition(":")
    try:
        architecture, arguments, classes, weights = _huggingface(rest) if kind == "huggingface" else _torchvision(rest)
        network = build_network(architecture, len(classes), arguments)
        load_published(network, weights)
        normalisation = published_normalisation(network, weights)
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{name}: {error}") from error
    label_set = CITYSCAPES if classes == CITYSCAPES.classes else class_list(rest.rpartition("/")[2], classes)
    return Checkpoint(
        architecture,
        arguments,
        _known(label_set),
        network.state_dict(),
        *normalisation,
        metadata={"codec": "original", "licence": "see its publisher"},
    )


def published_arguments(architecture: str, name: str) -> dict[str, Any]:
    """The arguments of ``huggingface`` or ``torchvision`` with which that network has the published weights ``name``; errors as in loading."""
    if architecture == "huggingface":
        try:
            return _huggingface(name)[1]
        except OSError as error:
            raise ValueError(f"published weights {name!r}: {error}") from error
    return {"model": name.partition("_Weights")[0].lower()} if architecture == "torchvision" else {}


def _known(label_set: LabelSet) -> LabelSet:
    if len(set(label_set.classes)) < len(label_set.classes):
        # Published tables repeat names now and then: the id makes them one's own.
        return class_list(label_set.name, tuple(f"{name} {i}" for i, name in enumerate(label_set.classes)))
    return label_set


def _huggingface(name: str) -> tuple[str, dict[str, Any], tuple[str, ...], str]:
    config = library("transformers", "transformers").AutoConfig.from_pretrained(name)
    plain = {key: value for key, value in config.to_diff_dict().items() if key not in {"id2label", "label2id", "num_labels", "architectures"}}
    return "huggingface", {"config": plain}, tuple(str(config.id2label[i]) for i in range(config.num_labels)), name


def _torchvision(text: str) -> tuple[str, dict[str, Any], tuple[str, ...], str]:
    model, _, weights = text.partition(":")
    models = library("torchvision.models", "torchvision")
    try:
        found = models.get_model_weights(model)[weights]
    except (ValueError, KeyError) as error:
        raise ValueError(f"torchvision has no segmentation weights {text!r}, expected MODEL:WEIGHTS ({error})") from error
    return "torchvision", {"model": model}, tuple(str(c) for c in found.meta["categories"]), str(found)
