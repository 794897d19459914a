"""The state of a run on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from napari_fclick.core.errors import one_line
from napari_fclick.core.files import replacing


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a run's state; a kill at any moment leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` wrote, onto the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no state of a run, or damaged.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged file fails in any of the reader's ways
        reason = one_line(error, 120)
        raise ValueError(f"{path} is no checkpoint that can be read: {reason}") from None
    if not isinstance(state, dict) or not {"step", "network", "average"} <= state.keys():
        raise ValueError(f"{path} is no checkpoint of a training")
    return state
