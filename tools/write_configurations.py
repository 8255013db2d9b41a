# SPDX-License-Identifier: Apache-2.0
"""Write config/<configuration>.yaml from the nodes' parameter tables: ``python tools/write_configurations.py``. A test compares.

The network of each is the shipped one for its codec, by the rules of ``checkpoint: auto`` (plcv_ros/perception/choice.py).
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plcv_ros.nodes.codec_parameters import coding_from  # this checkout, installed or not
from plcv_ros.nodes.parameters import CODEC_ROWS, TABLES, Row, Value
from plcv_ros.perception.choice import choose, specialists
from plcv_ros.perception.shipped import DEFAULT, Shipped, shipped

CONFIGURATIONS: dict[str, tuple[str, dict[str, Value]]] = {
    "astc_8x8": ("Pruned ASTC, 8x8 blocks: 2.00 bit per pixel, always.", {"astc_preset": "vision"}),
    "astc_12x12": ("Pruned ASTC, 12x12 blocks: 0.889 bit per pixel, always.", {"astc_block": "12x12", "astc_preset": "vision"}),
    "jxs_main": ("JPEG XS, 3 bit per pixel, Main profile.", {"codec": "jxs", "transport": "jxs", "jxs_preset": "main"}),
    "jxs_high": ("JPEG XS, 3 bit per pixel, High profile: the best picture.", {"codec": "jxs", "transport": "jxs"}),
    "jxs_pruned": (
        "JPEG XS, 3 bit per pixel, pruned: the fastest of its configurations that loses little.",
        {"codec": "jxs", "transport": "jxs", "jxs_preset": "pruned"},
    ),
    "auto": (
        "The best setting that the link bears: ASTC 12x12 or 8x8 or JPEG XS at 3 or 4 bit per pixel, chosen while it runs.",
        {"codec": "auto", "transport": "auto", "jxs_preset": "pruned", "astc_preset": "vision"},
    ),
    "jpeg": ("libjpeg-turbo, for comparison.", {"codec": "jpeg", "transport": "compressed"}),
    "raw": ("No codec: sensor_msgs/Image, for comparison and for links with room.", {"codec": "raw", "transport": "raw"}),
}
"""Configuration -> what it is, and the parameters that differ from the nodes' defaults."""


def coding(configuration: str) -> str:
    """The codec of a configuration, as training names it; empty for auto."""
    return coding_from({**{row.name: row.default for row in CODEC_ROWS}, **CONFIGURATIONS[configuration][1]})


def checkpoint(configuration: str, known: Mapping[str, Shipped]) -> str:
    """The network of a configuration: ``auto`` where the codec is, else that of the ``known`` ones for its codec, ``default`` where that is it."""
    if not coding(configuration):
        return "auto"
    name = choose(coding(configuration), specialists(known), DEFAULT)
    return "default" if name == DEFAULT else name


def text(configuration: str) -> str:
    """The parameter file: every parameter of every node, each with what it means."""
    headline, changes = CONFIGURATIONS[configuration]
    changes = {**changes, "checkpoint": checkpoint(configuration, shipped())}
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# {headline}",
        "# Every parameter of every node. Written by tools/write_configurations.py; copy it and give the copy as params_file:=...",
    ]
    for node, rows in TABLES.items():
        lines += [f"/**/{node}:", "  ros__parameters:"]
        for row in rows:
            allowed = f" ({row.allowed})" if row.allowed else ""
            lines += textwrap.wrap(f"{row.description}{allowed}", 120, initial_indent="    # ", subsequent_indent="    # ")
            lines.append(f"    {row.name}: {_yaml(row, changes.get(row.name, row.default))}")
    return "\n".join(lines) + "\n"


def _yaml(row: Row, value: Value) -> str:
    return json.dumps(row.check(value))


def main() -> None:
    """Write all files."""
    folder = Path(__file__).resolve().parents[1] / "config"
    for name in CONFIGURATIONS:
        (folder / f"{name}.yaml").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
