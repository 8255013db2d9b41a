# SPDX-License-Identifier: Apache-2.0
"""Training of a segmentation network: one flat loop, top to bottom.

Everything random is a function of (seed, step), so a run that was interrupted continues to the very same weights: the state file
``last.pt`` holds the network, the optimiser, the averaged network, torch's generator and the step.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from plcv_ros.labels import IGNORE_INDEX, LabelSet
from plcv_ros.perception.checkpoint import IMAGENET_MEAN, IMAGENET_STD, Checkpoint, read_checkpoint, save_checkpoint
from plcv_ros.perception.memory import keep_freed_memory
from plcv_ros.perception.networks import build_network, resize_scores
from plcv_ros.perception.predictor import Predictor, place_network
from plcv_ros.training.augment import Augmentation
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.evaluate import evaluate


@dataclass
class Settings:
    """What a training run is, apart from its data. The defaults are the recipe of the shipped checkpoint."""

    architecture: str = "espnetv2_fpn"
    arguments: dict[str, Any] = field(default_factory=lambda: {"scale": 2.0, "width": 128, "fine": 32})
    epochs: int = 40
    batch: int = 8
    rate: float = 2e-3
    """Peak learning rate of the decoder."""
    encoder_rate: float = 0.5
    """The encoder's learning rate, as a share of ``rate``: it starts from trained weights."""
    weight_decay: float = 0.01
    warmup: int = 60
    """Steps of linear warm-up, at most a tenth of the run; the rate falls as (1 - progress) ** 0.9."""
    average: float = 0.997
    """Decay a step of the exponentially averaged weights, which are what is evaluated and shipped."""
    overlap: float = 0.5
    """Weight of the soft Jaccard loss beside cross-entropy."""
    auxiliary: float = 0.3
    """Weight of the loss of the scores at stride 8."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    threads: int = 0
    device: str = "cpu"
    stop_after: int = 0
    """Stop, resumable, after this many steps of this call; 0 = run to the end."""


@dataclass
class Sample:
    """What one step reports to ``report``: where it is, the loss, and scores where the step ended an evaluated epoch."""

    step: int
    steps: int
    epoch: int
    loss: float
    rate: float
    scores: dict[str, float] | None = None


def train(
    settings: Settings,
    datasets: list[Dataset],
    folder: Path,
    init: Path | None = None,
    validation: list[Dataset] | None = None,
    validate_every: int = 5,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Sample], None] = lambda _: None,
    notes: Mapping[str, Any] | None = None,
) -> Path:
    """Train on ``datasets`` and return the path of the checkpoint ``folder/model.safetensors`` (of the averaged weights).

    ``init`` is where the weights start: a checkpoint of this package (all of it) or a published ESPNetv2 ``.pth`` (the encoder).
    ``folder`` gets ``last.pt`` (the state to resume from), ``metrics.csv`` and the checkpoint; ``resume`` continues what lies there.
    ``stop`` is asked after every step; True ends the run, resumable. Raises ValueError for settings and data that do not go together.
    """
    label_set = datasets[0].label_set
    if any(d.label_set != label_set for d in [*datasets, *(validation or [])]):
        raise ValueError(f"data sets with different classes: {', '.join(f'{d.name} ({d.label_set.name})' for d in datasets)}")
    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)

    network = build_network(settings.architecture, len(label_set), settings.arguments)
    averaged = build_network(settings.architecture, len(label_set), settings.arguments).requires_grad_(False).eval()
    if init is not None and not resume:
        load_initial(network, init)
    averaged.load_state_dict(network.state_dict())
    network = place_network(network, device)
    averaged = place_network(averaged, device)

    optimiser = torch.optim.AdamW(parameter_groups(network, settings), lr=settings.rate)
    bases = [group["lr"] for group in optimiser.param_groups]
    weights = class_weights(datasets, label_set).to(device)
    epoch_length = max(sum(round(len(d) * d.share) for d in datasets) // settings.batch, 1)
    steps = epoch_length * settings.epochs
    warmup = max(min(settings.warmup, steps // 10), 1)

    folder.mkdir(parents=True, exist_ok=True)
    state_path, metrics_path, model_path = folder / "last.pt", folder / "metrics.csv", folder / "model.safetensors"
    fingerprint = describe(settings, datasets)
    begin, seconds, scores = 0, 0.0, dict[str, float]()
    if resume:
        state = read_state(state_path, fingerprint)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["generator"])
        begin, seconds, scores = state["step"], state["seconds"], state["scores"]
    cut_metrics(metrics_path, begin)

    def save(step: int) -> None:
        state = {
            "fingerprint": fingerprint,
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "generator": torch.get_rng_state(),
            "step": step,
            "seconds": seconds,
            "scores": scores,
        }
        partial = state_path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(state_path)
        training = {**fingerprint["settings"], "steps": step, "of_steps": steps, "seconds": round(seconds), **dict(notes or {})}
        metadata = {"codec": "original", **origin(datasets, init), "scores": []}
        metadata["training"] = {**training, **metadata["training"]}
        save_checkpoint(model_path, Checkpoint(settings.architecture, settings.arguments, label_set, averaged.state_dict(), metadata=metadata))

    network.train()
    step, epoch_losses = begin, list[float]()
    while step < steps:
        started = time.perf_counter()
        progress = step / steps
        rate = min((step + 1) / warmup, 1.0) * (1 - progress) ** 0.9
        for group, base in zip(optimiser.param_groups, bases):
            group["lr"] = base * rate

        images, labels = batch(settings, datasets, step, epoch_length, device)
        result = loss_of(network(images), labels, weights, settings)
        optimiser.zero_grad(set_to_none=True)
        result.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        step += 1
        average_into(averaged, network, min(settings.average, (1 + step) / (10 + step)))

        loss = float(result.detach())
        epoch_losses.append(loss)
        epoch, within = divmod(step, epoch_length)
        seconds += time.perf_counter() - started
        evaluated = within == 0 and bool(validation) and (epoch % validate_every == 0 or step == steps)
        if evaluated:
            scores = {d.name: score(averaged, settings, label_set, d) for d in validation or []}
        if within == 0:
            write_metrics(metrics_path, step, epoch, float(np.mean(epoch_losses)), rate * settings.rate, seconds, scores if evaluated else {})
            epoch_losses.clear()
        report(Sample(step, steps, epoch, loss, rate * settings.rate, scores if evaluated else None))
        halted = stop() or (settings.stop_after and step - begin >= settings.stop_after)
        if within == 0 or halted or step == steps:
            save(step)
        if halted:
            break
    return model_path


def batch(settings: Settings, datasets: list[Dataset], step: int, epoch_length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The pictures of one step: (N, 3, crop, crop) float32, normalised, channels last, and (N, crop, crop) int64."""
    epoch, within = divmod(step, epoch_length)
    order = epoch_order(settings.seed, epoch, datasets)
    chosen = order[within * settings.batch : (within + 1) * settings.batch]
    images, labels = [], []
    for position, (which, index) in enumerate(chosen):
        random = np.random.default_rng([settings.seed, step, position])
        image, truth = settings.augmentation(*datasets[which][index], random)
        images.append(image)
        labels.append(truth)
    pixels = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    normalised = (pixels.float() / 255 - mean) / std
    return normalised.contiguous(memory_format=torch.channels_last), torch.from_numpy(np.stack(labels)).to(device).long()


