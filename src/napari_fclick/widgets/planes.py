"""From a viewer and an image layer to the plane on show, and between their coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_fclick.core.channels import stack_channels
from napari_fclick.session import Place


class LayerError(ValueError):
    """A layer, or the way it is shown, cannot be used; the message says why."""


class LazyPlane:
    """A plane of an array of more dimensions; reads what it is asked for, no more.

    Parameters
    ----------
    data : array
        numpy, dask, zarr or anything that indexes like them; after its ``place.ndim`` axes
        it may have one more, of channels.
    place : Place

    Attributes
    ----------
    parts : tuple of array
        What it is made of: the data.
    """

    def __init__(self, data: Any, place: Place) -> None:
        self._data, self._place = data, place
        self.parts = (data,)
        self.dtype = np.dtype(data.dtype)
        shape = tuple(int(n) for n in data.shape)
        self.shape = (*place.plane_shape(shape), *shape[place.ndim :])
        self.ndim = len(self.shape)

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        plane: list[Any] = [*parts, slice(None)][:2]
        return self._data[(*self._place.where(plane[0], plane[1]), *parts[2:])]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self[:, :], dtype=dtype)


def levels_of(layer: Any) -> list[Any]:
    """Return a layer's arrays, finest first; one where it is no pyramid."""
    return list(layer.data) if layer.multiscale else [layer.data]


def layer_shape(layer: Any) -> tuple[int, ...]:
    """Return the shape of an image layer's finest data, channels not counted."""
    return tuple(int(n) for n in levels_of(layer)[0].shape[: layer.ndim])


def displayed_place(viewer: Any, layer: Any) -> Place:
    """Return where the plane on show lies in a layer's data.

    Raises
    ------
    LayerError
        If the view is 3-D, the layer lacks one of the axes on show or is turned out of the
        plane, or the current position lies outside of it.
    """
    if viewer.dims.ndisplay != 2:
        raise LayerError("the view is 3D: switch to 2D to click (the square button, bottom left)")
    # Layers of fewer dimensions have the world's last ones.
    missing = viewer.dims.ndim - layer.ndim
    axes = sorted(axis - missing for axis in viewer.dims.displayed)
    if axes[0] < 0:
        raise LayerError(f"layer {layer.name!r} has {layer.ndim} axes and is not shown as a plane")
    if _leaves_plane(layer, axes):
        raise LayerError(
            f"layer {layer.name!r} is rotated or sheared out of the plane on show: its slices "
            "cannot be clicked on"
        )
    point = to_data(viewer, layer, viewer.dims.point)
    index = [int(np.round(v)) for axis, v in enumerate(point) if axis not in axes]
    place = Place((axes[0], axes[1]), tuple(index))
    if not place.within(layer_shape(layer)):
        raise LayerError(f"the slice on show lies outside layer {layer.name!r}")
    return place


def in_volume_shown(viewer: Any, layer: Any, place: Place) -> bool:
    """Whether the view is 3-D, and shows what a plane of a layer is part of."""
    if viewer.dims.ndisplay != 3:
        return False
    missing = viewer.dims.ndim - layer.ndim
    shown = {axis - missing for axis in viewer.dims.displayed}
    point = to_data(viewer, layer, viewer.dims.point)
    hidden = [axis for axis in range(layer.ndim) if axis not in shown]
    return shown.issuperset(place.axes) and all(
        np.round(point[axis]) == place.position(axis) for axis in hidden
    )


def linear_matrix(layer: Any) -> NDArray[np.float64]:
    """Return the world's change with each of a layer's data coordinates, one column each."""
    origin = np.asarray(layer.data_to_world((0.0,) * layer.ndim), float)
    units = np.eye(layer.ndim)
    return np.stack([np.asarray(layer.data_to_world(unit)) - origin for unit in units], 1)


def plane_at(layer: Any, place: Place) -> Any:
    """Return a plane of an image layer.

    Returns
    -------
    array (H, W) or (H, W, C), or a list of such, finest first
        Lazy: only what is asked of it is read.
    """
    levels = levels_of(layer)
    planes = [_cut(level, _on_level(place, level, levels[0])) for level in levels]
    return planes if layer.multiscale else planes[0]


