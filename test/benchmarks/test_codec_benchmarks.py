# SPDX-License-Identifier: Apache-2.0
"""The codec benchmarks: every setting makes a codec, a small run goes through, and the choice is the fastest within the allowed loss."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from plcv_ros.codecs import make_codec, simd_targets

pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")

ROOT = Path(__file__).parents[2]
SIZE = (192, 128)


def small_frames() -> list[np.ndarray]:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    rng = np.random.default_rng(3)
    return [(np.stack([x + k, y, x ^ y], -1) % 256 * 0.8 + rng.integers(0, 40, (*x.shape, 3))).astype(np.uint8) for k in range(2)]


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The benchmarks as modules, on small frames."""
    found = {}
    for name in ("measuring", "codecs", "jpegxs_pruning"):
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found[name] = importlib.util.module_from_spec(spec)
        # Under its own name for the others' imports, and by its full one where dataclasses look it up.
        monkeypatch.setitem(sys.modules, f"benchmark_{name}", found[name])
        if name == "measuring":
            monkeypatch.setitem(sys.modules, name, found[name])
        spec.loader.exec_module(found[name])
        for constant, value in (("WIDTH", SIZE[0]), ("HEIGHT", SIZE[1]), ("FRAMES", 2)):
            if hasattr(found[name], constant):
                monkeypatch.setattr(found[name], constant, value)
    return found


def test_every_setting_is_a_codec_of_its_own(modules: dict[str, ModuleType]) -> None:
    pruning = modules["jpegxs_pruning"]
    settings = [*pruning.SETTINGS, pruning.EXHAUSTIVE]
    assert len({setting.name for setting in settings}) == len(settings)
    high = make_codec("jxs", preset="high").tools
    for setting in settings:
        tools = make_codec("jxs", **setting.options).tools
        if setting.group in {"alone", "combined"}:
            changed = sum(value != getattr(high, name) for name, value in vars(tools).items())
            assert changed == len(setting.options) - 1, f"{setting.name} changes what it says"


def test_pruning_table(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pruning = modules["jpegxs_pruning"]
    rows = pruning.measure(small_frames(), 8.0, 1, False, True)
    assert [row["setting"] for row in rows] == [setting.name for setting in pruning.SETTINGS]
    for row in rows:
        assert row["bit_per_px"] == pytest.approx(8.0, abs=0.01), "constant rate"
        assert row["encode_ms"] > 0
        assert row["decode_ms"] > 0
    by_name = {row["setting"]: row for row in rows}
    assert by_name["high"]["to_high_db"] == 0
    assert by_name["no significance flags"]["psnr_db"] <= by_name["high"]["psnr_db"] + 0.2
    text = pruning.table(rows)
    assert text.count("\n") == len(rows) + 1
    assert f"**{pruning.best(rows)['setting']}**" in text
    pruning.plot(rows, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    modules["measuring"].write_csv(tmp_path / "p.csv", rows)
    again = pruning.read_csv(tmp_path / "p.csv")
    assert again == rows
    assert pruning.section(again) == pruning.section(rows)


def test_the_choice_is_the_fastest_within_the_loss(modules: dict[str, ModuleType]) -> None:
    def row(name: str, milliseconds: float, loss: float, group: str = "combined") -> dict:
        return {"setting": name, "group": group, "encode_ms": milliseconds, "to_high_db": loss, "encode_to_jpeg": milliseconds, "psnr_db": 40 + loss}

    rows = [row("high", 9.0, 0.0), row("a", 7.0, -1.5), row("b", 5.0, -1.51), row("c", 8.0, -0.1), row("d", 1.0, 0.0, "reference")]
    pruning = modules["jpegxs_pruning"]
    assert pruning.best(rows)["setting"] == "a"
    assert pruning.front_of(rows[:4]) == [(5.0, 38.49), (7.0, 38.5), (8.0, 39.9), (9.0, 40.0)]


def test_speed_tables(modules: dict[str, ModuleType]) -> None:
    codecs = modules["codecs"]
    target = simd_targets()[0]
    rows = codecs.measure_jpegxs(small_frames(), 1, True, [1, 2], [target], [8.0])
    assert len(rows) == 2 * 2 * len(codecs.JPEGXS)
    for row in rows:
        assert set(codecs.SPEED_COLUMNS["jxs"]) <= set(row)
        assert row["ratio"] == pytest.approx(row["jpeg_ms"] / row["ms"], rel=0.05)
        assert row["psnr_db"] > 20
    summary = codecs.jpegxs_summary(rows, 8.0)
    assert summary.count("\n") == 1 + len(codecs.JPEGXS)
    assert f"{rows[0]['ms']:.2f} ms, {rows[0]['ratio']:.2f}x JPEG" in summary
    rows = codecs.measure_astc(small_frames(), 1, True, [1], [target])
    encoders = {f"encode {preset}" for preset in ("fast", "fine", "paper", "vision", "vision_fine")}
    assert {row["what"] for row in rows} == {*encoders, "decode", "decode vision"}
    quality = codecs.measure_quality(small_frames(), ["astc", "jxs"], [8.0])
    assert {row["codec"] for row in quality} == {"astc", "jxs"}
    assert all(row["psnr_db"] > 15 for row in quality)
