# SPDX-License-Identifier: Apache-2.0
"""What ``plcv doctor`` looks at: each check returns what it found and, where something is wrong, the remedy. Nothing here needs to be
installed for a check to run; what is missing is what it reports."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plcv_ros.cli import shared_memory
from plcv_ros.cli.clock import clock_state
from plcv_ros.graph import security, share_directory
from plcv_ros.graph.transport import FASTDDS_2, OLD_DISTRIBUTIONS, PROFILE_VARIABLES, within_localhost
from plcv_ros.requirements import MODULES, requirement, too_old

PROC = Path("/proc/sys/net")
WANTED_BUFFER = 4 * 1024 * 1024
PROBE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Finding:
    """One line of the report: ``status`` is ok, warn or fail; ``remedy`` is empty where nothing need be done."""

    name: str
    status: str
    text: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """All checks, one after the other; one that breaks reports itself as failed."""
    for check in CHECKS:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            yield from check()
        except Exception as error:  # a doctor that dies of what it should report is of no use
            yield Finding(name, "fail", f"the check itself failed: {type(error).__name__}: {error}", "please report this")


def _probe(code: str) -> tuple[dict[str, str], str]:
    """Run Python ``code`` that prints a JSON object, in a process of its own: a broken library must not end the doctor.
    Returns (object, error); one of them is empty."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return {}, f"no answer within {PROBE_TIMEOUT_S:.0f} s"
    try:
        result = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        lines = done.stderr.strip().splitlines()
        return {}, lines[-1] if lines else f"exit status {done.returncode}"
    return {str(key): str(value) for key, value in result.items()}, ""


def distribution() -> str:
    """The ROS distribution: ROS_DISTRO, else by the version of rclpy where it is installed from wheels, else empty."""
    if os.environ.get("ROS_DISTRO"):
        return os.environ["ROS_DISTRO"]
    try:
        major = importlib.metadata.version("rclpy").split(".")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""
    return {"3": "humble", "7": "jazzy", "9": "kilted"}.get(major, "")


def check_python() -> Iterator[Finding]:
    """Which Python this is; older ones than 3.10 do not get here."""
    yield Finding("python", "ok", f"Python {sys.version.split()[0]} ({sys.executable})")


def check_ros() -> Iterator[Finding]:
    """rclpy, the distribution and the middleware."""
    # Whether there are keys is judged by check_security.
    found, error = _probe(
        f"import json, os, rclpy; os.environ.pop('{security.ENABLE}', None); rclpy.init(); "
        "from rclpy.utilities import get_rmw_implementation_identifier as rmw; "
        "print(json.dumps({'path': rclpy.__file__, 'rmw': rmw()}))"
    )
    if error:
        remedy = (
            "source /opt/ros/<distro>/setup.bash, with a Python of that distribution's version; without a ROS installation: "
            'pip install ".[ros]" (x86-64, CPython 3.10 to 3.13)'
        )
        yield Finding("ROS 2", "fail", f"rclpy does not work: {error}", remedy)
        return
    distro = distribution()
    yield Finding("ROS 2", "ok", f"rclpy imports, {distro or 'unknown distribution'} ({found['path']})")
    rmw = found["rmw"]
    if rmw.startswith(("rmw_fastrtps", "rmw_cyclonedds")):
        yield Finding("middleware", "ok", rmw)
    else:
        yield Finding("middleware", "warn", rmw, "docs/networks.md says what others need")
    missing = [package for package in ("sensor_msgs", "std_msgs", "diagnostic_msgs") if importlib.util.find_spec(package) is None]
    if missing:
        yield Finding("messages", "fail", f"missing: {', '.join(missing)}", 'rosdep install --from-paths . -y, or pip install ".[ros]"')


