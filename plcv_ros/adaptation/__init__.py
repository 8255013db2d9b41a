# SPDX-License-Identifier: Apache-2.0
"""Which codec setting a link bears: a ladder of settings, and who moves along it. No ROS, no codec, no clock of its own."""

from plcv_ros.adaptation.controller import Change, Controller, Reason
from plcv_ros.adaptation.ladder import LADDER, Rung
from plcv_ros.adaptation.receivers import Slowest

__all__ = ["LADDER", "Change", "Controller", "Reason", "Rung", "Slowest"]
