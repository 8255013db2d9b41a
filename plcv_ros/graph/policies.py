# SPDX-License-Identifier: Apache-2.0
"""SROS2 policy files (XML, version 0.2.0) of a graph: an enclave for each node, with what that node needs and nothing else.

``ros2 security generate_artifacts -k KEYSTORE -p FILE`` makes keys and permissions of them (docs/security.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as Xml

from plcv_ros.graph.access import Access, accesses
from plcv_ros.graph.arguments import ArgumentError
from plcv_ros.graph.graphs import build, enclave_path

VERSION = "0.2.0"
"""Of the policy format."""

PREFIX = "/plcv"
"""Enclaves of the policies that come with the package are below it."""

_RULES = (
    ("topics", "topic", "publish", "publish"),
    ("topics", "topic", "subscribe", "subscribe"),
    ("services", "service", "reply", "reply"),
    ("services", "service", "request", "request"),
)
"""Element of a list, element of its items, attribute, field of Access."""

SHIPPED: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "offload": ({"decoder": "true", "evaluation": "true"},),
    "edge": ({}, {"input_topic": "image_raw"}),
    "remote": ({"decoder": "true"},),
    "many_cameras": ({},),
    "replay": ({"source": "bag", "decoder": "true", "evaluation": "true"},),
}
"""Graph -> the launch arguments of its shipped policy, which has the nodes of all of them."""


def policy(name: str, *variants: Mapping[str, str]) -> str:
    """The policy of the graph ``name`` for the nodes of all ``variants``, each the launch arguments of one.

    Raises ArgumentError, also where ``enclaves`` is missing.
    """
    found: dict[str, Access] = {}
    for given in variants:
        prefix = enclave_path(given.get("enclaves", ""))
        if not prefix:
            raise ArgumentError("enclaves:=PATH is missing: below which path shall the nodes have their enclaves? For example enclaves:=/robot")
        tools = f"{prefix.rstrip('/')}/{given.get('namespace', '').strip('/')}"
        for access in accesses(build(name, given), tools):
            before = found.setdefault(access.enclave, access)
            if before != access:
                found[access.enclave] = _together(before, access)
    return _text(name, found.values())


def shipped(name: str) -> str:
    """The text of ``config/security/policies/<name>.xml``."""
    return policy(name, *({**given, "enclaves": PREFIX} for given in SHIPPED[name]))


def _together(one: Access, other: Access) -> Access:
    fields = {field: tuple(sorted({*getattr(one, field), *getattr(other, field)})) for _, _, _, field in _RULES}
    return Access(one.name, one.namespace, one.enclave, **fields)


def _text(name: str, nodes: Iterable[Access]) -> str:
    root = Xml.Element("policy", version=VERSION)
    enclaves = Xml.SubElement(root, "enclaves")
    for node in sorted(nodes, key=lambda node: node.enclave):
        profiles = Xml.SubElement(Xml.SubElement(enclaves, "enclave", path=node.enclave), "profiles")
        profile = Xml.SubElement(profiles, "profile", ns=f"/{node.namespace}", node=node.name)
        for container, item, attribute, field in _RULES:
            names = getattr(node, field)
            if names:
                rule = Xml.SubElement(profile, container, {attribute: "ALLOW"})
                for one in names:
                    Xml.SubElement(rule, item).text = one
    Xml.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!-- SPDX-License-Identifier: Apache-2.0 -->\n'
    return f"{head}<!-- SROS2 policy of the graph {name}: see docs/security.md of plcv_ros. -->\n{Xml.tostring(root, encoding='unicode')}\n"
