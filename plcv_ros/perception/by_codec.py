# SPDX-License-Identifier: Apache-2.0
"""The networks that stand ready: one, or with the checkpoint ``auto`` those of all codecs, of which each frame has the one it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plcv_ros.labels import LabelSet
from plcv_ros.perception.choice import choose, specialists
from plcv_ros.perception.predictor import Predictor, load_predictor
from plcv_ros.perception.shipped import DEFAULT, shipped

AUTO = "auto"
"""The checkpoint that stands for one a codec."""


class Networks:
    """Predictors by name, all of the same classes. ``trained_on``: name -> codec of those that :meth:`choose` may take."""

    def __init__(self, predictors: Mapping[str, Predictor], default: str, trained_on: Mapping[str, str]) -> None:
        self.default = default
        self._predictors = dict(predictors)
        self._trained_on = {name: codec for name, codec in trained_on.items() if name in self._predictors}

    def __getitem__(self, name: str) -> Predictor:
        return self._predictors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._predictors)

    def __len__(self) -> int:
        return len(self._predictors)

    @property
    def label_set(self) -> LabelSet:
        """The classes."""
        return self._predictors[self.default].label_set

    @property
    def device(self) -> str:
        """Where they run."""
        return str(self._predictors[self.default].device)

    def choose(self, frames: str) -> str:
        """Name of the network for frames of the codec ``frames`` (:mod:`plcv_ros.perception.choice`); the default for all where it is alone."""
        return choose(frames, self._trained_on, self.default) if len(self) > 1 else self.default

    def warmup(self, height: int, width: int) -> None:
        """Predict one black picture of that size with each, so that neither the first real one nor the first of a codec is slower than others."""
        for predictor in self._predictors.values():
            predictor.warmup(height, width)


def load_networks(checkpoint: str = "default", device: str = "auto", threads: int = 0, shrinks: bool = True) -> Networks:
    """Load the network of ``checkpoint``, or for ``auto`` the default and all shipped ones that are specialised in a codec.

    Arguments and errors are those of :func:`load_predictor`.
    """
    if checkpoint != AUTO:
        return Networks({checkpoint: load_predictor(checkpoint, device, threads, shrinks=shrinks)}, checkpoint, {})
    trained_on = specialists(shipped())
    default = load_predictor(DEFAULT, device, threads, shrinks=shrinks)
    others = {name: load_predictor(name, device, threads, default, shrinks) for name in trained_on if name != DEFAULT}
    return Networks({DEFAULT: default, **others}, DEFAULT, trained_on)
