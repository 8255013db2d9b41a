# SPDX-License-Identifier: Apache-2.0
"""A trained network in the form that runs: batch normalisation folded into the convolutions before it, oneDNN convolutions on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class OneDnnConv2d(nn.Module):
    """A convolution that always runs in oneDNN.

    With one thread and one picture, PyTorch's own choice for many of the small grouped convolutions here is a slower kernel that also
    answers in another memory format, which makes every operation after it slow too (85 ms instead of 50 ms for 640x360 on one Zen 5 core).
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight = conv.weight
        self.bias = conv.bias
        if isinstance(conv.padding, str):
            raise TypeError(f"padding {conv.padding!r}: expected a number of pixels")
        self.padding, self.stride, self.dilation, self.groups = conv.padding, conv.stride, conv.dilation, conv.groups

    def forward(self, x: Tensor) -> Tensor:
        return torch.mkldnn_convolution(x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups)


def fold_batch_norm(network: nn.Module) -> None:
    """Fold, in place, every ``bn`` into the ``conv`` of the same module; the network must be in evaluation mode."""
    for module in network.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(conv, norm)
            module.bn = nn.Identity()


def use_onednn(network: nn.Module) -> None:
    """Replace, in place, every convolution by :class:`OneDnnConv2d` (CPU, float32, inference only)."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d):
                setattr(module, name, OneDnnConv2d(child))
