#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which fixed block mode of ASTC leaves most to a network, at the same 128 bits a block: PSNR, and how much the network's output changes.

    python benchmarks/block_modes.py --data camvid=PATH,split=held-out
    python benchmarks/block_modes.py --data camvid=PATH,split=held-out --block 12x12 --pictures 8

A what-if in numpy: any grid and number of weight levels, colours as precise as the remaining bits allow (the format implies their range). Every
mode has the same encoder in floating point: the line of colours by principal axis, weights by least squares, two refits of the colours. Levels of
colours are taken as evenly spaced, which those of ranges with trits and quints nearly are; weights are interpolated as a decoder does. The
presets of the package stand beside them. The network has seen no compressed pictures; what retraining gives back is in docs/results.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measuring import ROOT, markdown, say, write_csv

from plcv_ros.codecs import decode, make_codec
from plcv_ros.codecs.astc import PRESETS
from plcv_ros.perception import load_predictor
from plcv_ros.training.datasets import open_dataset
from plcv_ros.training.results import paired_difference
from plcv_ros.training.tuning import Objective

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

NETWORK = ROOT / "docs/results/checkpoints/original_s0.safetensors"
BLOCK_BITS, HEAD_BITS, MAX_WEIGHT_BITS = 128, 17, 96
WEIGHTS = {
    2: (0, 64),
    3: (0, 32, 64),
    4: (0, 21, 43, 64),
    5: (0, 16, 32, 48, 64),
    6: (0, 12, 25, 39, 52, 64),
    8: (0, 9, 18, 27, 37, 46, 55, 64),
}
"""Number of levels -> their values, out of 64 (Khronos Data Format, ASTC, weight unquantisation)."""
RANGES = (6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256)
"""Numbers of levels that a colour value may have."""
MODES = ((8, 5, 4), (8, 6, 3), (7, 7, 3), (7, 6, 4), (6, 6, 4), (6, 5, 5), (6, 5, 4), (8, 8, 2), (5, 5, 8), (4, 4, 8))
"""Width and height of the grid, levels of a weight."""


