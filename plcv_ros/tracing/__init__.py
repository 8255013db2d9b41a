# SPDX-License-Identifier: Apache-2.0
"""Following every frame from the camera to its labels: frame events, the clocks of their nodes, the table that joins them, the report.

No ROS here: :mod:`plcv_ros.nodes.latency` feeds a :class:`~plcv_ros.tracing.run.Run`, tests and benchmarks may too. numpy only; matplotlib in
``plots.py`` alone. Every event's time is the system clock of its own computer in UTC; ``clock.py`` estimates how far that clock is from the
one where the events are joined, and ``alignment.py`` moves the times before they enter the table.
"""

from plcv_ros.tracing.events import CAMERA_EVENTS, DROPPED, EVENTS, REMOTE_EVENTS, FrameEvent, join_source, split_source
from plcv_ros.tracing.statistics import STAGES, StageStatistics, Summary
from plcv_ros.tracing.table import FrameTable

__all__ = [
    "CAMERA_EVENTS",
    "DROPPED",
    "EVENTS",
    "REMOTE_EVENTS",
    "STAGES",
    "FrameEvent",
    "FrameTable",
    "StageStatistics",
    "Summary",
    "join_source",
    "split_source",
]
