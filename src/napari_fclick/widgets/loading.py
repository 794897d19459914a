"""Weights and devices; torch is imported by the thread that asks for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from psygnal import Signal

from napari_fclick.core.clicks import Click
from napari_fclick.core.processors import cores, share_cores
from napari_fclick.session.state import PredictorLike


@dataclass(frozen=True)
class Choices:
    """What an annotator can choose from.

    Attributes
    ----------
    weights : tuple of str
    devices : tuple of str
        The first is "auto".
    in_use : str
        The weights that were promoted last, or "default".
    """

    weights: tuple[str, ...] = ("default",)
    devices: tuple[str, ...] = ("auto", "cpu")
    in_use: str = "default"


class WeightsInUse:
    """Where it is said that other weights are in use from now on.

    Attributes
    ----------
    changed : Signal(str)
        Their name.
    """

    changed = Signal(str)


weights_in_use = WeightsInUse()


def load_predictor(weights: str, device: str) -> PredictorLike:
    """Load weights; raises a ValueError of one line where that fails.

    They answer a click on nothing, so that the annotator's first one does not have to wait for
    what a device prepares when it computes for the first time. One core is left to the window, and
    to whatever else the computer does.
    """
    share_cores()
    import torch

    from napari_fclick.predictor import Predictor

    torch.set_num_threads(min(torch.get_num_threads(), cores()))
    predictor = Predictor.from_weights(weights, device)
    # Large enough for all the windows that a first click tries: each batch is prepared for.
    predictor.predict(np.zeros((1024, 1024), np.uint8), [Click(512, 512)])
    return predictor


def available_choices() -> Choices:
    """Return which weights are installed and which devices this computer has."""
    from napari_fclick.finetuning.promotion import active
    from napari_fclick.network.checkpoints import available_weights
    from napari_fclick.network.inference import available_devices

    # "cuda" is one of those that are numbered.
    devices = [name for name in available_devices() if name != "cuda"]
    return Choices(tuple(available_weights()), ("auto", *devices), active())
