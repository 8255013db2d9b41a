# SPDX-License-Identifier: Apache-2.0
"""The graphs as data: arguments, nodes, parameters that exist, DDS environment, configurations."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from plcv_ros.graph import GRAPHS, ArgumentError, build, configurations, parameter_files, share_directory
from plcv_ros.graph.graphs import EXECUTABLES
from plcv_ros.graph.transport import FASTDDS_LARGE_DATA, PROFILE_VARIABLES, environment, peers
from plcv_ros.nodes.parameters import TABLES

ROOT = Path(__file__).parents[1]
REQUIRED = {"replay": {"source": "bag"}}
GRAPH_NAMES = sorted(GRAPHS)
COMMON = {"namespace", "use_sim_time", "params_file", "log_level", "configuration", "peer"}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ROS_DISTRO",
        "ROS_LOCALHOST_ONLY",
        "FASTDDS_BUILTIN_TRANSPORTS",
        "FASTDDS_DEFAULT_PROFILES_FILE",
        "FASTRTPS_DEFAULT_PROFILES_FILE",
        "CYCLONEDDS_URI",
    ):
        monkeypatch.delenv(name, raising=False)


def make(name: str, **given: str) -> Any:
    return build(name, {**REQUIRED.get(name, {}), **given})


def executables(graph: Any) -> list[str]:
    return [node.executable for node in graph.nodes]


def test_nodes_of_every_graph() -> None:
    assert executables(make("offload")) == ["camera", "segmentation", "latency"]
    assert executables(make("offload", evaluation="true", decoder="true", latency="false")) == ["camera", "segmentation", "decoder", "evaluation"]
    assert executables(make("edge")) == ["camera"]
    assert executables(make("edge", input_topic="/driver/image_raw")) == ["encoder"]
    assert executables(make("remote")) == ["segmentation", "latency"]
    assert executables(make("replay")) == ["camera", "segmentation", "latency"]
    assert executables(make("many_cameras", cameras="3")) == ["camera", "camera", "camera", "segmentation", "latency"]


@pytest.mark.parametrize("name", GRAPH_NAMES)
def test_arguments_have_the_common_names_and_descriptions(name: str) -> None:
    arguments = {argument.name: argument for argument in GRAPHS[name].arguments}
    assert set(arguments) >= COMMON
    assert all(len(argument.description) > 15 and argument.description.endswith((".", "alone")) for argument in arguments.values())


@pytest.mark.parametrize("name", GRAPH_NAMES)
def test_arguments_set_parameters_that_exist_with_their_type(name: str) -> None:
    for argument in GRAPHS[name].arguments:
        for executable, parameter in argument.sets.items():
            rows = {row.name: row for row in TABLES[executable]}
            assert type(rows[parameter].default) is argument.kind, f"{argument.name} sets {executable}.{parameter}"


@pytest.mark.parametrize("name", GRAPH_NAMES)
def test_parameters_are_accepted_by_the_tables(name: str) -> None:
    for node in make(name, evaluation="true", decoder="true").nodes if name in {"offload", "replay"} else make(name).nodes:
        rows = {row.name: row for row in TABLES[node.executable]}
        for parameter, value in node.parameters.items():
            if parameter != "use_sim_time":
                rows[parameter].check(value)
        assert importlib.util.find_spec(f"plcv_ros.nodes.{node.executable}"), node.executable
        assert (ROOT / "scripts" / node.executable).is_file()


def test_arguments_reach_the_nodes() -> None:
    graph = make("offload", source="0", width="320", rate="7.5", loop="false", namespace="/robot/", image_topic="front/image", decoder="true")
    camera = graph.node("camera")
    assert camera.parameters == {
        "use_sim_time": False,
        "source": "0",
        "width": 320,
        "rate": 7.5,
        "loop": False,
        "image_topic": "front/image",
    }
    assert graph.node("segmentation").parameters["image_topic"] == "front/image"
    assert graph.node("decoder").parameters["input_topic"] == "front/image"
    assert camera.qualified_name == "robot/camera"
    words = camera.ros_arguments()
    assert 'source:="0"' in words, "a device number must stay a text"
    assert "__ns:=/robot" in words


def test_every_node_that_reads_clocks_is_told_whom_to_trust() -> None:
    graph = make("remote", clock_sync="external", decoder="true")
    assert {name: graph.node(name).parameters["clock_sync"] for name in ("segmentation", "decoder", "latency")} == dict.fromkeys(
        ("segmentation", "decoder", "latency"), "external"
    )


def test_encoder_takes_the_place_of_the_camera() -> None:
    node = make("edge", input_topic="driver/image_raw", image_topic="camera/image").node("encoder")
    assert node.parameters == {"use_sim_time": False, "input_topic": "driver/image_raw", "output_topic": "camera/image"}
    with pytest.raises(ArgumentError, match="rate would do nothing"):
        make("edge", input_topic="driver/image_raw", rate="5")


def test_replay_runs_on_the_bags_time() -> None:
    graph = make("replay")
    camera = graph.node("camera").parameters
    assert camera["recorded_stamps"]
    assert camera["publish_clock"]
    assert not camera["use_sim_time"], "the node that publishes the clock cannot wait for it"
    assert not camera["loop"]
    assert graph.node("segmentation").parameters["use_sim_time"]
    live = make("replay", use_sim_time="false").node("camera").parameters
    assert not live["recorded_stamps"]
    assert not live["publish_clock"]


def test_many_cameras() -> None:
    graph = make("many_cameras", cameras="front,rear/left", sources="/dev/video0,0", namespace="robot", rate="5", deadline_ms="80")
    cameras = [node for node in graph.nodes if node.executable == "camera"]
    assert [node.qualified_name for node in cameras] == ["robot/front/camera", "robot/rear/left/camera"]
    assert [node.parameters["source"] for node in cameras] == ["/dev/video0", "0"]
    assert [node.parameters["frame_id"] for node in cameras] == ["front", "rear/left"]
    assert all(node.parameters["rate"] == 5.0 for node in cameras)
    assert graph.node("segmentation").qualified_name == "robot/segmentation"
    assert graph.node("segmentation").parameters["cameras"] == "front,rear/left"
    assert graph.node("segmentation").parameters["deadline_ms"] == 80.0
    assert graph.node("latency").parameters["nodes"] == "front/camera,rear/left/camera,segmentation"


def test_spaces_in_sources() -> None:
    """One may follow a comma; one that ends a path belongs to it."""
    graph = make("many_cameras", cameras="2", sources="scenes:1, /data/left ")
    assert [node.parameters["source"] for node in graph.nodes[:2]] == ["scenes:1", "/data/left "]
    graph = make("edge", source=" /data/left ")
    camera = graph.node("camera")
    assert camera.parameters["source"] == " /data/left "
    assert yaml.safe_load(next(word for word in camera.command() if word.startswith("source:=")).partition(":=")[2]) == " /data/left "


def test_many_cameras_on_two_computers() -> None:
    edge, remote = make("many_cameras", cameras="3", side="edge"), make("many_cameras", cameras="3", side="remote")
    assert [node.qualified_name for node in edge.nodes] == ["camera0/camera", "camera1/camera", "camera2/camera"]
    assert len({node.parameters["seed"] for node in edge.nodes}) == 3
    assert executables(remote) == ["segmentation", "latency"]
    for graph in (edge, remote, make("many_cameras")):
        assert "FASTDDS_DEFAULT_PROFILES_FILE" in graph.environment
        assert "FASTDDS_BUILTIN_TRANSPORTS" not in graph.environment
    one_source = make("many_cameras", cameras="3", side="edge", sources="clip.mp4")
    assert [node.parameters["source"] for node in one_source.nodes] == ["clip.mp4"] * 3


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("many_cameras", {"cameras": "0"}, "cameras:=0: expected a number from 1 to 32"),
        ("many_cameras", {"cameras": "front,front"}, "as many different namespaces"),
        ("many_cameras", {"cameras": "my camera"}, "expected names of letters"),
        ("many_cameras", {"cameras": "3", "sources": "a,b"}, "2 for 3 cameras"),
        ("many_cameras", {"side": "left"}, "expected one of both, edge, remote"),
        ("nowhere", {}, "no graph 'nowhere'; there are offload"),
        ("offload", {"sourse": "x"}, "offload has no argument sourse; it takes namespace"),
        ("offload", {"configuration": "gif"}, "configuration:=gif: expected one of astc_12x12"),
        ("offload", {"width": "wide"}, "width:=wide: expected an integer"),
        ("offload", {"rate": "fast"}, "rate:=fast: expected a number"),
        ("offload", {"loop": "maybe"}, "loop:=maybe: expected one of true, false"),
        ("offload", {"log_level": "loud"}, "expected one of debug"),
        ("offload", {"namespace": "my robot"}, "expected names of letters"),
        ("offload", {"params_file": "/no/such.yaml"}, "no such file"),
        ("remote", {"peer": "10.0.0.1,<x/>"}, "expected an IP address or a host name"),
    ],
)
def test_wrong_arguments_say_what_was_expected(name: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        build(name, given)


def test_replay_needs_a_source() -> None:
    with pytest.raises(ArgumentError, match=r"replay needs source:=\.\.\."):
        build("replay", {})


def test_parameter_files_in_order(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**:\n  ros__parameters:\n    rate: 3.0\n")
    files = make("offload", configuration="jpeg", params_file=str(mine)).node("camera").parameter_files
    assert [path.name for path in files] == ["jpeg.yaml", "mine.yaml"]
    assert make("offload", configuration=str(mine)).node("camera").parameter_files == (mine,)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("offload", {"evaluation_output": "out"}, "evaluation_output:=out would do nothing: it is for evaluation, and the graph has camera, latency"),
        ("remote", {"output": "out", "latency": "false"}, "output:=out would do nothing: it is for latency"),
        ("many_cameras", {"side": "remote", "rate": "5"}, "rate:=5 would do nothing: it is for camera"),
        ("many_cameras", {"side": "remote", "sources": "a.mp4"}, "sources:=a.mp4 would do nothing with side:=remote"),
        ("many_cameras", {"side": "edge", "deadline_ms": "50"}, "deadline_ms:=50 would do nothing: it is for segmentation"),
    ],
)
def test_arguments_without_effect_are_refused(name: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        build(name, given)


def test_the_graphs_know_all_nodes() -> None:
    assert set(EXECUTABLES) == set(TABLES)


KEYS = [
    "camera",
    "/camera",
    '"*"',
    '"**"',
    "/*",
    "/**",
    "/**/camera",
    "/*/camera",
    "/robot/camera",
    "robot/camera",
    "/robot/*",
    "/robot/**",
    "/robot",
]
KEYS += ['"**/camera"', "/**/robot/camera", "/*/*", "/Camera", "/**/camra", "/a/**/camera", "/a/*/camera"]


@pytest.mark.parametrize("nested", [False, True])
def test_keys_match_nodes_as_rcl_has_it(nested: bool, tmp_path: Path) -> None:
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from rclpy.context import Context
    from rclpy.node import Node

    for number, key in enumerate(KEYS):
        path = tmp_path / f"{number}.yaml"
        head, _, tail = key.strip('"').strip("/").rpartition("/")
        if nested and not head:
            continue
        text = f"/{head}:\n  {tail if '*' not in tail else repr(tail)}:\n    ros__parameters:\n      rate: 7.0\n"
        path.write_text(text if nested else f"{key}:\n  ros__parameters:\n    rate: 7.0\n")
        (found,) = parameter_files.node_keys(path, "params_file")
        context = Context()
        rclpy.init(context=context, args=["x", "--ros-args", "--params-file", str(path)])
        try:
            for namespace in ("", "/robot", "/a/robot"):
                node = Node("camera", namespace=namespace, context=context, enable_rosout=False, start_parameter_services=False)
                assert parameter_files.matches(found, f"{namespace}/camera") == bool(node._parameter_overrides), (key, namespace)
                node.destroy_node()
        finally:
            rclpy.shutdown(context=context)


PARAMETERS = "\n  ros__parameters:\n    rate: 7.0\n"


@pytest.mark.parametrize(
    ("graph", "given", "text", "warning"),
    [
        ("edge", {}, f"/camera:{PARAMETERS}", ""),
        ("edge", {"namespace": "robot"}, f"/**:{PARAMETERS}", ""),
        ("edge", {"namespace": "robot"}, f"/*/camera:{PARAMETERS}", ""),
        ("edge", {"namespace": "robot"}, "/robot:\n  camera:\n    ros__parameters:\n      rate: 7.0\n", ""),
        # One file for both computers.
        ("edge", {}, f"/camera:{PARAMETERS}/segmentation:{PARAMETERS}/**/latency:{PARAMETERS}", ""),
        ("remote", {}, f"/camera:{PARAMETERS}/segmentation:{PARAMETERS}", ""),
        ("many_cameras", {"cameras": "front,rear", "side": "remote"}, f"/front/camera:{PARAMETERS}/**/segmentation:{PARAMETERS}", ""),
        ("edge", {"namespace": "robot"}, f"/camera:{PARAMETERS}", "/camera matches no node of the graph"),
        (
            "edge",
            {},
            f"/**/camra:{PARAMETERS}",
            "/**/camra matches no node of the graph, its parameters are ignored; the nodes are /camera; did you mean",
        ),
        ("edge", {}, f"/camera:{PARAMETERS}/**/camra:{PARAMETERS}", "/**/camra matches no node of the graph and is ignored; the nodes are /camera"),
        ("edge", {}, f"/camera:{PARAMETERS}/robot/camera:{PARAMETERS}", "/robot/camera matches no node of the graph and is ignored"),
        ("edge", {}, f"/segmentation:{PARAMETERS}", "/segmentation matches no node of the graph, its parameters are ignored"),
        ("edge", {}, "", "holds no parameters: it changes nothing"),
        ("edge", {}, "# /camera:\n", "holds no parameters"),
        ("edge", {}, "{}\n", "holds no parameters"),
    ],
)
@pytest.mark.parametrize("argument", ["params_file", "configuration"])
def test_parameter_files_for_nobody_are_warned_of(graph: str, given: dict[str, str], text: str, warning: str, argument: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    warnings = build(graph, {**given, argument: str(path)}).warnings
    assert len(warnings) == bool(warning)
    assert all(f"argument {argument}:={path}" in one and warning in one for one in warnings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello\n", r"line 1: the file holds a value, expected <node>: ros__parameters: <parameter>: <value>"),
        (b"rate: 7\n", "line 1: rate holds a value"),
        (b"# mine\n/camera:\n  rate: 7\n", "line 3: camera/rate holds a value"),
        (b"/camera:\n  ros_parameters:\n    rate: 7\n", "line 3: camera/ros_parameters/rate holds a value"),
        (b"- /camera\n", "line 1: the file holds a value"),
        (b"/camera:\n", "line 1: camera holds a value"),
        (b"/camera: [\n", "is no YAML"),
        (b"\x89PNG\xff", "is no YAML"),
    ],
)
def test_files_that_are_no_parameter_files_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match=message):
        build("edge", {"params_file": str(path)})


def test_no_shipped_configuration_is_warned_of() -> None:
    for name in GRAPHS:
        for configuration in configurations():
            copy = share_directory() / "config" / f"{configuration}.yaml"
            graph = build(name, {"params_file": str(copy), **({"source": "bag"} if name == "replay" else {})})
            assert not graph.warnings


def test_configurations_are_those_of_the_tables() -> None:
    spec = importlib.util.spec_from_file_location("write_configurations", ROOT / "tools" / "write_configurations.py")
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert set(configurations()) == {"astc_8x8", "astc_12x12", "jxs_main", "jxs_high", "jxs_pruned", "auto", "jpeg", "raw"}
    for name in configurations():
        path = share_directory() / "config" / f"{name}.yaml"
        assert path.read_text() == writer.text(name), "run python tools/write_configurations.py"
        content = yaml.safe_load(path.read_text())
        for node, rows in TABLES.items():
            values = content[f"/**/{node}"]["ros__parameters"]
            assert set(values) == {row.name for row in rows}
            assert all(row.check(values[row.name]) == values[row.name] for row in rows)


def test_large_data_transport() -> None:
    kilted = environment(middleware="large_data", environ={})
    assert kilted["FASTDDS_BUILTIN_TRANSPORTS"] == FASTDDS_LARGE_DATA
    assert Path(kilted["CYCLONEDDS_URI"].removeprefix("file://")).is_file()
    humble = environment(middleware="large_data", environ={"ROS_DISTRO": "humble"})
    assert Path(humble["FASTRTPS_DEFAULT_PROFILES_FILE"]).is_file()
    assert "FASTDDS_BUILTIN_TRANSPORTS" not in humble


@pytest.mark.parametrize("graph", GRAPHS)
def test_one_receiver_that_stops_must_not_stop_the_others(graph: str) -> None:
    given = {"source": "bag"} if graph == "replay" else {}
    for side in ({"side": "edge"}, {"side": "remote"}, {}) if graph == "many_cameras" else ({},):
        default = make(graph, **given, **side).environment
        assert Path(default["FASTDDS_DEFAULT_PROFILES_FILE"]).name == "fastdds.xml"
        assert "FASTDDS_BUILTIN_TRANSPORTS" not in default, "TCP waits for each receiver in turn"
        asked = make(graph, **given, **side, middleware="large_data").environment
        assert asked["FASTDDS_BUILTIN_TRANSPORTS"] == FASTDDS_LARGE_DATA


def test_what_the_user_has_set_is_left_alone() -> None:
    assert environment(middleware="profile", environ={"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4", "CYCLONEDDS_URI": "x"}) == {}
    assert environment(environ={"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4", "CYCLONEDDS_URI": "x"}) == {}
    own = {"FASTDDS_DEFAULT_PROFILES_FILE": "mine.xml"}
    assert set(environment(environ=own)) == {"CYCLONEDDS_URI"}
    assert not set(PROFILE_VARIABLES) & set(environment(environ=own, local=True))
    assert set(make("offload", middleware="as_is").environment) <= {"OMP_WAIT_POLICY"}


def test_peers() -> None:
    assert peers("10.0.0.1, robot.local;fe80::1") == ["10.0.0.1", "robot.local", "fe80::1"]
    environment = make("remote", peer="10.0.0.1,10.0.0.2").environment
    assert environment["ROS_STATIC_PEERS"] == "10.0.0.1;10.0.0.2"
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert "FASTDDS_BUILTIN_TRANSPORTS" not in environment, "with it, participants with static peers alone do not find each other"
    assert Path(environment["FASTDDS_DEFAULT_PROFILES_FILE"]).is_file()


def test_peers_on_humble_go_into_profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    humble = environment(addresses=["10.0.0.1"], environ={"ROS_DISTRO": "humble"})
    root = ET.parse(humble["FASTRTPS_DEFAULT_PROFILES_FILE"]).getroot()
    namespace = {"f": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}
    addresses = root.findall(".//f:rtps/f:builtin/f:initialPeersList/f:locator/f:udpv4/f:address", namespace)
    assert [address.text for address in addresses] == ["127.0.0.1", "10.0.0.1"]
    assert '<Peer Address="10.0.0.1"/>' in humble["CYCLONEDDS_URI"]
    assert humble["CYCLONEDDS_URI"].startswith("file://")


def test_profiles_are_well_formed() -> None:
    for name in ("fastdds.xml", "cyclonedds.xml"):
        ET.parse(share_directory() / "config" / name)


def test_waiting_threads_of_the_network_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert make("remote").environment["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert "OMP_WAIT_POLICY" not in make("remote").environment


def test_localhost_only() -> None:
    local = make("offload", localhost_only="true").environment
    assert local["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert local["ROS_STATIC_PEERS"] == ""
    assert "FASTDDS_BUILTIN_TRANSPORTS" not in local, "rmw_fastrtps ignores it within localhost discovery"
    assert Path(local["FASTDDS_DEFAULT_PROFILES_FILE"]).is_file()
    assert environment(local=True, environ={"ROS_DISTRO": "humble"})["ROS_LOCALHOST_ONLY"] == "1"


def test_share_directory_of_an_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As if this module lay in some site-packages, without a source tree above it.
    monkeypatch.setattr("plcv_ros.graph.locations.__file__", str(tmp_path / "site-packages" / "plcv_ros" / "graph" / "locations.py"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'underlay'}:{tmp_path / 'overlay'}")
    with pytest.raises(FileNotFoundError, match="is it installed"):
        share_directory()
    (tmp_path / "venv/share/plcv_ros/config").mkdir(parents=True)
    assert share_directory() == tmp_path / "venv/share/plcv_ros"
    (tmp_path / "overlay/share/plcv_ros/config").mkdir(parents=True)
    index = tmp_path / "overlay/share/ament_index/resource_index/packages"
    index.mkdir(parents=True)
    (index / "plcv_ros").touch()
    assert share_directory() == tmp_path / "overlay/share/plcv_ros"
