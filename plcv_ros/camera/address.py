# SPDX-License-Identifier: Apache-2.0
"""Names of sources that are no files: URLs and device files; and how URLs are written where people read them."""

from __future__ import annotations

import re
import stat
from pathlib import Path

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "tcp")

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_USER = re.compile(r"://[^/?#\s]*@")
_QUERY = re.compile(r"\?\S*")
_SECRET = re.compile(r"(?i)(pass\w*|pwd|user\w*|token|key|secret|auth|signature|sig)=[^&/;,_\s]*")


def scheme_of(name: str) -> str:
    """The scheme of a URL in lower case; empty where ``name`` is none."""
    match = _URL.match(name)
    return match[1].lower() if match else ""


def public(text: str) -> str:
    """``text`` with the user and password, the query and anything like ``password=...`` of its URLs replaced by ``***``: fit for a log."""
    if "://" not in text:
        return text
    return _SECRET.sub(r"\1=***", _QUERY.sub("?***", _USER.sub("://***@", text)))


def is_device(name: str) -> bool:
    """Whether ``name`` is a camera's number or a device file (/dev/video0, /dev/v4l/by-id/...)."""
    if name.isdigit() or name.startswith("/dev/video"):
        return True
    try:
        return name.startswith("/dev/") and stat.S_ISCHR(Path(name).stat().st_mode)
    except OSError:
        return False
