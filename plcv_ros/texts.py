# SPDX-License-Identifier: Apache-2.0
"""Texts and numbers that came from outside (messages, file names, parameters): whether they are fit to be kept, and how they are written
where a character may mean something: a terminal, a CSV file, a plot. Anybody on the link can send such a text."""

from __future__ import annotations

import math
import unicodedata

MAX_NAME_BYTES = 256
"""Names of nodes, frames and encodings. ROS's own limit for a topic is 255."""

SHOWN = 200
"""Characters of a foreign text in a message for people."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode categories of characters that are not drawn, or that turn or break a line."""


def is_name(text: str, empty: bool = False) -> bool:
    """Whether ``text`` can be a name: at most MAX_NAME_BYTES bytes of UTF-8, every character drawn; ``empty``: or nothing."""
    if len(text) > MAX_NAME_BYTES or (not text and not empty):
        return False
    if text.isascii():
        return text.isprintable()
    if any(unicodedata.category(character) in _HIDDEN for character in text):
        return False
    return len(text.encode("utf-8")) <= MAX_NAME_BYTES


def shown(text: str, limit: int = SHOWN) -> str:
    """``text`` for a log or a terminal: at most ``limit`` characters of it, with escapes in place of characters that are not drawn."""
    part = text[:limit]
    if not (part.isascii() and part.isprintable()):
        part = "".join(c if unicodedata.category(c) not in _HIDDEN else c.encode("unicode_escape", "replace").decode() for c in part)
    return part if len(text) <= limit else f"{part}... ({len(text)} characters)"


def counted(number: int, noun: str) -> str:
    """``1 picture``, ``2 pictures``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def csv_cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula: with an apostrophe before it where it begins like one."""
    return f"'{text}" if text.startswith(_FORMULA) or (text[:1] == "'" and text[1:].startswith(_FORMULA)) else text


def from_csv_cell(cell: str) -> str:
    """Inverse of :func:`csv_cell`."""
    return cell[1:] if cell[:1] == "'" and (cell[1:].startswith(_FORMULA) or cell[1:2] == "'") else cell


def plot_text(text: str, limit: int = SHOWN) -> str:
    """``text`` for matplotlib, which takes dollar signs for mathematics."""
    return shown(text, limit).replace("$", r"\$")


def number(text: str | float, low: float = -1e18, high: float = 1e18) -> float | None:
    """A finite number from ``low`` to ``high``; None for everything else."""
    if isinstance(text, str) and len(text) > 64:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None
