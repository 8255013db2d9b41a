# SPDX-License-Identifier: Apache-2.0
"""Picture files to pixels by one set of rules (docs/pictures.md), and the labels that belong to a picture."""

from plcv_ros.pictures.errors import PictureError
from plcv_ros.pictures.label_files import read_labels
from plcv_ros.pictures.reading import Picture, decode_picture, read_picture

__all__ = ["Picture", "PictureError", "decode_picture", "read_labels", "read_picture"]
