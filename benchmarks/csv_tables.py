# SPDX-License-Identifier: Apache-2.0
"""Figures as CSV files: a line is a row, an object of a dataclass whose fields are texts, whole numbers and decimals."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

Row = TypeVar("Row")

_KINDS = {"str": str, "int": int, "float": float}


def read_table(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a file that :func:`write_table` wrote; ends the program where it has other columns."""
    fields: Any = dataclasses.fields(kind)  # type: ignore[arg-type]
    kinds = {f.name: _KINDS[str(f.type)] for f in fields}
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if set(lines.fieldnames or ()) != set(kinds):
            raise SystemExit(f"{path} has other columns than this version writes; remove it or name another file")
        return [kind(**{name: kinds[name](value) for name, value in line.items()}) for line in lines]


def write_table(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    """One line a row, below the names of the fields."""
    fields: Any = dataclasses.fields(kind)  # type: ignore[arg-type]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields], lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)
