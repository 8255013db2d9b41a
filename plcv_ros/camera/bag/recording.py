# SPDX-License-Identifier: Apache-2.0
"""The files of a recording as one: its topics, and their messages in the order in which they were recorded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from plcv_ros.camera.bag import compression, mcap, ros1, sqlite
from plcv_ros.camera.bag.finding import Found
from plcv_ros.camera.bag.storage import Channel, Lost, Message, Storage, StorageError, read_head
from plcv_ros.camera.errors import SourceError

FORMATS: dict[bytes, Callable[[Path], Storage]] = {mcap.MAGIC: mcap.McapFile, sqlite.MAGIC: sqlite.SqliteFile, ros1.MAGIC: ros1.Ros1File}
"""First bytes of a file -> what reads it. Names say nothing reliable, nor does the storage identifier in metadata.yaml."""

_NO_FORMAT = "it is neither MCAP nor an SQLite file of rosbag2 nor a ROS 1 bag"


class _File:
    """One file of a recording; ``storage`` is None where it cannot be read, and ``damage`` says then, or beside it, what is wrong."""

    def __init__(self, path: Path, unpacked: Callable[[], Path]) -> None:
        self.path = path
        self.storage: Storage | None = None
        self.damage = ""
        try:
            readable = self._unpack(path, unpacked) if read_head(path).startswith(compression.ZSTD_MAGIC) else path
            head = read_head(readable)
            opener = next((opener for magic, opener in FORMATS.items() if head.startswith(magic)), None)
            if opener is None:
                raise StorageError(_NO_FORMAT if head else "it is empty")
            self.storage = opener(readable)
        except (StorageError, OSError) as error:
            self.damage = self.damage or str(error)

    def _unpack(self, path: Path, unpacked: Callable[[], Path]) -> Path:
        head = compression.first_bytes(path, 16)
        if not head.startswith(tuple(FORMATS)):
            raise StorageError(f"what zstd has compressed there is no recording: {_NO_FORMAT}" if head else "its zstd data are damaged")
        target = unpacked()
        self.damage = compression.unpack(path, target)
        return target

    @property
    def channels(self) -> list[Channel]:
        return [] if self.storage is None else self.storage.channels

    def messages(self, wanted: Callable[[Channel], bool]) -> Iterator[Message | Lost]:
        """The messages of the wanted channels; every one that the file says it has is either handed out or told to be lost."""
        channels = [channel for channel in self.channels if wanted(channel)]
        left, last_ns, told = sum(channel.messages for channel in channels), 0, False
        if self.storage is not None and channels:
            for item in self.storage.messages(channels):
                last_ns = item.log_ns
                if isinstance(item, Lost):
                    told = True
                    left -= item.messages
                    yield item._replace(reason=f"{self.path.name}: {item.reason}")
                else:
                    left -= 1
                    yield item
        if self.damage:
            yield Lost(last_ns, max(left, 1), f"{self.path.name}: {self.damage}")
        elif left > 0 and not told:
            yield Lost(last_ns, left, f"{self.path.name} holds {left} messages fewer than it says")


class Recording:
    """One or several files. Raises SourceError where none of them can be read."""

    def __init__(self, path: Path, found: Found) -> None:
        self._path = path
        self._closing = ExitStack()
        self._unpacked: Path | None = None
        try:
            self._files = [self._open(file) for file in found.files]
            readable = [file for file in self._files if file.storage is not None]
            if not readable:
                broken = self._files[0]
                where = "" if broken.path == path else f"{broken.path.name}: "
                raise SourceError(f"{path} cannot be read as a ROS 2 bag: {where}{broken.damage}")
        except BaseException:
            self.close()
            raise
        self._runs = [[file] for file in self._files] if found.ordered else _overlapping(self._files)
        self.channels = [channel for file in self._files for channel in file.channels]

    def _open(self, path: Path) -> _File:
        file = _File(path, lambda: self._folder() / f"{len(list(self._folder().iterdir()))}")
        if file.storage is not None:
            self._closing.callback(file.storage.close)
        return file

    def _folder(self) -> Path:
        if self._unpacked is None:
            self._unpacked = Path(self._closing.enter_context(TemporaryDirectory(prefix="plcv_bag_")))
        return self._unpacked

    def messages(self, topics: Collection[str], types: Collection[str]) -> Iterator[Message | Lost]:
        """The messages of these topics that are of these types, of all their connections."""
        for run in self._runs:
            yield from heapq.merge(*(file.messages(lambda c: c.topic in topics and c.msgtype in types) for file in run), key=lambda item: item.log_ns)

    def close(self) -> None:
        """Close the files, and remove what was unpacked."""
        self._closing.close()


def _overlapping(files: list[_File]) -> list[list[_File]]:
    """Files by their first log time; those whose times overlap, as of two recorders at once, are to be merged."""
    runs: list[list[_File]] = []
    end_ns = -1
    for file in sorted(files, key=lambda f: 0 if f.storage is None else f.storage.start_ns):
        start, end = (0, 0) if file.storage is None else (file.storage.start_ns, file.storage.end_ns)
        if runs and start <= end_ns:
            runs[-1].append(file)
        else:
            runs.append([file])
        end_ns = max(end_ns, end)
    return runs
