# SPDX-License-Identifier: Apache-2.0
"""A slot for one item, or a few, between two threads: the newest wins, and the one it displaces is handed back to be counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One producer, one consumer. ``put`` never waits; ``get`` waits for an item or for ``close``. Holds the newest ``depth`` items.

    The consumer waits for a plain lock: a frame is there sooner than through a threading.Condition, which has the woken thread queue for its
    lock and for the interpreter in turn.
    """

    def __init__(self, depth: int = 1) -> None:
        self._depth = depth
        self._guard = threading.Lock()
        self._ready = threading.Lock()
        """Free while there is an item, or the end, to be looked at."""
        self._ready.acquire()
        self._items: deque[Item] = deque()
        self._closed = False

    def put(self, item: Item) -> Item | None:
        """Leave ``item``; returns the one that nobody had fetched yet (or, after ``close``, ``item`` itself), else None."""
        with self._guard:
            if self._closed:
                return item
            displaced = self._items.popleft() if len(self._items) == self._depth else None
            self._items.append(item)
            self._signal()
        return displaced

    def get(self) -> Item | None:
        """The oldest item that is held, waited for; None once the box is closed and empty."""
        while True:
            self._ready.acquire()
            with self._guard:
                item = self._items.popleft() if self._items else None
                if self._items or self._closed:
                    self._signal()  # for the calls to come
                if item is not None or self._closed:
                    return item

    def close(self) -> None:
        """No more items: ``get`` returns what is left, then None."""
        with self._guard:
            self._closed = True
            self._signal()

    def _signal(self) -> None:
        if self._ready.locked():
            self._ready.release()
