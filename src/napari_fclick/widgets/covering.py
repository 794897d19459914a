"""Which image layer hides the one that is annotated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image

from napari_fclick.widgets.key_settings import key_of
from napari_fclick.widgets.layers import PREVIEW
from napari_fclick.widgets.moved import grid_of
from napari_fclick.widgets.planes import fits_as_channel, layer_shape

#: Blendings with which one sees through a layer to what lies below it.
THROUGH = ("additive", "minimum", "multiplicative")
#: A layer of this opacity, or more, is taken to hide what lies below it.
HIDING = 0.5
#: So many characters of a layer's name are told.
NAME = 30


def is_image(layer: Any) -> bool:
    """Whether a layer is an image to annotate: one that is not a preview of ours."""
    return isinstance(layer, Image) and PREVIEW not in layer.metadata


def seen_together(layer: Any, image: Any) -> bool:
    """Whether a layer is looked at together with an image, as channels blended into each other."""
    blended = layer.blending in THROUGH or image.blending in THROUGH
    return blended and fits_as_channel(layer, image)


def covering(viewer: Any, image: Any, channels: Sequence[Any] = ()) -> Any:
    """Return the topmost visible image layer that lies over an image; None where none does.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Layer
    channels : sequence of Layer
        What is looked at together with the image hides nothing.
    """
    layers = list(viewer.layers)
    if image not in layers or grid_of(viewer).enabled:
        return None
    shown = [axis - viewer.dims.ndim for axis in viewer.dims.displayed]
    above = layers[layers.index(image) + 1 :]
    hiding = [
        layer
        for layer in above
        if is_image(layer)
        and layer.visible
        and layer.opacity >= HIDING
        and layer.blending not in THROUGH
        and layer not in channels
        and _overlap(layer, image, shown)
    ]
    return hiding[-1] if hiding else None


def image_to_begin_with(viewer: Any, listed: Any) -> Any:
    """Return the image that is selected; else the one listed first, or None."""
    active = viewer.layers.selection.active
    if not is_image(active) or (listed is not None and seen_together(active, listed)):
        return listed
    return active


def tell_apart(viewer: Any, image: Any, channels: Sequence[Any] = ()) -> str:
    """Say that another image than the one annotated is seen, or selected; empty where none is.

    Parameters are those of `covering`.
    """
    above = covering(viewer, image, channels)
    if above is not None:
        return f"{_short(above)} lies over {_short(image)}, which is clicked on"
    active = viewer.layers.selection.active
    if not is_image(active) or active is image or active in channels:
        return ""
    if seen_together(active, image):
        return ""
    return f"{_short(active)} is selected, {_short(image)} is clicked on"


def tell_hidden(viewer: Any, image: Any, labels: Any, preview_hidden: bool) -> str:
    """Say what is worked with though nobody sees it; empty where all of it is shown.

    Parameters
    ----------
    viewer : napari.Viewer
    image, labels : Layer or None
        That are clicked on and written into.
    preview_hidden : bool
    """
    there = [layer for layer in (image, labels) if layer in viewer.layers]
    parts = [f"{_short(layer)} is hidden" for layer in there if not layer.visible]
    if preview_hidden:
        parts.append(f"preview hidden ({key_of('toggle_preview')})")
    return " · ".join(parts)


def lies_elsewhere(layer: Any, image: Any) -> bool:
    """Whether a layer of an image's shape is shown in another place, or in another size."""
    shape = np.asarray(layer_shape(image))
    corners = (np.zeros(len(shape)), shape - 1, *np.diag(shape - 1))
    places = [[each.data_to_world(corner) for corner in corners] for each in (layer, image)]
    size = np.ptp(places[1], axis=0).max()
    return not np.allclose(places[0], places[1], rtol=0, atol=1e-3 * size / max(shape))


def _short(layer: Any) -> str:
    name = layer.name
    return repr(name if len(name) <= NAME else f"{name[: NAME - 1]}…")


def _overlap(layer: Any, image: Any, axes: Sequence[int]) -> bool:
    """Whether the layers' boxes share more than a border, along axes counted from the end."""
    one, other = layer.extent.world, image.extent.world
    ndim = min(one.shape[1], other.shape[1])
    shared = [axis for axis in axes if -axis <= ndim]
    low = np.maximum(one[0, shared], other[0, shared])
    high = np.minimum(one[1, shared], other[1, shared])
    return bool(np.all(low < high))
