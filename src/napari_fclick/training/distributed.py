"""One run on several processes, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch import distributed as dist

from napari_fclick.network.fcanet import FCANet


@dataclass(frozen=True)
class Processes:
    """A process among those that share a run.

    Attributes
    ----------
    rank : int
        Of this process; 0 writes files and reports.
    size : int
        Processes in all.
    local : int
        Rank on this machine: which of its GPUs is this process's.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """The GPU that belongs to the process, or the CPU."""
        cuda = torch.cuda.is_available()
        return torch.device("cuda", self.local) if cuda else torch.device("cpu")

    def any(self, asked: bool) -> bool:
        """Whether one of the processes says True; all get the same answer."""
        if self.size == 1:
            return asked
        said = torch.tensor(float(asked), device=self.device)
        dist.all_reduce(said, dist.ReduceOp.MAX)
        return bool(said.item())

    def mean(self, *values: float) -> tuple[float, ...]:
        """Return the means over the processes."""
        if self.size == 1:
            return values
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return tuple((sums / self.size).tolist())

    def share(self, network: FCANet, find_unused: bool) -> nn.Module:
        """Return the network as one whose gradients are means over the processes.

        On GPUs, batch norms take their statistics over the whole batch. PyTorch has that for
        GPUs alone: on CPUs each process normalises its own part, and the statistics kept are
        those of rank 0.
        """
        if self.size == 1:
            return network
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return nn.parallel.DistributedDataParallel(
            network,
            device_ids=[self.local] if self.device.type == "cuda" else None,
            find_unused_parameters=find_unused,
        )

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Let rank 0 do something before the others do it."""
        if self.size > 1 and not self.leads:
            dist.barrier()
        yield
        if self.size > 1 and self.leads:
            dist.barrier()

    def check_same(self, value: float, what: str) -> None:
        """Refuse to go on where the processes differ in what must be the same."""
        if self.size == 1:
            return
        own = torch.tensor([value, -value], dtype=torch.float64, device=self.device)
        most: Tensor = own.clone()
        dist.all_reduce(most, dist.ReduceOp.MAX)
        if not torch.equal(most, own):
            raise ValueError(f"the processes of this run differ in {what}")


ALONE = Processes()


@contextmanager
def joined() -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, and leave them at the end.

    Without ``torchrun`` there is this process alone.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(local)
    # The others wait while rank 0 looks through all files, or validates.
    dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(hours=12))
    try:
        yield Processes(dist.get_rank(), size, local)
    finally:
        dist.destroy_process_group()
