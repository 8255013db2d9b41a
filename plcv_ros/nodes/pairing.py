# SPDX-License-Identifier: Apache-2.0
"""Which labels and which truth are of one frame: those of one header, and where frames share it, those that can be no others."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

MAX_IDS = 64
"""Cameras that are told apart."""

Pair = tuple[Any, Any]
"""(truth, labels)."""


@dataclass
class _Named:
    """What has come under one name. ``sure``: whether it is known which truth is of which labels."""

    truths: int = 0
    labels: int = 0
    truth: Any = None
    waiting: Any = None
    sure: bool = True


class Pairing:
    """Pairs of the latest ``history`` stamps; ``unsure`` counts the labels that may be of more than one truth, and so are of none.

    Of frames that share a header, the truth comes before the labels, as it does from a camera: where there were as many of both, and never more
    than one truth that waited, it is known which is which; after a frame without labels it is not. A frame_id tells cameras of one stamp apart;
    where truth and labels never have the same ones, the stamp alone counts.
    """

    def __init__(self, history: int) -> None:
        self.unsure = 0
        self._history = history
        self._stamps: OrderedDict[int, dict[str, _Named]] = OrderedDict()
        self._truth_ids: set[str] = set()
        self._label_ids: set[str] = set()

    def add_truth(self, stamp: int, frame_id: str, truth: Any) -> Pair | None:
        """The true labels of a frame; returns them with its labels where these were there before."""
        self._truth_ids.add(frame_id)
        named = self._named(stamp, frame_id, self._truth_ids, self._label_ids)
        named.truths += 1
        if named.waiting is not None:
            labels, named.waiting = named.waiting, None
            if named.truths == named.labels == 1:
                return truth, labels
            self.unsure += 1
        if named.truth is not None or named.labels >= named.truths:
            named.sure = False
        named.truth = truth
        return None

    def add_labels(self, stamp: int, frame_id: str, labels: Any) -> Pair | None:
        """The labels of a frame; returns them with its true ones where these are known."""
        self._label_ids.add(frame_id)
        named = self._named(stamp, frame_id, self._label_ids, self._truth_ids)
        named.labels += 1
        if named.labels == 1 and not named.truths:
            named.waiting = labels
            return None
        if named.waiting is not None:
            self.unsure += 1
            named.waiting = None
        if named.sure and named.truth is not None and named.labels == named.truths:
            truth, named.truth = named.truth, None
            return truth, labels
        named.sure = False
        self.unsure += 1
        return None

    def _named(self, stamp: int, frame_id: str, mine: set[str], others: set[str]) -> _Named:
        if len(mine) > MAX_IDS:
            mine.pop()  # whoever has so many cameras has none of these
        names = self._stamps.setdefault(stamp, {})
        while len(self._stamps) > self._history:
            self._stamps.popitem(last=False)
        if frame_id not in names and frame_id not in others:
            frame_id = next((name for name in names if name not in mine), frame_id)
        if len(names) >= MAX_IDS and frame_id not in names:
            return _Named()
        return names.setdefault(frame_id, _Named())
