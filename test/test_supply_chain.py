# SPDX-License-Identifier: Apache-2.0
"""What `make` installs is what tools/requirements-locked.txt names: every package at one version, its files known by their hashes."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
import sys
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from plcv_ros.requirements import EXTRAS, INSTALL

pytest.importorskip("packaging", reason="packaging is not installed")
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
MACHINES = [(python, machine) for python in ("3.10", "3.11", "3.12", "3.13") for machine in ("x86_64", "aarch64")]


def tool(name: str) -> ModuleType:
    """A program of tools/, which find each other beside themselves."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


locked = tool("locked")
PINS = locked.read()


def machine(python: str, name: str) -> dict[str, str]:
    """PEP 508's variables of Linux with CPython."""
    return {
        **{key: str(value) for key, value in default_environment().items()},
        **{"python_version": python, "python_full_version": f"{python}.5", "platform_machine": name},
        **{"sys_platform": "linux", "platform_system": "Linux", "platform_python_implementation": "CPython", "extra": ""},
    }


def on(variables: dict[str, str], groups: list[str]) -> dict[str, str]:
    """Name -> version of what is installed for the groups on such a machine."""
    pins = [pin for pin in locked.select(PINS, groups) if not pin.marker or Marker(pin.marker).evaluate(variables)]
    found = {pin.name: pin.version for pin in pins}
    assert len(found) == len(pins), "two versions of one package on one machine"
    return found


@pytest.mark.parametrize("group", locked.groups())
def test_every_requirement_is_locked_at_a_version_that_satisfies_it(group: str) -> None:
    checked = 0
    for python, name in MACHINES:
        variables = machine(python, name)
        versions = on(variables, [group])
        for line in locked.groups()[group]:
            wanted = Requirement(line)
            if wanted.marker and not wanted.marker.evaluate(variables):
                continue
            version = versions.get(canonicalize_name(wanted.name))
            assert version, f"{line} is not locked for {group} on Python {python}, {name}: run make lock"
            assert wanted.specifier.contains(version), f"{line}, but {version} is locked: run make lock"
            checked += 1
    assert checked >= len(locked.groups()[group])


def test_the_groups_are_the_tables_of_the_package_and_of_the_build() -> None:
    groups = locked.groups()
    assert set(groups) == {"install", *EXTRAS, "build", "torch-cuda", "lock"}
    assert groups["install"] == INSTALL and groups["test"] == EXTRAS["test"]
    lines = [line.partition(" ;")[0] for group in ("install", *EXTRAS) for line in groups[group]]
    left_out = {line for extra in EXTRAS.values() for line in extra} - set(lines)
    assert left_out == {"torch>=2.1"} and Requirement("torch>=2.1").specifier.contains(locked.TORCH.partition("==")[2])
    text = (ROOT / "pyproject.toml").read_text()
    build = re.findall(r'"([^"]+)"', re.search(r"^requires = \[(.*)\]$", text, re.MULTILINE)[1])  # type: ignore[index]
    versions = on(machine("3.10", "x86_64"), ["build"])
    assert build and all(Requirement(line).specifier.contains(versions[Requirement(line).name]) for line in build)


def test_the_file_holds_pins_with_hashes_and_nothing_else() -> None:
    text = locked.LOCK.read_text()
    assert text == tool("lock_requirements").HEADER + "".join(pin.text() for pin in PINS)
    assert all(pin.hashes and all(re.fullmatch("sha256:[0-9a-f]{64}", value) for value in pin.hashes) for pin in PINS)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in lines if re.search(r"[/@]|--(?!hash)|file:|http", line)]
    assert {pin.name: pin.version for pin in PINS}["torch"] == locked.TORCH.partition("==")[2]


