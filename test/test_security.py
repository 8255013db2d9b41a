# SPDX-License-Identifier: Apache-2.0
"""Nodes whose keys are missing are never silent: what is said of each environment, as rcl judges it, in logs, graphs and `plcv doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcv_ros.cli import checks
from plcv_ros.graph import build, security

VARIABLES = (security.ENABLE, security.STRATEGY, security.KEYSTORE, security.OVERRIDE)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    """With the whole enclave /robot/camera, and /robot/decoder without its permissions."""
    for enclave, files in (("camera", security.FILES), ("decoder", security.FILES[:-1])):
        folder = tmp_path / "enclaves" / "robot" / enclave
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).touch()
    return tmp_path


def environ(keystore: Path | str | None, enable: str | None = "true", strategy: str | None = None, override: str = "") -> dict[str, str]:
    given = dict(zip(VARIABLES, (enable, strategy, None if keystore is None else str(keystore), override or None), strict=True))
    return {name: value for name, value in given.items() if value is not None}


def test_nothing_is_said_where_security_was_never_asked_for() -> None:
    assert security.complaint("/", {}) == ""
    assert security.complaint("/", {security.ENABLE: "false"}) == ""


@pytest.mark.parametrize("strategy", [None, "", "Permissive", "Enforce"])
def test_whole_keys_are_no_complaint(keystore: Path, strategy: str | None) -> None:
    assert security.complaint("/robot/camera", environ(keystore, strategy=strategy)) == ""


@pytest.mark.parametrize("strategy", [None, "", "Permissive"])
@pytest.mark.parametrize(("enclave", "what"), [("/robot/decoder", "permissions.p7s"), ("/robot/latency", "is no folder"), ("/", "cert.pem")])
def test_missing_keys(keystore: Path, strategy: str | None, enclave: str, what: str) -> None:
    text = security.complaint(enclave, environ(keystore, strategy=strategy))
    assert what in text and "without security" in text and str(keystore) in text
    assert security.complaint(enclave, environ(keystore, strategy="Enforce")) == "", "rcl itself ends such a node"


def test_no_keystore() -> None:
    assert "ROS_SECURITY_KEYSTORE is not set" in security.complaint("/a", environ(None))
    assert "ROS_SECURITY_KEYSTORE is not set" in security.complaint("/a", environ(""))


def test_the_override_is_what_counts(keystore: Path) -> None:
    assert security.complaint("/nowhere", environ(keystore, override="/robot/camera")) == ""
    assert "robot/decoder" in security.complaint("/robot/camera", environ(keystore, override="/robot/decoder"))


@pytest.mark.parametrize("value", ["True", "TRUE", "1", "yes", " true"])
def test_a_switch_that_is_not_one(keystore: Path, value: str) -> None:
    text = security.complaint("/robot/camera", environ(keystore, enable=value))
    assert repr(value) in text and "security is off" in text and "expected true or false" in text


def test_a_keystore_that_is_not_used(keystore: Path) -> None:
    assert "ROS_SECURITY_ENABLE is not true" in security.complaint("/", environ(keystore, enable=None))
    assert security.complaint("/", environ(keystore, enable="false")) == "", "switched off by hand"


@pytest.mark.parametrize("strategy", ["enforce", "ENFORCE", "Strict"])
def test_a_strategy_that_is_none(keystore: Path, strategy: str) -> None:
    given = environ(keystore, strategy=strategy)
    assert "acts as Permissive" in security.complaint("/robot/camera", given)
    assert "acts as Permissive" in (text := security.complaint("/robot/latency", given)) and "without security" in text


@pytest.mark.parametrize(
    ("words", "enclave"),
    [
        (["camera"], "/"),
        (["camera", "--enclave", "/a"], "/"),
        (["camera", "--ros-args", "--enclave", "/a/b"], "/a/b"),
        (["camera", "--ros-args", "-r", "x:=y", "-e", "/a", "--", "--enclave", "/b"], "/a"),
        (["camera", "--ros-args", "--enclave"], "/"),
    ],
)
def test_the_enclave_of_a_command_line(words: list[str], enclave: str) -> None:
    assert security.enclave_of(words) == enclave


def test_enclaves_without_security_are_warned_of(monkeypatch: pytest.MonkeyPatch, keystore: Path) -> None:
    given = {"enclaves": "/robot"}
    assert any("ROS_SECURITY_ENABLE is not true" in text for text in build("offload", given).warnings)
    for name, value in environ(keystore, override="/robot/camera").items():
        monkeypatch.setenv(name, value)
    assert any("ROS_SECURITY_ENCLAVE_OVERRIDE" in text for text in build("offload", given).warnings)
    monkeypatch.delenv(security.OVERRIDE)
    assert build("offload", given).warnings == ()
    assert build("offload", {}).warnings == ()


@pytest.mark.parametrize(
    ("enable", "strategy", "whole", "statuses"),
    [
        (None, None, True, {"security": "warn"}),
        ("True", None, True, {"security": "warn"}),
        ("false", None, True, {"security": "ok"}),
        ("true", None, True, {"security strategy": "warn", "security keys": "ok"}),
        ("true", None, False, {"security strategy": "warn", "security keys": "warn"}),
        ("true", "Permissive", False, {"security strategy": "warn", "security keys": "warn"}),
        ("true", "enforce", False, {"security": "warn", "security strategy": "warn", "security keys": "warn"}),
        ("true", "Enforce", False, {"security keys": "fail"}),
        ("true", "Enforce", True, {"security keys": "ok"}),
    ],
)
def test_doctor(
    monkeypatch: pytest.MonkeyPatch, keystore: Path, enable: str | None, strategy: str | None, whole: bool, statuses: dict[str, str]
) -> None:
    if whole:
        (keystore / "enclaves/robot/decoder" / security.FILES[-1]).touch()
    for name, value in environ(keystore, enable=enable, strategy=strategy).items():
        monkeypatch.setenv(name, value)
    found = {finding.name: finding for finding in checks.check_security()}
    assert {name: finding.status for name, finding in found.items()} == statuses
    assert all(finding.remedy for finding in found.values() if finding.status != "ok")
    if not whole:
        assert "robot/decoder holds no permissions.p7s" in found["security keys"].text


def test_doctor_without_a_keystore_and_without_security(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (only,) = checks.check_security()
    assert only.status == "ok" and "everybody" in only.text
    monkeypatch.setenv(security.ENABLE, "true")
    assert "ROS_SECURITY_KEYSTORE is not set" in next(f.text for f in checks.check_security() if f.name == "security keys")
    monkeypatch.setenv(security.KEYSTORE, str(tmp_path))
    assert "holds no enclave" in next(f.text for f in checks.check_security() if f.name == "security keys")
