# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with sources of frames."""

from __future__ import annotations


class SourceError(ValueError):
    """A source cannot be opened or read; the message names the path, what was found there and what was expected."""
