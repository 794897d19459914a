"""What image and Labels layers have and can do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray

from napari_fclick.core.files import axes_of
from napari_fclick.core.labels import MOST_PLAIN_BYTES, empty_labels
from napari_fclick.core.units import FRAME, is_time
from napari_fclick.widgets.planes import LayerError, layer_shape, levels_of, linear_matrix

#: Of labels that are kept compressed, napari unpacks the plane on show: it may be so large.
MAX_PLANE_BYTES = 1_000_000_000
#: Labels of more pixels than this are 16-bit: napari draws them as they are, without first
#: turning all of them into colour numbers.
MANY_PIXELS = 2**22

#: Marks the previews in their metadata: they are no images to annotate.
PREVIEW = "napari-fclick preview"
#: Tells in the metadata of labels that we made which image they are of, see `image_id`.
IMAGE = "napari-fclick image"
#: The file that we read a layer from, or wrote it to: napari knows only of those it read itself.
FILE = "napari-fclick file"

#: What an axis of time is named.
TIMES = ("t", "time", "frame", "frames")

TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine", "units")


def transform_of(layer: Layer) -> dict[str, Any]:
    """Return what places a layer in the world, to be given to another one."""
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine.affine_matrix,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


@contextmanager
def selection_kept(layers: Any) -> Iterator[None]:
    """Leave the selection as it is where layers are added: no tool is to be re-selected."""
    selected, active = set(layers.selection), layers.selection.active
    yield
    layers.selection = selected
    layers.selection.active = active


def pixel_size(layer: Layer, axes: tuple[int, int]) -> tuple[float, str] | None:
    """Return the area of a pixel of a plane and its unit; None where there is no unit."""
    units = [layer.units[axis] for axis in axes]
    if any(str(unit) in ("pixel", "dimensionless", "") for unit in units):
        return None
    sides = linear_matrix(layer)[:, list(axes)]
    area = math.sqrt(float(np.linalg.det(sides.T @ sides)))
    return area, f"{units[0] * units[1]:~P}"


def sizes_of(layer: Layer) -> tuple[tuple[float, ...], str]:
    """Return how long a step along each axis of a layer is, and the unit as session files have it.

    Lengths are told in one unit as far as they can be. The unit is empty where none is known;
    where axes have others, as time has, it names each axis's.
    """
    sides = np.linalg.norm(linear_matrix(layer), axis=0)
    last = layer.units[-1]
    sizes, units = [], []
    for side, unit, label in zip(sides, layer.units, layer.axis_labels, strict=True):
        if unit.is_compatible_with(last):
            side, unit = side * float((1.0 * unit).to(last).magnitude), last
        name = str(unit).replace(" ", "").replace("micrometer", "µm")
        is_frame = str(label).lower() in TIMES and not is_time(name)
        sizes.append(float(f"{side:.9g}"))  # it was found as a difference of places
        units.append(FRAME if is_frame else name)
    known = [unit if unit not in ("dimensionless", "") else "pixel" for unit in units]
    if set(known) == {"pixel"}:
        return tuple(sizes), ""
    return tuple(sizes), known[0] if len(set(known)) == 1 else " ".join(known)


def new_labels(image: Layer) -> Labels:
    """Return an empty Labels layer that fits an image layer.

    Raises
    ------
    LayerError
        If its planes would be too large.
    """
    if problem := why_no_new_labels(image):
        raise LayerError(problem)
    shape = layer_shape(image)
    return _labels_of(image, empty_labels(shape, _dtype_for(math.prod(shape))))


def why_no_new_labels(image: Layer) -> str:
    """Return why labels of an image would be too large; empty where they are not."""
    shape = layer_shape(image)
    dtype = _dtype_for(math.prod(shape))
    whole, plane = (math.prod(part) * dtype.itemsize for part in (shape, shape[-2:]))
    if whole <= MOST_PLAIN_BYTES or plane <= MAX_PLANE_BYTES:
        return ""
    return (
        f"labels of shape {shape} would take {whole / 1e9:.0f} GB, and {plane / 1e9:.0f} GB for "
        "each plane on show: add a multiscale Labels layer on zarr arrays and choose it"
    )


def tell_channels(source: str, name: str, ndim: int) -> str:
    """Say that slices of an image are channels, as its file says; empty where they are not.

    The file is looked into, which may take a while.

    Parameters
    ----------
    source, name : str
        The file that the image came from, which may be none, and what its layer is called.
    ndim : int
        Of the layer.
    """
    axes = ""
    with suppress(Exception):  # whatever a file may hold: it is only a hint
        axes = axes_of(Path(source)) if Path(source).is_file() else ""
    if len(axes) != ndim or "C" not in axes:
        return ""
    return (
        f"axis {axes.index('C')} of {name!r} holds channels, no slices: right-click it, "
        "Split Stack, and choose the main channel as the image"
    )


def labels_with(image: Layer, pixels: NDArray[Any]) -> Labels:
    """Return a Labels layer for an image layer, with a copy of labels that it has already.

    They can hold more objects than the dtype of a file may have room for.
    """
    dtype = _dtype_for(pixels.size)
    fits = int(pixels.max(initial=0)) < np.iinfo(dtype).max
    return _labels_of(image, pixels.astype(dtype if fits else np.int64))


def _dtype_for(pixels: int) -> np.dtype[Any]:
    return np.dtype(np.uint16 if pixels > MANY_PIXELS else np.int32)


def _labels_of(image: Layer, pixels: Any) -> Labels:
    return Labels(
        pixels,
        name="objects",
        opacity=0.5,
        metadata={IMAGE: image_id(image)},
        **transform_of(image),
    )


def image_id(image: Layer) -> str:
    """Return what an image layer is known by, whatever it is called, as long as it is open."""
    return str(image.unique_id)


def is_labels_of(layer: Any, image: Layer) -> bool:
    """Whether a layer is a Labels layer of the image's shape, be it one that cannot be written."""
    return isinstance(layer, Labels) and layer_shape(layer) == layer_shape(image)


def why_not_writable(layer: Labels) -> str | None:
    """Return why a layer's data cannot be written to, and what to do; None where they can."""
    for data in levels_of(layer):
        kind = type(data).__module__.partition(".")[0]
        if kind == "dask" or not hasattr(data, "__setitem__"):
            return (
                f"its data ({kind}) are computed when they are looked at and cannot be written "
                "to: choose labels on a zarr or numpy array"
            )
        flags = getattr(data, "flags", None)
        if getattr(data, "read_only", False) or not getattr(flags, "writeable", True):
            return f"its data ({kind}) were opened for reading only"
    return None
