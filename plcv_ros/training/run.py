# SPDX-License-Identifier: Apache-2.0
"""What every training run shares: its folder (state, metrics), its step reports, its optimiser groups, and where its weights come from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plcv_ros.perception.checkpoint import read_checkpoint
from plcv_ros.perception.networks.libraries import is_of_library, load_fitting, load_published, published_normalisation
from plcv_ros.perception.normalisation import Normalisation


@dataclass
class Sample:
    """What one step reports: where it is, the loss, and scores where the step ended an evaluated epoch."""

    step: int
    steps: int
    epoch: int
    loss: float
    rate: float
    scores: dict[str, float] | None = None


def learning_rate(step: int, steps: int, warmup: int) -> float:
    """Share of the peak rate: linear warm-up over ``warmup`` steps, at most a tenth of the run, then (1 - progress) ** 0.9."""
    warmup = max(min(warmup, steps // 10), 1)
    return float(min((step + 1) / warmup, 1.0) * (1 - step / steps) ** 0.9)


def parameter_groups(network: nn.Module, rate: float, encoder_rate: float, weight_decay: float) -> list[dict[str, Any]]:
    """Four groups: encoder or not (learning rate), convolution weights or not (weight decay spares norms, biases and PReLU slopes)."""
    groups = []
    for encoder in (True, False):
        for decays in (True, False):
            chosen = [p for name, p in network.named_parameters() if name.startswith("encoder.") == encoder and (p.ndim > 1) == decays]
            groups.append({"params": chosen, "lr": rate * (encoder_rate if encoder else 1.0), "weight_decay": weight_decay if decays else 0.0})
    return groups


def average_into(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights and batch statistics a step towards the network's."""
    with torch.no_grad():
        for mean, value in zip(averaged.state_dict().values(), network.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def load_initial(network: nn.Module, path: Path | None, published: str | None = None) -> str:
    """Load the weights to start from; returns what was loaded: ``all of ...``, ``the encoder of ...``, ``published ...`` or nothing.

    ``path`` is a checkpoint of this package (all of it; its encoder alone where the rest has other shapes, as for other classes) or a
    published ESPNetv2 file, ``.pth`` (the encoder); ``published`` names weights of another library's network. Raises ValueError.
    """
    if published:
        load_published(network, published)
        return f"published {published}"
    if path is None:
        return ""
    if path.suffix == ".safetensors":
        tensors = {name: t.float() if t.is_floating_point() else t for name, t in read_checkpoint(path).tensors.items()}
        expected = network.state_dict()
        if tensors.keys() == expected.keys() and all(tensors[name].shape == expected[name].shape for name in tensors):
            network.load_state_dict(tensors)
            return f"all of {path.name}"
        if is_of_library(network):
            # Their classifier may be part of what is called the encoder here.
            load_fitting(network, tensors, path.name)
            return f"what fits of {path.name}"
        tensors = {name.removeprefix("encoder."): t for name, t in tensors.items() if name.startswith("encoder.")}
    else:
        prefix = "base_net."
        file = torch.load(path, map_location="cpu", weights_only=True)
        tensors = {name.removeprefix(prefix): tensor for name, tensor in file.items() if name.startswith(prefix)}
        if not tensors:
            raise ValueError(f"{path}: no {prefix}* tensors, expected a published ESPNetv2 segmentation checkpoint")
    _load_encoder(network, tensors, path)
    return f"the encoder of {path.name}"


def initial_normalisation(network: nn.Module, path: Path | None, published: str | None = None) -> Normalisation:
    """What the pixels of the weights that :func:`load_initial` loads are scaled by, ImageNet's mean and spread for fresh ones."""
    if published:
        return published_normalisation(network, published)
    if path is None or path.suffix != ".safetensors":
        return Normalisation()
    before = read_checkpoint(path)
    return Normalisation(before.mean, before.std)


def _load_encoder(network: nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    try:
        network.get_submodule("encoder").load_state_dict(tensors)
    except (RuntimeError, AttributeError) as error:
        reason = (str(error).splitlines()[1:] or [str(error)])[0].strip()
        raise ValueError(f"{path}: does not fit this encoder (another --scale?): {reason}") from error


def origin(data: list[dict[str, Any]], init: Path | None, published: str | None = None, teacher: Path | None = None) -> dict[str, Any]:
    """The header's ``data``, ``licence`` and ``training`` entries: weights inherit all that their initial weights were trained on, and that a
    ``teacher`` was which is not the same.

    ``data`` are rows with ``name``, ``licence``, ``pictures`` and ``share``; ``published`` names weights of another library.
    """
    data = list(data)
    licences, training = [str(d["licence"]) for d in data], dict[str, Any]()
    if init is not None and init.suffix == ".safetensors":
        before = read_checkpoint(init).metadata
        data += [{**entry, "stage": "initial weights"} for entry in before.get("data", [])]
        licences += str(before.get("licence", "")).split("; ")
        training = {"initial_weights": before.get("training", {})}
    elif published is not None:
        licences.append(f"initial weights {published}: see their publisher's licence")
        training = {"initial_weights": published}
    elif init is not None:
        licences.append(f"initial encoder weights {init.name}: see their licence")
        training = {"initial_weights": init.name}
    if teacher is not None:
        taught = read_checkpoint(teacher).metadata
        data += [{**entry, "stage": "teacher"} for entry in taught.get("data", [])]
        licences += str(taught.get("licence", "")).split("; ")
    return {"data": data, "licence": "; ".join(dict.fromkeys(filter(None, licences))), "training": training}


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace the state file at once, so that an interruption leaves the old or the new one."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def read_state(path: Path, fingerprint: dict[str, Any]) -> dict[str, Any]:
    """The state to resume from; raises ValueError where there is none or it belongs to a run with other settings."""
    if not path.is_file():
        raise ValueError(f"{path}: nothing to resume")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["fingerprint"] != fingerprint:
        raise ValueError(f"{path} belongs to a run with other settings or data: {'; '.join(differences(state['fingerprint'], fingerprint))}")
    return state


def differences(before: dict[str, Any], now: dict[str, Any], name: str = "") -> list[str]:
    """What two descriptions of a run do not share, ``NAME was X, is Y`` each."""
    found = []
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{name}{key}.")
        elif old != new:
            found.append(f"{(name + key).removeprefix('settings.')} was {old}, is {new}")
    return found


COLUMNS = ("step", "epoch", "loss", "rate", "seconds", "scores")


def write_metrics(path: Path, step: int, epoch: int, loss: float, rate: float, seconds: float, scores: dict[str, float]) -> None:
    """Append one row; ``scores`` as ``name=value`` pairs."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(COLUMNS)
        named = "; ".join(f"{name}={value:.4f}" for name, value in scores.items())
        writer.writerow([step, epoch, f"{loss:.5f}", f"{rate:.3e}", f"{seconds:.1f}", named])


def cut_metrics(path: Path, step: int) -> None:
    """Drop the rows of steps that are about to be done (again)."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    kept = [row for row in rows[1:] if row[0].isdigit() and int(row[0]) <= step]
    path.unlink()
    if kept:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *kept])