def epoch_order(seed: int, epoch: int, datasets: list[Dataset]) -> list[tuple[int, int]]:
    """(data set, picture) pairs of one epoch, shuffled: every data set gives its ``share``, and no picture twice before all once."""
    random = np.random.default_rng([seed, epoch])
    order: list[tuple[int, int]] = []
    for which, dataset in enumerate(datasets):
        wanted = round(len(dataset) * dataset.share)
        while wanted > 0:
            drawn = random.permutation(len(dataset))[:wanted]
            order.extend((which, int(index)) for index in drawn)
            wanted -= len(drawn)
    return [order[i] for i in random.permutation(len(order))]


def loss_of(scores: tuple[Tensor, Tensor], labels: Tensor, weights: Tensor, settings: Settings) -> Tensor:
    """Cross-entropy with class weights at full resolution, soft Jaccard, and cross-entropy of the auxiliary scores."""
    main, auxiliary = scores
    height, width = labels.shape[-2:]
    full = resize_scores(main, height, width)
    # All pixels of a batch may be unlabelled (small crops): the mean over none would be NaN.
    known = (labels != IGNORE_INDEX).sum().clamp_min(1)
    total = functional.cross_entropy(full, labels, weights, ignore_index=IGNORE_INDEX, reduction="sum") / known
    halved = labels[:, ::2, ::2]
    if settings.overlap:
        # At the resolution of the scores: a sum over regions gains nothing from interpolated pixels, and takes a quarter of the time.
        total = total + settings.overlap * soft_jaccard(main, halved)
    if settings.auxiliary:
        coarse = functional.interpolate(auxiliary, size=halved.shape[-2:], mode="bilinear", align_corners=False)
        side = functional.cross_entropy(coarse, halved, weights, ignore_index=IGNORE_INDEX, reduction="sum")
        total = total + settings.auxiliary * side / (known / 4)
    return total


def soft_jaccard(scores: Tensor, labels: Tensor) -> Tensor:
    """One minus the mean, over the classes in the batch, of the intersection over union of probabilities and truth."""
    known = (labels != IGNORE_INDEX).unsqueeze(1)
    probabilities = scores.softmax(1) * known
    truth = torch.zeros_like(probabilities).scatter_(1, labels.unsqueeze(1).clamp_max(scores.shape[1] - 1), 1.0) * known
    shared = (probabilities * truth).sum((0, 2, 3))
    actual = truth.sum((0, 2, 3))
    union = probabilities.sum((0, 2, 3)) + actual - shared
    present = actual > 0
    return 1 - (shared[present] / union[present]).mean() if bool(present.any()) else scores.sum() * 0


