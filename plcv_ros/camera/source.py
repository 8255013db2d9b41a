# SPDX-License-Identifier: Apache-2.0
"""What every source of frames offers, and the resizing they share."""

from __future__ import annotations

from types import TracebackType

import numpy as np
import numpy.typing as npt

from plcv_ros.camera.frame import Frame
from plcv_ros.labels import LabelSet


class Source:
    """Frames one after another. A subclass sets the attributes and implements ``read``.

    ``width`` and ``height`` in pixels are those of the first frame (later ones may differ where the source's do), ``rate`` is in frames a
    second, ``label_set`` is None where frames carry no labels, ``live`` says that the hardware paces ``read``; other sources return at once.
    ``timed``: its frames have a ``time_ns``. ``recorded``: they come from a bag, with stamps and topics of their own.

    A source goes on behind data that are damaged: ``damaged`` counts what it met so far and could not hand out (frames; packets or messages
    where nothing says how many frames they held), and ``damage`` is the newest reason, one line, empty while there is none. ``read`` raises
    only where nothing more can come.

    A live source connects anew where its connection is lost: ``reconnects`` counts that, and ``fault`` says what keeps frames from coming now,
    empty while they come. ``overtaken`` counts its frames that a newer one replaced before anybody read them.
    """

    description: str = ""
    width: int = 0
    height: int = 0
    rate: float = 0.0
    label_set: LabelSet | None = None
    live: bool = False
    timed: bool = False
    recorded: bool = False
    damaged: int = 0
    damage: str = ""
    reconnects: int = 0
    overtaken: int = 0
    fault: str = ""

    def read(self) -> Frame | None:
        """The next frame; None at the end. Raises SourceError where nothing more can come: nothing can be decoded, the device is gone."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Let a ``read`` that waits for a live source return None at once, and every later one; from any thread."""

    def limit_rate(self, rate: float | None) -> None:
        """Leave out frames of a live source that come sooner than ``rate`` (frames a second) asks for; None takes all. Others are paced by
        whoever reads them."""

    def note_damage(self, reason: str, frames: int = 1) -> None:
        """Count ``frames`` that cannot be handed out because of ``reason``, one line."""
        self.damaged += frames
        self.damage = reason

    def close(self) -> None:
        """Give back files and devices; ``read`` must not be called any more."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def target_size(width: int, height: int, wanted_width: int | None, wanted_height: int | None) -> tuple[int, int]:
    """The (width, height) to resize to: a side that is not asked for follows from the other at the same aspect ratio."""
    if wanted_width and wanted_height:
        return wanted_width, wanted_height
    if wanted_width:
        return wanted_width, max(1, round(height * wanted_width / width))
    if wanted_height:
        return max(1, round(width * wanted_height / height)), wanted_height
    return width, height


def resize_image(image: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Pixels averaged to the new size when it is smaller, interpolated when it is larger; the image itself when nothing changes."""
    if image.shape[1] == width and image.shape[0] == height:
        return image
    import cv2

    shrinking = width < image.shape[1] or height < image.shape[0]
    resized: npt.NDArray[np.uint8] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return resized


def resize_labels(labels: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Class ids at the new size: the nearest one, never a mixture."""
    if labels.shape[1] == width and labels.shape[0] == height:
        return labels
    import cv2

    resized: npt.NDArray[np.uint8] = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    return resized
