# SPDX-License-Identifier: Apache-2.0
"""The error of this room."""


class StripError(ValueError):
    """A strip whose text cannot be read or that does not fit its frame; the message names the value and what is expected."""