def check_transports() -> Iterator[Finding]:
    """Whether nodes started from this shell get frames through, of every size and to every receiver."""
    rmw = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    if rmw.startswith("rmw_fastrtps"):
        profile = next((v for v in PROFILE_VARIABLES if os.environ.get(v)), "")
        value = os.environ.get("FASTDDS_BUILTIN_TRANSPORTS", "")
        if profile:
            path = os.environ[profile]
            if Path(path).is_file():
                yield Finding("transports", "ok", f"Fast DDS profile {path} ({profile})")
            else:
                yield Finding("transports", "fail", f"{profile}={path}: no such file, so Fast DDS runs with its defaults", f"unset {profile}")
        else:
            variable = PROFILE_VARIABLES[distribution() in FASTDDS_2]
            acts = value and not within_localhost(os.environ) and distribution() not in OLD_DISTRIBUTIONS
            if acts and value.startswith("LARGE_DATA"):
                what = f"FASTDDS_BUILTIN_TRANSPORTS={value} in this shell: a receiver that is stopped or unplugged stops all others"
            else:
                what = f"Fast DDS {'with ' + value if acts else 'defaults'} in this shell: frames above 0.25 MB get lost without a word"
            yield Finding(
                "transports",
                "warn",
                f"{what} (launch files and `plcv up` set a profile)",
                f"export {variable}={share_directory() / 'config' / 'fastdds.xml'}",
            )
    elif rmw.startswith("rmw_cyclonedds"):
        if os.environ.get("CYCLONEDDS_URI"):
            yield Finding("transports", "ok", f"CYCLONEDDS_URI={os.environ['CYCLONEDDS_URI']}")
        else:
            uri = (share_directory() / "config" / "cyclonedds.xml").as_uri()
            yield Finding("transports", "warn", "Cyclone DDS defaults: small receive buffers", f"export CYCLONEDDS_URI={uri}")


def check_domain() -> Iterator[Finding]:
    """ROS_DOMAIN_ID and the reach of discovery."""
    text = os.environ.get("ROS_DOMAIN_ID", "") or "0"
    # Above 101 the ports of a domain run into those that Linux hands out to any program.
    if not text.isdigit() or int(text) > 232:
        yield Finding("domain id", "fail", f"ROS_DOMAIN_ID={text}", "use a number from 0 to 101, the same on both computers")
    elif int(text) > 101:
        yield Finding("domain id", "warn", f"ROS_DOMAIN_ID={text}", "use 0 to 101: above, its ports may be taken by other programs")
    else:
        yield Finding("domain id", "ok", f"ROS_DOMAIN_ID={text}, to be the same on both computers")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    local = within_localhost(os.environ) or reach == "OFF"
    if local and not os.environ.get("ROS_STATIC_PEERS"):
        yield Finding(
            "discovery",
            "warn",
            "limited to this computer by ROS_LOCALHOST_ONLY or ROS_AUTOMATIC_DISCOVERY_RANGE",
            "for two computers: unset both, or start the launch files with peer:=<the other's address>",
        )
    else:
        peers = os.environ.get("ROS_STATIC_PEERS", "")
        yield Finding("discovery", "ok", f"peers {peers}" if peers else "multicast on the subnet")


def check_security() -> Iterator[Finding]:
    """Whether nodes started from this shell run with SROS2, and whether one without keys would be noticed."""
    wrong = security.misspelt(os.environ)
    if wrong:
        yield Finding("security", "warn", wrong, f"export {security.ENABLE}=true {security.STRATEGY}=Enforce, or unset them (docs/security.md)")
    if not security.enabled(os.environ):
        if not wrong:
            yield Finding("security", "ok", "off: everybody on this network can read and send what nodes do (docs/security.md)")
        return
    enforced = security.enforced(os.environ)
    if not enforced:
        text = "Permissive: a node whose keys are missing runs without security, and only its log says so"
        yield Finding("security strategy", "warn", text, f"export {security.STRATEGY}=Enforce")
    missing = _missing_keys()
    for text in missing:
        remedy = "ros2 security generate_artifacts -k KEYSTORE -p POLICY, and export ROS_SECURITY_KEYSTORE=KEYSTORE (docs/security.md)"
        yield Finding("security keys", "fail" if enforced else "warn", text, remedy)
    if not missing:
        yield Finding("security keys", "ok", f"{os.environ[security.KEYSTORE]}: every enclave has its keys and permissions")


def _missing_keys() -> list[str]:
    keystore, override = os.environ.get(security.KEYSTORE, ""), os.environ.get(security.OVERRIDE, "")
    if override or not keystore:
        missing = security.missing_keys("/", os.environ)
        return [missing] if missing else []
    folder = Path(keystore) / "enclaves"
    enclaves = sorted({path.parent for path in folder.rglob("*.pem")})
    if not enclaves:
        return [f"{folder} holds no enclave"]
    found = (security.missing_keys(f"/{path.relative_to(folder)}", os.environ) for path in enclaves)
    return [text for text in found if text]