def test_what_a_locked_package_needs_is_locked_for_the_same_groups() -> None:
    variables = machine(f"{sys.version_info[0]}.{sys.version_info[1]}", "x86_64")
    checked = 0
    for group in locked.groups():
        versions = on(variables, [group])
        for name, version in versions.items():
            try:
                distribution = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            if distribution.version != version:
                continue
            for need in map(Requirement, distribution.requires or ()):
                if not need.marker or need.marker.evaluate(variables):
                    assert need.specifier.contains(versions[canonicalize_name(need.name)]), f"{name} needs {need} ({group})"
                    checked += 1
    if not checked:
        pytest.skip("none of the locked packages is installed at its locked version")


def test_the_cpu_build_of_torch_needs_only_what_is_locked_for_remote() -> None:
    try:
        torch = importlib.metadata.distribution("torch")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("torch is not installed")
    if torch.version != f"{locked.TORCH.partition('==')[2]}+cpu":
        pytest.skip(f"torch {torch.version} is not the locked version's CPU build")
    variables = machine(f"{sys.version_info[0]}.{sys.version_info[1]}", "x86_64")
    needs = [need for need in map(Requirement, torch.requires or ()) if not need.marker or need.marker.evaluate(variables)]
    versions = on(variables, ["remote"])
    assert needs and all(need.specifier.contains(versions[canonicalize_name(need.name)]) for need in needs)
    assert not [name for name in versions if locked.CUDA.fullmatch(name)]


HASH = "--hash=sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.4.6",
        f"numpy>=2.4 {HASH}",
        f"numpy {HASH}",
        f"numpy==2.* {HASH}",
        f"numpy==2.4.6 {HASH[:-1]}",
        "numpy==2.4.6 --hash=md5:" + "0a" * 16,
        f"numpy @ https://example.org/numpy.whl {HASH}",
        f"./numpy.whl {HASH}",
        f"--index-url https://example.org/simple {HASH}",
        f"numpy==2.4.6 {HASH} --extra-index-url=x",
    ],
)
def test_a_line_that_is_not_exact_is_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "locked.txt"
    path.write_text(f"# a comment\n{line}\n    # for: edge\n")
    with pytest.raises(locked.LockError, match=re.escape(f"{path}:3: expected NAME==VERSION")):
        locked.read(path)


def test_a_file_that_is_no_lock_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "locked.txt"
    with pytest.raises(locked.LockError, match="No such file"):
        locked.read(path)
    path.write_text(f"numpy==2.4.6 {HASH}\n")
    with pytest.raises(locked.LockError, match="is followed by no line"):
        locked.read(path)
    path.write_bytes(b"\xff")
    with pytest.raises(locked.LockError, match="can't decode"):
        locked.read(path)


def test_groups_go_down_to_what_a_package_needs() -> None:
    def block(name: str, via: str) -> str:
        return f"{name}==1.0 ; python_version < '3.14' \\\n    {HASH} \\\n    {HASH}\n    # via {via}\n"

    text = block("torch", "-r torch-cuda.in") + block("nvidia-cublas", "torch") + block("sympy", "torch") + block("mpmath", "sympy, cycler")
    text += block("matplotlib", "-r report.in") + block("cycler", "matplotlib") + block("numpy", "matplotlib, -r install.in")
    pins = tool("lock_requirements").parse(text)
    assert {pin.name: set(pin.groups) for pin in pins} == {
        **{"torch": {"torch-cuda"}, "nvidia-cublas": {"torch-cuda"}, "sympy": {"remote", "torch-cuda"}},
        **{"mpmath": {"remote", "report", "torch-cuda"}, "matplotlib": {"report"}, "cycler": {"report"}, "numpy": {"install", "report"}},
    }
    assert all(pin.version == "1.0" and pin.marker == "python_version < '3.14'" and len(pin.hashes) == 2 for pin in pins)
    with pytest.raises(locked.LockError, match="without hashes"):
        tool("lock_requirements").parse(text + "six==1.0\n    # via numpy\n")


