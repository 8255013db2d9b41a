# SPDX-License-Identifier: Apache-2.0
"""From a node class to a process: start, spin, end on SIGINT and SIGTERM, one clear line and exit code 1 for what goes wrong."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.signals import SignalHandlerOptions

from plcv_ros.graph import security
from plcv_ros.nodes import _deadline
from plcv_ros.nodes.node import FrameNode, NodeError
from plcv_ros.nodes.parameters import ParameterError, markdown
from plcv_ros.nodes.scheduling import take_short_turns

END_TIMEOUT_S = 4.5
"""From a signal to the process's end, and for the middleware's teardown. A node that writes a report has longer (``FrameNode.stop_limit_s``)."""

SWITCH_INTERVAL_S = 0.00005
"""A frame passes from one thread to the next. Python's own interval lets the first one keep the interpreter for up to 5 ms after that."""

_LATE = (
    "{}: it did not end in {:g} s, so the process ends now. The middleware hangs: with middleware:=large_data a receiver that has stopped or "
    "is unplugged does that (docs/networks.md).\n"
)

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SAME_SIGNAL_S = 2.0


class _Interrupted(BaseException):
    """A signal came before the node was there."""


def describe_error(error: BaseException) -> str:
    """One line for the log. Errors whose text is written for the user stand alone; others say what they are and where they came from."""
    text = " ".join(str(error).split())
    # CodecError, CheckpointError, SourceError and ParameterError are the package's own ValueErrors: their text names value and remedy.
    if isinstance(error, (NodeError, ParameterError)) or type(error).__module__.startswith("plcv_ros."):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119  a name, not a path to open
    return f"{type(error).__name__}: {text}{where}"


def run(executable: str, make: Callable[[], FrameNode], arguments: Sequence[str] | None = None) -> int:
    """Run one node until it ends or is told to; returns the exit status."""
    argv = list(sys.argv if arguments is None else [executable, *arguments])
    if "-h" in argv[1:] or "--help" in argv[1:]:
        print(f"usage: {executable} [--ros-args -p <parameter>:=<value> -r <name>:=<name> ...]\n\n{markdown(executable)}")
        return 0
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    take_short_turns()
    holder: list[FrameNode] = []
    with _signals(holder, executable):
        try:
            rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
        except Exception as error:
            print(f"{executable}: {describe_error(error)}", file=sys.stderr)
            return 1
        unsafe = security.complaint(security.enclave_of(argv), os.environ)
        if unsafe:
            get_logger(executable).warning(f"security: {unsafe}")
        interrupted = False
        try:
            return _run_node(executable, make, holder)
        except _Interrupted:
            interrupted = True
            return 0
        finally:
            # The TCP transport of Fast DDS 3.2.3 now and then hangs here (eProsima/Fast-DDS#6066). Everything has been written and sent by then.
            _deadline.within(END_TIMEOUT_S)
            with contextlib.suppress(Exception):
                rclpy.shutdown()
            if interrupted:
                # A library may be at work in a thread of its own (FFmpeg opens a stream): the interpreter must not be taken down under it.
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
            _deadline.cancel()


def _run_node(executable: str, make: Callable[[], FrameNode], holder: list[FrameNode]) -> int:
    try:
        node = make()
    except Exception as error:
        get_logger(executable).fatal(describe_error(error))
        get_logger(executable).debug(traceback.format_exc())
        return 1
    holder.append(node)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    # What has been loaded stays: looking through it for garbage takes thirty milliseconds, or more with torch.
    gc.collect()
    gc.freeze()
    try:
        node.begin()
        while node.exit_code is None:
            executor.spin_once()
    except Exception as error:
        node.get_logger().debug(traceback.format_exc())
        node.fail(error)
    code = node.exit_code
    if node.stop_limit_s > END_TIMEOUT_S:
        _deadline.extend(node.stop_limit_s)
    try:
        node.shut_down()
    except Exception as error:
        node.get_logger().fatal(f"while shutting down: {describe_error(error)}")
        code = 1
    executor.remove_node(node)
    _deadline.within(END_TIMEOUT_S)
    with contextlib.suppress(Exception):
        node.destroy_node()
    return 0 if code is None else code


@contextlib.contextmanager
def _signals(holder: list[FrameNode], executable: str) -> Iterator[None]:
    """End the node in ``holder`` on SIGINT and SIGTERM, with the context still alive so that last messages can be sent.

    Python runs a signal's handler in the main thread, which sits in the middleware's wait, so a thread that the signal's byte wakes
    up triggers the node's guard condition. The byte goes through a thread that needs no interpreter and ends the process where Python cannot:
    a publish() that waits for a receiver over TCP keeps the interpreter's lock. Signals that follow at once belong to the first one (Ctrl-C
    reaches the whole group, and the launcher passes it on); one that comes later than that ends the process on the spot.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    first: list[float] = []

    def handler(number: int, _: Any) -> None:
        now = time.monotonic()
        if first:
            if now - first[0] > SAME_SIGNAL_S:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            return
        first.append(now)
        if not holder:
            raise _Interrupted
        holder[0].end(0)

    reading, forward = socket.socketpair()
    watched, writing = socket.socketpair()
    writing.setblocking(False)
    forward.setblocking(False)
    _deadline.start(watched.fileno(), forward.fileno(), END_TIMEOUT_S, _LATE.format(executable, END_TIMEOUT_S))
    watched.close()  # the thread has descriptors of its own
    forward.close()

    def waker() -> None:
        while reading.recv(1):
            for node in holder:
                with contextlib.suppress(Exception):
                    node.wake()

    before = {one: signal.signal(one, handler) for one in SIGNALS}
    previous = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=waker, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        for one, old in before.items():
            signal.signal(one, old)
        writing.close()
