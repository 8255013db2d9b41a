# SPDX-License-Identifier: Apache-2.0
"""A parameter file for one node alone leaves no other node on another codec."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcv_ros.cli import demo
from plcv_ros.cli.base_configuration import base_configuration
from plcv_ros.cli.main import main
from plcv_ros.graph import ArgumentError, configurations

RECEIVERS = ("/segmentation", "/evaluation")


def written(folder: Path, **nodes: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text("".join(f"/**/{node}:\n  ros__parameters:\n    {values}\n" for node, values in nodes.items()))
    return path


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"camera": "codec: jpeg"}, "jpeg"),
        ({"camera": "codec: raw"}, "raw"),
        ({"camera": "codec: auto"}, "auto"),
        ({"camera": "codec: jxs"}, "jxs_high"),
        ({"camera": "{codec: jxs, jxs_preset: pruned}"}, "jxs_pruned"),
        ({"camera": "{codec: jxs, jxs_preset: best}"}, "jxs_high"),
        ({"camera": "{codec: astc, astc_block: 12x12}"}, "astc_12x12"),
        ({"camera": "rate: 5.0"}, "astc_8x8"),
        ({"segmentation": "transport: compressed"}, "jpeg"),
        ({"segmentation": "transport: jxs"}, "jxs_high"),
        ({"camera": "codec: jxs", "segmentation": "transport: auto"}, "jxs_high"),
        ({"camera": "codec: jpeg", "evaluation": "transport: raw"}, "jpeg"),
        ({"segmentation": "device: cpu"}, "astc_8x8"),
        ({"latency": "window_s: 3.0"}, "astc_8x8"),
    ],
)
def test_the_base_has_the_codec_of_the_file(nodes: dict[str, str], expected: str, tmp_path: Path) -> None:
    path = written(tmp_path, **nodes)
    assert base_configuration(path, "--config", "/camera", RECEIVERS) == expected
    assert expected in configurations()


@pytest.mark.parametrize(
    "nodes",
    [
        {"camera": "codec: jpeg", "segmentation": "transport: astc"},
        {"camera": "codec: auto", "evaluation": "transport: jxs"},
        {"segmentation": "transport: astc", "evaluation": "transport: jxs"},
    ],
)
def test_codecs_that_do_not_meet(nodes: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, **nodes)
    with pytest.raises(ArgumentError, match="no frame would arrive"):
        base_configuration(path, "--config", "/camera", RECEIVERS)
    assert main(["demo", "--config", str(path)]) == 2
    assert f"--config {path}: camera sends" in capsys.readouterr().err


def test_the_demo_reads_the_file_after_its_base(tmp_path: Path) -> None:
    import argparse

    path = written(tmp_path, camera="codec: jpeg")
    parser = argparse.ArgumentParser()
    demo.configure(parser)
    graph = demo._graph(demo._settings(parser.parse_args(["--config", str(path)])))
    for node in graph.nodes:
        assert [file.name for file in node.parameter_files] == ["jpeg.yaml", "mine.yaml"]
    strange = written(tmp_path, kamera="codec: jpeg")
    (warning,) = demo._graph(demo._settings(parser.parse_args(["--config", str(strange)]))).warnings
    assert warning.startswith(f"--config {strange}: ")
    assert "did you mean /**/camera?" in warning


@pytest.mark.parametrize("words", [["demo", "--config", "no_such.yaml"], ["up", "offload", "configuration:=no_such.yaml", "--print"]])
def test_a_file_that_is_missing(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "no_such.yaml: no such file" in error
    assert "astc_12x12" not in error
