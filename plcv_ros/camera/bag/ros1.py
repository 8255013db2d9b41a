# SPDX-License-Identifier: Apache-2.0
"""ROS 1 bags (``.bag``, version 2.0), read by rosbags."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from plcv_ros.camera.bag.storage import Channel, Lost, Message, Storage, StorageError, ros2_name

MAGIC = b"#ROSBAG V"


class Ros1File(Storage):
    """One ``.bag`` file."""

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag1 import Reader

        self._reader: Any = Reader(path)
        try:
            self._reader.open()
        except Exception as error:  # assertions among them, where the index is damaged
            remedy = "; `rosbag reindex` writes its index anew" if "ndex" in str(error) else ""
            raise StorageError(f"a ROS 1 bag: {str(error) or 'its index is damaged'}{remedy}") from error
        self._connections = {connection.id: connection for connection in self._reader.connections}
        self.channels = [Channel(c.id, c.topic, ros2_name(c.msgtype), "ros1", c.msgcount) for c in self._reader.connections]
        if any(channel.messages for channel in self.channels):
            self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time - 1

    def messages(self, channels: Collection[Channel]) -> Iterator[Message | Lost]:
        """By time; a damaged chunk ends the file, and what is behind it is counted as lost."""
        by_key = {channel.key: channel for channel in channels}
        if not by_key:
            return
        left, last_ns = sum(channel.messages for channel in channels), self.start_ns
        try:
            for connection, last_ns, data in self._reader.messages([self._connections[key] for key in by_key]):
                left -= 1
                yield Message(last_ns, by_key[connection.id], bytes(data))
        except Exception as error:  # of the chunk's compression, of rosbags, or one of its assertions
            yield Lost(last_ns, max(left, 1), f"the ROS 1 bag is damaged ({str(error) or type(error).__name__})")

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