def sequence_bits(count: int, levels: int) -> int:
    """Bits of an integer sequence of ``count`` values (Khronos Data Format, ASTC, integer sequence encoding)."""
    bits = 0
    while levels % 2 == 0:
        levels, bits = levels // 2, bits + 1
    return count * bits + {1: 0, 3: -(-8 * count // 5), 5: -(-7 * count // 3)}[levels]


def infill(block: tuple[int, int], grid: tuple[int, int]) -> Floats:
    """(texels, grid points) shares of the grid's weights in the texels', sixteenths (specs of the format, weight infill)."""
    (bx, by), (gx, gy) = block, grid
    shares = np.zeros((by, bx, gy + 1, gx + 1))
    for t in range(by):
        for s in range(bx):
            column, row = (((1024 + n // 2) // (n - 1) * i * (g - 1) + 32) >> 6 for n, i, g in ((bx, s, gx), (by, t, gy)))
            js, fs, jt, ft = column >> 4, column & 15, row >> 4, row & 15
            both = (fs * ft + 8) >> 4
            shares[t, s, jt : jt + 2, js : js + 2] += [[16 - fs - ft + both, fs - both], [ft - both, both]]
    return shares[:, :, :gy, :gx].reshape(bx * by, gx * gy)


@dataclass(frozen=True)
class Seen:
    """A picture as a mode leaves it; its length is that of the payload."""

    image: Image
    size: int

    def __len__(self) -> int:
        return self.size


class Mode:
    """A block mode with its encoder and decoder."""

    def __init__(self, block: tuple[int, int], grid: tuple[int, int], levels: int) -> None:
        weight_bits = sequence_bits(grid[0] * grid[1], levels)
        if weight_bits > MAX_WEIGHT_BITS:
            raise ValueError(f"{grid[0]}x{grid[1]} weights of {levels} levels need {weight_bits} bits, expected at most {MAX_WEIGHT_BITS}")
        self.range = max(r for r in RANGES if sequence_bits(6, r) <= BLOCK_BITS - HEAD_BITS - weight_bits)
        self.name = f"{grid[0]}x{grid[1]}, {levels} levels, colours of {self.range}"
        self._block, self._levels = block, np.array(WEIGHTS[levels], float)
        self._infill = infill(block, grid)
        self._to_grid = np.linalg.pinv(self._infill / 16)

    def encode(self, image: Image) -> Seen:
        """What a decoder makes of the picture, (H, W, 3) uint8."""
        (bx, by), (height, width) = self._block, image.shape[:2]
        rows, columns = -(-height // by), -(-width // bx)
        padded = np.pad(image, ((0, rows * by - height), (0, columns * bx - width), (0, 0)), mode="edge").astype(float)
        texels = padded.reshape(rows, by, columns, bx, 3).transpose(0, 2, 1, 3, 4).reshape(-1, by * bx, 3)
        first, second = self._endpoints(texels)
        w = self._weights(texels, first, second)[..., None] / 64
        decoded = np.round(first[:, None] * (1 - w) + second[:, None] * w)
        whole = decoded.reshape(rows, columns, by, bx, 3).transpose(0, 2, 1, 3, 4).reshape(rows * by, columns * bx, 3)
        return Seen(whole[:height, :width].astype(np.uint8), 16 + 16 * rows * columns)

    def _quantised(self, colours: Floats) -> Floats:
        step = 255 / (self.range - 1)
        quantised: Floats = np.round(np.round(np.clip(colours, 0, 255) / step) * step)
        return quantised

    def _weights(self, texels: Floats, first: Floats, second: Floats) -> Floats:
        """(blocks, texels) interpolated weights out of 64."""
        axis = second - first
        length = (axis**2).sum(1)
        along = ((texels - first[:, None]) * axis[:, None]).sum(2) / np.maximum(length, 1e-9)[:, None]
        grid = np.clip(along @ self._to_grid.T, 0, 1) * 64
        codes = self._levels[np.searchsorted((self._levels[1:] + self._levels[:-1]) / 2, grid)]
        codes[length < 1e-9] = 0
        weights: Floats = np.floor((codes @ self._infill.T + 8) / 16)
        return weights

    def _endpoints(self, texels: Floats) -> tuple[Floats, Floats]:
        mean = texels.mean(1)
        deviation = texels - mean[:, None]
        axis = np.linalg.eigh(np.einsum("nki,nkj->nij", deviation, deviation))[1][:, :, 2]
        along = (deviation * axis[:, None]).sum(2) @ self._to_grid.T
        first, second = (self._quantised(mean + end(along, 1)[:, None] * axis) for end in (np.min, np.max))
        for _ in range(2):
            w = self._weights(texels, first, second) / 64
            a, b, c = ((1 - w) ** 2).sum(1), (w * (1 - w)).sum(1), (w**2).sum(1)
            p, q = ((1 - w)[:, :, None] * texels).sum(1), (w[:, :, None] * texels).sum(1)
            determinant = a * c - b**2
            solvable = (determinant > 1e-3)[:, None]
            d = np.where(determinant > 1e-3, determinant, 1)[:, None]
            first = np.where(solvable, self._quantised((c[:, None] * p - b[:, None] * q) / d), first)
            second = np.where(solvable, self._quantised((a[:, None] * q - b[:, None] * p) / d), second)
        return first, second


def read(payload: Any) -> Image:
    """The picture of a payload, or of a what-if."""
    return payload.image if isinstance(payload, Seen) else decode(payload)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", required=True, help="labelled pictures, as for plcv eval; choose by pictures that no result is reported for")
    parser.add_argument("--network", default=str(NETWORK), help="a checkpoint that has seen no compressed pictures")
    parser.add_argument("--block", action="append", choices=("8x8", "12x12"), help="footprint (may be repeated; both by default)")
    parser.add_argument("--pictures", type=int, default=0, help="so many of them, evenly spread; 0 = all")
    parser.add_argument("--csv", type=Path, help="write the table as CSV")
    args = parser.parse_args()
    try:
        objective = Objective(load_predictor(args.network, "cpu"), open_dataset(args.data, split="held-out"), args.pictures, read=read)
    except (ValueError, OSError) as error:
        sys.exit(f"block_modes.py: {error}")
    rows = []
    for text in args.block or ["8x8", "12x12"]:
        x, y = (int(side) for side in text.split("x"))
        codecs = {f"preset {preset}": make_codec("astc", block=(x, y), preset=preset) for preset in PRESETS}
        modes = [Mode((x, y), (gx, gy), levels) for gx, gy, levels in MODES]
        before = None
        for name, encode in [*((name, codec.encode) for name, codec in codecs.items()), *((mode.name, mode.encode) for mode in modes)]:
            loss = objective(encode)
            before = before or loss
            gain = paired_difference([loss.counts], [before.counts])
            rows.append(
                {
                    "block": text,
                    "mode": name,
                    "psnr_db": f"{loss.psnr:.2f}",
                    "divergence": f"{loss.divergence:.4f}",
                    "miou": f"{100 * loss.miou:.1f}",
                    "gain_on_fast": f"{gain.mean:+.1f}",
                    "gain_low": f"{gain.low:+.1f}",
                    "gain_high": f"{gain.high:+.1f}",
                }
            )
            say(f"  {text} {name}: {loss.psnr:.2f} dB, divergence {loss.divergence:.4f}, mIoU {100 * loss.miou:.1f} %, {gain} more than fast")
    print(markdown(rows, list(rows[0])))
    if args.csv:
        write_csv(args.csv, rows)


if __name__ == "__main__":
    main()
