# SPDX-License-Identifier: Apache-2.0
"""Faster forms of what a training step on the CPU spends its time in; the network's values stay what they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

BLOCK = 1 << 17
"""Values that the backward pass of a PReLU takes at once: its five operands fit a core's cache, which is four times faster than whole tensors."""


def choose_kernels(network: nn.Module, device: torch.device) -> None:
    """Give a network in training its faster forms: 1x1 convolutions in oneDNN anywhere, PReLU with :class:`BlockedPReLU` on the CPU.

    PyTorch leaves 1x1 convolutions on the CPU with one thread to a slower kernel: a sixth of a step's time. Its rule makes an exception for
    dilated kernels, and a kernel of one pixel is the same with any dilation. PyTorch's backward pass of a PReLU takes a quarter of a step.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            module.dilation = (2, 2)
        elif device.type == "cpu" and type(module) is nn.PReLU:
            module.__class__ = BlockedPReLU


class BlockedPReLU(nn.PReLU):
    """``nn.PReLU`` with one slope a channel, whose backward pass goes through the tensors block by block.

    Gradients must be finite, and have none of their own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; what is not four-dimensional float32 takes PyTorch's way."""
        if x.ndim != 4 or x.dtype != torch.float32 or self.num_parameters == 1:
            return super().forward(x)
        return _BlockedPReLU.apply(x, self.weight)  # type: ignore[no-any-return, no-untyped-call]


class _BlockedPReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slopes: Tensor) -> Tensor:
        ctx.save_for_backward(x, slopes)
        return nn.functional.prelu(x, slopes)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        x, slopes = ctx.saved_tensors
        result = torch.empty_like(gradient, memory_format=torch.channels_last)
        of_slopes = torch.zeros_like(slopes)
        pixels = max(BLOCK // x.shape[1], 1)
        ones = torch.ones(pixels, dtype=x.dtype)
        for seen, told, out in zip(*(_by_pixels(t).split(pixels) for t in (x, gradient, result))):  # type: ignore[no-untyped-call]
            positive = torch.ops.aten.threshold_backward(told, seen, 0.0)
            negative = told - positive
            torch.addcmul(positive, negative, slopes, out=out)
            of_slopes.addmv_(negative.mul_(seen).t(), ones[: len(seen)])
        return result, of_slopes


def _by_pixels(tensor: Tensor) -> Tensor:
    """(N, C, H, W) -> (N * H * W, C), the same memory where it lies channels last."""
    return tensor.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).reshape(-1, tensor.shape[1])
