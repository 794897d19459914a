"""Runs that tests start as processes of their own: they are killed, or share a run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from napari_fclick.training import checkpointing
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.distributed import joined
from napari_fclick.training.logs import Progress
from napari_fclick.training.trainer import Trainer


def killed_after(config: TrainingConfig, step: int) -> None:
    """Train, save at a step, and be killed two steps later."""
    trainer = Trainer(config)

    def report(progress: Progress) -> None:
        if progress.step == step:
            trainer.save()
        if progress.step == step + 2:
            os.kill(os.getpid(), signal.SIGKILL)

    trainer.run(report=report)


def killed_while_saving(config: TrainingConfig, bytes_written: int) -> None:
    """Train a step, save, train another, and be killed in the middle of writing its state."""
    trainer = Trainer(config)

    def partly(state: object, file: object) -> None:
        Path(file.name).write_bytes(b"x" * bytes_written)  # type: ignore[attr-defined]
        os.kill(os.getpid(), signal.SIGKILL)

    def report(progress: Progress) -> None:
        if progress.step == 2:
            checkpointing.torch.save = partly  # type: ignore[assignment]
        trainer.save()

    trainer.run(report=report)


def shared(config: TrainingConfig, out: Path) -> None:
    """Train with the processes that torchrun started; keep losses and weights of each."""
    torch.set_num_threads(1)
    losses: list[float] = []
    with joined() as processes:
        trainer = Trainer(config, processes=processes)
        trainer.run(report=lambda progress: losses.append(progress.loss))
        state = {"losses": losses, "network": trainer.network.state_dict()}
        torch.save(state, out / f"rank{processes.rank}.pt")


if __name__ == "__main__":
    run, file, argument = sys.argv[1:]
    settings = TrainingConfig.from_toml(Path(file))
    if run == "killed-after":
        killed_after(settings, int(argument))
    elif run == "killed-while-saving":
        killed_while_saving(settings, int(argument))
    else:
        shared(settings, Path(argument))
