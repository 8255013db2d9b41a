# SPDX-License-Identifier: Apache-2.0
"""SROS2: the committed policies are the table's, have the structure that `ros2 security` takes, and give each node what it needs alone; enclaves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from plcv_ros.cli.main import main
from plcv_ros.graph import GRAPHS, ArgumentError, build, share_directory
from plcv_ros.graph.access import CODED, PARAMETER_SERVICES, SENDERS, accesses
from plcv_ros.graph.policies import PREFIX, SHIPPED, policy, shipped
from plcv_ros.nodes import wire
from plcv_ros.nodes.delivery import NAME as DELIVERED
from plcv_ros.nodes.strip_requests import NAME as MISSING

ROOT = Path(__file__).parents[1]
POLICIES = share_directory() / "config" / "security" / "policies"

RULES = {"topics": ("topic", {"publish", "subscribe"}), "services": ("service", {"reply", "request"}), "actions": ("action", {"call", "execute"})}


def check_structure(root: Xml.Element) -> None:
    """What the policy format (0.2.0) of SROS2 allows: elements, their order and number, attributes and their values."""
    assert (root.tag, root.attrib) == ("policy", {"version": "0.2.0"})
    assert [child.tag for child in root] == ["enclaves"]
    assert len(root[0]) and not root[0].attrib
    for enclave in root[0]:
        assert (enclave.tag, set(enclave.attrib)) == ("enclave", {"path"})
        assert [child.tag for child in enclave] == ["profiles"]
        assert len(enclave[0]) and set(enclave[0].attrib) <= {"type"}
        for profile in enclave[0]:
            assert (profile.tag, set(profile.attrib)) == ("profile", {"ns", "node"})
            assert profile.get("ns", "").startswith("/")
            for rules in profile:
                item, qualifiers = RULES[rules.tag]
                assert rules.attrib and set(rules.attrib) <= qualifiers and set(rules.attrib.values()) <= {"ALLOW", "DENY"}
                assert len(rules) and all(rule.tag == item and not rule.attrib and not len(rule) and rule.text for rule in rules)


def allowed(root: Xml.Element) -> dict[str, dict[str, set[str]]]:
    """Enclave -> publish, subscribe, reply, request -> names."""
    found: dict[str, dict[str, set[str]]] = {}
    for enclave in root.iter("enclave"):
        rules = found[enclave.attrib["path"]] = {"publish": set(), "subscribe": set(), "reply": set(), "request": set()}
        for element in enclave.iter():
            for qualifier in set(element.attrib) & set(rules):
                rules[qualifier] |= {str(one.text) for one in element}
    return found


def holders(rules: dict[str, dict[str, set[str]]], what: str, ends: Iterable[str]) -> set[str]:
    """Last parts of the enclaves that may do ``what`` with a name that ends so."""
    return {path.rpartition("/")[2] for path, names in rules.items() if any(name.endswith(tuple(ends)) for name in names[what])}


def policy_of(graph: str) -> dict[str, dict[str, set[str]]]:
    return allowed(Xml.parse(POLICIES / f"{graph}.xml").getroot())


def test_every_graph_has_a_policy() -> None:
    assert set(SHIPPED) == set(GRAPHS) == {path.stem for path in POLICIES.iterdir()}


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_the_committed_policies_are_the_tables(graph: str) -> None:
    text = (POLICIES / f"{graph}.xml").read_text(encoding="utf-8")
    assert text == shipped(graph), "run python tools/write_policies.py"
    check_structure(Xml.fromstring(text))


def test_the_tool_writes_them(tmp_path: Path) -> None:
    for name in ("plcv_ros/graph", "config"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("plcv_ros/__init__.py", "package.xml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/write_policies.py").write_bytes((ROOT / "tools/write_policies.py").read_bytes())
    folder = tmp_path / "config/security/policies"
    for path in folder.iterdir():
        path.unlink()
    subprocess.run([sys.executable, str(tmp_path / "tools/write_policies.py")], check=True, cwd=tmp_path)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {path.name: path.read_text() for path in POLICIES.iterdir()}


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_least_privilege(graph: str) -> None:
    rules = policy_of(graph)
    frames = [wire.topic("image", transport, strips) for transport in wire.TRANSPORTS for strips in (False, transport in wire.CODECS_WITH_STRIPS)]
    receivers = {"segmentation", "decoder"}
    here = {path.rpartition("/")[2] for path in rules}
    assert holders(rules, "publish", frames) <= set(SENDERS)
    assert holders(rules, "publish", (f"/{DELIVERED}", f"/{MISSING}")) == here & receivers
    assert holders(rules, "subscribe", (f"/{DELIVERED}", f"/{MISSING}")) == here & set(SENDERS)
    assert holders(rules, "request", ("",)) == {"operator"}
    assert {name.rpartition("/")[2] for name in rules[f"{PREFIX}/operator"]["request"]} == set(PARAMETER_SERVICES)
    assert holders(rules, "publish", ("/clock",)) == ({"camera"} if graph == "replay" else set())
    for path, names in rules.items():
        own = path.removeprefix(PREFIX)
        answers = {name for name in names["publish"] if name.endswith("/clock/reply")}
        assert answers <= {f"{own}/clock/reply"}, "clock replies come from the node itself"
        assert {name.rpartition("/")[0] for name in names["reply"]} <= {own, "/_ros2cli_*"}
        assert not any("*" in name for name in names["publish"] | names["subscribe"] | names["request"])
        if own.rpartition("/")[2] != "segmentation":
            assert not any(name.endswith(("/overlay", "/classes")) for name in names["publish"])


def test_topics_of_frames_are_those_on_the_wire() -> None:
    on_the_wire = {wire.topic("b", transport, strips) for transport in wire.TRANSPORTS for strips in (False, transport in wire.CODECS_WITH_STRIPS)}
    assert {"b", *(f"b/{name}" for name in CODED)} == on_the_wire


def test_both_computers_share_one_keystore() -> None:
    """Whoever makes keys of both policies gets the tools' permissions from the second alone."""
    edge, remote = policy_of("edge"), policy_of("remote")
    assert set(edge) & set(remote) == {f"{PREFIX}/monitor", f"{PREFIX}/operator"}
    assert all(edge[tool] == remote[tool] for tool in set(edge) & set(remote))
    for path in (set(edge) | set(remote)) - {f"{PREFIX}/monitor", f"{PREFIX}/operator"}:
        assert f"{path.removeprefix(PREFIX)}/set_parameters" in edge[f"{PREFIX}/operator"]["request"]


