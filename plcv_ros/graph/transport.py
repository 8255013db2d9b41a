# SPDX-License-Identifier: Apache-2.0
"""The DDS environment of a graph: transports for frames above a quarter of a megabyte, and discovery without multicast.

Environment variables and profile files only; a vendor that is not in use ignores what is meant for another. The defaults of Fast DDS lose
frames above half a megabyte without a word: best effort over its shared memory segment and UDP sockets delivers next to none of them.

The profile is the default. LARGE_DATA (TCP between machines) sends to one receiver after the other and waits for each: one that is stopped or
unplugged stops the frames of all others. It also needs multicast: with static peers alone its participants do not find each other. And where
discovery is limited to this machine and static peers, rmw_fastrtps puts default transports in place of what the variable asks for, but keeps
those of a profile file.
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
"""Their Fast DDS (2.6) does not know that variable, their rmw no static peers: both come from the XML profile."""

PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
"""The name since Fast DDS 3 (Kilted), and before; the newer ones warn of the older name, the older ones do not know the newer."""

FASTDDS_2 = ("humble", "iron", "jazzy")
"""Distributions with the older name."""


def within_localhost(environ: Mapping[str, str]) -> bool:
    """Whether discovery is limited to this machine and static peers: rmw_fastrtps then ignores FASTDDS_BUILTIN_TRANSPORTS."""
    return environ.get("ROS_LOCALHOST_ONLY") == "1" or environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper() == "LOCALHOST"


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


def environment(
    *, middleware: str = "profile", addresses: list[str] | None = None, local: bool = False, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Variables for the nodes, beside those of ``environ`` (default: the process's own).

    ``middleware``: ``profile`` or ``large_data``, the transports that large frames need, or ``as_is``; profiles and transports that
    ``environ`` already names are left alone, and unicast and localhost discovery need the profile in either case. ``addresses``: discover
    these hosts by unicast. ``local``: keep the graph on this machine, out of sight of others.
    """
    environ = os.environ if environ is None else environ
    addresses = addresses or []
    old = environ.get("ROS_DISTRO") in OLD_DISTRIBUTIONS
    result = _discovery(addresses, local, old)
    cyclone = environ.get("CYCLONEDDS_URI", "")
    if middleware != "as_is":
        # A profile that the user loads describes transports of its own.
        if not any(name in environ for name in PROFILE_VARIABLES):
            if addresses or local or old or (middleware == "profile" and "FASTDDS_BUILTIN_TRANSPORTS" not in environ):
                profile = _profile_with_peers(addresses) if addresses and old else share_directory() / "config" / "fastdds.xml"
                result[PROFILE_VARIABLES[environ.get("ROS_DISTRO") in FASTDDS_2]] = str(profile)
            elif "FASTDDS_BUILTIN_TRANSPORTS" not in environ:
                result["FASTDDS_BUILTIN_TRANSPORTS"] = FASTDDS_LARGE_DATA
        if not cyclone:
            cyclone = result["CYCLONEDDS_URI"] = (share_directory() / "config" / "cyclonedds.xml").as_uri()
    if addresses and old:
        result["CYCLONEDDS_URI"] = ",".join(filter(None, (cyclone, _cyclone_peers(addresses))))
    return result


def _discovery(addresses: list[str], local: bool, old: bool) -> dict[str, str]:
    if old:
        return {"ROS_LOCALHOST_ONLY": "1"} if local and not addresses else {}
    if not addresses and not local:
        return {}
    # The older switch would win over the newer ones where it is set.
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": ";".join(addresses), "ROS_LOCALHOST_ONLY": "0"}


def _cyclone_peers(addresses: list[str]) -> str:
    elements = "".join(f'<Peer Address="{escape(a)}"/>' for a in ["localhost", *addresses])
    return (
        "<General><AllowMulticast>false</AllowMulticast></General>"
        f"<Discovery><ParticipantIndex>auto</ParticipantIndex><Peers>{elements}</Peers></Discovery>"
    )


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
