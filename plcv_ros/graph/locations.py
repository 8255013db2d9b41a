# SPDX-License-Identifier: Apache-2.0
"""Where the launch files, configurations and DDS profiles lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = "plcv_ros"


def share_directory() -> Path:
    """The folder that holds ``config/`` and ``launch/``: the source tree when the package runs from one (an editable install has no share
    files), else ``share/plcv_ros`` of the first prefix on AMENT_PREFIX_PATH that knows the package, else of the Python environment.
    Raises FileNotFoundError naming the places looked at."""
    source = Path(__file__).resolve().parents[2]
    if (source / "package.xml").is_file() and (source / "config").is_dir():
        return source
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    candidates = [Path(p) for p in prefixes if (Path(p) / "share/ament_index/resource_index/packages" / PACKAGE).is_file()]
    candidates.append(Path(sys.prefix))
    for prefix in candidates:
        share = prefix / "share" / PACKAGE
        if (share / "config").is_dir():
            return share
    raise FileNotFoundError(f"no config folder of {PACKAGE} in {source} or share/{PACKAGE} of {', '.join(map(str, candidates))}: is it installed?")


def configurations() -> tuple[str, ...]:
    """Names of the configurations that come with the package: ``config/<name>.yaml``."""
    return tuple(sorted(path.stem for path in (share_directory() / "config").glob("*.yaml")))