@pytest.mark.parametrize(
    ("graph", "given", "enclaves"),
    [
        ("offload", {"enclaves": "/robot"}, ["/robot/camera", "/robot/segmentation", "/robot/latency"]),
        ("offload", {"enclaves": "robot/", "namespace": "/r1/"}, ["/robot/r1/camera", "/robot/r1/segmentation", "/robot/r1/latency"]),
        ("edge", {"enclaves": "/"}, ["/camera"]),
        ("edge", {"enclaves": "/a/b", "input_topic": "image_raw"}, ["/a/b/encoder"]),
        ("remote", {"enclaves": "/a", "decoder": "true", "latency": "false"}, ["/a/segmentation", "/a/decoder"]),
        ("replay", {"enclaves": "/a", "source": "bag"}, ["/a/camera", "/a/segmentation", "/a/latency"]),
        (
            "many_cameras",
            {"enclaves": "/a", "cameras": "front,rear/left", "namespace": "r"},
            ["/a/r/front/camera", "/a/r/rear/left/camera", "/a/r/segmentation", "/a/r/latency"],
        ),
        ("many_cameras", {"enclaves": "/a", "side": "edge"}, ["/a/camera0/camera", "/a/camera1/camera"]),
        ("offload", {}, ["", "", ""]),
    ],
)
def test_every_node_has_an_enclave_of_its_own(graph: str, given: dict[str, str], enclaves: list[str]) -> None:
    nodes = build(graph, given).nodes
    assert [node.enclave for node in nodes] == enclaves
    for node in nodes:
        words = node.ros_arguments()
        assert words.count("--enclave") == bool(node.enclave)
        assert not node.enclave or words[words.index("--enclave") + 1] == node.enclave


@pytest.mark.parametrize("path", ["/a b", "/a//b", "/1a", "/a-b", "/ü", "~/a", "/a/*", "a" * 250])
def test_enclaves_that_cannot_be(path: str) -> None:
    with pytest.raises(ArgumentError, match=r"argument enclaves:=.*expected"):
        build("offload", {"enclaves": path})


def test_topics_follow_the_arguments_and_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("/**/segmentation:\n  ros__parameters:\n    image_topic: /driver/image\n/**/latency:\n  ros__parameters: {nodes: 'a, /b/c'}\n")
    by_name = {one.name: one for one in accesses(build("remote", {"namespace": "r", "params_file": str(path)}))}
    assert "/driver/image/astc" in by_name["segmentation"].subscribe
    assert "/driver/image/delivered" in by_name["segmentation"].publish
    assert {"/r/a/frame_events", "/b/c/frame_events"} <= set(by_name["latency"].subscribe)
    assert "/r/camera/clock/request" in by_name["segmentation"].publish
    encoder = next(one for one in accesses(build("edge", {"input_topic": "raw", "image_topic": "out/image"})) if one.name == "encoder")
    assert {"/out/image", "/out/image/astc", "/out/camera_info"} <= set(encoder.publish)
    assert {"/raw", "/camera_info", "/out/image/delivered"} <= set(encoder.subscribe)


def test_robots_of_one_keystore_have_tools_of_their_own() -> None:
    """Permissions of an enclave are those that were made last."""
    one, two = (allowed(Xml.fromstring(policy("offload", {"enclaves": "/fleet", "namespace": name}))) for name in ("r1", "r2"))
    assert not set(one) & set(two)
    assert "/fleet/r1/operator" in one
    assert all(name.startswith("/r1/") for name in one["/fleet/r1/operator"]["request"])


def test_plcv_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "many_cameras", "enclaves:=/robot", "cameras:=front,rear"]) == 0
    root = Xml.fromstring(capsys.readouterr().out)
    check_structure(root)
    rules = allowed(root)
    assert {"/robot/front/camera", "/robot/rear/camera", "/robot/segmentation", "/robot/latency", "/robot/operator", "/robot/monitor"} == set(rules)
    assert "/front/camera/image/astc" not in rules["/robot/rear/camera"]["publish"]
    for words, message in (
        (["offload"], "enclaves:=PATH is missing"),
        (["offload", "enclaves:=/a", "x:=1"], "no argument x"),
        (["edge", "a"], "name:=value"),
    ):
        assert main(["policy", *words]) == 2
        assert message in capsys.readouterr().err
