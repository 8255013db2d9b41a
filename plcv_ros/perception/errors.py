# SPDX-License-Identifier: Apache-2.0
"""Errors of this room."""


class CheckpointError(ValueError):
    """A checkpoint file is missing, damaged, or not what it says it is; the message names the path and the problem."""
