# SPDX-License-Identifier: Apache-2.0
"""Label sets: names, colours and the ignore index. numpy only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IGNORE_INDEX = 255
"""Class id of unlabelled pixels, in every label image of the package."""


@dataclass(frozen=True)
class LabelSet:
    """The classes of a segmentation: class id = position in ``classes``.

    ``colours`` holds one (red, green, blue) triple a class, 0..255. ``void`` lists the ids by which the data set's own label files mark
    unlabelled pixels; :meth:`from_file_ids` maps them to :data:`IGNORE_INDEX`.
    """

    name: str
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    void: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.colours):
            raise ValueError(f"label set {self.name!r}: {len(self.classes)} classes but {len(self.colours)} colours")
        if not 0 < len(self.classes) < IGNORE_INDEX:
            raise ValueError(f"label set {self.name!r}: {len(self.classes)} classes, expected 1 to {IGNORE_INDEX - 1}")

    def __len__(self) -> int:
        return len(self.classes)

    def index(self, name: str) -> int:
        """Class id of ``name``; raises ValueError naming the known classes."""
        if name not in self.classes:
            raise ValueError(f"no class {name!r} in label set {self.name!r}; it has {', '.join(self.classes)}")
        return self.classes.index(name)

    def palette(self) -> npt.NDArray[np.uint8]:
        """(256, 3) uint8: the colour of every class id; black for ids without a class."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(self.colours)] = self.colours
        return palette

    def colourise(self, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 class ids -> (H, W, 3) uint8 rgb8."""
        return self.palette()[labels]

    def overlay(self, image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], opacity: float = 0.5) -> npt.NDArray[np.uint8]:
        """Blend the class colours over an rgb8 image (H, W, 3); unlabelled pixels show the image alone. ``opacity`` 0..1."""
        alpha = np.uint16(round(opacity * 256))
        colours = self.colourise(labels)
        mixed = (image.astype(np.uint16) * (256 - alpha) + colours.astype(np.uint16) * alpha) >> 8
        return np.where((labels == IGNORE_INDEX)[..., None], image, mixed.astype(np.uint8))

    def from_file_ids(self, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Map a data set's own label image (H, W) uint8 to class ids: void and unknown ids become :data:`IGNORE_INDEX`."""
        table = np.full(256, IGNORE_INDEX, np.uint8)
        table[: len(self.classes)] = np.arange(len(self.classes), dtype=np.uint8)
        for void in self.void:
            table[void] = IGNORE_INDEX
        return table[ids]

    def to_json(self) -> str:
        """The class table that the segmentation node publishes: name, ignore index, and id, name and colour of every class."""
        table = [{"id": i, "name": n, "colour": list(c)} for i, (n, c) in enumerate(zip(self.classes, self.colours))]
        return json.dumps({"name": self.name, "ignore_index": IGNORE_INDEX, "classes": table})

    @classmethod
    def from_json(cls, text: str) -> LabelSet:
        """Inverse of :meth:`to_json` (``void`` is not carried); raises ValueError where ``text`` is not such a table."""
        try:
            table: dict[str, Any] = json.loads(text)
            rows = sorted(table["classes"], key=lambda row: int(row["id"]))
            if [int(row["id"]) for row in rows] != list(range(len(rows))):
                raise ValueError("class ids are not 0, 1, 2, ...")
            colours = tuple((int(r), int(g), int(b)) for r, g, b in (row["colour"] for row in rows))
            return cls(str(table["name"]), tuple(str(row["name"]) for row in rows), colours)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a class table: {error}") from error


CAMVID = LabelSet(
    "camvid",
    ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"),
    (
        (128, 128, 128),
        (128, 0, 0),
        (192, 192, 128),
        (128, 64, 128),
        (60, 40, 222),
        (128, 128, 0),
        (192, 128, 128),
        (64, 64, 128),
        (64, 0, 128),
        (64, 64, 0),
        (0, 128, 192),
    ),
    void=(11,),
)
"""The eleven classes of CamVid in SegNet's order and colours (Badrinarayanan, Kendall, Cipolla, 2015)."""

LABEL_SETS = {CAMVID.name: CAMVID}
