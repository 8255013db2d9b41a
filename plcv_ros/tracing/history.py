# SPDX-License-Identifier: Apache-2.0
"""What changes slowly over a run (clock offsets, link use), once a second or so, in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plcv_ros.texts import csv_cell, from_csv_cell

MAX_ROWS = 4000
"""Rows a series keeps: over an hour at one a second. A longer run keeps every second, fourth, ... row of all of it."""


class Series:
    """Rows of ``columns`` over time. When it is full every second row goes, and from then on every second new one."""

    def __init__(self, columns: tuple[str, ...], max_rows: int = MAX_ROWS) -> None:
        self.columns = columns
        self._max_rows = max(2, max_rows)
        self._rows: list[tuple[float, ...]] = []
        self._stride = 1
        self._seen = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, time_ns: int, *values: float) -> None:
        """One row; as many values as columns. Raises ValueError for another number."""
        if len(values) != len(self.columns):
            raise ValueError(f"{len(values)} values, expected {len(self.columns)}: {', '.join(self.columns)}")
        if self._seen % self._stride == 0:
            self._rows.append((time_ns, *values))
        self._seen += 1
        if len(self._rows) >= self._max_rows:
            del self._rows[1::2]
            self._stride *= 2

    def times(self) -> npt.NDArray[np.int64]:
        """(N,) ns."""
        return np.array([row[0] for row in self._rows], np.int64)

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """(N,) values of a column. Raises ValueError for an unknown one."""
        index = self.columns.index(name) + 1
        return np.array([row[index] for row in self._rows], np.float64)

    def rows(self) -> list[tuple[float, ...]]:
        """(time in ns, values...) of every row, oldest first."""
        return list(self._rows)


class Histories:
    """One series of the same columns a node."""

    def __init__(self, columns: tuple[str, ...], max_nodes: int = 64) -> None:
        self.columns = columns
        self._max_nodes = max_nodes
        self._series: dict[str, Series] = {}

    def add(self, node: str, time_ns: int, *values: float) -> None:
        """A row of a node; one node too many is left out."""
        if node not in self._series:
            if len(self._series) >= self._max_nodes:
                return
            self._series[node] = Series(self.columns)
        self._series[node].add(time_ns, *values)

    def series(self) -> Mapping[str, Series]:
        """Node -> its series."""
        return self._series

    def write_csv(self, path: str | Path) -> None:
        """One line a row: node, time_ns, the columns."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["node", "time_ns", *self.columns])
            for node, series in self._series.items():
                writer.writerows([csv_cell(node), int(row[0]), *(f"{value:.12g}" for value in row[1:])] for row in series.rows())

    @classmethod
    def read_csv(cls, path: str | Path) -> Histories:
        """What :meth:`write_csv` wrote. Raises ValueError naming the file where it is something else."""
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            if header[:2] != ["node", "time_ns"]:
                raise ValueError(f"{path}: expected the columns node, time_ns, ... of a latency report, found {', '.join(header) or 'nothing'}")
            result = cls(tuple(header[2:]))
            number = 1
            try:
                for number, line in enumerate(lines, 2):  # noqa: B007  the message needs it
                    result.add(from_csv_cell(line[0]), int(line[1]), *(float(value) for value in line[2:]))
            except (ValueError, IndexError) as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
        return result
