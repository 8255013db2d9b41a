# SPDX-License-Identifier: Apache-2.0
"""Gains and priorities of JPEG XS for a network instead of for the eye: the weights by which a fixed network's output changes least.

The search is CMA-ES over one real weight a band (:mod:`plcv_ros.training.band_weights`), as in Brummer and De Vleeschouwer, "Adapting JPEG XS
Gains and Priorities to Tasks and Contents", CVPRW 2020. Size and speed of the encoder stay as they are, and every decoder reads the
streams: their headers hold the weights. Needs the package ``cmaes``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from plcv_ros.codecs import Encoded, decode, make_codec
from plcv_ros.codecs.jpegxs.weights import Weights
from plcv_ros.labels import IGNORE_INDEX
from plcv_ros.perception.metrics import ConfusionMatrix
from plcv_ros.perception.predictor import Predictor
from plcv_ros.perception.tensors import tensor_of
from plcv_ros.requirements import check, explain
from plcv_ros.training.band_weights import to_reals, to_weights
from plcv_ros.training.datasets import Dataset
from plcv_ros.training.degradations import psnr
from plcv_ros.training.evaluate import spread
from plcv_ros.training.losses import class_weights
from plcv_ros.training.results import Counts

Image = npt.NDArray[np.uint8]

COURSE, SETTINGS, WEIGHTS = "course.csv", "settings.json", "weights.json"


@dataclass(frozen=True)
class Loss:
    """What a network loses by a codec, over some pictures.

    ``divergence`` is the Kullback-Leibler divergence of the output on what the codec leaves from that on the clean picture, and
    ``cross_entropy`` that against the truth: nats a labelled pixel, weighted by class as in training. ``psnr`` is the mean in dB. ``counts``
    are those of mIoU (0..1), picture by picture.
    """

    divergence: float
    cross_entropy: float
    psnr: float
    bits_per_pixel: float
    counts: Counts

    @property
    def miou(self) -> float:
        """Mean over the classes of intersection over union, 0..1."""
        return float(self.counts.score()[0])


@dataclass(frozen=True)
class _Picture:
    """``told``: log-probabilities on the clean picture, (1, C, h, w), ``predicted`` the class ids there, (H, W). ``truth`` (h, w) int64 and
    ``weights`` (h, w) are at the resolution of the former."""

    image: Image
    full_truth: Image
    truth: Tensor
    weights: Tensor
    told: Tensor
    predicted: Image


class Objective:
    """A network and the pictures on which codecs are compared: ``objective(encode)`` is the :class:`Loss` by one of them."""

    def __init__(
        self,
        predictor: Predictor,
        dataset: Dataset,
        limit: int = 0,
        progress: Callable[[], None] | None = None,
        read: Callable[[Any], Image] = decode,
    ) -> None:
        """``limit`` above 0 takes that many pictures, evenly spread. All of them stay in memory, 4 MB each at 480x360. ``read`` makes
        pictures of the payloads."""
        if predictor.label_set.classes != dataset.label_set.classes:
            raise ValueError(f"the network knows the classes of {predictor.label_set.name}, {dataset.name} has those of {dataset.label_set.name}")
        self._predictor, self._read = predictor, read
        self._of_class = torch.cat([class_weights([dataset], dataset.label_set), torch.zeros(256)])[:256]
        # A label that does not count has the weight 0.
        self._of_class[IGNORE_INDEX] = 0
        self._pictures: list[_Picture] = []
        for index in spread(len(dataset), limit):
            image, truth = dataset[index]
            scores, predicted = self._predictor.predict_scores(image)
            small = functional.interpolate(tensor_of(truth)[None, None].float(), size=scores.shape[-2:], mode="nearest")[0, 0].long()
            self._pictures.append(_Picture(image, truth, small, self._of_class[small], functional.log_softmax(scores, 1), predicted))
            if progress:
                progress()

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the first picture."""
        height, width = self._pictures[0].image.shape[:2]
        return width, height

    def __call__(self, encode: Callable[[Image], Encoded] | None = None, progress: Callable[[], None] | None = None) -> Loss:
        """``encode``: (H, W, 3) uint8 rgb8 -> a payload; None leaves the pictures as they are."""
        divergence, entropy, total = 0.0, 0.0, 0.0
        hits, unions, ratios, bits, pixels = [], [], [], 0, 0
        for picture in self._pictures:
            if encode is None:
                seen, size, found, predicted = picture.image, picture.image.nbytes, picture.told, picture.predicted
            else:
                payload = encode(picture.image)
                seen, size = self._read(payload), len(payload)
                scores, predicted = self._predictor.predict_scores(seen)
                found = functional.log_softmax(scores, 1)
            apart = functional.kl_div(found, picture.told, reduction="none", log_target=True).sum(1)[0]
            wrong = functional.nll_loss(found, picture.truth.clamp_max(found.shape[1] - 1)[None], reduction="none")[0]
            divergence += float((apart * picture.weights).sum(dtype=torch.float64))
            entropy += float((wrong * picture.weights).sum(dtype=torch.float64))
            total += float(picture.weights.sum(dtype=torch.float64))
            matrix = ConfusionMatrix(self._predictor.label_set)
            matrix.update(picture.full_truth, predicted)
            hits.append(np.diag(matrix.counts).copy())
            unions.append(matrix.unions())
            ratios.append(psnr(picture.image, seen))
            bits += 8 * size
            pixels += picture.image.shape[0] * picture.image.shape[1]
            if progress:
                progress()
        total = max(total, 1e-12)
        return Loss(divergence / total, entropy / total, float(np.mean(ratios)), bits / pixels, Counts(np.stack(hits), np.stack(unions)))


