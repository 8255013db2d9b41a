# SPDX-License-Identifier: Apache-2.0
"""MCAP files (https://mcap.dev/spec), also those that a recorder has not ended.

rosbags refuses the whole file where one topic is of another encoding than ROS 2's (protobuf, JSON), where its profile is another, where its
end is missing and where one chunk is damaged. Here everything else of such a file is read, and what is missing is told.
"""

from __future__ import annotations

import heapq
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from plcv_ros.camera.bag import compression
from plcv_ros.camera.bag.storage import Channel, Lost, Message, Storage, StorageError, ros2_name

MAGIC = b"\x89MCAP0\r\n"

_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _MESSAGE_INDEX, _CHUNK_INDEX, _STATISTICS, _DATA_END = 2, 3, 4, 5, 6, 7, 8, 11, 15
"""Opcodes of records."""

_UNKNOWN = range(16, 128)
"""Opcodes that the format keeps to itself; those from 128 on are applications' own."""

_RECORD = struct.Struct("<BQ")
"""Opcode and length of what follows."""
_MESSAGE_HEAD = struct.Struct("<HIQQ")
"""Channel, sequence number, log time, publish time."""
_CHUNK_HEAD = struct.Struct("<QQQI")
"""First and last log time, bytes when unpacked, their CRC-32 or 0."""
_FOOTER_BYTES = _RECORD.size + 20 + len(MAGIC)


class _Record(NamedTuple):
    opcode: int
    start: int
    length: int


class _Fields:
    """The fields of a record, one after another. Raises struct.error where it is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def numbers(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(f"<{form}", self._data, self.position)
        self.position += struct.calcsize(f"<{form}")
        return values

    def raw(self) -> bytes:
        (length,) = self.numbers("I")
        if self.position + length > len(self._data):
            raise struct.error(f"a text of {length} bytes in a record of {len(self._data)}")
        value = self._data[self.position : self.position + length]
        self.position += length
        return value

    def text(self) -> str:
        return self.raw().decode(errors="replace")

    def pairs(self, form: str) -> Iterator[tuple[int, int]]:
        return struct.iter_unpack(f"<{form}", self.raw())


@dataclass(frozen=True)
class _Chunk:
    """Where a chunk's record lies, its first log time, and of which channels it holds messages; None where nothing says that."""

    start: int
    length: int
    first_ns: int
    channels: frozenset[int] | None


@dataclass
class _Contents:
    """What a file holds."""

    schemas: dict[int, str] = field(default_factory=dict)
    channels: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    """Topic, schema, encoding of messages."""
    counts: dict[int, int] = field(default_factory=dict)
    chunks: list[_Chunk] = field(default_factory=list)
    loose: bool = False
    """Whether there are messages outside chunks."""
    first_ns: int = 0
    last_ns: int = 0
    damage: str = ""

    def note(self, opcode: int, fields: _Fields) -> None:
        """Take in a schema or a channel; tell damage from what may be skipped."""
        if opcode == _SCHEMA:
            (key,) = fields.numbers("H")
            self.schemas[key] = fields.text()
        elif opcode == _CHANNEL:
            key, schema = fields.numbers("HH")
            topic, encoding = fields.text(), fields.text()
            self.channels[key] = (topic, schema, encoding)
        elif opcode in _UNKNOWN:
            self.damage = f"there is a record of an unknown kind ({opcode}) in it"

    def count(self, channel: int, log_ns: int) -> None:
        """Take in a message."""
        self.first_ns = log_ns if not self.counts else min(self.first_ns, log_ns)
        self.last_ns = max(self.last_ns, log_ns)
        self.counts[channel] = self.counts.get(channel, 0) + 1
        if channel not in self.channels:
            self.damage = f"there are messages of a channel ({channel}) in it that nothing describes"


