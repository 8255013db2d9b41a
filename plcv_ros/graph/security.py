# SPDX-License-Identifier: Apache-2.0
"""Whether nodes started with an environment run with security (SROS2), as rcl and the middleware judge it. Both say nothing where keys are missing
and the strategy is Permissive: the node then runs without security."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

ENABLE, STRATEGY, KEYSTORE, OVERRIDE = "ROS_SECURITY_ENABLE", "ROS_SECURITY_STRATEGY", "ROS_SECURITY_KEYSTORE", "ROS_SECURITY_ENCLAVE_OVERRIDE"

FILES = ("identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem", "governance.p7s", "permissions.p7s")
"""What the middleware reads in an enclave's folder."""

UNSAFE = "so everybody on the network can read and send its messages (docs/security.md)"


def enabled(environ: Mapping[str, str]) -> bool:
    """Whether security is switched on: rcl compares with ``true``, in small letters."""
    return environ.get(ENABLE) == "true"


def enforced(environ: Mapping[str, str]) -> bool:
    """Whether a node without keys does not start: rcl compares with ``Enforce``, in these letters."""
    return environ.get(STRATEGY) == "Enforce"


def misspelt(environ: Mapping[str, str]) -> str:
    """What is wrong with the switches themselves, empty where nothing is: any other value than the right one switches security off in silence."""
    value = environ.get(ENABLE, "")
    if value not in {"", "true", "false"}:
        return f"{ENABLE} is {value!r}, expected true or false: security is off"
    if not value and (environ.get(KEYSTORE) or environ.get(STRATEGY)):
        return f"{KEYSTORE if environ.get(KEYSTORE) else STRATEGY} is set, but {ENABLE} is not true: security is off"
    strategy = environ.get(STRATEGY, "")
    if value == "true" and strategy not in {"", "Enforce", "Permissive"}:
        return f"{STRATEGY} is {strategy!r}, expected Enforce or Permissive: it acts as Permissive"
    return ""


def folder(enclave: str, environ: Mapping[str, str]) -> Path | None:
    """Where the keys of ``enclave`` (or of the one that the environment puts in its place) are looked for; None without a keystore."""
    keystore = environ.get(KEYSTORE, "")
    return Path(keystore) / "enclaves" / (environ.get(OVERRIDE) or enclave).lstrip("/") if keystore else None


def missing_keys(enclave: str, environ: Mapping[str, str]) -> str:
    """Which keys of ``enclave`` are missing, empty where none are."""
    path = folder(enclave, environ)
    if path is None:
        return f"{KEYSTORE} is not set"
    try:
        if not path.is_dir():
            return f"{path} is no folder"
        absent = [name for name in FILES if not (path / name).is_file()]
    except OSError as error:
        return f"{path}: {error.strerror}"
    return f"{path} holds no {', '.join(absent)}" if absent else ""


def complaint(enclave: str, environ: Mapping[str, str]) -> str:
    """What a node of ``enclave`` is to log at its start, empty where nothing is wrong."""
    wrong = misspelt(environ)
    if not enabled(environ):
        return wrong and f"{wrong}, {UNSAFE}"
    absent = missing_keys(enclave, environ)
    if absent and not enforced(environ):
        shown = environ.get(OVERRIDE) or enclave
        strategy = environ.get(STRATEGY) or "not set (Permissive)"
        missing = f"{absent}: with {STRATEGY} {strategy} the node runs in enclave {shown} without security, {UNSAFE}"
        return f"{wrong}; {missing}" if wrong else missing
    return wrong


def idle_enclaves(enclaves: str, environ: Mapping[str, str]) -> str:
    """Why ``enclaves:=...`` would do nothing, empty where it does something."""
    if not enclaves:
        return ""
    if not enabled(environ):
        return f"argument enclaves:={enclaves} changes nothing: {ENABLE} is not true, so security is off (docs/security.md)"
    if environ.get(OVERRIDE):
        return f"argument enclaves:={enclaves} changes nothing: {OVERRIDE}={environ[OVERRIDE]} puts all nodes into that enclave"
    return ""


def enclave_of(arguments: Sequence[str]) -> str:
    """The enclave in a node's command line, ``/`` where there is none."""
    found, ours = "/", False
    for i, word in enumerate(arguments):
        if word == "--ros-args":
            ours = True
        elif word == "--":
            ours = False
        elif ours and word in {"--enclave", "-e"} and i + 1 < len(arguments):
            found = arguments[i + 1]
    return found
