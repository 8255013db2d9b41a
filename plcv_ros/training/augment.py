# SPDX-License-Identifier: Apache-2.0
"""Random crops and photometric changes for training: a pure function of the picture and a random generator."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from plcv_ros.labels import IGNORE_INDEX

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes. ``crop`` in pixels (square); ``zoom`` is the range of scales, drawn log-uniformly."""

    crop: int = 320
    zoom: tuple[float, float] = (0.6, 1.8)
    rotation: float = 4.0
    """Largest rotation in degrees, either way."""
    light: float = 0.25
    """Spread of brightness, contrast, saturation and gamma; 0 leaves the colours alone."""

    def __call__(self, image: Image, labels: Image, random: np.random.Generator) -> tuple[Image, Image]:
        """(H, W, 3) uint8 and (H, W) uint8 -> (crop, crop, 3) and (crop, crop); what falls outside the picture is unlabelled."""
        image, labels = self._geometry(image, labels, random)
        return self._light(image, random), labels

    def _geometry(self, image: Image, labels: Image, random: np.random.Generator) -> tuple[Image, Image]:
        height, width = labels.shape
        zoom = float(np.exp(random.uniform(np.log(self.zoom[0]), np.log(self.zoom[1]))))
        angle = np.deg2rad(random.uniform(-self.rotation, self.rotation))
        flip = -1.0 if random.random() < 0.5 else 1.0
        seen = self.crop / zoom
        # The centre of the crop: anywhere such that the crop stays inside, or the middle where the crop is larger than the picture.
        centre_x = random.uniform(min(seen, width) / 2, width - min(seen, width) / 2)
        centre_y = random.uniform(min(seen, height) / 2, height - min(seen, height) / 2)
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        linear = np.array([[flip * cos, -flip * sin], [sin, cos]])
        offset = np.array([self.crop / 2, self.crop / 2]) - linear @ np.array([centre_x, centre_y])
        matrix = np.column_stack([linear, offset])
        size = (self.crop, self.crop)
        # Enlarging by bilinear interpolation is fine; shrinking by more than a little needs averaging first, or it aliases.
        source, warp = image, matrix
        if zoom < 0.75:
            source = cv2.blur(image, (2, 2))
        cropped = cv2.warpAffine(source, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        target = cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORE_INDEX)
        return cropped, target

    def _light(self, image: Image, random: np.random.Generator) -> Image:
        spread = self.light
        if spread:
            ramp = np.arange(256, dtype=np.float64) / 255
            gain = np.exp(random.uniform(-spread, spread)) * np.exp(random.uniform(-spread / 4, spread / 4, 3))
            gamma = np.exp(random.uniform(-spread, spread))
            offset = random.uniform(-spread / 4, spread / 4)
            curves = (ramp[:, None] ** gamma - 0.5) * gain + 0.5 + offset
            table = np.clip(curves * 255 + 0.5, 0, 255).astype(np.uint8).reshape(256, 1, 3)
            image = cv2.LUT(image, table)
            grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            saturation = float(np.exp(random.uniform(-spread, spread)))
            image = cv2.addWeighted(image, saturation, grey, 1 - saturation, 0)
        if random.random() < 0.2:
            image = cv2.GaussianBlur(image, (0, 0), float(random.uniform(0.4, 1.2)))
        if random.random() < 0.25:
            noise = random.normal(0, random.uniform(2, 9), image.shape).astype(np.float32)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        return image
