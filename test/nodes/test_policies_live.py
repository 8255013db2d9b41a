# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policies beside what real nodes have: every topic and service of a node is allowed, and nothing is allowed that no node ever has."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("torch", reason="torch is not installed")

from plcv_ros.graph import NodeSpec, build, share_directory
from plcv_ros.graph.access import SENDERS
from plcv_ros.graph.policies import PREFIX, policy

QUALIFIERS = ("publish", "subscribe", "reply", "request")
Names = dict[str, set[str]]

CODINGS = (("auto", "true"), ("auto", "false"), ("jpeg", "false"), ("raw", "false"))
"""Configuration and strips: together they have every topic of frames."""

TOPICS_OF = {
    ("auto", "true"): ("/astc_strips", "/jxs_strips"),
    ("auto", "false"): ("/astc", "/jxs"),
    ("jpeg", "false"): ("/compressed",),
    ("raw", "false"): ("",),
}


def allowed(text: str) -> dict[str, Names]:
    """Enclave -> qualifier -> names of a policy."""
    found: dict[str, Names] = {}
    for enclave in Xml.fromstring(text).iter("enclave"):
        names = found[enclave.attrib["path"]] = {qualifier: set() for qualifier in QUALIFIERS}
        for element in enclave.iter():
            for qualifier in set(QUALIFIERS) & set(element.attrib):
                names[qualifier] |= {str(one.text) for one in element}
    return found


def shipped(graph: str) -> dict[str, Names]:
    return allowed((share_directory() / "config/security/policies" / f"{graph}.xml").read_text())


def names_of(node: Any, name: str, namespace: str) -> Names:
    """What the node ``name`` has, as ``node`` sees it."""
    queries = {
        "publish": node.get_publisher_names_and_types_by_node,
        "subscribe": node.get_subscriber_names_and_types_by_node,
        "reply": node.get_service_names_and_types_by_node,
        "request": node.get_client_names_and_types_by_node,
    }
    return {qualifier: {topic for topic, _ in query(name, namespace)} for qualifier, query in queries.items()}


def too_much(have: Names, may: Names) -> Names:
    return {qualifier: have[qualifier] - may[qualifier] for qualifier in QUALIFIERS if have[qualifier] - may[qualifier]}


def never_seen(have: Names, may: Names) -> Names:
    """What is allowed and was never there; some names depend on what this ROS has."""
    absent = too_much(may, have)
    if importlib.util.find_spec("vision_msgs") is None:
        absent["publish"] = {name for name in absent.get("publish", ()) if not name.endswith("/label_info")}
    absent["reply"] = {name for name in absent.get("reply", ()) if not name.endswith("/get_type_description")}
    return {qualifier: names for qualifier, names in absent.items() if names}


def type_of(name: str) -> Any:
    package, _, kind = name.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), kind)


class Workbench:
    """Nodes of the package in this process, one after the other; the probe plays the nodes that they look for."""

    def __init__(self, domain: int, probe: Any, folder: Path) -> None:
        self.seen: dict[str, Names] = defaultdict(lambda: {qualifier: set() for qualifier in QUALIFIERS})
        self._domain, self._probe = domain, probe
        self._file = folder / "parameters.yaml"
        self._output = str(folder)
        self._file.write_text("/**:\n  ros__parameters: {strip_repair_ms: 5.0, overlay_after: 0, width: 64, height: 48, max_batch: 1}\n")

    def graph(self, name: str, only: str = "", sender: str = "/camera", base: str = "/camera/image", later: Any = None, **given: str) -> None:
        """Every node of a graph, or the one of the executable ``only``. ``sender``: the node that publishes the frames on ``base``; ``later``: what
        they subscribe to once their output is wanted, in place of what is known of each executable."""
        coding = given.setdefault("configuration", "auto"), given.setdefault("strips", "true")
        outputs = {} if name == "edge" else {"output": "", "checkpoint": "default"}
        outputs |= {"evaluation_output": self._output} if given.get("evaluation") else {}
        graph = build(name, {"enclaves": PREFIX, "params_file": str(self._file), **outputs, **given})
        for spec in graph.nodes:
            if only in ("", spec.executable):
                expected = {"subscribe": later} if later else self._later(spec, coding, sender, base)
                self._node(spec, expected, sender, [f"{base}{end}" for end in TOPICS_OF[coding]])

    def _later(self, spec: NodeSpec, coding: tuple[str, str], sender: str, base: str) -> Names:
        """What a node has only once others publish and subscribe."""
        frames = {f"{base}{end}" for end in TOPICS_OF[coding]}
        asking = {"publish": {f"{sender}/clock/request"}, "subscribe": {f"{sender}/clock/reply"}}
        return {
            "segmentation": asking,
            "decoder": {"publish": asking["publish"], "subscribe": asking["subscribe"] | frames | {"/camera/camera_info"}},
            "encoder": {"subscribe": {"/image_raw"}},
            "evaluation": {"subscribe": {*frames, base}},
        }.get(spec.executable, {})

    def _node(self, spec: NodeSpec, later: Names, sender: str, frames: list[str]) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node

        classes = vars(importlib.import_module(f"plcv_ros.nodes.{spec.executable}"))
        make = next(one for name, one in classes.items() if name.lower() == f"{spec.executable}node")
        namespace, _, name = sender.rpartition("/")
        rclpy.init(args=["node", *spec.ros_arguments()], domain_id=self._domain)
        sends = spec.executable in SENDERS
        others = Node("others" if sends else name, namespace=namespace, context=self._probe.context)
        executor = SingleThreadedExecutor()
        try:
            node = make()
            executor.add_node(node)
            end = time.monotonic() + 60.0
            self._note(spec, node)
            self._surround(node, others, [] if sends else frames)
            while any(later[qualifier] - self.seen[spec.enclave][qualifier] for qualifier in later):
                assert time.monotonic() < end, f"{spec.executable} never had {later}; it has {self.seen[spec.enclave]}"
                executor.spin_once(timeout_sec=0.05)
                self._feed()
                self._probe.spin(0.01)
                self._note(spec, node)
            executor.remove_node(node)
            node.shut_down()
            node.destroy_node()
        finally:
            others.destroy_node()
            executor.shutdown()
            rclpy.shutdown()

    def _note(self, spec: NodeSpec, node: Any) -> None:
        for qualifier, names in names_of(node, spec.name, f"/{spec.namespace}").items():
            self.seen[spec.enclave][qualifier] |= names

    def _surround(self, node: Any, others: Any, frames: list[str]) -> None:
        """Subscribe to all that the node publishes, and publish frames."""
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import CompressedImage, Image

        best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        for topic, types in node.get_publisher_names_and_types_by_node(node.get_name(), node.get_namespace()):
            others.create_subscription(type_of(types[0]), topic, lambda _: None, best_effort)
        for topic in frames:
            others.create_publisher(Image if topic.endswith("image") else CompressedImage, topic, best_effort)
        self._labels = others.create_publisher(Image, "/segmentation/labels", 1)

    def _feed(self) -> None:
        from std_msgs.msg import Header

        from plcv_ros.nodes import conversion

        self._labels.publish(conversion.image_message(Header(), np.zeros((4, 4), np.uint8), "mono8"))


