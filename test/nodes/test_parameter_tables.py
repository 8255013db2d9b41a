# SPDX-License-Identifier: Apache-2.0
"""The parameter tables: what a value may be, what is said of one that is not, and the Markdown. No ROS needed."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plcv_ros.graph import configurations, share_directory
from plcv_ros.nodes.parameters import TABLES, ParameterError, Row, markdown


@pytest.mark.parametrize("node", TABLES)
def test_tables_hold_together(node):
    names = [row.name for row in TABLES[node]]
    assert len(names) == len(set(names))
    for row in TABLES[node]:
        assert row.check(row.default) == row.default
        assert row.description.endswith(".")
        assert (row.low is None) == (row.high is None)
        assert row.name in markdown(node)


@pytest.mark.parametrize("node", TABLES)
def test_what_a_parameter_needs_can_be(node):
    rows = {row.name: row for row in TABLES[node]}
    for row in rows.values():
        if row.only_with is not None:
            other, needed = row.only_with
            assert all(rows[other].check(value) == value for value in needed)
            assert needed or isinstance(rows[other].default, str)


@pytest.mark.parametrize("configuration", configurations())
def test_nothing_in_the_shipped_configurations_does_nothing(configuration):
    content = yaml.safe_load((share_directory() / "config" / f"{configuration}.yaml").read_text())
    for node, rows in TABLES.items():
        values = content[f"/**/{node}"]["ros__parameters"]
        assert not [row.name for row in rows if values[row.name] != row.default and row.idle(values)]


@pytest.mark.parametrize(
    ("node", "name", "others", "why"),
    [
        ("camera", "jpeg_quality", {}, "it acts only with codec jpeg, and codec is astc"),
        ("camera", "jpeg_quality", {"codec": "jpeg"}, ""),
        ("camera", "astc_block", {"codec": "auto"}, "it acts only with codec astc, and codec is auto"),
        ("camera", "astc_preset", {"codec": "auto"}, ""),
        ("encoder", "threads", {"codec": "jpeg"}, "it acts only with codec astc or jxs or auto, and codec is jpeg"),
        ("encoder", "latency_target_ms", {}, "it acts only with codec auto, and codec is astc"),
        ("encoder", "strip_bytes", {}, "it acts only with strips true, and strips is false"),
        ("decoder", "strip_repair_ms", {"strips": True}, ""),
        ("decoder", "decode_threads", {"transport": "raw"}, "it acts only with transport astc or jxs or auto, and transport is raw"),
        ("segmentation", "max_batch", {}, "it acts only with cameras given, and cameras is empty"),
        ("segmentation", "max_batch", {"cameras": "front,rear"}, ""),
        ("latency", "title", {"output_directory": ""}, "it acts only with output_directory given, and output_directory is empty"),
    ],
)
def test_parameters_that_do_nothing(node, name, others, why):
    rows = {row.name: row for row in TABLES[node]}
    assert rows[name].idle({**{row.name: row.default for row in rows.values()}, **others}) == why


RATE = Row("rate", 15.0, "Rate.", low=0.5, high=100.0)
COUNT = Row("count", 3, "Count.", low=1, high=9)
CODEC = Row("codec", "astc", "Codec.", choices=("astc", "jpeg"))
TOPIC = Row("topic", "", "Topic.", topic=True)
LOOP = Row("loop", True, "Loop.")
NAME = Row("name", "", "Name.")
PAUSE = Row("pause", 0.0, "Pause, 0 is none.", low=0.0, floor=0.5, high=9.0)


@pytest.mark.parametrize(
    ("row", "value", "text"),
    [
        (RATE, 0.4, "parameter rate is 0.4, expected a double from 0.5 to 100"),
        (RATE, 101, "parameter rate is 101.0, expected a double from 0.5 to 100"),
        (RATE, math.nan, "parameter rate is nan, expected a double from 0.5 to 100"),
        (RATE, "15", "parameter rate is '15', expected a double from 0.5 to 100"),
        (RATE, True, "parameter rate is True, expected a double from 0.5 to 100"),
        (RATE, None, "parameter rate is None, expected a double from 0.5 to 100"),
        (COUNT, 0, "parameter count is 0, expected an integer from 1 to 9"),
        (COUNT, 3.0, "parameter count is 3.0, expected an integer from 1 to 9"),
        (COUNT, True, "parameter count is True, expected an integer from 1 to 9"),
        (CODEC, "png", "parameter codec is 'png', expected one of astc, jpeg"),
        (CODEC, 8, "parameter codec is 8, expected one of astc, jpeg"),
        (TOPIC, "a b", "parameter topic is 'a b', expected a topic name: letters, digits and underscores in parts separated by slashes"),
        (TOPIC, "a//b", "parameter topic is 'a//b', expected a topic name: letters, digits and underscores in parts separated by slashes"),
        (TOPIC, "2a", "parameter topic is '2a', expected a topic name: letters, digits and underscores in parts separated by slashes"),
        (PAUSE, 1e-10, "parameter pause is 1e-10, expected a double from 0 to 9, and at least 0.5 where it is not 0"),
        (PAUSE, -1.0, "parameter pause is -1.0, expected a double from 0 to 9, and at least 0.5 where it is not 0"),
        (PAUSE, math.inf, "parameter pause is inf, expected a double from 0 to 9, and at least 0.5 where it is not 0"),
        (NAME, "x" * 5000, f"parameter name is '{'x' * 40}... (5000 characters)', expected a string of at most 4096 characters"),
        (LOOP, 1, "parameter loop is 1, expected a bool"),
        (LOOP, [True], "parameter loop is [True], expected a bool"),
    ],
)
def test_refused(row, value, text):
    with pytest.raises(ParameterError) as caught:
        row.check(value)
    assert str(caught.value) == text


@pytest.mark.parametrize("name", ["", "image", "/front/image_raw", "~/image", "front/left/image"])
def test_topic_names(name):
    assert TOPIC.check(name) == name


def test_integers_do_for_doubles():
    value = RATE.check(20)
    assert value == 20.0
    assert isinstance(value, float)


def test_the_command_prints_every_table_without_ros():
    code = "import sys; sys.modules['rclpy'] = None; from plcv_ros.cli.main import main; sys.exit(main(['params']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for node in TABLES:
        assert f"#### {node}\n\n{markdown(node)}" in done.stdout


SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_every_node_has_an_executable():
    assert {path.name for path in SCRIPTS.iterdir()} == set(TABLES)
    assert all(os.access(path, os.X_OK) for path in SCRIPTS.iterdir())


@pytest.mark.parametrize("node", TABLES)
def test_executables_explain_themselves(node):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / node), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS.parent), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.stdout.startswith(f"usage: {node} ")
    assert markdown(node) in done.stdout


def test_what_a_stranger_may_set_at_run_time_has_a_floor_and_opens_no_file():
    """Everybody on the link can call a node's parameter services."""
    for node, rows in TABLES.items():
        for row in rows:
            if row.read_only:
                continue
            assert not isinstance(row.default, str) or row.choices, f"{node}: {row.name} is a text of any kind"
            if isinstance(row.default, float):
                assert row.low is not None
                assert row.low > 0 or row.floor or row.high == 1, f"{node}: {row.name} has no floor"
    assert PAUSE.check(0) == 0
    assert PAUSE.check(0.5) == 0.5
    assert PAUSE.allowed == "0, 0.5 .. 9"
