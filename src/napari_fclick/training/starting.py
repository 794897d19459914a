"""What a run begins with: a network, and what fills it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from napari_fclick.network import checkpoints
from napari_fclick.network.fcanet import PARTS_THAT_ADD, FCANet, NetworkConfig
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.optimization import NORM_MOMENTUM, batch_norms
from napari_fclick.training.pretrained import load_imagenet
from napari_fclick.training.registry import find


class NetworkFactory(Protocol):
    """Builds a network; one's own is a subclass of `FCANet`."""

    def __call__(self, config: NetworkConfig) -> FCANet:
        """Return a network with the input channels that the configuration says."""


NETWORKS: Mapping[str, NetworkFactory] = {"fcanet": FCANet}


#: Why a run cannot begin with a judge of reach.
LATER = "it learns from the clicks of trained weights, and not with them; leave it at 0"


def make_network(config: TrainingConfig) -> FCANet:
    """Build the network of a run, not yet filled.

    Raises
    ------
    ValueError
        If the architecture is not known, or builds something else than an `FCANet`.
    """
    network = find("network", config.architecture, NETWORKS)(config.network)
    if not isinstance(network, FCANet):
        raise ValueError(f"network {config.architecture!r} builds no subclass of FCANet")
    for norm in batch_norms(network):
        norm.momentum = NORM_MOMENTUM
    return network


def fill(network: FCANet, config: TrainingConfig) -> dict[str, Any]:
    """Fill the network with what the run starts from; return what the card says of it.

    Raises
    ------
    ValueError
        If the weights to start from belong to a network of another shape. One without a part
        that adds nothing before it learns (`PARTS_THAT_ADD`) is no other shape, nor is one with a
        judge of reach that the run leaves out. If the run is to have one that nothing has taught.
    """
    if config.network.reach_channels and not config.start:
        raise ValueError(f"network.reach_channels is {config.network.reach_channels}: {LATER}")
    if config.start:
        found = checkpoints.load_all(config.start)
        card, number = found.card, config.specialist
        parent = found.main if number is None else found.one(number)
        grown = {
            name: getattr(config.network, name)
            for name in PARTS_THAT_ADD
            if not getattr(card.network, name)
        }
        state = parent.state_dict()
        if not config.network.reach_channels:
            grown["reach_channels"] = 0
            state = {name: value for name, value in state.items() if not name.startswith("reach.")}
        if card.network.model_copy(update=grown) != config.network:
            raise ValueError(
                f"start {config.start!r} holds a network of another shape than the run's"
            )
        network.load_state_dict(state, strict=not any(grown.values()))
        return {
            "sha256": card.sha256,
            "recipe": card.recipe,
            "data": list(card.data),
            "learned": " ".join(card.learned),
            "licence": card.licence,
        }
    if config.imagenet:
        load_imagenet(network, config.imagenet_file)
    return {
        "sha256": "",
        "recipe": "",
        "data": ["ImageNet"] if config.imagenet else [],
        "learned": "",
        "licence": "",
    }