@pytest.fixture
def workbench(domain: int, probe: Any, tmp_path: Path) -> Workbench:
    return Workbench(domain, probe, tmp_path)


def compare(seen: dict[str, Names], may: dict[str, Names], exact: bool = True) -> None:
    assert {enclave: extra for enclave, have in seen.items() if (extra := too_much(have, may[enclave]))} == {}
    if exact:
        nodes = {enclave: names for enclave, names in may.items() if enclave.rpartition("/")[2] not in {"monitor", "operator"}}
        assert {enclave: extra for enclave, names in nodes.items() if (extra := never_seen(seen[enclave], names))} == {}


@pytest.mark.timeout(300)
def test_offload_in_every_coding(workbench: Workbench) -> None:
    for configuration, strips in CODINGS:
        workbench.graph("offload", configuration=configuration, strips=strips, decoder="true", evaluation="true", use_sim_time=strips)
    compare(workbench.seen, shipped("offload"))


@pytest.mark.timeout(120)
def test_encoder_in_every_coding(workbench: Workbench) -> None:
    for configuration, strips in CODINGS[:3]:
        workbench.graph("edge", input_topic="image_raw", configuration=configuration, strips=strips, base="/image_raw", use_sim_time=strips)
    compare(workbench.seen, {f"{PREFIX}/encoder": shipped("edge")[f"{PREFIX}/encoder"]})


