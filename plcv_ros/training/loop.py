# SPDX-License-Identifier: Apache-2.0
"""The training loop of every task: one flat loop, top to bottom.

Everything random is a function of (seed, step), so a run that was interrupted continues to the very same weights: the state file
``last.pt`` holds the network, the optimiser, the averaged network, torch's generator and the step. Two runs with one seed and other
codecs see the same crops in the same order: their scores may be compared in pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from plcv_ros.labels import LabelSet
from plcv_ros.perception.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from plcv_ros.perception.deploy import fold_batch_norm, use_onednn
from plcv_ros.perception.memory import keep_freed_memory
from plcv_ros.perception.networks import build_network, check_task
from plcv_ros.perception.normalisation import Normalisation
from plcv_ros.perception.predictor import place_network
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import Degradation, parse_mixture
from plcv_ros.training.kernels import choose_kernels
from plcv_ros.training.losses import distillation_loss
from plcv_ros.training.parallel import Processes
from plcv_ros.training.run import (
    Sample,
    average_into,
    cut_metrics,
    initial_normalisation,
    learning_rate,
    load_initial,
    origin,
    parameter_groups,
    read_state,
    write_metrics,
    write_state,
)
from plcv_ros.training.settings import Settings, describe

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Task:
    """What the loop does not know: how a picture's truth is augmented, what is lost, and how a network is scored."""

    name: str
    augment: Callable[[Settings, Image, Any, np.random.Generator], tuple[Image, Any]]
    """Picture and truth of a data set -> those of the batch, all of one size."""
    loss: Callable[[Settings, Any, Tensor, Tensor], Tensor]
    """Of (settings, what the network answers in training mode, truths (N, ...), class weights (C,))."""
    weigh: Callable[[list[Dataset], LabelSet], Tensor]
    """Class weights (C,) float32."""
    score: Callable[[Checkpoint, str, Dataset, Degradation], float]
    """Score, 0..1, of a checkpoint on a device, a data set and a codec."""