class McapFile(Storage):
    """One ``.mcap`` file."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            self._size = self._file.seek(0, 2)
            self._end = self._size
            contents = self._summary() or self._scan()
        except BaseException:
            self._file.close()
            raise
        if contents.damage and not contents.channels:
            self._file.close()
            raise StorageError(f"{contents.damage}, and nothing of it can be read")
        self._contents = contents
        self.start_ns, self.end_ns = contents.first_ns, contents.last_ns
        self.channels = [
            Channel(key, topic, ros2_name(contents.schemas.get(schema, "")) or "of no type", encoding or "no encoding", contents.counts.get(key, 0))
            for key, (topic, schema, encoding) in sorted(contents.channels.items())
        ]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def messages(self, channels: Collection[Channel]) -> Iterator[Message | Lost]:
        """By log time; by their place in the file where messages lie outside chunks, as nothing says their times beforehand."""
        by_key = {channel.key: channel for channel in channels}
        last_ns = self.start_ns
        damage = self._contents.damage
        try:
            for item in self._in_file_order(by_key) if self._contents.loose else self._by_time(by_key):
                last_ns = item.log_ns
                yield item
        except StorageError as error:
            damage = str(error)
        if by_key and damage:
            yield Lost(last_ns, 1, damage)

    def _by_time(self, wanted: dict[int, Channel]) -> Iterator[Message | Lost]:
        """Chunks may overlap in time: a message is handed out when no later chunk can hold an earlier one."""
        waiting: list[tuple[int, int, Message | Lost]] = []
        number = 0
        for chunk in sorted(self._contents.chunks, key=lambda c: (c.first_ns, c.start)):
            if chunk.channels is not None and not chunk.channels & wanted.keys():
                continue
            while waiting and waiting[0][0] < chunk.first_ns:
                yield heapq.heappop(waiting)[2]
            for item in self._of_chunk(chunk, wanted):
                heapq.heappush(waiting, (item.log_ns, number, item))
                number += 1
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _in_file_order(self, wanted: dict[int, Channel]) -> Iterator[Message | Lost]:
        for record in self._records(len(MAGIC), self._end):
            if record.opcode == _CHUNK:
                yield from self._of_chunk(_Chunk(record.start, record.length, self.start_ns, None), wanted)
            elif record.opcode == _MESSAGE:
                message = _message(memoryview(self._read(record.start, record.length)), wanted)
                if message is not None:
                    yield message

    def _of_chunk(self, chunk: _Chunk, wanted: dict[int, Channel]) -> Iterator[Message | Lost]:
        read = 0
        try:
            data = _unpacked(self._read(chunk.start, chunk.length))
            for opcode, start, length in _records_of(data):
                message = _message(data[start : start + length], wanted) if opcode == _MESSAGE else None
                if message is not None:
                    read += 1
                    yield message
        except StorageError as error:
            yield Lost(chunk.first_ns, max(self._indexed(chunk, wanted) - read, 1), str(error))

    def _indexed(self, chunk: _Chunk, wanted: dict[int, Channel]) -> int:
        """How many messages a chunk's indexes, which lie behind it, say that it holds."""
        count = 0
        try:
            for record in self._records(chunk.start + chunk.length, self._end):
                if record.opcode != _MESSAGE_INDEX:
                    break
                fields = _Fields(self._read(record.start, record.length))
                if fields.numbers("H")[0] in wanted:
                    count += sum(1 for _ in fields.pairs("QQ"))
        except (StorageError, struct.error):
            return count
        return count

    def _summary(self) -> _Contents | None:
        """What the file's summary says; None where it has none that is complete."""
        try:
            footer = self._read(self._size - _FOOTER_BYTES, _FOOTER_BYTES)
            opcode, _ = _RECORD.unpack_from(footer)
            (start,) = struct.unpack_from("<Q", footer, _RECORD.size)
            if opcode != _FOOTER or not footer.endswith(MAGIC) or not len(MAGIC) < start < self._size:
                return None
            contents, chunks_said = _Contents(), -1
            for record in self._records(start, self._size - _FOOTER_BYTES):
                fields = _Fields(self._read(record.start, record.length))
                if record.opcode == _CHUNK_INDEX:
                    contents.chunks.append(_chunk_of_index(fields))
                elif record.opcode == _STATISTICS:
                    messages, _, _, _, _, chunks_said, contents.first_ns, contents.last_ns = fields.numbers("QHIIIIQQ")
                    contents.counts = dict(fields.pairs("HQ"))
                    contents.loose = chunks_said == 0 and messages > 0
                else:
                    contents.note(record.opcode, fields)
        except (StorageError, struct.error):
            return None
        complete = contents.channels.keys() >= contents.counts.keys() and all(s in contents.schemas for _, s, _ in contents.channels.values() if s)
        if chunks_said != len(contents.chunks) or not complete:
            return None
        self._end = start
        return contents

    def _scan(self) -> _Contents:
        """What the records themselves say: all of the file is read once."""
        contents = _Contents()
        self._end = len(MAGIC)
        try:
            for record in self._records(len(MAGIC), self._size):
                if record.opcode in (_DATA_END, _FOOTER):
                    return contents
                if record.opcode == _CHUNK:
                    self._scan_chunk(record, contents)
                elif record.opcode == _MESSAGE:
                    contents.loose = True
                    channel, _, log_ns, _ = _MESSAGE_HEAD.unpack(self._read(record.start, _MESSAGE_HEAD.size))
                    contents.count(channel, log_ns)
                else:
                    fields = _Fields(self._read(record.start, record.length) if record.opcode in (_SCHEMA, _CHANNEL) else b"")
                    contents.note(record.opcode, fields)
                self._end = record.start + record.length
            contents.damage = "the file has no end: its recorder has not closed it"
        except (StorageError, struct.error) as error:
            contents.damage = str(error)
        return contents

    def _scan_chunk(self, record: _Record, contents: _Contents) -> None:
        data = self._read(record.start, record.length)
        first_ns = _CHUNK_HEAD.unpack_from(data)[0]
        found: set[int] | None = set()
        try:
            inner = _unpacked(data)
            for opcode, start, length in _records_of(inner):
                if opcode == _MESSAGE:
                    channel, _, log_ns, _ = _MESSAGE_HEAD.unpack_from(inner, start)
                    contents.count(channel, log_ns)
                    if found is not None:
                        found.add(channel)
                else:
                    contents.note(opcode, _Fields(bytes(inner[start : start + length])))
        except (StorageError, struct.error):
            found = None  # told when its messages are due
        contents.chunks.append(_Chunk(record.start, record.length, first_ns, None if found is None else frozenset(found)))

    def _records(self, start: int, end: int) -> Iterator[_Record]:
        """The records between two places of the file. Raises StorageError where one goes beyond."""
        while start + _RECORD.size <= end:
            opcode, length = _RECORD.unpack(self._read(start, _RECORD.size))
            start += _RECORD.size
            if start + length > end:
                break
            yield _Record(opcode, start, length)
            start += length
        if start != end:
            raise StorageError(f"the file is cut off or damaged behind byte {start} of {self._size}")

    def _read(self, start: int, length: int) -> bytes:
        if start < 0 or start + length > self._size:
            raise StorageError(f"the file is cut off: {length} bytes are missing behind byte {start}")
        self._file.seek(start)
        return self._file.read(length)


