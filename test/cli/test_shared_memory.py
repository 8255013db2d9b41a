# SPDX-License-Identifier: Apache-2.0
"""What killed processes leave in shared memory is found, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plcv_ros.cli import checks, shared_memory
from plcv_ros.cli.main import main

HOLDER = """
import mmap, sys, time
mapped = open(sys.argv[1], "r+b"); memory = mmap.mmap(mapped.fileno(), 4096); mapped.close()
opened = open(sys.argv[2], "rb")
print("here", flush=True)
time.sleep(600)
"""


def file(folder: Path, name: str, age_s: float = 60.0, size: int = 4096) -> Path:
    path = folder / name
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


@pytest.fixture
def shm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(shared_memory, "SHM", tmp_path)
    mapped, opened = file(tmp_path, "fastdds_aa"), file(tmp_path, "fastrtps_bb_el")
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(mapped), str(opened)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    yield tmp_path
    process.kill()
    process.wait()


def test_files_that_a_process_uses_stay(shm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file(shm, "fastdds_aa_el")  # the lock of a segment in use
    file(shm, "fastrtps_bb")  # the segment of a lock in use
    file(shm, "fastdds_new", age_s=0.0)
    file(shm, "somebody_elses")
    gone = [file(shm, "fastdds_cc", size=1 << 20), file(shm, "fastdds_cc_el"), file(shm, "sem.fastdds_port7001_mutex")]
    assert shared_memory.left_behind() == sorted(gone)
    assert 1.0 < shared_memory.megabytes(gone) < 1.2
    assert main(["doctor", "--clear-shared-memory"]) == 0
    assert "3 files of 1 MB removed" in capsys.readouterr().out
    assert not any(path.exists() for path in gone)
    assert len(list(shm.iterdir())) == 6
    assert main(["doctor", "--clear-shared-memory"]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_doctor_counts_them(shm: Path) -> None:
    file(shm, "fastdds_cc", size=40 << 20)
    (finding,) = checks.check_shared_memory()
    assert finding.status == "warn"
    assert "1 file of 42 MB left by processes that were killed" in finding.text
    assert "plcv doctor --clear-shared-memory" in finding.remedy


def test_a_folder_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shared_memory, "SHM", tmp_path / "none")
    assert main(["doctor", "--clear-shared-memory"]) == 1
    assert "none: No such file" in capsys.readouterr().err
