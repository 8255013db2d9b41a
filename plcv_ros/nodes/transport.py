# SPDX-License-Identifier: Apache-2.0
"""Whether frames get through the DDS configuration of this process to every receiver, judged by its environment.

Fast DDS with its defaults loses frames above about half a megabyte without a word (and some between a quarter and a half), and a reliable
receiver on the same computer that is killed keeps smaller ones from the others. Its large-data transport has no limit of size, but a receiver
that is stopped or unplugged stops all others. A profile file and other middleware have neither fault.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plcv_ros.graph.transport import FASTDDS_2, OLD_DISTRIBUTIONS, PROFILE_VARIABLES, within_localhost

DEFAULT_LIMIT_BYTES = 250_000
"""Frames up to this size arrive with the defaults of Fast DDS."""

STOCK_HAZARD = "a reliable receiver on this computer that is killed keeps frames, also small ones, from the others"
TCP_HAZARD = "a receiver that is stopped or unplugged stops the frames of all others (TCP waits for it)"

TRANSPORTS_VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"

_PROFILE_FILES = ("DEFAULT_FASTRTPS_PROFILES.xml", "DEFAULT_FASTDDS_PROFILES.xml")


@dataclass(frozen=True)
class Transport:
    """The configuration found: ``name`` for people, ``limit_bytes`` (None: no known limit), ``hazard``: what one receiver can do to the others
    whatever the size of frames, ``remedy`` where there is a limit or a hazard."""

    name: str
    limit_bytes: int | None
    hazard: str = ""
    remedy: str = ""


def active(environment: Mapping[str, str] | None = None, rmw: str = "", folder: Path | None = None) -> Transport:
    """The transport that the environment asks for.

    ``rmw``: the middleware in use where it is known, else ``RMW_IMPLEMENTATION`` or ROS's default, Fast DDS. ``folder``: where Fast DDS
    looks for its default profile, the current one by default.
    """
    env = os.environ if environment is None else environment
    name = rmw or env.get("RMW_IMPLEMENTATION") or "rmw_fastrtps_cpp"
    if not name.startswith("rmw_fastrtps"):
        return Transport(name, None)
    old = env.get("ROS_DISTRO") in OLD_DISTRIBUTIONS
    remedy = f"set {PROFILE_VARIABLES[env.get('ROS_DISTRO') in FASTDDS_2]} to config/fastdds.xml of plcv_ros, on both sides (launch files do)"
    for variable in PROFILE_VARIABLES:
        if env.get(variable):
            return Transport(f"Fast DDS, profiles of {env[variable]} ({variable})", None)
    for file in _PROFILE_FILES:
        if ((folder or Path.cwd()) / file).is_file():
            return Transport(f"Fast DDS, profiles of ./{file}", None)
    value = env.get(TRANSPORTS_VARIABLE, "")
    local = within_localhost(env)
    # Within localhost discovery rmw_fastrtps puts default transports in place of what the variable asks for.
    if value.startswith("LARGE_DATA") and not old and not local:
        return Transport(f"Fast DDS, {TRANSPORTS_VARIABLE}={value}", None, TCP_HAZARD, remedy)
    name = f"Fast DDS, {TRANSPORTS_VARIABLE}={value}" if value and not old and not local else "Fast DDS defaults"
    return Transport(name, DEFAULT_LIMIT_BYTES, STOCK_HAZARD, remedy)


def rmw_in_use() -> str:
    """The middleware that this process has loaded, for example ``rmw_fastrtps_cpp``."""
    from rclpy.utilities import get_rmw_implementation_identifier

    return str(get_rmw_implementation_identifier())


def too_large(frame_bytes: int, transport: Transport) -> str | None:
    """What to tell the user where frames of this size do not fit; None where they do."""
    if transport.limit_bytes is None or frame_bytes <= transport.limit_bytes:
        return None
    return (
        f"frames of {frame_bytes / 1e6:.2f} MB do not fit the DDS configuration ({transport.name}: above {transport.limit_bytes / 1e6:.2f} MB "
        f"frames are lost without a word): {transport.remedy}"
    )


def not_apart(transport: Transport) -> str | None:
    """What to tell the user where one receiver can stop the others; None where it cannot."""
    if not transport.hazard:
        return None
    return f"the DDS configuration ({transport.name}) does not keep receivers apart: {transport.hazard}; {transport.remedy}"


class TransportWarnings:
    """Warnings of the DDS configuration that this process runs with, each once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._size_told = self._hazard_told = False

    def check(self, frame_bytes: int) -> list[str]:
        """What is to be logged now that frames of this size are sent or received."""
        texts = []
        if not self._hazard_told:
            self._hazard_told = True
            texts.append(not_apart(self._transport))
        if not self._size_told:
            texts.append(too_large(frame_bytes, self._transport))
            self._size_told = texts[-1] is not None
        return [text for text in texts if text is not None]
