# SPDX-License-Identifier: Apache-2.0
"""A slot for one item between two threads: the newest wins, and the one it displaces is handed back to be counted."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One producer, one consumer. ``put`` never waits; ``get`` waits for an item or for ``close``."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Item | None = None
        self._closed = False

    def put(self, item: Item) -> Item | None:
        """Leave ``item``; returns the one that nobody had fetched yet (or, after ``close``, ``item`` itself), else None."""
        with self._condition:
            if self._closed:
                return item
            displaced, self._item = self._item, item
            self._condition.notify_all()
            return displaced

    def get(self) -> Item | None:
        """The newest item, waited for; None once the box is closed and empty."""
        with self._condition:
            while self._item is None and not self._closed:
                self._condition.wait()
            item, self._item = self._item, None
            self._condition.notify_all()
            return item

    def close(self) -> None:
        """No more items: ``get`` returns what is left, then None."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