def _chunk_of_index(fields: _Fields) -> _Chunk:
    first_ns, _, start, length = fields.numbers("QQQQ")
    channels = frozenset(channel for channel, _ in fields.pairs("HQ"))
    # Without an index of its messages nothing is known of a chunk's channels.
    return _Chunk(start + _RECORD.size, length - _RECORD.size, first_ns, channels or None)


def _unpacked(chunk: bytes) -> memoryview:
    """The records of a chunk, not copied where nothing has compressed them. Raises StorageError."""
    try:
        _, _, size, crc = _CHUNK_HEAD.unpack_from(chunk)
        fields = _Fields(chunk)
        fields.position = _CHUNK_HEAD.size
        method = fields.text()
        (length,) = fields.numbers("Q")
        data = memoryview(chunk)[fields.position : fields.position + length]
    except struct.error as error:
        raise StorageError(f"a chunk is damaged ({error})") from error
    if method not in ("", "lz4", "zstd"):
        raise StorageError(f"a chunk is compressed with {method!r}, expected lz4, zstd or nothing")
    try:
        if method:
            data = memoryview(compression.lz4(data) if method == "lz4" else compression.zstd(data))
    except ImportError:
        raise
    except Exception as error:  # each library has errors of its own
        raise StorageError(f"a chunk is damaged ({error})") from error
    if len(data) != size or (crc and zlib.crc32(data) != crc):
        raise StorageError("a chunk is damaged: its check sum is another")
    return data


def _records_of(data: memoryview) -> Iterator[_Record]:
    """The records of an unpacked chunk. Raises StorageError."""
    position = 0
    while position < len(data):
        if position + _RECORD.size > len(data):
            raise StorageError("a chunk is damaged: its last record is cut off")
        opcode, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        if position + length > len(data):
            raise StorageError("a chunk is damaged: its last record is cut off")
        yield _Record(opcode, position, length)
        position += length


def _message(record: memoryview, wanted: dict[int, Channel]) -> Message | None:
    """The message, where its channel is among those wanted. Raises StorageError."""
    if len(record) < _MESSAGE_HEAD.size:
        raise StorageError(f"a message's record has {len(record)} bytes, expected at least {_MESSAGE_HEAD.size}")
    key, _, log_ns, _ = _MESSAGE_HEAD.unpack_from(record)
    channel = wanted.get(key)
    return None if channel is None else Message(log_ns, channel, bytes(record[_MESSAGE_HEAD.size :]))