@dataclass(frozen=True)
class TuningSettings:
    """What is searched, and how. ``options`` are those of JxsCodec without weights; ``sigma`` is the first step size in bit planes."""

    options: Mapping[str, Any]
    network: str
    pictures: list[str]
    """The data sets and how many of their pictures, to tell searches apart."""
    population: int = 14
    sigma: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the search: a row of ``course.csv``. Generation 0 is the start; the last one of every other generation is the mean
    that the search has moved to."""

    evaluation: int
    generation: int
    divergence: float
    cross_entropy: float
    miou: float
    psnr: float
    weights: Weights = field(repr=False)

    def row(self) -> dict[str, str]:
        """As texts for a CSV file; floats so that they are read back exactly."""
        numbers = {key: repr(value) for key, value in asdict(self).items() if key != "weights"}
        return {**numbers, "gains": " ".join(map(str, self.weights.gains)), "priorities": " ".join(map(str, self.weights.priorities))}

    @classmethod
    def of_row(cls, row: Mapping[str, str]) -> Evaluation:
        """The inverse of :meth:`row`."""
        gains, priorities = (tuple(int(n) for n in row[key].split()) for key in ("gains", "priorities"))
        divergence, entropy, miou, ratio = (float(row[key]) for key in ("divergence", "cross_entropy", "miou", "psnr"))
        return cls(int(row["evaluation"]), int(row["generation"]), divergence, entropy, miou, ratio, Weights(gains, priorities))


def read_course(folder: Path) -> list[Evaluation]:
    """The evaluations of a search so far, in order; none where there is no file."""
    path = folder / COURSE
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [Evaluation.of_row(row) for row in csv.DictReader(file)]


def encoder(settings: TuningSettings, weights: Weights) -> Callable[[Image], Encoded]:
    """The encoder of the settings with these weights, as :class:`Objective` takes it."""
    return make_codec("jxs", **settings.options, weights={"gains": list(weights.gains), "priorities": list(weights.priorities)}).encode


def tune(
    objective: Objective,
    settings: TuningSettings,
    start: Weights,
    generations: int,
    folder: Path,
    report: Callable[[Evaluation, Evaluation], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Evaluation]:
    """Search from ``start`` and return all evaluations; the best is the one of least divergence.

    ``course.csv`` in ``folder`` is written evaluation by evaluation. An interrupted search, or one of fewer generations, goes on from there
    as if it had not stopped: a seed and the losses so far tell everything that it has done. ``report`` gets each new evaluation and the
    best one; ``stop`` is asked before each. Raises ValueError where the folder holds a search with other settings.
    """
    _claim(folder, settings)
    known = read_course(folder)
    course: list[Evaluation] = []

    def evaluate(generation: int, weights: Weights) -> Evaluation | None:
        number = len(course)
        if number < len(known):
            if known[number].weights != weights:
                raise ValueError(f"{folder / COURSE}: evaluation {number} is not what this search evaluates there; start in another folder")
            course.append(known[number])
            return course[-1]
        if stop():
            return None
        earlier = next((e for e in course if e.weights == weights), None)
        if earlier is None:
            loss = objective(encoder(settings, weights))
            new = Evaluation(number, generation, loss.divergence, loss.cross_entropy, loss.miou, loss.psnr, weights)
        else:
            new = Evaluation(number, generation, earlier.divergence, earlier.cross_entropy, earlier.miou, earlier.psnr, weights)
        course.append(new)
        _append(folder / COURSE, new.row())
        if report:
            report(new, best(course))
        return new

    _search(settings, start, generations, evaluate)
    return course


def _search(settings: TuningSettings, start: Weights, generations: int, evaluate: Callable[[int, Weights], Evaluation | None]) -> None:
    try:
        import cmaes

        check(cmaes, "cmaes")
    except ImportError as error:
        raise type(error)(explain("the search", error, "tune"), name=error.name) from error
    search = cmaes.CMA(mean=to_reals(start), sigma=settings.sigma, seed=settings.seed, population_size=settings.population)
    if evaluate(0, start) is None:
        return
    for generation in range(1, generations + 1):
        told = []
        for _ in range(settings.population):
            reals = search.ask()
            evaluation = evaluate(generation, to_weights(reals))
            if evaluation is None:
                return
            told.append((reals, evaluation.divergence))
        search.tell(told)
        if evaluate(generation, to_weights(search.mean)) is None:
            return


def best(course: list[Evaluation]) -> Evaluation:
    """The evaluation of least divergence, the first of equal ones."""
    return min(course, key=lambda evaluation: evaluation.divergence)


def _claim(folder: Path, settings: TuningSettings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path, mine = folder / SETTINGS, json.loads(json.dumps(asdict(settings)))
    if path.is_file():
        theirs = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key in mine if theirs.get(key) != mine[key]]
        if differing:
            raise ValueError(f"{folder} holds a search with another {', '.join(differing)}: {', '.join(repr(theirs.get(k)) for k in differing)}")
    path.write_text(json.dumps(mine, indent=1) + "\n", encoding="utf-8")


def _append(path: Path, row: Mapping[str, str]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def write_weights(path: Path, weights: Weights, comments: Mapping[str, Any]) -> None:
    """Write the JSON file that ``make_codec("jxs", weights=path)`` takes; ``comments`` go before gains and priorities."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One key a line, the lists in one: json's indent would give every gain a line of its own.
    content = {**comments, "gains": list(weights.gains), "priorities": list(weights.priorities)}
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
