# SPDX-License-Identifier: Apache-2.0
"""Segmentation network: ESPNetv2 encoder and a light top-down decoder with skips down to half resolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from plcv_ros.perception.networks.espnetv2 import ConvNorm, Encoder

MAX_CHANNELS = 1024


def _upsample(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class Separable(nn.Module):
    """Depthwise convolution and 1x1 convolution, each with batch normalisation and PReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise = ConvNorm(inputs, inputs, kernel, groups=inputs, dilation=dilation)
        self.pointwise = ConvNorm(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))  # type: ignore[no-any-return]


class Context(nn.Module):
    """What surrounds a pixel: dilated depthwise convolutions over the coarsest features and the mean of the whole picture."""

    def __init__(self, channels: int, dilations: tuple[int, ...] = (2, 4, 8)) -> None:
        super().__init__()
        self.near = nn.ModuleList(ConvNorm(channels, channels, 3, groups=channels, dilation=d) for d in dilations)
        self.whole = nn.Conv2d(channels, channels, 1)
        self.merge = ConvNorm(channels * (1 + len(dilations)), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        merged = self.merge(torch.cat([x, *(conv(x) for conv in self.near)], 1))
        # No batch normalisation on this branch: it sees one value a channel and picture.
        return merged + functional.relu(self.whole(x.mean((2, 3), keepdim=True)))  # type: ignore[no-any-return]


class Espnetv2Fpn(nn.Module):
    """Image (N, 3, H, W), normalised -> class scores (N, classes, H/2, W/2), sizes rounded up.

    ``scale`` is the encoder's (see :mod:`plcv_ros.perception.networks.espnetv2`), ``width`` the decoder's channels at strides 16 to 4,
    ``fine`` those at stride 2. In training mode :meth:`forward` returns a pair: those scores and auxiliary ones at stride 8.
    """

    def __init__(self, classes: int, scale: float = 1.5, width: int = 96, fine: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        for name, value in (("classes", classes), ("width", width), ("fine", fine)):
            # A checkpoint's header chooses these: an absurd one must not become an allocation.
            if not isinstance(value, int) or not 1 <= value <= MAX_CHANNELS:
                raise ValueError(f"{name} {value!r}: expected a whole number from 1 to {MAX_CHANNELS}")
        self.encoder = Encoder(scale)
        one, two, three, four = self.encoder.widths
        self.reduce4 = ConvNorm(four, width, 1)
        self.context = Context(width)
        self.lateral3 = ConvNorm(three, width, 1, act=False)
        self.smooth3 = Separable(width, width)
        self.lateral2 = ConvNorm(two, width, 1, act=False)
        self.smooth2 = Separable(width, width)
        self.reduce2 = ConvNorm(width, fine, 1, act=False)
        self.lateral1 = ConvNorm(one, fine, 1, act=False)
        self.smooth1 = Separable(fine, fine)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(fine, classes, 1)
        self.auxiliary = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        one, two, three, four = self.encoder(image)
        x = self.context(self.reduce4(four))
        x = self.smooth3(_upsample(x, three) + self.lateral3(three))
        auxiliary = self.auxiliary(x) if self.training else None
        x = self.smooth2(_upsample(x, two) + self.lateral2(two))
        x = self.smooth1(_upsample(self.reduce2(x), one) + self.lateral1(one))
        scores = self.classify(self.dropout(x))
        return scores if auxiliary is None else (scores, auxiliary)