def wheel(folder: Path, name: str, needs: str = "") -> str:
    """A wheel with one empty module; returns its hash as the lock file writes it."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + (f"Requires-Dist: {needs}\n" if needs else "")
    files = {
        f"{name}.py": "",
        f"{name}-1.0.dist-info/METADATA": metadata,
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode() for path, text in files.items()}
    files[f"{name}-1.0.dist-info/RECORD"] = "".join(f"{path},sha256={digests[path]},{len(text)}\n" for path, text in files.items())
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_files_with_the_locked_hashes_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    setup = tool("setup_environment")
    pip = pytest.importorskip("pip", reason="pip is not installed")
    venv.create(tmp_path / "venv", symlinks=True)
    # The pip of this environment: a copy of its own would take seconds.
    next(tmp_path.glob("venv/lib/python*/site-packages")).joinpath("pip.pth").write_text(str(Path(pip.__file__).parents[1]) + "\n")
    python, index, lock = tmp_path / "venv/bin/python", tmp_path / "index", tmp_path / "locked.txt"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    whole = {"first": wheel(index, "first"), "second": wheel(index, "second", "first"), "third": wheel(index, "third")}

    def write(*names: str, **changed: str) -> None:
        hashes = {**whole, **changed}
        lock.write_text("".join(locked.Pin(name, "1.0", "", (hashes[name],), ("edge",)).text() for name in names))

    write("first", "second", first="sha256:" + "0a" * 32)
    with pytest.raises(setup.SetupError, match=r"(?s)Only files with the hashes of .*locked\.txt are installed.*do not use it"):
        setup.install_locked(python, ["edge"], lock)
    told = capfd.readouterr().err
    assert "DO NOT MATCH THE HASHES" in told and "0a" * 32 in told and whole["first"].removeprefix("sha256:") in told
    assert not setup.has_module(python, "second"), "nothing of the list is installed"

    write("second")
    with pytest.raises(setup.SetupError, match="make lock"):
        setup.install_locked(python, ["edge"], lock)
    assert not setup.has_module(python, "second"), "what it needs is not locked"

    write("first", "second")
    setup.install_locked(python, ["edge"], lock)
    assert setup.has_module(python, "first") and setup.has_module(python, "second") and not setup.has_module(python, "third")

    lock.write_text("first>=1.0\n    # for: edge\n")
    with pytest.raises(setup.SetupError, match=r"the lock file cannot be used: .*expected NAME==VERSION"):
        setup.install_locked(python, ["edge"], lock)


def test_unknown_extras_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    setup = tool("setup_environment")
    monkeypatch.setattr(setup, "check_machine", lambda: None)
    monkeypatch.setattr(sys, "argv", ["setup_environment.py", "--venv", str(tmp_path / "venv"), "--extras", "edge,lock"])
    assert setup.main() == 1
    assert "unknown extras lock: expected some of edge, remote" in capsys.readouterr().err
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("index", "gpu", "answers", "expected"),
    [
        ("https://mine.example/simple", True, True, [["--no-deps", "--index-url", "INDEX"], ["--extra-index-url", "INDEX"]]),
        ("", True, True, "torch-cuda"),
        ("", False, True, [["--no-deps", "--index-url", "CPU"]]),
        ("", False, False, [[]]),
    ],
)
def test_torch_comes_from_one_named_place(
    index: str, gpu: bool, answers: bool, expected: list[list[str]] | str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = tool("setup_environment")
    done: list[object] = []
    monkeypatch.setenv("TORCH_INDEX", index)
    monkeypatch.setattr(setup.shutil, "which", lambda _: "/usr/bin/nvidia-smi" if gpu else None)
    monkeypatch.setattr(setup, "reachable", lambda _: answers)
    monkeypatch.setattr(setup, "pip", lambda _, *words: done.append(list(words)))
    monkeypatch.setattr(setup, "install_locked", lambda _, groups: done.append(groups))
    setup.install_torch(Path("python"))
    if isinstance(expected, str):
        assert done == [[expected]]
    else:
        places = {"INDEX": index, "CPU": setup.TORCH_CPU_INDEX}
        assert done == [["install", *(places.get(word, word) for word in words), locked.TORCH] for words in expected]
    told = capsys.readouterr().out
    assert locked.TORCH in told and ("not checked" in told) == (bool(index) or not (gpu or answers))
