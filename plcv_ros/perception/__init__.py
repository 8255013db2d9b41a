# SPDX-License-Identifier: Apache-2.0
"""Networks, checkpoints, prediction and scores. No ROS, no training, no data sets; torch is imported when a network is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plcv_ros.perception.errors import CheckpointError

if TYPE_CHECKING:
    from plcv_ros.perception.predictor import Predictor, load_predictor

__all__ = ["CheckpointError", "Predictor", "load_predictor"]


def __getattr__(name: str) -> Any:
    if name in {"Predictor", "load_predictor"}:
        from plcv_ros.perception import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
