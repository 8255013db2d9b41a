# SPDX-License-Identifier: Apache-2.0
"""Frames cut into strips that travel as messages of their own, put together again where some are lost. No ROS, no torch.

A strip decodes alone (:meth:`plcv_ros.codecs.Codec.encode_strips`); here is what is said about it on the wire, and the receiving half.
"""

from plcv_ros.strips.assembler import Assembled, Dropped, Request, StripAssembler, StripCounters
from plcv_ros.strips.errors import StripError
from plcv_ros.strips.tag import StripTag, read_tag, write_tag

__all__ = ["Assembled", "Dropped", "Request", "StripAssembler", "StripCounters", "StripError", "StripTag", "read_tag", "write_tag"]
