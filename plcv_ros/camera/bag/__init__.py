# SPDX-License-Identifier: Apache-2.0
"""Recordings of ROS 2 (MCAP, SQLite) and ROS 1 as a camera.

``finding`` says which files the user named, ``storage`` and its formats (``mcap``, ``sqlite``, ``ros1``) read their messages, ``recording`` plays
several files as one, ``topics`` chooses what is played, ``messages`` turns it into pixels, ``pace`` into a rate; ``source`` is the camera.
"""

from __future__ import annotations