def _kernel(name: str) -> int | None:
    try:
        return int((PROC / name).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def check_socket_buffers() -> Iterator[Finding]:
    """Limits of the kernel's socket buffers."""
    for name in ("rmem_max", "wmem_max"):
        value = _kernel(f"core/{name}")
        if value is None:
            yield Finding(f"net.core.{name}", "ok", "cannot be read here (not Linux, or hidden in a container)")
        elif value < WANTED_BUFFER:
            yield Finding(
                f"net.core.{name}",
                "warn",
                f"{value} bytes: less than a burst of frames; large frames over UDP lose fragments",
                f"sudo sysctl -w net.core.{name}={WANTED_BUFFER} (in a container: on its host)",
            )
        else:
            yield Finding(f"net.core.{name}", "ok", f"{value} bytes")


def check_fragments() -> Iterator[Finding]:
    """Reassembly of IP fragments: where frames travel over UDP, half-arrived ones fill this memory for ipfrag_time seconds."""
    seconds, memory = _kernel("ipv4/ipfrag_time"), _kernel("ipv4/ipfrag_high_thresh")
    if seconds is None or memory is None:
        yield Finding("net.ipv4.ipfrag_*", "ok", "cannot be read here")
        return
    text = f"ipfrag_time {seconds} s, ipfrag_high_thresh {memory} bytes"
    if memory < 64 * 1024 * 1024 and seconds > 3:
        remedy = "on lossy links over UDP: sudo sysctl -w net.ipv4.ipfrag_time=3 net.ipv4.ipfrag_high_thresh=134217728"
        yield Finding("net.ipv4.ipfrag_*", "warn", text, remedy)
    else:
        yield Finding("net.ipv4.ipfrag_*", "ok", text)


def check_interfaces() -> Iterator[Finding]:
    """MTU of the network interfaces that are up."""
    found = []
    for interface in sorted(Path("/sys/class/net").glob("*")):
        try:
            state = (interface / "operstate").read_text().strip()
            mtu = int((interface / "mtu").read_text())
        except (OSError, ValueError):
            continue
        if interface.name != "lo" and state != "down":
            found.append((interface.name, mtu))
    if not found:
        yield Finding("network", "warn", "no interface but loopback is up", "two computers need a network; one does not")
        return
    text = ", ".join(f"{name} {mtu}" for name, mtu in found)
    small = [name for name, mtu in found if mtu < 1500]
    if small:
        yield Finding("MTU", "warn", text, f"{', '.join(small)}: below 1500 (a tunnel?); every frame costs more packets, and UDP ones fragment")
    else:
        yield Finding("MTU", "ok", f"{text}; the same on both computers and the switch (9000 helps above 1 Gbit/s)")


def check_multicast() -> Iterator[Finding]:
    """Whether a multicast packet of this computer comes back to it: what discovery needs at the least."""
    group = "239.255.0.1"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            receiver.bind(("", 0))
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton(group), b"\0" * 4))
            receiver.settimeout(1.0)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            sender.sendto(b"plcv", (group, receiver.getsockname()[1]))
            receiver.recvfrom(16)
    except OSError as error:
        remedy = "allow UDP multicast 239.255.0.0/16 (firewall, VPN, container network), or start with peer:=<the other's address>"
        yield Finding("multicast", "warn", f"a packet to {group} does not come back: {error}", remedy)
        return
    yield Finding("multicast", "ok", f"packets to {group} come back (whether the switch and Wi-Fi pass them: try `ros2 multicast`)")


STALE_MB = 32.0
"""Shared memory of processes that are gone, above which it is worth clearing."""


def check_shared_memory() -> Iterator[Finding]:
    """/dev/shm, where DDS passes frames between processes of one machine."""
    try:
        state = os.statvfs("/dev/shm")
    except OSError as error:
        yield Finding("/dev/shm", "warn", f"not there: {error}", "frames between processes of this machine go through the loopback network")
        return
    total, free = (state.f_frsize * n / 2**20 for n in (state.f_blocks, state.f_bavail))
    text = f"{total:.0f} MiB, {free:.0f} free"
    try:
        stale = shared_memory.left_behind()
    except OSError:
        stale = []
    size = shared_memory.megabytes(stale)
    if stale:
        text += f"; {len(stale)} file{'' if len(stale) == 1 else 's'} of {size:.0f} MB left by processes that were killed"
    if free < 128:
        remedy = "plcv doctor --clear-shared-memory; " if stale else ""
        yield Finding("/dev/shm", "warn", text, f"{remedy}mount it with 256 MiB or more (docker run --shm-size=256m; --ipc=host to share it)")
    elif size > STALE_MB:
        yield Finding("/dev/shm", "warn", text, "plcv doctor --clear-shared-memory")
    else:
        yield Finding("/dev/shm", "ok", text)


def check_clock() -> Iterator[Finding]:
    """Whether the system clock is disciplined: latencies between two computers are as good as their clocks agree."""
    state = clock_state()
    text = state.text + (f"; running: {', '.join(state.daemons)}" if state.daemons else "")
    if state.synchronised:
        yield Finding("clock", "ok", text)
    else:
        yield Finding(
            "clock",
            "warn",
            text,
            "fine: the nodes measure the offset between two computers; chrony on both (sudo apt install chrony) keeps logs and bags in step too",
        )


