# SPDX-License-Identifier: Apache-2.0
"""Options that would do nothing are refused by name, before anything else is done."""

from __future__ import annotations

import pytest

from plcv_ros.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["latency", "--title", "x"], "--title does nothing without --report"),
        (["latency", "--report", "x", "--once"], "--once does nothing with --report"),
        (["latency", "--report", "x", "--node", "y", "--seconds", "3"], "--node does nothing with --report; --seconds does nothing with --report or"),
        (["latency", "--once", "--seconds", "3"], "--seconds does nothing with --report or --once"),
        (["eval", "default", "--data", "scenes", "--worst"], "--worst does nothing without --pictures"),
        (["eval", "default", "--data", "scenes", "--picture-count", "3"], "--picture-count does nothing without --pictures"),
        (["eval", "default", "--data", "folder=x,labels=camvid", "--split", "val"], "--split does nothing with scenes and folder"),
        (["eval", "default", "--data", "scenes", "--cache", "x"], "--cache does nothing without a --codec"),
        (["scenes", "--preview", "x.png", "--frames", "3"], "--frames does nothing without --out"),
        (["demo", "--source", "clip.mp4", "--seed", "3"], "--seed does nothing with another --source than scenes"),
        (["tune", "default", "--data", "scenes", "--rate", "3"], "--rate does nothing without --compare"),
        (["encode", "a.png", "b.jxs", "--lossless", "--bpp", "3"], "--bpp does nothing with --lossless"),
        (["encode", "a.png", "b.jxs", "--lossless", "--rate-control", "picture"], "--rate-control does nothing with --lossless"),
        (
            ["encode", "a.png", "b.jxs", "--lossless", "--search", "guess", "--precision", "18/6"],
            "--precision does nothing with --lossless; --sea",
        ),
        (["encode", "a.png", "b.jpg", "--threads", "2"], "--threads does nothing with jpeg"),
    ],
)
def test_options_that_do_nothing(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--validate-every", "2"], "--validate-every does nothing without --validate"),
        (["--teacher", "default"], "--teacher does nothing without --distil"),
        (["--network", "torchvision", "--width", "64"], "--width does nothing with another --network than espnetv2_fpn"),
        (["--network", "torchvision", "--scale", "0.5"], "--scale does nothing with another --network than espnetv2_*"),
        (["--cache", "x"], "--cache does nothing without --codec"),
    ],
)
def test_options_of_training_that_do_nothing(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "segmentation", "--data", "scenes", *words]) == 1
    assert message in capsys.readouterr().err
