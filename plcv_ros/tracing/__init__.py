# SPDX-License-Identifier: Apache-2.0
"""Following every frame from the camera to its labels: frame events, the table that joins them, statistics, CSV and plots.

No ROS here: :mod:`plcv_ros.nodes.latency` feeds the table, tests and benchmarks may too. numpy only; matplotlib in ``plots.py`` alone.

One clock is assumed: every event's ``time_ns`` is the system clock of its own computer, read in UTC. On two computers that means
clocks synchronised far better than the latencies looked at (PTP, or chrony on a quiet network; ``plcv doctor`` tells). A clock offset
between the two sides would be subtracted where :meth:`FrameTable.times` collects the columns of a side, and nowhere else.
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
