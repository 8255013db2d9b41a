# SPDX-License-Identifier: Apache-2.0
"""Classification network: ESPNetv2 encoder, a 1x1 convolution, the mean over the picture, a linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from plcv_ros.perception.networks.espnetv2 import ConvNorm, Encoder

MAX_CHANNELS = 4096


class Espnetv2Classifier(nn.Module):
    """Image (N, 3, H, W) of any size from 32x32 on, normalised -> class scores (N, classes)."""

    def __init__(self, classes: int, scale: float = 2.0, width: int = 512, dropout: float = 0.2) -> None:
        super().__init__()
        if not isinstance(width, int) or not 1 <= width <= MAX_CHANNELS:
            raise ValueError(f"width {width!r}: expected a whole number from 1 to {MAX_CHANNELS}")
        self.encoder = Encoder(scale)
        self.expand = ConvNorm(self.encoder.widths[3], width, 1)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        features = self.expand(self.encoder(image)[3]).mean((2, 3))
        return self.classify(self.dropout(features))  # type: ignore[no-any-return]
