# SPDX-License-Identifier: Apache-2.0
"""What the demo found out: collected from the nodes' files, shown as a table, written as JSON and Markdown."""

from __future__ import annotations

import csv
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from plcv_ros.camera.address import public, scheme_of
from plcv_ros.writing import replacing

FILES = {
    "overlay.png": "camera frame, decoded frame and labels side by side",
    "latency.html": "the latency report: open it in a browser",
    "latency.png": "where the time of every frame went",
    "frames.csv": "every frame: events, stages, what became of it",
    "latency.json": "counts, percentiles, clocks",
    "clocks.csv": "offset and uncertainty of every node's clock over time",
    "links.csv": "what every node sent or received over time",
    "evaluation.json": "score of every class, where the frames carry labels",
    "summary.md": "this table",
    "summary.json": "the same for programs",
}
STAGES = ("encode", "transport", "decode", "inference", "total")


@dataclass(frozen=True)
class Report:
    """Figures of a run; times in ms, ``cpu`` in cores a process, ``bits_per_pixel`` all bits over all pixels of the run, ``rate`` the frames a second
    that were captured, ``asked_rate`` those that were asked for (0: not known)."""

    source: str
    configuration: str
    width: int
    height: int
    rate: float
    asked_rate: float
    captured: int
    sent: int
    received: int
    segmented: int
    dropped_camera: int
    lost: int
    dropped_remote: int
    segmented_per_second: float
    bits_per_pixel: float | None
    megabit_per_second: float | None
    miou: float | None
    scored: int
    stages: dict[str, dict[str, float]]
    cpu: dict[str, float]
    cores: int
    processor: str
    label_set: str | None = None
    files: list[str] = field(default_factory=list)


def title(source: str, configuration: str, rate: float) -> str:
    """Title of the latency plot."""
    name = public(source) if scheme_of(source) else Path(source).name or source
    return f"{name}, {Path(configuration).stem}" + (f", {rate:g} Hz" if rate else "")


