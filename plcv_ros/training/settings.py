# SPDX-License-Identifier: Apache-2.0
"""What a training run is, apart from its data."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from plcv_ros.codecs.jpegxs.weights import load_weights
from plcv_ros.training.augment import Augmentation
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import read_configuration
from plcv_ros.training.ranges import SETTINGS


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
    """Peak learning rate of the decoder, or of the classifier's head."""
    encoder_rate: float = 0.5
    """The encoder's learning rate, as a share of ``rate``: it starts from trained weights."""
    weight_decay: float = 0.01
    warmup: int = 60
    """Steps of linear warm-up, at most a tenth of the run; the rate falls as (1 - progress) ** 0.9."""
    average: float = 0.997
    """Decay a step of the exponentially averaged weights, which are what is evaluated and shipped."""
    overlap: float = 0.5
    """Weight of the soft Jaccard loss beside cross-entropy (segmentation)."""
    auxiliary: float = 0.3
    """Weight of the loss of the scores at stride 8 (segmentation)."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    mixed: bool = False
    """bfloat16 where it is safe (autocast): for CUDA."""
    threads: int = 0
    device: str = "cpu"
    stop_after: int = 0
    """Stop, resumable, after this many steps of this call; 0 = run to the end."""

    def __post_init__(self) -> None:
        """Raises ValueError for a number outside its range: trained with it, the network would be useless."""
        numbers = {**vars(self), "crop": self.augmentation.crop}
        wrong = [allowed.complaint(name, numbers[name]) for name, allowed in SETTINGS.items()]
        if any(wrong):
            raise ValueError("; ".join(filter(None, wrong)))


def describe(settings: Settings, datasets: list[Dataset], init: Path | None = None, teacher: Path | None = None) -> dict[str, Any]:
    """What a run is, as plain data: kept in the state file, so that a run is not continued as another one.

    ``init`` and ``teacher`` are told by what is in the files, wherever they lie, a codec's weights by their path and by what is in the file.
    """
    plain = asdict(settings)
    for transient in ("threads", "device", "stop_after"):
        del plain[transient]
    plain["augmentation"]["zoom"] = list(plain["augmentation"]["zoom"])
    files = {name: _digest(path) for name, path in (("init", init), ("teacher", teacher)) if path is not None}
    bands = [load_weights(options["weights"]) for _, _, options in map(read_configuration, settings.codecs.split("+")) if "weights" in options]
    if bands:
        files["weights"] = hashlib.sha256(repr([(each.gains, each.priorities) for each in bands if each is not None]).encode()).hexdigest()[:16]
    return {"settings": plain, "data": [[d.spec or d.name, len(d), d.share] for d in datasets], **files}


def _digest(path: Path) -> str:
    """Of the weights alone: the header of a checkpoint changes with every score that is recorded in it."""
    content = path.read_bytes()
    if path.suffix == ".safetensors":
        content = content[8 + int.from_bytes(content[:8], "little") :]
    return hashlib.sha256(content).hexdigest()[:16]
