# SPDX-License-Identifier: Apache-2.0
"""SQLite files of rosbag2 (``.db3``), of every version of its schema: their tables of topics and of messages are all that is needed."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from plcv_ros.camera.bag.storage import Channel, Lost, Message, Storage, StorageError

MAGIC = b"SQLite format 3\0"

_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What Python's module raises on a damaged file: the names in it may be no text."""


class SqliteFile(Storage):
    """One ``.db3`` file."""

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection, topics = _open(path)
            counts = _counts(self._connection)
            ends = "SELECT MIN(timestamp), MAX(timestamp) FROM messages"
            start, end = self._connection.execute(ends).fetchone() if counts else (0, 0)
        except _ERRORS as error:
            self.close()
            raise StorageError(f"its SQLite tables of topics and messages cannot be read ({error})") from error
        self.channels = [Channel(key, str(topic), str(kind), str(encoding), counts[key]) for key, topic, kind, encoding in topics]
        self.start_ns, self.end_ns = int(start or 0), int(end or 0)

    def messages(self, channels: Collection[Channel]) -> Iterator[Message | Lost]:
        """By time; a damaged page ends the file, and what is behind it is counted as lost."""
        if self._connection is None or not channels:
            return
        by_key = {channel.key: channel for channel in channels}
        left, last_ns = sum(channel.messages for channel in channels), self.start_ns
        marks = ",".join("?" * len(by_key))
        # The second key is the order of writing. rosbag2's index has both, so nothing has to be sorted.
        query = f"SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({marks}) ORDER BY timestamp, id"
        try:
            for key, log_ns, data in self._connection.execute(query, list(by_key)):
                left -= 1
                last_ns = int(log_ns)
                yield Message(last_ns, by_key[key], data if isinstance(data, bytes) else b"")
        except _ERRORS as error:
            yield Lost(last_ns, max(left, 1), f"the SQLite file is damaged ({error})")

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_TOPICS = "SELECT id, name, type, serialization_format FROM topics"


def _open(path: Path) -> tuple[sqlite3.Connection, list[tuple[int, str, str, str]]]:
    """The first way takes in the write-ahead log that a recorder which was killed leaves beside the file, but wants a folder that it may write to."""
    failure: Exception | None = None
    for mode in ("mode=ro", "immutable=1"):
        # Opened where the node starts, read by its capture thread.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, check_same_thread=False)
        connection.text_factory = lambda text: text.decode(errors="replace")
        try:
            return connection, connection.execute(_TOPICS).fetchall()
        except _ERRORS as error:
            failure = failure or error
            connection.close()
    assert failure is not None
    raise failure


def _counts(connection: sqlite3.Connection) -> Counter[int]:
    """Messages of each topic; where the table is damaged, those before the damage."""
    counts: Counter[int] = Counter()
    try:
        counts.update(dict(connection.execute("SELECT topic_id, COUNT(*) FROM messages GROUP BY topic_id")))
    except sqlite3.DatabaseError:
        try:
            counts.update(key for (key,) in connection.execute("SELECT topic_id FROM messages"))
        except sqlite3.DatabaseError:
            if not counts:
                raise
    return counts
