# SPDX-License-Identifier: Apache-2.0
"""Pictures whose memory is used again: fresh pages for a Full-HD frame cost more than decoding it."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


class Spares:
    """The latest ``most`` pictures that were handed back; those of a size that does not come any more give way. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._images: deque[Pixels] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._images)

    def keep(self, image: Pixels) -> None:
        """Nobody uses ``image`` any more."""
        with self._lock:
            self._images.append(image)
            while len(self._images) > self._most:
                self._images.popleft()

    def picture(self, shape: tuple[int, int, int]) -> Pixels:
        """One of that shape, with anything in it."""
        with self._lock:
            for k, image in enumerate(self._images):
                if image.shape == shape:
                    del self._images[k]
                    return image
        return np.empty(shape, np.uint8)
