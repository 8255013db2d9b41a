# SPDX-License-Identifier: Apache-2.0
"""What all tests share: no verdict by the clock, ROS domains of their own for tests that run side by side, and which package is tested.

That is the installed one where there is one on PYTHONPATH (`colcon test`, a sourced workspace), else the source tree's.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def installed_package() -> Path | None:
    """The folder on PYTHONPATH that holds a plcv_ros other than the source tree's; None where there is none."""
    for entry in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        package = Path(entry).resolve() / "plcv_ros"
        if (package / "__init__.py").is_file() and package.resolve() != ROOT / "plcv_ros":
            return package
    return None


INSTALLED = installed_package()
if INSTALLED is not None:
    # `python -m pytest` puts the current folder first.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT]

with contextlib.suppress(ImportError):
    from hypothesis import settings

    # On a busy computer an example may take any time.
    settings.register_profile("plcv", deadline=None)
    settings.load_profile("plcv")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Leave the source tree: `python -m plcv_ros...`, which tests start, would find the package there."""
    if INSTALLED is not None:
        elsewhere = tempfile.TemporaryDirectory(prefix="plcv_test_")
        session.config.add_cleanup(elsewhere.cleanup)
        session.config.add_cleanup(partial(os.chdir, Path.cwd()))
        os.chdir(elsewhere.name)


def pytest_report_header(config: pytest.Config) -> str:
    """Which package is tested."""
    return f"plcv_ros: {INSTALLED or ROOT / 'plcv_ros'}"


class NothingCollected(pytest.Item):
    """Fails: a run of no tests is no success. (colcon takes pytest's own exit status for it, 5, for one.)"""

    def runtest(self) -> None:
        """Fail."""
        pytest.fail("no test was collected", pytrace=False)

    def reportinfo(self) -> tuple[str, None, str]:
        """Where it stands in reports."""
        return str(ROOT / "test"), None, self.name


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> Iterator[None]:
    """After what -k and -m leave out."""
    yield
    if not items and not session.testsfailed:
        items.append(NothingCollected.from_parent(session, name="nothing_collected"))


DOMAINS = 100
"""Fast DDS takes the UDP ports of domains above 101 from those that Linux gives to other programs."""

_numbers = itertools.count(os.getpid())


@pytest.fixture
def domain() -> int:
    """A ROS domain that no other test uses at the same time; skips where there is no ROS."""
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = max(1, DOMAINS // workers)
    return 1 + (worker * share + next(_numbers) % share) % DOMAINS
