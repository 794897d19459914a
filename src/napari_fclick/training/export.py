"""A finished (or running) training -> a weights file with its card."""

from __future__ import annotations

from pathlib import Path

import torch

from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card, Preprocessing
from napari_fclick.training.config import TrainingConfig

LICENCE = (
    "for research use: several of the data sets it was trained on allow no other "
    "(see the model card)"
)


def export(checkpoint: Path, out: Path, scores: dict[str, float] | None = None) -> Card:
    """Write the averaged weights of a training run.

    Parameters
    ----------
    checkpoint : Path
        What the trainer wrote.
    out : Path
        A ``.safetensors`` file.
    scores : dict of str to float, optional
        What `napari-fclick evaluate` measured, for the card.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    config = TrainingConfig.model_validate_json(state["config"])
    phases = ", ".join(f"{p.steps} x {p.batch} at {p.size} px" for p in config.phases)
    card = Card(
        name=config.name,
        network=config.network,
        preprocessing=Preprocessing(),
        licence=LICENCE,
        description=f"FCA-Net on {config.network.backbone}",
        data=tuple(s.path.name for s in config.sets) + (("ImageNet",) if config.imagenet else ()),
        recipe=(state["parent"]["recipe"] + "; then " if state["parent"]["recipe"] else "")
        + (
            f"{state['step']} steps of AdamW ({phases}), {config.loss} loss, iterative clicks, "
            f"average of weights {config.ema}, {state['seconds'] / 3600:.1f} h"
        ),
        scores=scores or {},
        parent=state["parent"]["sha256"],
    )
    return checkpoints.save(out, state["average"], card, half=True)
