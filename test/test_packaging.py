# SPDX-License-Identifier: Apache-2.0
"""What pip, colcon and `ros2 launch` find after an installation."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from plcv_ros.graph import GRAPHS
from plcv_ros.requirements import EXTRAS
from setup_native import CACHE, ObjectCache, object_key

ROOT = Path(__file__).parents[1]


def names(folder: str, pattern: str) -> set[str]:
    return {path.name for path in (ROOT / folder).glob(pattern) if path.is_file()}


def copy_of_the_source(into: Path) -> Path:
    """The files a fresh clone would hold (tracked, as they stand), without anything built."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    if not any(listed):
        pytest.skip("not a git checkout")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)
    return into


def test_package_xml_is_valid_and_ament_python() -> None:
    package = pytest.importorskip("catkin_pkg.package", reason="catkin_pkg is not installed")
    description = package.parse_package(str(ROOT / "package.xml"))
    description.validate()
    assert description.get_build_type() == "ament_python"
    setup_version = next(line for line in (ROOT / "setup.py").read_text().splitlines() if line.strip().startswith("version="))
    assert f'"{description.version}"' in setup_version
    assert f'__version__ = "{description.version}"' in (ROOT / "plcv_ros/__init__.py").read_text()


def imported_interfaces(path: Path) -> set[str]:
    """ROS message and service packages that a file cannot do without: those whose import is not in a try block for ImportError."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    optional = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.Try) and any("ImportError" in ast.unparse(handler.type or ast.Constant("")) for handler in block.handlers)
        for statement in block.body
        for node in ast.walk(statement)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in optional:
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        found |= {name.split(".")[0] for name in names if name.split(".")[1:2] in (["msg"], ["srv"], ["action"])}
    return found


def test_every_interface_package_is_a_dependency() -> None:
    """In package.xml for a ROS distribution, and among the wheels of the extra ``ros``."""
    package = pytest.importorskip("catkin_pkg.package", reason="catkin_pkg is not installed")
    files = [*(ROOT / "plcv_ros").rglob("*.py"), *(ROOT / "launch").glob("*.py"), *(path for path in (ROOT / "scripts").iterdir() if path.is_file())]
    imported = set().union(*map(imported_interfaces, files))
    assert {"sensor_msgs", "std_msgs", "builtin_interfaces", "rosgraph_msgs", "rcl_interfaces", "diagnostic_msgs"} <= imported
    needed = {dependency.name for dependency in package.parse_package(str(ROOT / "package.xml")).exec_depends}
    assert imported - needed == set()
    wheels = {re.split(r"[\[>=<]", text)[0] for text in EXTRAS["ros"]}
    assert {f"ros-{name.replace('_', '-')}" for name in imported} - wheels == set()


def test_make_demo_hands_paths_over_as_they_are(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = tmp_path / "bin" / "plcv"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\n")
    command.chmod(0o755)
    (tmp_path / ".ready").touch()
    for source in ("scenes", "/data/a folder ", "it's here", 'a "name"'):
        words = ["make", "-s", "-C", str(ROOT), "demo", f"VENV={tmp_path}", f"SOURCE={source}", "OUT=out put "]
        shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert f"|--source|{source}|" in shown
        assert shown.endswith("|--out|out put |")


def test_every_share_file_and_node_is_installed(tmp_path: Path) -> None:
    """data_files is what ament relies on: run that part of setup.py alone, without compiling."""
    source = copy_of_the_source(tmp_path / "source")
    prefix = tmp_path / "prefix"
    command = [sys.executable, "setup.py", "--quiet", "install_data", "--install-dir", str(prefix)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    share = prefix / "share" / "plcv_ros"
    assert {path.name for path in (share / "launch").iterdir()} == names("launch", "*.launch.py")
    assert {path.name for path in (share / "config").iterdir() if path.is_file()} == names("config", "*")
    policies = {path.name for path in (share / "config/security/policies").iterdir()}
    assert policies == names("config/security/policies", "*.xml") == {f"{graph}.xml" for graph in GRAPHS}
    assert (share / "package.xml").is_file()
    assert (prefix / "share/ament_index/resource_index/packages/plcv_ros").is_file()
    nodes = list((prefix / "lib" / "plcv_ros").iterdir())
    assert {path.name for path in nodes} == names("scripts", "*")
    assert {"camera", "encoder", "decoder", "segmentation", "latency"} <= {path.name for path in nodes}
    assert [path.name for path in nodes if not os.access(path, os.X_OK)] == []


@pytest.mark.timeout(600)
def test_wheel_holds_the_codecs_and_the_weights(tmp_path: Path) -> None:
    source = copy_of_the_source(tmp_path / "source")
    if (ROOT / CACHE).is_dir():  # whether it compiles from nothing is known from where the tests run
        shutil.copytree(ROOT / CACHE, source / CACHE)
    # --ignore-installed: otherwise pip removes the package from the environment that the tests run in.
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--ignore-installed", "--prefix", str(tmp_path / "prefix")]
    command = [sys.executable, "-m", "pip", "install", *options, "."]
    result = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr
    site = next((tmp_path / "prefix").glob("lib*/python*/site-packages"))
    assert names("plcv_ros/weights", "*") == {path.name for path in (site / "plcv_ros/weights").iterdir() if path.is_file()}
    assert [path for path in (tmp_path / "prefix").rglob("*") if path.suffix in {".jxs", ".raw"} or "vectors" in path.parts] == []
    code = (
        "import numpy, plcv_ros, plcv_ros.codecs as c; "
        "image = numpy.full((24, 40, 3), 77, numpy.uint8); "
        "assert (abs(c.decode(c.make_codec('astc').encode(image)).astype(int) - 77) < 5).all(); print(plcv_ros.__file__)"
    )
    # In an empty folder: the installed package is meant, not the source tree.
    environment = {**os.environ, "PYTHONPATH": str(site)}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert str(site) in run.stdout
    assert (tmp_path / "prefix" / "bin" / "plcv").is_file()


def test_objects_are_compiled_again_when_anything_they_depend_on_changes(tmp_path: Path) -> None:
    source, header = tmp_path / "one.cpp", tmp_path / "one.h"
    source.write_text("int one();")
    header.write_text("// one")
    compiled: list[str] = []

    def build(*command: str) -> str:
        obj = tmp_path / "new" / "one.o"
        shutil.rmtree(obj.parent, ignore_errors=True)

        def compile_one() -> None:
            compiled.append(source.read_text() + header.read_text() + " ".join(command))
            obj.write_text(compiled[-1])

        cache = ObjectCache(tmp_path / "cache", [header])
        cache.compile(source, obj, command, compile_one)
        cache.clean()
        return obj.read_text()

    assert build("c++", "-O3") == build("c++", "-O3") == compiled[0]
    assert len(compiled) == 1
    source.write_text("int two();")
    assert build("c++", "-O3").startswith("int two();")
    header.write_text("// two")
    assert "// two" in build("c++", "-O3")
    assert build("c++", "-O2").endswith("-O2")
    assert build("c++", "-O2") == compiled[-1]
    assert len(compiled) == 4
    assert len(list((tmp_path / "cache").iterdir())) == 1, "what is not used any more is removed"
    assert object_key(source, [header], ["c++"]) != object_key(source, [], ["c++"])


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The tests that are copied into ``folder``, run there as colcon runs them."""
    shutil.copy2(ROOT / "test/conftest.py", folder / "test/conftest.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junit-xml", str(folder / "pytest.xml"), "test", *words]
    return subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)


