# SPDX-License-Identifier: Apache-2.0
"""Receivers that stop or are unplugged, on computers of their own, must not cost another receiver its frames, nor keep the camera from its end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from links.network import missing
from links.stalled_receivers import measure

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no emulated link: {missing()}")


@pytest.mark.parametrize("strips", [False, True], ids=["whole", "strips"])
def test_the_default_transport_keeps_receivers_apart(tmp_path: Path, strips: bool) -> None:
    outcome = measure(tmp_path, "", fault_s=14.0, strips=strips)
    assert outcome.before > 0
    # Nearly all where the machine has nothing else to do; none over TCP.
    assert outcome.last > outcome.before / 3, outcome
    assert outcome.status == 0, (tmp_path / "camera.log").read_text()


@pytest.mark.slow
def test_a_camera_whose_publish_blocks_ends_when_asked_to(tmp_path: Path) -> None:
    outcome = measure(tmp_path, "large_data", fault_s=20.0)
    assert outcome.status in {0, 1}, "killed after a minute"
    if outcome.status == 1:
        assert "did not end in 4.5 s" in (tmp_path / "camera.log").read_text()
