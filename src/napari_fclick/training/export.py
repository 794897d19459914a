"""A finished (or running) training -> a weights file with its card."""

from __future__ import annotations

from pathlib import Path

from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card
from napari_fclick.training.checkpointing import read_state
from napari_fclick.training.config import TrainingConfig

#: Where neither the configuration nor the weights that it began from name terms of use.
TERMS = "the terms of the data that it was trained on"


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

    Returns
    -------
    Card
        As it was written, with its checksum.

    Raises
    ------
    FileNotFoundError
        If there is no such checkpoint.
    ValueError
        If the checkpoint cannot be read, or is of a network that is not this package's.
    OSError
        If the file cannot be written.
    """
    state = read_state(checkpoint)
    config = TrainingConfig.model_validate_json(state["config"])
    if config.architecture != "fcanet":
        raise ValueError(
            f"weights files hold networks of this package; {config.architecture!r} is another: "
            f"its averaged weights are in {checkpoint}, under 'average'"
        )
    phases = ", ".join(f"{p.steps} x {p.batch} at {p.size} px" for p in config.phases)
    recipe = (
        f"{state['step']} steps of {config.optimizer} ({phases}), {config.loss} loss, iterative "
        f"clicks, average of weights {config.ema}, {state['seconds'] / 3600:.1f} h"
    )
    parent = state["parent"]
    earlier, learned = parent["recipe"], parent["learned"]
    card = Card(
        name=config.name,
        network=config.network,
        preprocessing=config.preprocessing,
        licence=config.licence or parent["licence"] or TERMS,
        description=f"FCA-Net on {config.network.backbone}",
        data=tuple(dict.fromkeys([*state["data"], *parent["data"]])),
        recipe=f"{earlier}; then {recipe}" if earlier else recipe,
        scores=scores or {},
        parent=parent["sha256"],
        # The images of a fine-tuning that it went on from still judge no later one.
        tuned={"training": learned} if learned else {},
    )
    return checkpoints.save(out, state["average"], card, half=True)