def test_a_run_of_no_tests_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test/test_one.py").write_text("def test_one(): pass\n")
    assert run_pytest(tmp_path).returncode == 0
    done = run_pytest(tmp_path, "-k", "nosuch")
    assert done.returncode == 1
    assert "no test was collected" in done.stdout
    assert 'failures="1"' in (tmp_path / "pytest.xml").read_text(), "colcon test-result reads this file"


def test_a_run_without_pytest_is_a_failure() -> None:
    done = subprocess.run([sys.executable, "-m", "unittest", "-v"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the tests of plcv_ros need pytest" in done.stderr


def test_the_installed_package_is_tested_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("site", "source"):
        (tmp_path / name / "plcv_ros").mkdir(parents=True)
        (tmp_path / name / "plcv_ros/__init__.py").write_text(f"PLACE = {name!r}\n")
    source = tmp_path / "source"
    (source / "test").mkdir()
    (source / "test/test_place.py").write_text(
        "import subprocess, sys, plcv_ros\n"
        "def test_place():\n"
        "    started = subprocess.run([sys.executable, '-c', 'import plcv_ros; print(plcv_ros.PLACE)'], capture_output=True, text=True)\n"
        "    assert (plcv_ros.PLACE, started.stdout.strip()) == ('site', 'site')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    done = run_pytest(source)
    assert done.returncode == 0, done.stdout
    assert f"plcv_ros: {tmp_path / 'site/plcv_ros'}" in done.stdout
    monkeypatch.delenv("PYTHONPATH")
    assert run_pytest(source).returncode == 1, "without one it is the source tree's"