def adopt(new: Path, folder: Path) -> None:
    """Put the files of a run, which ``new`` holds, in the place of those of an earlier one: a run that has failed must not end with its
    predecessor's pictures."""
    for name in FILES:
        if (new / name).exists():
            (new / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def cpu_seconds(pid: int) -> float | None:
    """User and system time of a process so far, s; None where the system does not tell."""
    try:
        # The name, in parentheses, may hold blanks; the fields after it do not.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def collect(folder: Path, settings: Any, camera: dict[str, str], cpu: dict[str, float]) -> Report:
    """Put together what the nodes wrote into ``folder``; ``camera``: its last diagnostics; ``cpu``: cores a process."""
    latency = _read(folder / "latency.json")
    evaluation = _read(folder / "evaluation.json")
    width, height = int(camera.get("width", 0)), int(camera.get("height", 0))
    size, pixels = int(camera.get("bytes", 0)), int(camera.get("pixels", 0))
    encoded = int(camera.get("encoded", 0)) or int(camera.get("published", 0))
    captured_rate = _captured_rate(folder / "frames.csv")
    rate = captured_rate or settings.rate or settings.source_rate
    return Report(
        source=public(settings.source),
        configuration=settings.configuration,
        width=width,
        height=height,
        rate=rate,
        asked_rate=settings.rate or settings.source_rate,
        captured=latency.get("captured", 0),
        sent=latency.get("published", 0),
        received=latency.get("received", 0),
        segmented=latency.get("segmented", 0),
        dropped_camera=latency.get("dropped_camera", 0),
        lost=latency.get("lost", 0),
        dropped_remote=latency.get("dropped_remote", 0),
        segmented_per_second=latency.get("rate", 0.0),
        bits_per_pixel=8 * size / pixels if pixels else None,
        megabit_per_second=8 * size / encoded * rate / 1e6 if encoded and pixels else None,
        miou=evaluation.get("miou"),
        scored=evaluation.get("scored", 0),
        stages=latency.get("stages", {}),
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        processor=_processor(),
        label_set=evaluation.get("label_set"),
        files=[name for name in FILES if (folder / name).exists() or name.startswith("summary")],
    )


def _captured_rate(path: Path) -> float:
    """Frames a second that were captured, from the first to the last of ``frames.csv``; 0 where it holds less than two."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            times = [int(row["captured_ns"]) for row in csv.DictReader(file) if row.get("captured_ns")]
    except (OSError, ValueError):
        return 0.0
    span = (max(times) - min(times)) / 1e9 if times else 0.0
    return (len(times) - 1) / span if span > 0 else 0.0


def figures(report: Report) -> list[tuple[str, str]]:
    """(name, value) of every line above the stages."""
    dropped = report.dropped_camera + report.lost + report.dropped_remote
    where = f"{report.dropped_camera} before sending, {report.lost} on the way, {report.dropped_remote} after arrival"
    lines = [
        ("frames sent", f"{report.sent}"),
        ("received", f"{report.received}"),
        ("segmented", f"{report.segmented} ({report.segmented_per_second:.1f} per second)"),
        ("dropped", f"{dropped} ({where})" if dropped else "0"),
    ]
    if report.bits_per_pixel is not None:
        lines.append(("bits per pixel", f"{report.bits_per_pixel:.2f} ({report.megabit_per_second:.1f} Mbit/s at {report.rate:.3g} Hz)"))
    if report.miou is not None and report.scored:
        lines.append(("mIoU", f"{100 * report.miou:.1f} % over {report.scored} frames with labels"))
    else:
        lines.append(("mIoU", "the frames carry no labels"))
    if report.cpu:
        lines.append(("CPU (cores)", ", ".join(f"{name} {value:.2f}" for name, value in report.cpu.items())))
    return lines


def headline(report: Report) -> str:
    """What was run, in one line."""
    asked = report.asked_rate
    # Within what the first and the last frame make uncertain.
    as_asked = not asked or abs(report.rate - asked) <= 0.03 * asked
    rate = f"{asked or round(report.rate, 1):g} Hz" if as_asked else f"{report.rate:.1f} Hz ({asked:g} asked for)"
    return f"{report.source}, {report.width}x{report.height} at {rate}, {report.configuration}; {report.cores} cores ({report.processor})"


def stage_rows(report: Report) -> list[tuple[str, str, str, str]]:
    """(stage, p50, p95, p99) in ms as text; the five that the question is about."""
    rows = []
    for name in STAGES:
        values = report.stages.get(name)
        if values:
            digits = 1 if values["p50"] >= 10 else 2
            rows.append((name, *(f"{values[p]:.{digits}f}" for p in ("p50", "p95", "p99"))))
    return rows  # type: ignore[return-value]  # four texts each


def write(report: Report, folder: Path) -> None:
    """Write summary.json and summary.md. Raises OSError naming the file."""
    with replacing(folder / "summary.json") as path:
        path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    lines = [f"{headline(report)}\n", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in figures(report)]
    lines += ["", "| latency, ms | p50 | p95 | p99 |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in stage_rows(report)]
    with replacing(folder / "summary.md") as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def show(report: Report, folder: Path) -> None:
    """Print the table and where the files are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_header=True, title_justify="left")
    for column, justify in (("", "left"), ("p50 ms", "right"), ("p95 ms", "right"), ("p99 ms", "right")):
        table.add_column(column, justify=justify, style="bold" if not column else None)  # type: ignore[arg-type]
    for row in stage_rows(report):
        table.add_row(*row, style="bold" if row[0] == "total" else None)
    console.print(f"\n[bold]{headline(report)}[/bold]\n")
    lines = figures(report)
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        console.print(f"  [bold]{name:{width}}[/bold]  {value}")
    console.print(table)
    console.print(f"Written to {folder}:")
    for name in report.files:
        console.print(f"  {name:16} {FILES[name]}")
