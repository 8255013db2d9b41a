# SPDX-License-Identifier: Apache-2.0
"""Numbers outside their range are refused before a command does anything, and no command takes a number without a range."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from plcv_ros.cli.main import COMMANDS, main
from plcv_ros.cli.ranges import OF_THE_CODEC, RANGES
from plcv_ros.cli.train import TASKS
from plcv_ros.ranges import Range

NEEDED = {
    "encode": ["a.png", "b.jxs"],
    "decode": ["a.jxs", "b.png"],
    "eval": ["default", "--data", "scenes"],
    "tune": ["default", "--data", "scenes"],
    "up": ["offload"],
    "scenes": ["--out", "x"],
    "train segmentation": ["--data", "scenes"],
    "train classification": ["--data", "classes=x"],
    "train table": ["table.yaml"],
}


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for command in COMMANDS:
        for task in [f"train {task}" for task in TASKS] if command == "train" else [command]:
            parser = argparse.ArgumentParser()
            importlib.import_module(f"plcv_ros.cli.{task.replace(' ', '_')}").configure(parser)
            yield task, parser


@pytest.mark.parametrize(("command", "parser"), [pytest.param(*each, id=each[0]) for each in parsers()])
def test_every_number_has_a_range_that_holds_its_default(command: str, parser: argparse.ArgumentParser) -> None:
    numbers = {action.dest: action.default for action in parser._actions if action.type in (int, float)}
    ranges = RANGES.get(command, {})
    assert numbers.keys() == ranges.keys() | OF_THE_CODEC.get(command, set())
    assert all(value in ranges[name] for name, value in numbers.items() if isinstance(value, (int, float)))


def outside() -> Iterator[tuple[str, str, str]]:
    for command, parser in parsers():
        kinds = {action.dest: action.type for action in parser._actions if action.choices is None}
        for name, allowed in RANGES.get(command, {}).items():
            if kinds.get(name) is int:
                wrong = [str(int(allowed.low) - 1), str(int(allowed.high) + 1)]
            elif kinds.get(name) is float:
                wrong = [f"{allowed.low - 1:g}", f"{allowed.high * 1.01:.17g}", "nan", "inf"]
                wrong += ["0"] * (allowed.above_low and allowed.low == 0 and not allowed.zero) + ["1"] * (allowed.below_high and allowed.high == 1)
            else:
                wrong = []
            for text in wrong:
                yield command, f"--{name.replace('_', '-')}", text


@pytest.mark.parametrize(("command", "option", "text"), list(outside()))
def test_a_number_outside_its_range(
    command: str, option: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), *NEEDED.get(command, []), option, text]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"plcv {command.split(maxsplit=1)[0]}: {option} ")
    assert "expected" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("output", "option", "text"), [("b.jxs", "--bpp", t) for t in ("-1", "0", "nan", "inf")] + [("b.jpg", "--quality", "0")])
def test_a_number_that_the_codec_refuses(output: str, option: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encode", "a.png", str(tmp_path / output), option, text]) == 2
    assert f"{option.removeprefix('--')} is " in capsys.readouterr().err


def test_several_numbers_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "segmentation", "--data", "scenes", "--batch", "-3", "--average", "2", "--crop", "0"]) == 2
    assert capsys.readouterr().err == (
        "plcv train: --batch -3: expected at least 1, at most 65536; --crop 0: expected at least 32, at most 8192; "
        "--average 2: expected at least 0, below 1\n"
    )


@pytest.mark.parametrize(
    ("allowed", "inside", "out"),
    [
        (Range(0, 1), (0, 0.5, 1), (-1, 1.5)),
        (Range(0, 1, above_low=True), (1e-9, 1), (0,)),
        (Range(0, 1, below_high=True), (0, 0.999), (1,)),
        (Range(0.1, 10, zero="all"), (0, 0.1, 10), (0.05, -1, 11)),
    ],
)
def test_ranges(allowed: Range, inside: tuple[float, ...], out: tuple[float, ...]) -> None:
    assert all(value in allowed for value in inside)
    assert not any(value in allowed for value in (*out, float("nan"), float("inf"), float("-inf")))
    assert allowed.complaint("--x", inside[0]) == ""
    assert allowed.complaint("--x", out[0]).startswith("--x ")


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch": -3}, {"average": 1.0}, {"encoder_rate": -1.0}, {"rate": float("nan")}, {"threads": -2}])
def test_settings_of_training_have_the_same_ranges(change: dict[str, float]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from plcv_ros.training.settings import Settings

    with pytest.raises(ValueError, match=f"{next(iter(change))} .*: expected"):
        Settings(**change)  # type: ignore[arg-type]
