# SPDX-License-Identifier: Apache-2.0
"""Options that a command takes and that would do nothing beside the others: they are refused, by name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Needs:
    """``option`` (its name in the namespace) does nothing unless ``acts(args)``; ``why`` follows "does nothing". ``default`` is always accepted."""

    option: str
    default: Any
    acts: Callable[[argparse.Namespace], bool]
    why: str


def complaint(args: argparse.Namespace, needs: Iterable[Needs]) -> str:
    """What is wrong with the options given, empty where nothing is."""
    idle = [one for one in needs if getattr(args, one.option) != one.default and not one.acts(args)]
    return "; ".join(f"--{one.option.replace('_', '-')} does nothing {one.why}" for one in idle)
