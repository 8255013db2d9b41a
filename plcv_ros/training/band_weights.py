# SPDX-License-Identifier: Apache-2.0
"""The gains and priorities of JPEG XS as real numbers that a search can vary: one weight a band, in bit planes (log2). numpy only.

A band's gain is the whole part of its weight; priorities 0, 1, 2, ... fall with the fractional part (ISO/IEC 21122-1, Annex H, makes its
tables from the norms of the wavelets in this way). Refining a precinct step by step then adds a bit plane to one band after the other, in
the order in which the weights, raised together, pass whole numbers. Only differences between weights count: the smallest is 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plcv_ros.codecs import jpegxs
from plcv_ros.codecs.jpegxs import JxsCodec
from plcv_ros.codecs.jpegxs.weights import MAX_GAIN, Weights

Reals = npt.NDArray[np.float64]


def to_weights(reals: npt.ArrayLike) -> Weights:
    """(bands,) weights in bit planes -> gains and priorities, the smallest gain being 0; weights beyond the largest gain are cut to it.

    Raises ValueError for numbers that are not finite.
    """
    given = np.asarray(reals, np.float64)
    if given.ndim != 1 or not given.size or not np.isfinite(given).all():
        raise ValueError(f"weights are {given.tolist()}, expected a list of finite numbers, one a band")
    shifted = np.minimum(given - given.min(), np.nextafter(MAX_GAIN + 1, 0))
    gains = np.floor(shifted)
    priorities = np.empty(given.size, np.int64)
    priorities[np.argsort(gains - shifted, kind="stable")] = np.arange(given.size)
    return Weights(tuple(int(gain) for gain in gains), tuple(int(priority) for priority in priorities))


def to_reals(weights: Weights) -> Reals:
    """Gains and priorities -> (bands,) weights in bit planes, which :func:`to_weights` turns into coding the same pictures in the same way.

    Fractional parts are spaced evenly: gains and priorities tell no more than their order.
    """
    gains, priorities = (np.asarray(values, np.float64) for values in (weights.gains, weights.priorities))
    order = np.argsort(priorities, kind="stable")
    fractions = np.empty(gains.size)
    fractions[order] = (gains.size - 1 - np.arange(gains.size)) / gains.size
    reals: Reals = gains + fractions
    return reals


def coded_weights(codec: JxsCodec, width: int, height: int) -> Weights:
    """The weights in the streams that ``codec`` makes of ``width`` x ``height`` rgb8 pictures, as every decoder reads them from the header."""
    fields = jpegxs.header(codec.encode(np.zeros((height, width, 3), np.uint8)))
    return Weights(tuple(fields["G"]), tuple(fields["P"]))


def band_names(levels: str) -> list[str]:
    """``5/1`` -> LL5,1, HL5,1, ..., HL1,1, LH1,1, HH1,1: the positions in the order of the WGT segment, which has one band a component each."""
    across, down = (int(n) for n in levels.split("/"))
    names = [f"LL{across},{down}", *(f"HL{level},{down}" for level in range(across, down, -1))]
    return names + [f"{kind}{level},{level}" for level in range(down, 0, -1) for kind in ("HL", "LH", "HH")]
