"""The state of a run on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from napari_fclick.core.paths import replacing
from napari_fclick.network.checkpoints import load_plain

#: What the state of a run holds, and what that tells of the weights that it began from.
STATE = {
    *("step", "seconds", "network", "average", "optimizer", "scaler"),
    *("config", "data", "parent", "processes"),
}
PARENT = {"sha256", "recipe", "data", "learned", "licence"}


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a run's state; a kill at any moment leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:
            # Where a disk is full, torch complains of its own file; what is wrong came before.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
        file.flush()
        os.fsync(file.fileno())


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` wrote, onto the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no state of a run, one of another version, or damaged.
    """
    state = load_plain(path, "checkpoint of a training")
    if not isinstance(state, dict) or not {"step", "network", "average"} <= state.keys():
        raise ValueError(f"{path} is no checkpoint of a training")
    if not (state.keys() >= STATE and state["parent"].keys() >= PARENT):
        raise ValueError(f"{path} is a checkpoint of another version of napari-fclick")
    return state
