# SPDX-License-Identifier: Apache-2.0
"""ESPNetv2 encoder (Mehta, Rastegari, Shapiro, Hajishirzi, CVPR 2019), levels 1 to 4: strides 2, 4, 8 and 16.

Module names follow the authors' published checkpoints, so their ``base_net.*`` tensors load into :class:`Encoder` unchanged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS: dict[float, tuple[int, int, int, int]] = {
    0.5: (16, 32, 64, 128),
    1.0: (32, 64, 128, 256),
    1.25: (32, 80, 160, 320),
    1.5: (32, 96, 192, 384),
    2.0: (32, 128, 256, 512),
}
"""Scale of the network -> channels of levels 1 to 4."""

BRANCHES = 4
"""Parallel dilated convolutions of a block; also the number of groups of its 1x1 convolutions."""


def _halve_image(image: Tensor) -> Tensor:
    """3x3 average, stride 2, padding 1, zeros counted: ``avg_pool2d`` written as a convolution, several times faster for three channels."""
    return functional.conv2d(image, image.new_full((3, 1, 3, 3), 1 / 9), stride=2, padding=1, groups=3)


class ConvNorm(nn.Module):
    """Convolution without bias, batch normalisation and, with ``act``, a PReLU for every channel."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, dilation: int = 1, act: bool = True) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 * dilation
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outputs)
        self.act = nn.PReLU(outputs) if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))  # type: ignore[no-any-return]


class NormAct(nn.Module):
    """Batch normalisation and PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(x))  # type: ignore[no-any-return]


class DepthwiseConv(nn.Module):
    """Dilated 3x3 depthwise convolution, nothing else (the authors' checkpoints name its weight ``conv.weight``)."""

    def __init__(self, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride, dilation, dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class Eesp(nn.Module):
    """Extremely efficient spatial pyramid: reduce, four dilated depthwise convolutions with running sums, merge.

    ``limit`` is the largest receptive field (3, 5, 7, 9 pixels by branch) a branch may have; branches beyond it fall back to 3.
    With ``down`` the block has stride 2 and leaves the addition and the last PReLU to :class:`DownSampler`.
    """

    def __init__(self, inputs: int, outputs: int, limit: int, down: bool = False) -> None:
        super().__init__()
        width = outputs // BRANCHES
        stride = 2 if down else 1
        fields = sorted(field if field <= limit else 3 for field in (3, 5, 7, 9))
        self.proj_1x1 = ConvNorm(inputs, width, 1, groups=BRANCHES)
        self.spp_dw = nn.ModuleList(DepthwiseConv(width, stride, (field - 1) // 2) for field in fields)
        self.br_after_cat = NormAct(outputs)
        self.conv_1x1_exp = ConvNorm(outputs, outputs, 1, groups=BRANCHES, act=False)
        # Present in the published checkpoints of down-sampling blocks too, though those never apply it.
        self.module_act = nn.PReLU(outputs)
        self.down = down
        self.residual = not down and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.proj_1x1(x)
        sums = [self.spp_dw[0](reduced)]
        for conv in self.spp_dw[1:]:
            sums.append(conv(reduced).add_(sums[-1]))
        merged = self.conv_1x1_exp(self.br_after_cat(torch.cat(sums, 1)))
        if self.down:
            return merged  # type: ignore[no-any-return]
        if self.residual:
            merged = merged.add_(x)
        return self.module_act(merged)  # type: ignore[no-any-return]


class DownSampler(nn.Module):
    """Halves the resolution: average pooling beside a strided block, plus a look at the (pooled) input image itself."""

    def __init__(self, inputs: int, outputs: int, limit: int) -> None:
        super().__init__()
        self.eesp = Eesp(inputs, outputs - inputs, limit, down=True)
        self.inp_reinf = nn.Sequential(ConvNorm(3, 3, 3), ConvNorm(3, outputs, 1, act=False))
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """``x`` (N, inputs, H, W) and the image pooled to half of that size -> (N, outputs, H/2, W/2), sizes rounded up."""
        halved = torch.cat([functional.avg_pool2d(x, 3, 2, 1), self.eesp(x)], 1)
        return self.act(halved + self.inp_reinf(image))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Image (N, 3, H, W), normalised -> features at strides 2, 4, 8 and 16; ``widths`` names their channels."""

    def __init__(self, scale: float = 1.5) -> None:
        super().__init__()
        if scale not in WIDTHS:
            raise ValueError(f"ESPNetv2 scale {scale!r}: expected one of {', '.join(map(str, WIDTHS))}")
        self.widths = one, two, three, four = WIDTHS[scale]
        self.level1 = ConvNorm(3, one, 3, stride=2)
        self.level2_0 = DownSampler(one, two, 13)
        self.level3_0 = DownSampler(two, three, 11)
        self.level3 = nn.ModuleList(Eesp(three, three, 9) for _ in range(3))
        self.level4_0 = DownSampler(three, four, 9)
        self.level4 = nn.ModuleList(Eesp(four, four, 7) for _ in range(7))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        quarter = _halve_image(_halve_image(image))
        eighth = _halve_image(quarter)
        sixteenth = _halve_image(eighth)
        one = self.level1(image)
        two = self.level2_0(one, quarter)
        three = self.level3_0(two, eighth)
        for block in self.level3:
            three = block(three)
        four = self.level4_0(three, sixteenth)
        for block in self.level4:
            four = block(four)
        return one, two, three, four
