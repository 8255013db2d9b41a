# SPDX-License-Identifier: Apache-2.0
"""What the files of recordings have in common, whatever their format."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class StorageError(ValueError):
    """A file is no recording or nothing of it can be read; the message says what is wrong with it."""


@dataclass(frozen=True)
class Channel:
    """One connection of one file: several may have the same topic, of publishers that differ in QoS say.

    ``msgtype`` has the form of ROS 2 (sensor_msgs/msg/Image) also in a ROS 1 bag; ``encoding`` is that of the messages, cdr, ros1 or another,
    and ``messages`` is their number.
    """

    key: int
    topic: str
    msgtype: str
    encoding: str
    messages: int


class Message(NamedTuple):
    """A message as it was recorded; ``log_ns`` is when (nanoseconds since 1970)."""

    log_ns: int
    channel: Channel
    data: bytes


class Lost(NamedTuple):
    """A place where ``messages`` of them cannot be read (1 where nothing says how many)."""

    log_ns: int
    messages: int
    reason: str


class Storage:
    """One file. A subclass sets ``channels`` and ``start_ns``/``end_ns`` (log times; 0 where it holds no messages) when it is made."""

    channels: list[Channel]
    start_ns: int = 0
    end_ns: int = 0

    def messages(self, channels: Collection[Channel]) -> Iterator[Message | Lost]:
        """The messages of these channels by log time; what is damaged is told and passed over."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""
        raise NotImplementedError


def ros2_name(msgtype: str) -> str:
    """sensor_msgs/Image, as ROS 1 writes it -> sensor_msgs/msg/Image."""
    package, _, name = msgtype.partition("/")
    return f"{package}/msg/{name}" if name and "/" not in name else msgtype


def read_head(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(count)
