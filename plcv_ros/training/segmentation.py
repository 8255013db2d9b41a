# SPDX-License-Identifier: Apache-2.0
"""Training of a segmentation network: one flat loop, top to bottom.

Everything random is a function of (seed, step), so a run that was interrupted continues to the very same weights: the state file
``last.pt`` holds the network, the optimiser, the averaged network, torch's generator and the step. Two runs with one seed and other
codecs see the same crops in the same order: their scores may be compared in pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plcv_ros.labels import LabelSet
from plcv_ros.perception.checkpoint import IMAGENET_MEAN, IMAGENET_STD, Checkpoint, read_checkpoint, save_checkpoint
from plcv_ros.perception.deploy import fold_batch_norm, use_onednn
from plcv_ros.perception.memory import keep_freed_memory
from plcv_ros.perception.networks import build_network
from plcv_ros.perception.predictor import Predictor, place_network
from plcv_ros.training.augment import Augmentation
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import Degradation, parse_mixture
from plcv_ros.training.evaluate import evaluate
from plcv_ros.training.losses import class_weights, distillation_loss, segmentation_loss
from plcv_ros.training.parallel import Processes
from plcv_ros.training.run import (
    Sample,
    average_into,
    choose_kernels,
    cut_metrics,
    learning_rate,
    load_initial,
    origin,
    parameter_groups,
    read_state,
    write_metrics,
    write_state,
)


@dataclass
class Settings:
    """What a training run is, apart from its data. The defaults are the recipe of ``espnetv2_camvid_scenes``."""

    architecture: str = "espnetv2_fpn"
    arguments: dict[str, Any] = field(default_factory=lambda: {"scale": 2.0, "width": 128, "fine": 32})
    codecs: str = "original"
    """What training pictures go through, see :mod:`plcv_ros.training.degradations`; ``a+b`` draws one for each picture."""
    distillation: float = 0.0
    """Weight of the loss against the teacher, a frozen network that sees the clean picture (same crop, same light)."""
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
    mixed: bool = False
    """bfloat16 where it is safe (autocast): for CUDA."""
    threads: int = 0
    device: str = "cpu"
    stop_after: int = 0
    """Stop, resumable, after this many steps of this call; 0 = run to the end."""


def train(
    settings: Settings,
    datasets: list[Dataset],
    folder: Path,
    init: Path | None = None,
    teacher: Path | None = None,
    validation: list[Dataset] | None = None,
    validate_every: int = 5,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Sample], None] = lambda _: None,
    notes: Mapping[str, Any] | None = None,
    processes: Processes | None = None,
    cache: Path | None = None,
) -> Path:
    """Train on ``datasets`` and return the path of the checkpoint ``folder/model.safetensors`` (of the averaged weights).

    ``init`` is where the weights start: a checkpoint of this package (all of it, or its encoder where the rest does not fit) or a
    published ESPNetv2 ``.pth`` (the encoder). ``teacher`` is the checkpoint that ``settings.distillation`` refers to, by default ``init``.
    ``folder`` gets ``last.pt`` (the state to resume from), ``metrics.csv`` and the checkpoint; ``resume`` continues what lies there.
    ``stop`` is asked after every step; True ends the run, resumable. ``cache`` is a folder for payloads of the codecs.
    Scores on ``validation`` are through each of the codecs. Raises ValueError for settings and data that do not go together.
    """
    label_set = datasets[0].label_set
    if any(d.label_set != label_set for d in [*datasets, *(validation or [])]):
        raise ValueError(f"data sets with different classes: {', '.join(f'{d.name} ({d.label_set.name})' for d in datasets)}")
    teacher = teacher or init
    if settings.distillation and (teacher is None or teacher.suffix != ".safetensors"):
        raise ValueError("distillation needs a teacher: a checkpoint of this package, as initial weights or by itself")
    codecs = parse_mixture(settings.codecs, cache)
    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)
    processes = processes or Processes()

    network = build_network(settings.architecture, len(label_set), settings.arguments)
    averaged = build_network(settings.architecture, len(label_set), settings.arguments).requires_grad_(False).eval()
    if init is not None and not resume:
        load_initial(network, init)
    averaged.load_state_dict(network.state_dict())
    network = place_network(network, device)
    averaged = place_network(averaged, device)
    choose_kernels(network)
    guide = place_teacher(teacher, label_set, device) if settings.distillation and teacher is not None else None

    optimiser = torch.optim.AdamW(parameter_groups(network, settings.rate, settings.encoder_rate, settings.weight_decay), lr=settings.rate)
    bases = [group["lr"] for group in optimiser.param_groups]
    weights = class_weights(datasets, label_set).to(device)
    epoch_length = max(sum(round(len(d) * d.share) for d in datasets) // settings.batch, 1)
    steps = epoch_length * settings.epochs

    folder.mkdir(parents=True, exist_ok=True)
    state_path, metrics_path, model_path = folder / "last.pt", folder / "metrics.csv", folder / "model.safetensors"
    fingerprint = describe(settings, datasets)
    begin, seconds = 0, 0.0
    if resume:
        state = read_state(state_path, fingerprint)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["generator"])
        begin, seconds = state["step"], state["seconds"]
    if processes.rank == 0:
        cut_metrics(metrics_path, begin)
    parallel = processes.wrap(network, device)

    def save(step: int) -> None:
        state = {
            "fingerprint": fingerprint,
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "generator": torch.get_rng_state(),
            "step": step,
            "seconds": seconds,
        }
        write_state(state_path, state)
        training = {**fingerprint["settings"], "steps": step, "of_steps": steps, "seconds": round(seconds), **dict(notes or {})}
        rows = [{"name": d.name, "licence": d.licence, "pictures": len(d), "share": d.share} for d in datasets]
        metadata = {"codec": settings.codecs, **origin(rows, init), "scores": []}
        metadata["training"] = {**training, **metadata["training"]}
        save_checkpoint(model_path, Checkpoint(settings.architecture, settings.arguments, label_set, averaged.state_dict(), metadata=metadata))

    network.train()
    step, epoch_losses = begin, list[float]()
    while step < steps:
        started = time.perf_counter()
        rate = learning_rate(step, steps, settings.warmup)
        for group, base in zip(optimiser.param_groups, bases):
            group["lr"] = base * rate

        seen, clean, labels = batch(settings, datasets, codecs, step, epoch_length, device, processes)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.mixed):
            main, auxiliary = parallel(seen)
        main, auxiliary = main.float(), auxiliary.float()
        result = segmentation_loss((main, auxiliary), labels, weights, settings.overlap, settings.auxiliary)
        if guide is not None:
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=settings.mixed):
                told = guide(seen if clean is None else clean)
            result = result + settings.distillation * distillation_loss(main, told.float())
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
        scores = validate(averaged, settings, label_set, validation or [], codecs) if evaluated and processes.rank == 0 else {}
        halted = processes.any(stop() or bool(settings.stop_after and step - begin >= settings.stop_after))
        if processes.rank == 0:
            if within == 0:
                write_metrics(metrics_path, step, epoch, float(np.mean(epoch_losses)), rate * settings.rate, seconds, scores)
            report(Sample(step, steps, epoch, loss, rate * settings.rate, scores or None))
            if within == 0 or halted or step == steps:
                save(step)
        if within == 0:
            epoch_losses.clear()
        if halted:
            break
    processes.wait()
    return model_path


def batch(
    settings: Settings,
    datasets: list[Dataset],
    codecs: list[Degradation],
    step: int,
    epoch_length: int,
    device: torch.device,
    processes: Processes,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """What this process sees in one step: the pictures after their codecs, the same without (for distillation, where they differ), labels.

    Pictures are (N, 3, crop, crop) float32, normalised, channels last; labels (N, crop, crop) int64.
    """
    epoch, within = divmod(step, epoch_length)
    order = epoch_order(settings.seed, epoch, datasets)
    chosen = list(enumerate(order[within * settings.batch : (within + 1) * settings.batch]))
    wants_clean = settings.distillation > 0 and settings.codecs != "original"
    seen, clean, labels = [], [], []
    for position, (which, index) in processes.share(chosen):
        picture, truth = datasets[which][index]
        # A generator of its own, so that the codec drawn does not change the crop.
        codec = codecs[int(np.random.default_rng([settings.seed, step, position, 1]).integers(len(codecs)))]
        key = [settings.seed, step, position]
        image, target = settings.augmentation(codec(picture), truth, np.random.default_rng(key))
        seen.append(image)
        labels.append(target)
        if wants_clean:
            clean.append(settings.augmentation(picture, truth, np.random.default_rng(key))[0])
    return normalise(seen, device), normalise(clean, device) if clean else None, torch.from_numpy(np.stack(labels)).to(device).long()


def normalise(images: list[Any], device: torch.device) -> Tensor:
    """(H, W, 3) uint8 pictures of one size -> (N, 3, H, W) float32 with ImageNet's mean and spread, channels last."""
    pixels = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return ((pixels.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


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


def place_teacher(path: Path, label_set: LabelSet, device: torch.device) -> nn.Module:
    """The frozen network of a checkpoint; raises ValueError where it knows other classes."""
    checkpoint = read_checkpoint(path)
    if checkpoint.label_set.classes != label_set.classes:
        raise ValueError(f"teacher {path} knows the classes of {checkpoint.label_set.name}, the data has those of {label_set.name}")
    network = checkpoint.network()
    fold_batch_norm(network)
    if device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        use_onednn(network)
    return place_network(network, device)


def validate(network: nn.Module, settings: Settings, label_set: LabelSet, datasets: list[Dataset], codecs: list[Degradation]) -> dict[str, float]:
    """mIoU, 0..1, of the network as it stands on every data set through every codec; the key is both names, or the set's where there is no codec."""
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    predictor = Predictor(Checkpoint(settings.architecture, settings.arguments, label_set, tensors), settings.device)
    return {
        d.name if c.name == "original" else f"{d.name}, {c.name}": evaluate(predictor.predict, d, c).matrix.miou() for d in datasets for c in codecs
    }


def describe(settings: Settings, datasets: list[Dataset]) -> dict[str, Any]:
    """What a run is, as plain data: kept in the state file, so that a run is not continued as another one."""
    plain = asdict(settings)
    for transient in ("threads", "device", "stop_after"):
        del plain[transient]
    plain["augmentation"]["zoom"] = list(plain["augmentation"]["zoom"])
    return {"settings": plain, "data": [[d.name, len(d), d.share] for d in datasets]}