def train(
    task: Task,
    settings: Settings,
    datasets: list[Dataset],
    folder: Path,
    init: Path | None = None,
    published: str | None = None,
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
    published ESPNetv2 ``.pth`` (the encoder); ``published`` names weights of another library's network instead. ``teacher`` is the
    checkpoint that ``settings.distillation`` refers to, by default ``init``.
    ``folder`` gets ``last.pt`` (the state to resume from), ``metrics.csv`` and the checkpoint; ``resume`` continues what lies there.
    ``stop`` is asked after every step; True ends the run, resumable. ``cache`` is a folder for payloads of the codecs.
    Scores on ``validation`` are through each of the codecs. Raises ValueError for settings and data that do not go together.
    """
    label_set = datasets[0].label_set
    if any(d.label_set != label_set for d in [*datasets, *(validation or [])]):
        raise ValueError(f"data sets with different classes: {', '.join(f'{d.name} ({d.label_set.name})' for d in datasets)}")
    check_task(settings.architecture, task.name)
    processes = processes or Processes()
    if settings.batch % processes.count:
        raise ValueError(f"a batch of {settings.batch} pictures cannot be shared equally among {processes.count} processes")
    teacher = teacher or init
    if settings.distillation and (teacher is None or teacher.suffix != ".safetensors"):
        raise ValueError("distillation needs a teacher: a checkpoint of this package, as initial weights or by itself")
    codecs = parse_mixture(settings.codecs, cache)
    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Deterministic mode also fills every new tensor with NaN, to show who reads before writing: a twentieth of a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)

    network = build_network(settings.architecture, len(label_set), settings.arguments)
    averaged = build_network(settings.architecture, len(label_set), settings.arguments).requires_grad_(False).eval()
    normalisation = initial_normalisation(network, init, published)
    started_from = "" if resume else load_initial(network, init, published)
    averaged.load_state_dict(network.state_dict())
    network = place_network(network, device)
    averaged = place_network(averaged, device)
    choose_kernels(network, device)
    guide = place_teacher(teacher, label_set, task, device, settings.mixed) if settings.distillation and teacher is not None else None

    optimiser = torch.optim.AdamW(parameter_groups(network, settings.rate, settings.encoder_rate, settings.weight_decay), lr=settings.rate)
    bases = [group["lr"] for group in optimiser.param_groups]
    weights = task.weigh(datasets, label_set).to(device)
    epoch_length = max(sum(round(len(d) * d.share) for d in datasets) // settings.batch, 1)
    steps = epoch_length * settings.epochs

    folder.mkdir(parents=True, exist_ok=True)
    state_path, metrics_path, model_path = folder / "last.pt", folder / "metrics.csv", folder / "model.safetensors"
    if state_path.exists() and not resume:
        raise ValueError(f"{folder} holds a run already: resume it, name another folder, or delete that one")
    fingerprint = describe(settings, datasets, init, teacher if settings.distillation else None)
    begin, seconds, epoch_losses = 0, 0.0, list[float]()
    if resume:
        state = read_state(state_path, fingerprint)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["generator"])
        if device.type == "cuda" and len(state["cuda_generators"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda_generators"])
        begin, seconds, started_from = state["step"], state["seconds"], state.get("started_from", "")
        epoch_losses = list(state.get("epoch_losses", []))
    if processes.rank == 0:
        cut_metrics(metrics_path, begin)
    parallel = processes.wrap(network, device)

    def checkpoint(metadata: dict[str, Any]) -> Checkpoint:
        tensors = {name: tensor.detach().cpu().clone() for name, tensor in averaged.state_dict().items()}
        return Checkpoint(settings.architecture, settings.arguments, label_set, tensors, *normalisation, metadata=metadata)

    def save(step: int) -> None:
        state = {
            "fingerprint": fingerprint,
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all() if device.type == "cuda" else [],
            "step": step,
            "epoch_losses": epoch_losses,
            "seconds": seconds,
            "started_from": started_from,
        }
        write_state(state_path, state)
        training = {**fingerprint["settings"], "steps": step, "of_steps": steps, "seconds": round(seconds), **dict(notes or {})}
        training |= {"started_from": started_from, "device": device.type, "torch": torch.__version__}
        rows = [{"name": d.name, "licence": d.licence, "pictures": len(d), "share": d.share} for d in datasets]
        other_teacher = teacher if settings.distillation and teacher != init else None
        metadata = {"codec": settings.codecs, **origin(rows, init, published, other_teacher), "scores": []}
        metadata["training"] = {**training, **metadata["training"]}
        save_checkpoint(model_path, checkpoint(metadata))

    if begin == steps and processes.rank == 0:
        save(begin)  # an earlier call ended between the writing of its state and of its weights
    network.train()
    step, order = begin, list[tuple[int, int]]()
    while step < steps:
        started = time.perf_counter()
        rate = learning_rate(step, steps, settings.warmup)
        for group, base in zip(optimiser.param_groups, bases):
            group["lr"] = base * rate

        if not order or step % epoch_length == 0:
            order = epoch_order(settings.seed, step // epoch_length, datasets)
        first = step % epoch_length * settings.batch
        seen, clean, truths = batch(task, settings, datasets, codecs, step, order[first : first + settings.batch], device, processes)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.mixed):
            answer = parallel(normalise(seen, normalisation))
        answer = tuple(a.float() for a in answer) if isinstance(answer, tuple) else answer.float()
        result = task.loss(settings, answer, truths, weights)
        if guide is not None:
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=settings.mixed):
                told = guide[0](normalise(seen if clean is None else clean, guide[1]))
            scores = answer[0] if isinstance(answer, tuple) else answer
            result = result + settings.distillation * distillation_loss(scores, told.float())
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
        found: dict[str, float] = {}
        if within == 0 and validation and (epoch % validate_every == 0 or step == steps) and processes.rank == 0:
            so_far = checkpoint({})
            found = {score_name(d, c): task.score(so_far, settings.device, d, c) for d in validation for c in codecs}
        halted = processes.any(stop() or bool(settings.stop_after and step - begin >= settings.stop_after))
        if processes.rank == 0:
            if within == 0:
                write_metrics(metrics_path, step, epoch, float(np.mean(epoch_losses)), rate * settings.rate, seconds, found)
            report(Sample(step, steps, epoch, loss, rate * settings.rate, found or None))
        if within == 0:
            epoch_losses.clear()
        if processes.rank == 0 and (within == 0 or halted or step == steps):
            save(step)
        if halted:
            break
    processes.wait()
    return model_path


def batch(
    task: Task,
    settings: Settings,
    datasets: list[Dataset],
    codecs: list[Degradation],
    step: int,
    chosen: list[tuple[int, int]],
    device: torch.device,
    processes: Processes,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """What this process sees in one step: the pictures after their codecs, the same without (for distillation, where they differ), truths.

    ``chosen``: (data set, picture) pairs of the step (:func:`epoch_order`), of which every process works on its share.
    Pictures are (N, 3, crop, crop) float32 from 0 to 1, channels last; truths (N, ...) int64.
    """
    wants_clean = settings.distillation > 0 and settings.codecs != "original"
    seen, clean, truths = [], [], []
    for position, (which, index) in processes.share(list(enumerate(chosen))):
        picture, truth = datasets[which][index]
        # A generator of its own, so that the codec drawn does not change the crop.
        codec = codecs[int(np.random.default_rng([settings.seed, step, position, 1]).integers(len(codecs)))]
        key = [settings.seed, step, position]
        image, target = task.augment(settings, codec(picture), truth, np.random.default_rng(key))
        seen.append(image)
        truths.append(target)
        if wants_clean:
            clean.append(task.augment(settings, picture, truth, np.random.default_rng(key))[0])
    return stack(seen, device), stack(clean, device) if clean else None, torch.from_numpy(np.stack(truths)).to(device).long()


def stack(images: list[Image], device: torch.device) -> Tensor:
    """(H, W, 3) uint8 pictures of one size -> (N, 3, H, W) float32 from 0 to 1, channels last."""
    return torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float() / 255


def normalise(pixels: Tensor, normalisation: Normalisation) -> Tensor:
    """(N, 3, H, W) float32 from 0 to 1 -> the same as a network of that normalisation sees it, channels last."""
    mean, std = (torch.tensor(v, device=pixels.device).view(1, 3, 1, 1) for v in normalisation)
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


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


def place_teacher(path: Path, label_set: LabelSet, task: Task, device: torch.device, mixed: bool = False) -> tuple[nn.Module, Normalisation]:
    """The frozen network of a checkpoint, in its fastest form, and what its pixels are scaled by.

    Raises ValueError where it is for another task or other classes.
    """
    checkpoint = read_checkpoint(path)
    check_task(checkpoint.architecture, task.name)
    if checkpoint.label_set.classes != label_set.classes:
        raise ValueError(f"teacher {path} knows the classes of {checkpoint.label_set.name}, the data has those of {label_set.name}")
    network = checkpoint.network()
    fold_batch_norm(network)
    if device.type == "cpu" and not mixed and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        use_onednn(network)
    return place_network(network, device), Normalisation(checkpoint.mean, checkpoint.std)


def score_name(dataset: Dataset, codec: Degradation) -> str:
    """How a validation score is called: the data set, and the codec where there is one."""
    return dataset.name if codec.name == "original" else f"{dataset.name}, {codec.name}"
