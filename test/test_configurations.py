# SPDX-License-Identifier: Apache-2.0
"""Every configuration's network is the one whose header names the configuration's codec, where such a one is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest.importorskip("plcv_ros.codecs._native")

from plcv_ros.graph import configurations
from plcv_ros.nodes.codec_parameters import coding_from
from plcv_ros.perception.choice import distance, specialists
from plcv_ros.perception.shipped import DEFAULT, shipped

CONFIG = Path(__file__).parents[1] / "config"


def parameters(configuration: str, node: str) -> dict:
    return yaml.safe_load((CONFIG / f"{configuration}.yaml").read_text())[f"/**/{node}"]["ros__parameters"]


@pytest.mark.parametrize("name", configurations())
def test_the_network_of_the_codec(name: str) -> None:
    coding, checkpoint = coding_from(parameters(name, "camera")), parameters(name, "segmentation")["checkpoint"]
    assert coding_from(parameters(name, "encoder")) == coding
    if not coding:
        assert checkpoint == "auto"
        return
    chosen = shipped()[DEFAULT if checkpoint == "default" else checkpoint]
    trained_on = specialists(shipped())
    if coding in trained_on.values():
        assert chosen.codec == coding
    elif chosen.name != DEFAULT:
        assert distance(coding, chosen.codec) is not None
    else:
        assert all(distance(coding, codec) is None for other, codec in trained_on.items() if other != DEFAULT)


def test_auto_takes_whatever_the_camera_may_choose() -> None:
    assert parameters("auto", "camera")["codec"] == parameters("auto", "segmentation")["transport"] == "auto"