def class_weights(datasets: list[Dataset], label_set: LabelSet, pictures: int = 60) -> Tensor:
    """(C,) float32: square root of inverse frequency, the mean weight of a labelled pixel being 1; estimated on some pictures of each set."""
    frequency = np.zeros(len(label_set))
    for dataset in datasets:
        counts = np.zeros(256)
        for index in range(0, len(dataset), max(len(dataset) // pictures, 1)):
            counts += np.bincount(dataset[index][1].ravel(), minlength=256)
        frequency += counts[: len(label_set)] / max(counts[: len(label_set)].sum(), 1) * len(dataset) * dataset.share
    frequency /= frequency.sum()
    weights = 1 / np.sqrt(np.maximum(frequency, 1e-3))
    return torch.from_numpy((weights / (weights * frequency).sum()).astype(np.float32))


def parameter_groups(network: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Four groups: encoder or not (learning rate), convolution weights or not (weight decay spares norms, biases and PReLU slopes)."""
    groups = []
    for encoder in (True, False):
        for decays in (True, False):
            chosen = [p for name, p in network.named_parameters() if name.startswith("encoder.") == encoder and (p.ndim > 1) == decays]
            rate = settings.rate * (settings.encoder_rate if encoder else 1.0)
            groups.append({"params": chosen, "lr": rate, "weight_decay": settings.weight_decay if decays else 0.0})
    return groups


def average_into(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights and batch statistics a step towards the network's."""
    with torch.no_grad():
        for mean, value in zip(averaged.state_dict().values(), network.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def score(network: nn.Module, settings: Settings, label_set: LabelSet, dataset: Dataset) -> float:
    """mIoU, 0..1, of the network as it stands on ``dataset``."""
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    predictor = Predictor(Checkpoint(settings.architecture, settings.arguments, label_set, tensors), settings.device)
    return evaluate(predictor.predict, dataset).matrix.miou()


def load_initial(network: nn.Module, path: Path) -> None:
    """Start from a checkpoint of this package, or from a published ESPNetv2 file (``.pth``): then the encoder alone."""
    if path.suffix == ".safetensors":
        network.load_state_dict(
            {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in read_checkpoint(path).tensors.items()}
        )
        return
    published = torch.load(path, map_location="cpu", weights_only=True)
    prefix = "base_net."
    tensors = {name[len(prefix) :]: tensor for name, tensor in published.items() if name.startswith(prefix)}
    if not tensors:
        raise ValueError(f"{path}: no {prefix}* tensors, expected a published ESPNetv2 segmentation checkpoint")
    encoder = network.get_submodule("encoder")
    try:
        encoder.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path}: does not fit this encoder (another --scale?): {str(error).splitlines()[1].strip()}") from error


def origin(datasets: list[Dataset], init: Path | None) -> dict[str, Any]:
    """The header's ``data``, ``licence`` and ``training`` entries: weights inherit all that their initial weights were trained on."""
    data: list[dict[str, Any]] = [{"name": d.name, "licence": d.licence, "pictures": len(d), "share": d.share} for d in datasets]
    licences, training = [d.licence for d in datasets], dict[str, Any]()
    if init is not None and init.suffix == ".safetensors":
        before = read_checkpoint(init).metadata
        data += [{**entry, "stage": "initial weights"} for entry in before.get("data", [])]
        licences += str(before.get("licence", "")).split("; ")
        training = {"initial_weights": before.get("training", {})}
    elif init is not None:
        licences.append(f"initial encoder weights {init.name}: see their licence")
        training = {"initial_weights": init.name}
    return {"data": data, "licence": "; ".join(dict.fromkeys(licences)), "training": training}


def describe(settings: Settings, datasets: list[Dataset]) -> dict[str, Any]:
    """What a run is, as plain data: kept in the state file, so that a run is not continued as another one."""
    plain = asdict(settings)
    for transient in ("threads", "device", "stop_after"):
        del plain[transient]
    plain["augmentation"]["zoom"] = list(plain["augmentation"]["zoom"])
    return {"settings": plain, "data": [[d.name, len(d), d.share] for d in datasets]}


def read_state(path: Path, fingerprint: dict[str, Any]) -> dict[str, Any]:
    """The state to resume from; raises ValueError where there is none or it belongs to a run with other settings."""
    if not path.is_file():
        raise ValueError(f"{path}: nothing to resume")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["fingerprint"] != fingerprint:
        raise ValueError(f"{path} belongs to a run with other settings or data: {state['fingerprint']}, now {fingerprint}")
    return state


COLUMNS = ("step", "epoch", "loss", "rate", "seconds", "scores")


def write_metrics(path: Path, step: int, epoch: int, loss: float, rate: float, seconds: float, scores: dict[str, float]) -> None:
    """Append one row; ``scores`` as ``name=mIoU`` pairs."""
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
