# SPDX-License-Identifier: Apache-2.0
"""What a type checker tells a user of the codecs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """\
import numpy as np
from plcv_ros.codecs import make_codec, decode
image = np.zeros((16, 16, 3), np.uint8)
codec = make_codec("astc", block=(8, 8), preset="fast")
reveal_type(codec)
reveal_type(codec.encode(image))
make_codec("jxs", bpp=3.0)
make_codec("jpeg", quality=90)
make_codec("astc", blok=(8, 8))
make_codec("jpeg", bpp=3.0)
"""


def test_names_and_options_of_codecs_are_checked(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    script = tmp_path / "user.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--ignore-missing-imports", "--cache-dir", str(tmp_path), str(script)]
    shown = subprocess.run(command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "plcv_ros.codecs.astc.AstcCodec"' in shown
    assert "memoryview" in shown
    assert {line.split(":")[1] for line in shown.splitlines() if ": error:" in line} == {"9", "10"}, shown
