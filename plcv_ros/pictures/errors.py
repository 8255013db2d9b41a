# SPDX-License-Identifier: Apache-2.0
"""The one exception of this package."""

from __future__ import annotations


class PictureError(ValueError):
    """A file that is no picture, is damaged, or holds what is not taken. The message names the file, what was found and what was expected."""
