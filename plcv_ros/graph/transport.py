# SPDX-License-Identifier: Apache-2.0
"""The DDS environment of a graph: transports for frames above a quarter of a megabyte, and discovery without multicast.

Environment variables and profile files only; a vendor that is not in use ignores what is meant for another. The defaults of Fast DDS lose
frames above half a megabyte without a word: best effort over its shared memory segment and UDP sockets delivers next to none of them.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from plcv_ros.graph.arguments import ArgumentError
from plcv_ros.graph.locations import share_directory

FASTDDS_LARGE_DATA = "LARGE_DATA?max_msg_size=1MB&sockets_size=4MB"
"""UDP for discovery, shared memory within a machine, TCP between machines. Without the options, publish() of half a megabyte over 1 Gbit/s
blocks for 19 ms instead of 0.5."""

OLD_DISTRIBUTIONS = ("humble",)
"""Their Fast DDS (2.6) knows neither that variable nor static peers: they get the XML profile."""


def _host(address: str) -> str:
    address = address.strip()
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        if not re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*", address):
            raise ArgumentError(f"argument peer:={address}: expected an IP address or a host name") from None
        return address


def peers(text: str) -> list[str]:
    """The addresses in a ``peer`` argument, separated by commas, semicolons or blanks; raises ArgumentError for what is none."""
    return [_host(part) for part in re.split(r"[,;\s]+", text) if part]


def large_data(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that make large frames arrive. What ``environ`` (default: the process's) already sets is left alone."""
    environ = os.environ if environ is None else environ
    config = share_directory() / "config"
    # A profile that the user loads describes transports of its own; the variable would override it.
    own_profile = {"FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"} & set(environ)
    result = {}
    if environ.get("ROS_DISTRO") in OLD_DISTRIBUTIONS:
        if not own_profile:
            result["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(config / "fastdds.xml")
    elif not own_profile and "FASTDDS_BUILTIN_TRANSPORTS" not in environ:
        result["FASTDDS_BUILTIN_TRANSPORTS"] = FASTDDS_LARGE_DATA
    if "CYCLONEDDS_URI" not in environ:
        result["CYCLONEDDS_URI"] = (config / "cyclonedds.xml").as_uri()
    return result


def unicast(addresses: list[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for discovery of ``addresses`` by unicast, beside this machine's own nodes."""
    environ = os.environ if environ is None else environ
    if environ.get("ROS_DISTRO") not in OLD_DISTRIBUTIONS:
        return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": ";".join(addresses)}
    elements = "".join(f'<Peer Address="{escape(a)}"/>' for a in ["localhost", *addresses])
    cyclone = f"<Discovery><ParticipantIndex>auto</ParticipantIndex><Peers>{elements}</Peers></Discovery>"
    return {
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(_profile_with_peers(addresses)),
        "CYCLONEDDS_URI": ",".join(
            (
                environ.get("CYCLONEDDS_URI", (share_directory() / "config" / "cyclonedds.xml").as_uri()),
                f"<General><AllowMulticast>false</AllowMulticast></General>{cyclone}",
            )
        ),
    }


def _profile_with_peers(addresses: list[str]) -> Path:
    """config/fastdds.xml with initial peers, in a temporary file of this user that stays as long as the nodes may read it."""
    locators = "".join(f"<locator><udpv4><address>{escape(a)}</address></udpv4></locator>" for a in ["127.0.0.1", *addresses])
    text = (share_directory() / "config" / "fastdds.xml").read_text(encoding="utf-8")
    builtin = f"<builtin><initialPeersList>{locators}</initialPeersList></builtin>"
    place = "</rtps>"
    if text.count(place) != 1:
        raise ValueError(f"config/fastdds.xml: expected one {place}")
    folder = Path(tempfile.mkdtemp(prefix="plcv_ros_"))
    path = folder / "fastdds_peers.xml"
    path.write_text(text.replace(place, builtin + place), encoding="utf-8")
    return path


def localhost_only(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that keep a graph on this machine, out of sight of others."""
    environ = os.environ if environ is None else environ
    if environ.get("ROS_DISTRO") in OLD_DISTRIBUTIONS:
        return {"ROS_LOCALHOST_ONLY": "1"}
    # The older switch wins over the newer one where both are set.
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": "", "ROS_LOCALHOST_ONLY": "0"}
