# SPDX-License-Identifier: Apache-2.0
"""Quality does not get worse. Speed is reported by benchmarks/codecs.py and never decides a test."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pictures
import pytest

from plcv_ros.codecs import decode, make_codec

REFERENCE = Path(__file__).resolve().parents[2] / "benchmarks/reference/codecs_quality.csv"

# Mean PSNR over 20 CamVid test frames (every twelfth), dB.
CAMVID_FLOORS = {
    ("8x8", "paper"): 28.5,
    ("8x8", "fast"): 30.2,
    ("8x8", "fine"): 30.6,
    ("8x8", "vision"): 29.7,
    ("12x12", "paper"): 25.4,
    ("12x12", "fast"): 26.8,
    ("12x12", "fine"): 27.0,
    ("12x12", "vision"): 26.9,
    ("8x8", "vision_fine"): 30.0,
    ("12x12", "vision_fine"): 27.0,
}


def _codec(detail: str, preset: str):
    x, y = detail.split("x")
    return make_codec("astc", block=(int(x), int(y)), preset=preset)


@pytest.mark.parametrize(("detail", "preset"), list(CAMVID_FLOORS))
def test_camvid_floors(detail: str, preset: str) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    listing = pictures.SHARED / "camvid/test.txt"
    if not listing.exists():
        pytest.skip(f"CamVid is not at {listing.parent}")
    codec = _codec(detail, preset)
    values = []
    for name in listing.read_text().split()[::12]:
        image = cv2.cvtColor(cv2.imread(str(listing.parent / f"images/test/{name}.webp")), cv2.COLOR_BGR2RGB)
        values.append(pictures.psnr(image, decode(codec.encode(image))))
    assert np.mean(values) >= CAMVID_FLOORS[detail, preset]


def test_synthetic_reference() -> None:
    """Bytes and PSNR of a generated picture, against the committed figures."""
    image = pictures.street()
    with REFERENCE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    for row in rows:
        payload = _codec(row["block"], row["preset"]).encode(image)
        assert len(payload) == int(row["bytes"])
        assert pictures.psnr(image, decode(payload)) >= float(row["psnr_db"]) - 0.01, row


def test_opposite_channels_survive() -> None:
    """Red rising while blue falls: the paper's box takes the wrong diagonal, the others must not."""
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    image = np.stack([ramp, 255 - ramp // 2, 255 - ramp], -1)
    values = {preset: pictures.psnr(image, decode(make_codec("astc", preset=preset).encode(image))) for preset in ("paper", "fast", "fine")}
    assert values["fast"] > values["paper"] + 2
    assert values["fine"] > values["paper"] + 2
