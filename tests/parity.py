"""The made-up checkpoints of the parity fixtures, rebuilt from their recipe."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import torch


def made_up_checkpoint(folder: Path, backbone: str) -> dict[str, torch.Tensor]:
    """Return the state that the fixtures of ``backbone`` were recorded with."""
    shapes = json.loads((folder / "checkpoint_keys.json").read_text())[backbone]
    state = {name: _value(name, shape) for name, shape in shapes.items()}
    if backbone == "resnet":  # the name exists there alone
        state["backbone_pre.conv1.weight"][:, 3:] *= 3
    state["first_conv.convs.0.0.weight"][:, 256] *= 20
    with np.load(folder / f"{backbone}_overrides.npz") as overrides:
        for name in overrides.files:
            state[name] = torch.from_numpy(np.asarray(overrides[name]))
    return state


def _value(name: str, shape: list[int]) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    z = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    z = z.astype(np.float32)
    if name.endswith("running_mean"):
        z = 0.1 * z
    elif name.endswith("running_var"):
        z = 1 + 0.2 * np.abs(z)
    elif z.ndim == 1:
        z = 0.1 * z if name.endswith("bias") else 0.6 + 0.1 * z
    else:
        z = z * np.float32(np.sqrt(2 / np.prod(shape[1:])))
    return torch.from_numpy(np.asarray(z, np.float32))
