"""What an image is, whatever it is called and wherever it lies: a hash of its pixels."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

import dask.array as da
import numpy as np

from napari_fclick.finetuning.planes import Planes
from napari_fclick.session.signature import sampled_hash

#: Of images of more bytes, samples are hashed.
SAMPLED = 2**32


def content_hash(image: Any) -> str:
    """Return a hash of an image's pixels; of a huge one, of samples from all over it.

    An array gives the same hash wherever it lies: in memory, in a file, or lazy; and whatever
    the order of its bytes is, with or without axes of length one. An image that is given twice,
    in two ways, is known to be one.
    """
    dtype, shape = np.dtype(image.dtype).newbyteorder("="), _long(image.shape)
    if dtype.itemsize * math.prod(shape) > SAMPLED:
        # As a lazy one always: of arrays in memory it looks at more.
        lazy = image if isinstance(image, da.Array) else da.from_array(image, name=False)
        return sampled_hash(lazy.reshape(shape).astype(dtype))
    digest = hashlib.sha256(f"{dtype} {shape}".encode())
    for part in _parts(image):
        pixels = np.asarray(part).astype(dtype, copy=False)
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _long(shape: Iterable[Any]) -> tuple[int, ...]:
    """Return the lengths of the axes that are longer than one."""
    return tuple(int(n) for n in shape if n != 1)


def _parts(image: Any) -> Iterator[Any]:
    """Yield an image in parts, in the order of its pixels, so that a lazy one is never whole."""
    if len(_long(image.shape)) <= 2:
        yield image
        return
    outermost = next(axis for axis, n in enumerate(image.shape) if n != 1)
    planes = Planes(image)
    for number in range(image.shape[outermost]):
        yield planes[(*(0,) * outermost, number)]
