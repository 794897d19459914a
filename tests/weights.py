"""The default weights, for tests that write others from them."""

from __future__ import annotations

from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card
from napari_fclick.network.fcanet import FCANet


def general() -> tuple[FCANet, Card]:
    """Return the general network alone, and a card that names no others."""
    network, card = checkpoints.load("default")
    return network, card.model_copy(update={"specialists": ()})