@pytest.mark.timeout(120)
def test_encoder_with_an_output_of_its_own(workbench: Workbench) -> None:
    given = {"input_topic": "driver/image_raw", "image_topic": "camera/image"}
    for configuration in ("raw", "auto"):
        workbench.graph("edge", **given, configuration=configuration, strips="false", later={"/driver/image_raw", "/driver/camera_info"})
    compare(workbench.seen, allowed(policy("edge", {"enclaves": PREFIX, **given})), exact=False)
    assert {"/camera/image", "/camera/camera_info"} <= workbench.seen[f"{PREFIX}/encoder"]["publish"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sender", SENDERS)
def test_remote_with_either_sender(workbench: Workbench, sender: str) -> None:
    workbench.graph("remote", sender=f"/{sender}", decoder="true")
    compare(workbench.seen, shipped("remote"), exact=False)


@pytest.mark.timeout(120)
def test_many_cameras_in_a_namespace(workbench: Workbench) -> None:
    given = {"namespace": "robot", "cameras": "front,rear"}
    workbench.graph("many_cameras", sender="/robot/rear/camera", base="/robot/rear/camera/image", **given)
    may = allowed(policy("many_cameras", {"enclaves": PREFIX, **given}))
    compare(workbench.seen, may, exact=False)
    nodes = {enclave for enclave in may if enclave.rpartition("/")[2] not in {"monitor", "operator"}}
    assert set(workbench.seen) == nodes


@pytest.mark.timeout(120)
def test_replay_publishes_the_clock(workbench: Workbench, tmp_path: Path) -> None:
    workbench.graph("replay", source="scenes", only="camera")
    compare(workbench.seen, shipped("replay"), exact=False)
    assert "/clock" in workbench.seen[f"{PREFIX}/camera"]["publish"]


@pytest.mark.timeout(120)
def test_the_monitor_of_plcv_latency(domain: int, probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from plcv_ros.nodes.monitor import DiagnosticsMonitor

    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    with DiagnosticsMonitor():
        node = probe.node
        probe.wait_for(lambda: "/diagnostics" in _names_if_there(node, "monitor")["subscribe"], "the monitor")
        compare({f"{PREFIX}/monitor": _names_if_there(node, "monitor")}, shipped("offload"), exact=False)


def _names_if_there(node: Any, name: str, namespace: str = "/") -> Names:
    """As names_of; nothing where discovery does not know the node yet."""
    from rclpy.node import NodeNameNonExistentError

    try:
        return names_of(node, name, namespace)
    except NodeNameNonExistentError:
        return {qualifier: set() for qualifier in QUALIFIERS}


@pytest.fixture
def running(domain: int, tmp_path: Path, spawn: Callable[..., Any]) -> Iterator[list[NodeSpec]]:
    """The offload graph as processes: auto, in strips that are repaired, with decoder and evaluation."""
    file = tmp_path / "parameters.yaml"
    file.write_text("/**/segmentation:\n  ros__parameters: {strip_repair_ms: 5.0}\n/**/decoder:\n  ros__parameters: {strip_repair_ms: 5.0}\n")
    sizes = {"width": "160", "height": "96", "rate": "10"}
    places = {"output": str(tmp_path / "latency"), "evaluation_output": str(tmp_path / "evaluation"), "params_file": str(file)}
    flags = {"configuration": "auto", "strips": "true", "decoder": "true", "evaluation": "true", "checkpoint": "default"}
    nodes = build("offload", {"enclaves": "/robot", "namespace": "r1", **sizes, **places, **flags}).nodes
    for node in nodes:
        spawn(node.executable, *node.ros_arguments()[1:])
    yield list(nodes)


@pytest.mark.timeout(240)
def test_a_running_graph(running: list[NodeSpec], probe: Any) -> None:
    """Frames flow and are seen; every node is in its enclave and has nothing that the policy of its graph does not allow."""
    from sensor_msgs.msg import Image

    may = allowed(policy("offload", {"enclaves": "/robot", "namespace": "r1", "decoder": "true", "evaluation": "true"}))
    labels = probe.listen(Image, "/r1/segmentation/labels")
    decoded = probe.listen(Image, "/r1/camera/image/decoded")
    probe.wait_for(lambda: labels and decoded, "labels and decoded frames")
    wanted = {f"/r1/camera/image/{name}" for name in ("astc_strips", "jxs_strips")}
    evaluation = "/robot/r1/evaluation"
    seen: dict[str, Names] = {}

    def complete() -> bool:
        for node in running:
            seen[node.enclave] = _names_if_there(probe.node, node.name, f"/{node.namespace}")
        return all(names["reply"] for names in seen.values()) and wanted <= seen[evaluation]["subscribe"]

    probe.wait_for(complete, "the services of all nodes, and the evaluation's frames")
    compare(seen, may, exact=False)
    assert {"/r1/camera/image/delivered", "/r1/camera/image/missing"} <= seen["/robot/r1/segmentation"]["publish"]
    enclaves = {f"{space}/{name}": enclave for name, space, enclave in probe.node.get_node_names_and_namespaces_with_enclaves()}
    assert {enclaves[f"/{node.qualified_name}"] for node in running} == {node.enclave for node in running} == set(seen)


@pytest.mark.parametrize("strategy", [None, "Permissive", "enforce"])
def test_a_node_without_keys_says_so(spawn: Callable[..., Any], tmp_path: Path, strategy: str | None) -> None:
    keystore = tmp_path / "keys"
    (keystore / "enclaves").mkdir(parents=True)
    given = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_KEYSTORE": str(keystore)}
    node = spawn("decoder", "--enclave", "/robot/decoder", environment=given | ({} if strategy is None else {"ROS_SECURITY_STRATEGY": strategy}))
    node.wait_for_log("while somebody subscribes")
    assert "security: " in node.log and f"{keystore}/enclaves/robot/decoder is no folder" in node.log
    assert "without security" in node.log
    assert ("expected Enforce or Permissive" in node.log) == (strategy == "enforce")
    assert node.stop() == 0


def test_enforced_security_without_keys_ends_the_node(spawn: Callable[..., Any], tmp_path: Path) -> None:
    given = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_KEYSTORE": str(tmp_path), "ROS_SECURITY_STRATEGY": "Enforce"}
    node = spawn("decoder", "--enclave", "/robot/decoder", environment=given)
    assert node.wait() == 1
    assert "SECURITY ERROR" in node.log and "enclaves/robot/decoder" in node.log