def stack_at(
    layers: Sequence[Any], place: Place, limits: Sequence[tuple[float, float]] | None = None
) -> Any:
    """Return a plane of several image layers of one shape as one of several channels.

    Returns
    -------
    array (H, W, C), or a list of such, finest first
        Lazy: of each layer only what is asked for is read.
    """
    return stack_channels([plane_at(layer, place) for layer in layers], limits)


def fits_as_channel(layer: Any, image: Any) -> bool:
    """Whether a layer's pixels lie exactly on those of a gray image layer."""
    return bool(
        isinstance(layer, Image)
        and layer is not image
        and not (layer.rgb or image.rgb)
        and layer.ndim == image.ndim
        and layer_shape(layer) == layer_shape(image)
        and np.allclose(linear_matrix(layer), linear_matrix(image))
        and np.allclose(*(each.data_to_world((0.0,) * image.ndim) for each in (layer, image)))
    )


def limits_of(layer: Any) -> tuple[float, float] | None:
    """Return an image layer's contrast limits; None for colours, which are shown as they are."""
    low, high = (0.0, 0.0) if layer.rgb else layer.contrast_limits
    return (float(low), float(high)) if low < high else None


def to_data(viewer: Any, layer: Any, position: Sequence[float]) -> tuple[float, ...]:
    """Return a layer's data coordinates of a point of the viewer's world."""
    world = np.asarray(position, float)
    return tuple(float(v) for v in layer.world_to_data(world * _unit_factors(viewer, layer)))


def to_plane(
    viewer: Any, layer: Any, position: Sequence[float], place: Place
) -> tuple[float, float]:
    """Return row and column, in the plane, of a point of the viewer's world."""
    point = to_data(viewer, layer, position)
    return point[place.axes[0]], point[place.axes[1]]


def to_world(viewer: Any, layer: Any, place: Place, y: float, x: float) -> tuple[float, ...]:
    """Return the point of the viewer's world at a row and column of the plane.

    Of the world's dimensions that the layer lacks, the viewer's position is given.
    """
    inner = np.asarray(layer.data_to_world(place.point(y, x)), float)
    world = np.asarray(viewer.dims.point, float)
    world[-layer.ndim :] = inner / _unit_factors(viewer, layer)[-layer.ndim :]
    return tuple(float(v) for v in world)


def _leaves_plane(layer: Any, axes: Sequence[int]) -> bool:
    """Whether moving along axes on show changes the slice, or the other way round."""
    matrix = linear_matrix(layer)
    relative = np.abs(matrix) / np.linalg.norm(matrix, axis=0)
    others = [axis for axis in range(layer.ndim) if axis not in axes]
    mixed = (*relative[np.ix_(axes, others)].flat, *relative[np.ix_(others, axes)].flat)
    return max(mixed, default=0.0) > 1e-8


def _cut(level: Any, place: Place) -> Any:
    return LazyPlane(level, place) if place.index else level


def _on_level(place: Place, level: Any, base: Any) -> Place:
    """Return the same plane on a coarser level of a pyramid."""
    others = [axis for axis in range(place.ndim) if axis not in place.axes]
    index = [
        min(int(i * level.shape[axis] / base.shape[axis]), level.shape[axis] - 1)
        for axis, i in zip(others, place.index, strict=True)
    ]
    return Place(place.axes, tuple(index))


def _unit_factors(viewer: Any, layer: Any) -> Any:
    """Return what a world coordinate is multiplied by to be in the layer's units."""
    factors = np.ones(viewer.dims.ndim)
    world_units = viewer.dims.units
    if world_units is None or len(world_units) < layer.ndim:
        return factors
    pairs = zip(world_units[-layer.ndim :], layer.units, strict=True)
    factors[-layer.ndim :] = [_factor(world, own) for world, own in pairs]
    return factors


def _factor(world: Any, own: Any) -> float:
    if world == own:
        return 1.0
    try:
        return float((1.0 * world).to(own).magnitude)
    except Exception:  # lengths cannot be told from pixels: napari takes them as equal
        return 1.0
