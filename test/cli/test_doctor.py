# SPDX-License-Identifier: Apache-2.0
"""``plcv doctor``: runs with anything missing, says what is wrong and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plcv_ros.cli import checks, clock
from plcv_ros.cli.checks import Finding
from plcv_ros.cli.main import main


def found(check: Callable[[], Iterator[Finding]]) -> dict[str, Finding]:
    return {finding.name: finding for finding in check()}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "RMW_IMPLEMENTATION", "ROS_DOMAIN_ID", "ROS_DISTRO", "FASTDDS_BUILTIN_TRANSPORTS", "FASTDDS_DEFAULT_PROFILES_FILE", "CYCLONEDDS_URI",
        "FASTRTPS_DEFAULT_PROFILES_FILE", "ROS_LOCALHOST_ONLY", "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS",
        "ROS_SECURITY_ENABLE", "ROS_SECURITY_STRATEGY", "ROS_SECURITY_KEYSTORE", "ROS_SECURITY_ENCLAVE_OVERRIDE",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def test_json_of_the_whole_report(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert {row["status"] for row in report} <= {"ok", "warn", "fail"}
    assert code == int(any(row["status"] == "fail" for row in report))
    assert all(row["remedy"] for row in report if row["status"] != "ok")
    names = {row["name"] for row in report}
    assert {"python", "ROS 2", "transports", "domain id", "net.core.rmem_max", "net.ipv4.ipfrag_*", "/dev/shm", "clock", "codecs", "torch"} <= names
    assert names & {"MTU", "network"}


def test_text_holds_every_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    remedy = "sudo sysctl -w " + "x" * 200

    def check_broken() -> Iterator[Finding]:
        yield Finding("wheel", "fail", "is off", remedy)
        raise RuntimeError("no more")

    monkeypatch.setattr(checks, "CHECKS", (check_broken,))
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "fail wheel: is off" in text
    assert remedy in text, "commands must not be cut"
    assert "the check itself failed: RuntimeError: no more" in text
    assert "0 ok, 0 to look at, 2 broken" in text


def test_missing_libraries_are_reported_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.sys, "executable", "/bin/false")
    for check in (checks.check_ros, checks.check_torch, checks.check_codecs, checks.check_libraries):
        assert all(f.status in {"warn", "fail"} and f.remedy for f in check())


def test_transports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(checks.check_transports)["transports"].status == "warn"
    monkeypatch.setenv("FASTDDS_BUILTIN_TRANSPORTS", "LARGE_DATA?max_msg_size=1MB")
    one_receiver = found(checks.check_transports)["transports"]
    assert one_receiver.status == "warn"
    assert "stops all others" in one_receiver.text
    assert "fastdds.xml" in one_receiver.remedy
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    limited = found(checks.check_transports)["transports"]
    assert limited.status == "warn"
    assert "fastdds.xml" in limited.remedy
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")
    monkeypatch.setenv("ROS_DISTRO", "humble")
    assert "fastdds.xml" in found(checks.check_transports)["transports"].remedy
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", "/no/such.xml")
    assert found(checks.check_transports)["transports"].status == "fail"
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
    assert "cyclonedds.xml" in found(checks.check_transports)["transports"].remedy


@pytest.mark.parametrize(("text", "status"), [("", "ok"), ("42", "ok"), ("150", "warn"), ("300", "fail"), ("one", "fail")])
def test_domain(text: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", text)
    assert found(checks.check_domain)["domain id"].status == status


def test_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_LOCALHOST_ONLY", "1")
    assert found(checks.check_domain)["discovery"].status == "warn"
    monkeypatch.setenv("ROS_STATIC_PEERS", "10.0.0.2")
    assert found(checks.check_domain)["discovery"].status == "ok"


def test_socket_buffers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "PROC", tmp_path)
    assert {f.status for f in checks.check_socket_buffers()} == {"ok"}, "not readable is no reason to worry"
    (tmp_path / "core").mkdir()
    (tmp_path / "core/rmem_max").write_text("212992\n")
    (tmp_path / "core/wmem_max").write_text("8388608\n")
    rows = found(checks.check_socket_buffers)
    assert rows["net.core.rmem_max"].status == "warn"
    assert "sysctl -w net.core.rmem_max=4194304" in rows["net.core.rmem_max"].remedy
    assert rows["net.core.wmem_max"].status == "ok"


def test_fragments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "PROC", tmp_path)
    (tmp_path / "ipv4").mkdir()
    (tmp_path / "ipv4/ipfrag_time").write_text("30")
    (tmp_path / "ipv4/ipfrag_high_thresh").write_text("4194304")
    assert next(checks.check_fragments()).status == "warn"
    (tmp_path / "ipv4/ipfrag_time").write_text("3")
    assert next(checks.check_fragments()).status == "ok"


def test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(clock.clock_state().text, str)
    monkeypatch.setattr(checks, "clock_state", lambda: clock.ClockState(False, "not synchronised", ()))
    assert "chrony" in found(checks.check_clock)["clock"].remedy
    monkeypatch.setattr(checks, "clock_state", lambda: clock.ClockState(True, "synchronised", ("chronyd",)))
    assert found(checks.check_clock)["clock"] == Finding("clock", "ok", "synchronised; running: chronyd")


def test_missing_keys_are_no_broken_ros(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    for name, value in {"ENABLE": "true", "STRATEGY": "Enforce", "KEYSTORE": str(tmp_path / "nowhere")}.items():
        monkeypatch.setenv(f"ROS_SECURITY_{name}", value)
    assert found(checks.check_ros)["ROS 2"].status == "ok"
    assert found(checks.check_security)["security keys"].status == "fail"
