# SPDX-License-Identifier: Apache-2.0
"""What a source met on its way: damage, connections that were lost. Logged once, then counted for ``/diagnostics``."""

from __future__ import annotations

import threading
from typing import Any

from plcv_ros.camera import Source


class SourceWatch:
    """Looks at a source's counters, from any thread."""

    def __init__(self, source: Source, logger: Any) -> None:
        self._source = source
        self._logger = logger
        self._lock = threading.Lock()
        self._damage_logged = False
        self._fault_logged = ""
        self._reconnects_logged = 0
        self._damaged_before = 0

    def look(self) -> None:
        """Log what is new: the first damage, a connection that is lost and one that is there again."""
        source = self._source
        with self._lock:
            if source.damaged and not self._damage_logged:
                self._damage_logged = True
                self._logger.warning(f"{source.damage}; more of it is only counted (damaged on /diagnostics)")
            fault = source.fault
            if fault and fault != self._fault_logged:
                self._logger.error(f"no frames from {source.description}: {fault}; connecting anew")
            self._fault_logged = fault
            if source.reconnects > self._reconnects_logged:
                self._reconnects_logged = source.reconnects
                self._logger.warning(f"{source.description} is connected anew, {source.reconnects} times so far")

    def newly_damaged(self) -> int:
        """How many were damaged since the last call."""
        new = self._source.damaged - self._damaged_before
        self._damaged_before = self._source.damaged
        return new

    def values(self) -> dict[str, object]:
        """For ``/diagnostics``."""
        source = self._source
        values: dict[str, object] = {"damaged": source.damaged}
        if source.damage:
            values["damage"] = source.damage
        if source.live:
            values.update(overtaken=source.overtaken, reconnects=source.reconnects)
        return values

    def total(self) -> str:
        """For the last line of the log; empty where nothing was damaged."""
        source = self._source
        return f", {source.damaged} damaged ({source.damage})" if source.damaged else ""
