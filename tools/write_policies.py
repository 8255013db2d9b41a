# SPDX-License-Identifier: Apache-2.0
"""Write config/security/policies/<graph>.xml from the table of topics (plcv_ros/graph/access.py): ``python tools/write_policies.py``. A test
compares."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plcv_ros.graph.policies import SHIPPED, shipped  # this checkout, installed or not


def main() -> None:
    """Write all files."""
    folder = Path(__file__).resolve().parents[1] / "config" / "security" / "policies"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED:
        (folder / f"{name}.xml").write_text(shipped(name), encoding="utf-8")


if __name__ == "__main__":
    main()
