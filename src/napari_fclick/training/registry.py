"""Parts of a training that others bring: by dotted name, or from an installed package.

A package announces its parts as entry points of the group ``napari_fclick.training``, named
``KIND.NAME``; in a configuration they are called NAME. A part that belongs to no package is
called ``module:attribute``. See docs/training.md for an example of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

GROUP = "napari_fclick.training"
Kind = Literal["augmentation", "loss", "network", "set"]


def find(kind: Kind, name: str, known: Mapping[str, Any]) -> Any:
    """Return a part by its name.

    Parameters
    ----------
    kind : {"augmentation", "loss", "network", "set"}
    name : str
        One of ``known``, an entry point's, or ``module:attribute``.
    known : mapping of str to object
        Those of this package.

    Raises
    ------
    ValueError
        If there is none of that name, or it cannot be imported.
    """
    if name in known:
        return known[name]
    if ":" in name:
        module, _, attribute = name.partition(":")
        return _imported(kind, name, lambda: getattr(import_module(module), attribute))
    points = {point.name: point for point in entry_points(group=GROUP)}
    if f"{kind}.{name}" in points:
        return _imported(kind, name, points[f"{kind}.{name}"].load)
    others = [n.removeprefix(f"{kind}.") for n in points if n.startswith(f"{kind}.")]
    names = ", ".join([*known, *sorted(others), "module:attribute"])
    raise ValueError(f"no {kind} is called {name!r}; there are: {names}")


def _imported(kind: Kind, name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{kind} {name!r} cannot be imported: {error}") from None
