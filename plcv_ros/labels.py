# SPDX-License-Identifier: Apache-2.0
"""Label sets: names, colours and the ignore index. numpy only."""

from __future__ import annotations

import colorsys
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IGNORE_INDEX = 255
"""Class id of unlabelled pixels, in every label image of the package."""

MAX_PIXEL_CLASSES = IGNORE_INDEX
"""Most classes that a label image (uint8) can tell apart beside unlabelled pixels."""

MAX_CLASSES = 65535

MAX_TABLE = 262_144
"""Characters of a class table: 255 classes with long names have a quarter of it."""


@dataclass(frozen=True)
class LabelSet:
    """The classes of a segmentation or classification: class id = position in ``classes``.

    ``colours`` holds one (red, green, blue) triple a class, 0..255. ``void`` lists the ids by which the data set's own label files mark
    unlabelled pixels, ``file_ids`` those by which they mark the classes, where these are not 0, 1, 2, ...; :meth:`from_file_ids` maps the
    former to :data:`IGNORE_INDEX` and the latter to class ids. More than :data:`MAX_PIXEL_CLASSES` classes do for classification alone.
    """

    name: str
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    void: tuple[int, ...] = ()
    file_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.colours):
            raise ValueError(f"label set {self.name!r}: {len(self.classes)} classes but {len(self.colours)} colours")
        if not 0 < len(self.classes) <= MAX_CLASSES:
            raise ValueError(f"label set {self.name!r}: {len(self.classes)} classes, expected 1 to {MAX_CLASSES}")

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
        palette[: len(self.colours)] = self.colours[:256]
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
        if len(self) > MAX_PIXEL_CLASSES:
            raise ValueError(f"label set {self.name!r} has {len(self)} classes, label images tell {MAX_PIXEL_CLASSES} apart")
        table = np.full(256, IGNORE_INDEX, np.uint8)
        table[list(self.file_ids) or slice(len(self))] = np.arange(len(self), dtype=np.uint8)
        for void in self.void:
            table[void] = IGNORE_INDEX
        return table[ids]

    def from_class_ids(self, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) uint8 as they are, ids without a class as :data:`IGNORE_INDEX`."""
        return np.where(ids < len(self), ids, np.uint8(IGNORE_INDEX))

    def from_picture(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) uint8 of a colour picture (H, W, 3) uint8 rgb8 that shows them in one way alone.

        The ways: ids alike in all three channels; ids in the red channel where the others are 0, as CARLA has them; the colours of the classes,
        black where a pixel is unlabelled. Ids are those of the classes or :data:`IGNORE_INDEX`. Raises ValueError where no way fits or two
        that fit differ.
        """
        found = [ids for ids in (self._grey(picture), self._red(picture), self._coloured(picture)) if ids is not None]
        if not found:
            raise ValueError(
                f"a colour picture that shows no class ids of label set {self.name!r}: expected ids 0 to {len(self) - 1} or {IGNORE_INDEX}, alike in "
                "all channels or in the red one with the others 0, or the colours of the classes"
            )
        if any(not np.array_equal(found[0], other) for other in found[1:]):
            raise ValueError(f"a colour picture that can be read as ids and as colours of label set {self.name!r}: publish ids as mono8")
        return found[0]

    def _grey(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
        red = picture[..., 0]
        alike = np.array_equal(red, picture[..., 1]) and np.array_equal(red, picture[..., 2])
        return red.copy() if alike and self._are_ids(red) else None

    def _red(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
        red = picture[..., 0]
        return red.copy() if not picture[..., 1:].any() and self._are_ids(red) else None

    def _coloured(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
        wide = picture.astype(np.uint32)
        codes = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
        own = [r << 16 | g << 8 | b for r, g, b in self.colours[:MAX_PIXEL_CLASSES]]
        if len(set(own)) != len(own) or not codes.any():
            return None  # two classes look alike, or all is black: nothing tells
        ids = [*range(len(own)), *([] if 0 in own else [IGNORE_INDEX])]
        table = np.array([*own, *([] if 0 in own else [0])], np.uint32)
        order = np.argsort(table)
        place = np.minimum(np.searchsorted(table[order], codes), len(table) - 1)
        if not np.array_equal(table[order][place], codes):
            return None
        return np.array(ids, np.uint8)[order][place]

    def _are_ids(self, values: npt.NDArray[np.uint8]) -> bool:
        return bool(((values < len(self)) | (values == IGNORE_INDEX)).all())

    def to_json(self) -> str:
        """The class table that the segmentation node publishes: name, ignore index, and id, name and colour of every class."""
        table = [{"id": i, "name": n, "colour": list(c)} for i, (n, c) in enumerate(zip(self.classes, self.colours))]
        return json.dumps({"name": self.name, "ignore_index": IGNORE_INDEX, "classes": table})

    @classmethod
    def from_json(cls, text: str) -> LabelSet:
        """Inverse of :meth:`to_json` (``void`` is not carried); raises ValueError where ``text`` is not such a table."""
        if len(text) > MAX_TABLE:
            raise ValueError(f"not a class table: {len(text)} characters, expected at most {MAX_TABLE}")
        try:
            table: dict[str, Any] = json.loads(text)
            rows = sorted(table["classes"], key=lambda row: int(row["id"]))
            if [int(row["id"]) for row in rows] != list(range(len(rows))):
                raise ValueError("class ids are not 0, 1, 2, ...")
            colours = tuple((int(r), int(g), int(b)) for r, g, b in (row["colour"] for row in rows))
            if any(not 0 <= part <= 255 for colour in colours for part in colour):
                raise ValueError("a colour is not three numbers from 0 to 255")
            return cls(str(table["name"]), tuple(str(row["name"]) for row in rows), colours)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
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

CITYSCAPES = LabelSet(
    "cityscapes",
    (
        "road",
        "sidewalk",
        "building",
        "wall",
        "fence",
        "pole",
        "traffic light",
        "traffic sign",
        "vegetation",
        "terrain",
        "sky",
        "person",
        "rider",
        "car",
        "truck",
        "bus",
        "train",
        "motorcycle",
        "bicycle",
    ),
    (
        (128, 64, 128),
        (244, 35, 232),
        (70, 70, 70),
        (102, 102, 156),
        (190, 153, 153),
        (153, 153, 153),
        (250, 170, 30),
        (220, 220, 0),
        (107, 142, 35),
        (152, 251, 152),
        (70, 130, 180),
        (220, 20, 60),
        (255, 0, 0),
        (0, 0, 142),
        (0, 0, 70),
        (0, 60, 100),
        (0, 80, 100),
        (0, 0, 230),
        (119, 11, 32),
    ),
    file_ids=(7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33),
)
"""The nineteen evaluated classes of Cityscapes (Cordts et al., CVPR 2016); ``file_ids`` are those of its ``*_labelIds.png`` files."""

LABEL_SETS = {CAMVID.name: CAMVID, CITYSCAPES.name: CITYSCAPES}


def class_list(name: str, classes: tuple[str, ...]) -> LabelSet:
    """A label set for classification, with colours that are easy to tell apart where the classes are few."""
    colours = [colorsys.hsv_to_rgb((i * 0.6180339887) % 1, 0.75, 0.95) for i in range(len(classes))]
    return LabelSet(name, classes, tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in colours))
