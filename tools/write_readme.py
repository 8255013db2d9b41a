# SPDX-License-Identifier: Apache-2.0
"""Print the nodes' parameter tables into README.md, between its markers: ``python tools/write_readme.py``. A test compares."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plcv_ros.nodes.parameters import TABLES, markdown  # this checkout, installed or not

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- parameters begin -->\n", "<!-- parameters end -->\n"


def with_parameters(readme: str) -> str:
    """``readme`` with the tables as they are now; raises ValueError where a marker is missing."""
    head, _, rest = readme.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError(f"README.md: expected the lines {BEGIN.strip()} and {END.strip()}")
    # Folded, one a node: a reader looks for one node's table, not for five of them.
    tables = "\n\n".join(f"<details><summary><b>{node}</b></summary>\n\n{markdown(node)}\n\n</details>" for node in TABLES)
    return f"{head}{BEGIN}{tables}\n{END}{tail}"


if __name__ == "__main__":
    README.write_text(with_parameters(README.read_text(encoding="utf-8")), encoding="utf-8")