def check_torch() -> Iterator[Finding]:
    """torch, CUDA, and the network's weights."""
    found, error = _probe(
        "import json, torch; gpu = torch.cuda.is_available(); print(json.dumps({'version': torch.__version__, "
        "'cuda': torch.cuda.get_device_name(0) if gpu else '', 'threads': torch.get_num_threads()}))"
    )
    if error:
        yield Finding("torch", "warn", f"not usable: {error}", 'needed where the network runs: pip install ".[remote]"')
        return
    if problem := too_old("torch", found["version"]):
        yield _old("torch", problem)
        return
    text = f"torch {found['version']}, "
    yield Finding(
        "torch", "ok", text + (f"CUDA: {found['cuda']}" if found["cuda"] else f"no CUDA: the network runs on {found['threads']} CPU threads")
    )
    weights, error = _probe(
        "import json; from plcv_ros.perception import load_predictor; p = load_predictor('default', device='cpu'); p.warmup(64, 64); "
        "print(json.dumps({'classes': len(p.label_set), 'name': p.label_set.name}))"
    )
    if error:
        yield Finding("weights", "fail", f"the default checkpoint does not load: {error}", "install the package again; its weights are incomplete")
    else:
        yield Finding("weights", "ok", f"default checkpoint loads and predicts: {weights['classes']} classes of {weights['name']}")


def check_codecs() -> Iterator[Finding]:
    """The compiled codecs and the instruction set that they use."""
    found, error = _probe(
        "import json, numpy as np; from plcv_ros.codecs import decode, make_codec; from plcv_ros.codecs.targets import current_target; "
        "image = np.zeros((64, 64, 3), np.uint8); [decode(make_codec(name, **options).encode(image)) for name, options in "
        "(('astc', {}), ('jxs', {'bpp': 8}))]; print(json.dumps({'target': current_target()}))"
    )
    if error:
        yield Finding(
            "codecs", "fail", f"the compiled codecs do not work: {error}", "install the package again; a C++17 compiler is needed (make env)"
        )
    elif found["target"] == "scalar":
        forced = os.environ.get("PLCV_SIMD", "")
        remedy = "unset PLCV_SIMD" if forced else "encoding is several times slower than with AVX2 or NEON"
        yield Finding("codecs", "warn", "ASTC and JPEG XS run without SIMD", remedy)
    else:
        yield Finding("codecs", "ok", f"ASTC and JPEG XS encode and decode; instruction set: {found['target']}")


def _library(distribution: str, use: str, extra: str = "") -> Finding:
    """Of a library that is needed for ``use``; ``extra``: which of the package's extras brings it, empty where nothing works without it."""
    module = MODULES.get(distribution, distribution)
    name = "OpenCV" if module == "cv2" else distribution
    found, error = _probe(
        f"import json, {module} as m; from plcv_ros.requirements import version_of; print(json.dumps({{'version': version_of(m, {distribution!r})}}))"
    )
    if error:
        package = f"plcv_ros[{extra}]" if extra else requirement(distribution)
        return Finding(name, "warn" if extra else "fail", f"not usable: {error}", f'needed for {use}: pip install "{package}"')
    if problem := too_old(distribution, found["version"]):
        return _old(name, problem)
    return Finding(name, "ok", f"{name} {found['version']}".rstrip())


def _old(name: str, problem: str) -> Finding:
    """``problem``: what requirements.too_old says, whose last part is the remedy."""
    text, _, remedy = problem.partition(": ")
    return Finding(name, "fail", f"too old: needs {text}", remedy)


def check_libraries() -> Iterator[Finding]:
    """Libraries that the package or parts of it need, and whether they are new enough."""
    yield _library("numpy", "everything")
    yield _library("PyYAML", "parameter files")
    yield _library("rich", "what plcv prints")
    yield _library("opencv-python-headless", "pictures and generated scenes", "edge")
    yield _library("av", "cameras, video files and streams", "edge")
    yield _library("simplejpeg", "JPEG", "edge")
    yield _library("rosbags", "bags as a source", "edge")
    yield _library("safetensors", "networks", "remote")
    yield _library("matplotlib", "the latency plot", "report")
    yield _library("cmaes", "plcv tune", "tune")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_python,
    check_ros,
    check_transports,
    check_domain,
    check_security,
    check_multicast,
    check_socket_buffers,
    check_fragments,
    check_interfaces,
    check_shared_memory,
    check_clock,
    check_codecs,
    check_torch,
    check_libraries,
)
