# SPDX-License-Identifier: Apache-2.0
"""Whether frames of a given size get through the DDS configuration of this process, judged by its environment.

Fast DDS with its defaults loses frames above about half a megabyte without a word (and some between a quarter and a half); its large-data
transport, a profile file, or another middleware do not have that limit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plcv_ros.graph.transport import FASTDDS_LARGE_DATA, OLD_DISTRIBUTIONS, within_localhost

DEFAULT_LIMIT_BYTES = 250_000
"""Frames up to this size arrive with the defaults of Fast DDS."""

TRANSPORTS_VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"

_PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
_PROFILE_FILES = ("DEFAULT_FASTRTPS_PROFILES.xml", "DEFAULT_FASTDDS_PROFILES.xml")


@dataclass(frozen=True)
class Transport:
    """The configuration found: ``name`` for people, ``limit_bytes`` (None: no known limit), ``remedy`` where there is a limit."""

    name: str
    limit_bytes: int | None
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
    for variable in _PROFILE_VARIABLES:
        if env.get(variable):
            return Transport(f"Fast DDS, profiles of {env[variable]} ({variable})", None)
    for file in _PROFILE_FILES:
        if ((folder or Path.cwd()) / file).is_file():
            return Transport(f"Fast DDS, profiles of ./{file}", None)
    value = env.get(TRANSPORTS_VARIABLE, "")
    local = within_localhost(env)
    if value.startswith("LARGE_DATA") and not old and not local:
        return Transport(f"Fast DDS, {TRANSPORTS_VARIABLE}={value}", None)
    if old or local:
        # Within localhost discovery rmw_fastrtps puts default transports in place of what the variable asks for.
        remedy = f"set {'FASTRTPS' if old else 'FASTDDS'}_DEFAULT_PROFILES_FILE to config/fastdds.xml of plcv_ros, on both sides"
        return Transport("Fast DDS defaults", DEFAULT_LIMIT_BYTES, remedy)
    remedy = f"set {TRANSPORTS_VARIABLE}='{FASTDDS_LARGE_DATA}' on both sides"
    return Transport(f"Fast DDS, {TRANSPORTS_VARIABLE}={value}" if value else "Fast DDS defaults", DEFAULT_LIMIT_BYTES, remedy)


def rmw_in_use() -> str:
    """The middleware that this process has loaded, for example ``rmw_fastrtps_cpp``."""
    from rclpy.utilities import get_rmw_implementation_identifier

    return str(get_rmw_implementation_identifier())


def warning(frame_bytes: int, transport: Transport) -> str | None:
    """What to tell the user where frames of this size do not fit; None where they do."""
    if transport.limit_bytes is None or frame_bytes <= transport.limit_bytes:
        return None
    return (
        f"frames of {frame_bytes / 1e6:.2f} MB do not fit the DDS configuration ({transport.name}: above {transport.limit_bytes / 1e6:.2f} MB "
        f"frames are lost without a word): {transport.remedy}"
    )
