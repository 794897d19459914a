"""Methods that the robot user measures: our network and the classical peers, by name."""

from __future__ import annotations

import importlib
from pathlib import Path

from napari_fclick.evaluation.methods.base import Answer, Method

__all__ = ["PEERS", "Answer", "Method", "find_method", "weights_name"]

_CLASSES = {
    "random-walker": ("random_walker", "RandomWalker"),
    "graph-cut": ("graph_cut", "GraphCut"),
    "growcut": ("growcut", "GrowCut"),
    "geodesic": ("geodesic", "Geodesic"),
    "geodesic-star": ("geodesic_star", "GeodesicStar"),
    "grabcut": ("grabcut", "GrabCut"),
    "flood-fill": ("flood_fill", "FloodFill"),
}
#: The classical methods.
PEERS: tuple[str, ...] = tuple(_CLASSES)


def find_method(name: str, device: str = "auto") -> Method:
    """Return a method by its name.

    Parameters
    ----------
    name : str
        ``fclick`` (the default weights), one of `PEERS`, the name of imported weights
        (``fcanet-resnet101``, ...) or a ``.safetensors`` file.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:n`` or ``mps``; the peers compute on the CPU.

    Raises
    ------
    ValueError
        In one line: no such method (all names are listed), weights that cannot be read, a
        device that is not there.
    MissingPeerError
        If the peer's library is not installed; an ImportError.
    """
    if name in _CLASSES:
        module, cls = _CLASSES[name]
        found = importlib.import_module(f"{__name__}.{module}")
        peer: Method = getattr(found, cls)()
        return peer
    # Imported here: the peers work without loading torch.
    from napari_fclick.network.checkpoints import SUFFIX, available_weights
    from napari_fclick.predictor import Predictor

    path, names = Path(name), available_weights()
    is_weights = (
        path.suffix.lower() == SUFFIX or path.parent != Path() or name.startswith("fcanet-")
    )
    if not (name == "fclick" or is_weights or name in names):
        known = ", ".join(["fclick", *PEERS, *names])
        raise ValueError(f"no method named {name!r}; there are: {known}, or a {SUFFIX} file")
    return Predictor.from_weights(weights_name(name), device)


def weights_name(method: str) -> str:
    """Return the weights that a method's name stands for: ``fclick`` are the default ones."""
    return "default" if method == "fclick" else method
