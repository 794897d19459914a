"""What an image is, whatever it is called and wherever it lies: a hash of its pixels."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np

from napari_fclick.finetuning.planes import Planes
from napari_fclick.session.signature import sampled_hash

#: Of images of more bytes, samples are hashed.
SAMPLED = 2**32

Shape = tuple[int, ...]


def content_hash(image: Any) -> str:
    """Return a hash of an image's pixels; of a huge one, of samples from all over it.

    An array gives the same hash wherever it lies: in memory, in a file, or lazy; and whatever
    the order of its bytes is, with or without axes of length one. An image that is given twice,
    in two ways, is known to be one.
    """
    return _hash(image, np.dtype(image.dtype).newbyteorder("="), _long(_shape(image)))


def former_hash(image: Any) -> str:
    """Return the hash that earlier versions gave: bytes and axes as they are.

    It is another one only where bytes are swapped or axes are of length one; else it is empty.
    """
    dtype, shape = np.dtype(image.dtype), _shape(image)
    if dtype.isnative and _long(shape) == shape:
        return ""
    return _hash(image, dtype, shape)


def _shape(image: Any) -> Shape:
    return tuple(int(n) for n in image.shape)


def _long(shape: Shape) -> Shape:
    return tuple(n for n in shape if n != 1)


def _hash(image: Any, dtype: np.dtype[Any], shape: Shape) -> str:
    if dtype.itemsize * math.prod(shape) > SAMPLED:
        # As a lazy one always: of arrays in memory it looks at more.
        lazy = image if isinstance(image, da.Array) else da.from_array(image, name=False)
        return sampled_hash(lazy.reshape(shape).astype(dtype))
    digest = hashlib.sha256(f"{dtype} {shape}".encode())
    for part in _parts(image):
        pixels = np.asarray(part).astype(dtype, copy=False)
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _parts(image: Any) -> Iterator[Any]:
    """Yield an image in parts, in the order of its pixels, so that a lazy one is never whole."""
    shape = _shape(image)
    if len(_long(shape)) <= 2:
        yield image
        return
    outermost = next(axis for axis, n in enumerate(shape) if n != 1)
    planes = Planes(image)
    for number in range(shape[outermost]):
        yield planes[(*(0,) * outermost, number)]
