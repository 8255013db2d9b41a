# SPDX-License-Identifier: Apache-2.0
"""Data-parallel training under ``torchrun``: every process works on its share of each batch, and process 0 writes the files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import nn

Item = TypeVar("Item")

PATIENCE = timedelta(hours=12)
"""While process 0 scores the network on the validation data, the others wait for it; on GPUs torch would give up after ten minutes."""


@dataclass(frozen=True)
class Processes:
    """The processes of one run: this one is ``rank`` of ``count``."""

    rank: int = 0
    count: int = 1

    def share(self, items: Sequence[Item]) -> list[Item]:
        """The items that this process works on: every ``count``-th, so that all shares together are ``items``."""
        return list(items[self.rank :: self.count])

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """``network`` with gradients averaged over the processes; itself where there is one process."""
        if self.count == 1:
            return network
        # Published ESPNetv2 encoders have slopes in their down-sampling blocks that are never applied.
        return nn.parallel.DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None, find_unused_parameters=True)

    def any(self, flag: bool) -> bool:
        """True in all processes where it is in one: they must stop at the same step."""
        if self.count == 1:
            return flag
        asked = torch.tensor([float(flag)], device="cuda" if torch.distributed.get_backend() == "nccl" else "cpu")
        torch.distributed.all_reduce(asked)
        return bool(asked.item())

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            torch.distributed.barrier()


def join_processes(device: str) -> tuple[Processes, str]:
    """This process's place among those that ``torchrun`` started, and its device (``cuda`` becomes the process's own GPU).

    Outside ``torchrun`` (no ``WORLD_SIZE`` in the environment) there is one process. Raises ValueError where GPUs are too few.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes(), device
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.startswith("cuda"):
        if local >= torch.cuda.device_count():
            raise ValueError(f"process {local} of this machine has no GPU of its own: torch sees {torch.cuda.device_count()}")
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    return Processes(torch.distributed.get_rank(), count), device


def leave_processes() -> None:
    """Undo :func:`join_processes`."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
