# SPDX-License-Identifier: Apache-2.0
"""The course of a search for JPEG XS weights, and the weights that it found, as one PNG. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from plcv_ros.training.band_weights import to_reals
from plcv_ros.training.figures import new_figure, save_figure
from plcv_ros.training.tuning import Evaluation, best

COMPONENTS = (("Y", "#4d4d4d"), ("Cb", "#377eb8"), ("Cr", "#e41a1c"))


def draw_tuning(course: Sequence[Evaluation], bands: Sequence[str], path: Path) -> None:
    """``bands`` are the names of the positions, one for every component each. Bars are bit planes more or less than at the start; their
    mean over all bands is taken out, since only differences count."""
    figure = new_figure(11, 4.5)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (2, 3)})
    number = [evaluation.evaluation for evaluation in course]
    divergence = np.array([evaluation.divergence for evaluation in course])
    left.scatter(number, divergence, s=6, color="#b3b3b3", label="one evaluation")
    left.plot(number, np.minimum.accumulate(divergence), color="#1b9e77", label="best so far")
    left.axhline(divergence[0], color="black", linestyle="--", linewidth=1, label="the encoder's own weights")
    left.set(xlabel="evaluation", ylabel="divergence from the output on clean pictures (nats)")
    # Far-off tries would press everything else together.
    left.set_ylim(0.97 * divergence.min(), min(divergence.max(), 1.5 * divergence[0]))
    left.grid(alpha=0.3)
    left.legend(frameon=False, fontsize=9)
    change = to_reals(best(list(course)).weights) - to_reals(course[0].weights)
    change -= change.mean()
    width = 0.8 / len(COMPONENTS)
    for index, (name, colour) in enumerate(COMPONENTS):
        places = np.arange(len(bands)) + (index - 1) * width
        right.bar(places, change[index :: len(COMPONENTS)], width, color=colour, label=name)
    right.axhline(0, color="black", linewidth=0.8)
    right.set_xticks(range(len(bands)), bands)
    right.set(ylabel="bit planes more than the encoder's own weights keep")
    right.grid(axis="y", alpha=0.3)
    right.set_axisbelow(True)
    right.legend(frameon=False, fontsize=9)
    save_figure(figure, path)
