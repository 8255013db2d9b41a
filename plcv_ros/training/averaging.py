# SPDX-License-Identifier: Apache-2.0
"""One network for several codecs without training one: the mean of the weights of networks that were trained from the same start.

Networks fine-tuned from the same weights lie so close together that their mean answers as well as they do (Wortsman et al., "Model soups",
ICML 2022), each of them having seen another codec's frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from plcv_ros.perception.checkpoint import Checkpoint


def average(groups: Sequence[Mapping[str, Checkpoint]], codec: str, notes: Mapping[str, Any] | None = None) -> Checkpoint:
    """The mean of all tensors, batch statistics among them: each group counts the same, and so does each checkpoint of a group (by name).

    ``codec`` is what the result counts as trained on; ``notes`` are further entries of the header's ``training``. The rest of the header is the
    first checkpoint's, whose data and start all must share. Raises ValueError where they cannot be averaged.
    """
    named = [(name, each, 1 / len(groups) / len(group)) for group in groups for name, each in group.items()]
    if not named:
        raise ValueError("nothing to average")
    first = named[0][1]
    for name, each, _ in named:
        if _kind(each) != _kind(first):
            raise ValueError(f"{name} is not the same network for the same classes as {named[0][0]}")
        if _start(each) != _start(first):
            raise ValueError(f"{name} was not trained on the same data from the same start as {named[0][0]}: their mean would be no network")
    tensors = {}
    for key, tensor in first.tensors.items():
        if tensor.is_floating_point():
            tensors[key] = torch.stack([each.tensors[key].float() * share for _, each, share in named]).sum(0)
        else:
            tensors[key] = tensor.clone()
    training = {**first.metadata["training"], "codecs": codec, **(notes or {}), "averaged": [name for name, _, _ in named]}
    metadata = {**first.metadata, "codec": codec, "training": training, "scores": []}
    return Checkpoint(first.architecture, first.arguments, first.label_set, tensors, first.mean, first.std, metadata=metadata)


def _kind(checkpoint: Checkpoint) -> tuple[Any, ...]:
    return checkpoint.architecture, checkpoint.arguments, checkpoint.label_set, checkpoint.mean, checkpoint.std


def _start(checkpoint: Checkpoint) -> tuple[Any, ...]:
    return checkpoint.metadata.get("training", {}).get("initial_weights"), checkpoint.metadata.get("data")
