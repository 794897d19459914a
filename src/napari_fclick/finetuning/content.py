"""What an image is, whatever it is called and wherever it lies: a hash of its pixels."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import dask.array as da
import numpy as np

from napari_fclick.session.signature import sampled_hash

#: Of images of more bytes, samples are hashed.
SAMPLED = 2**32


def content_hash(image: Any) -> str:
    """Return a hash of an image's pixels; of a huge one, of samples from all over it.

    An array gives the same hash wherever it lies: in memory, in a file, or lazy. An image that
    is given twice, in two ways, is known to be one.
    """
    shape = tuple(int(n) for n in image.shape)
    if np.dtype(image.dtype).itemsize * math.prod(shape) > SAMPLED:
        # As a lazy one always: of arrays in memory it looks at more.
        return sampled_hash(
            image if isinstance(image, da.Array) else da.from_array(image, name=False)
        )
    digest = hashlib.sha256(f"{image.dtype} {shape}".encode())
    # Row by row of the outermost axis, so that a lazy image is never in memory as a whole.
    for part in image if len(shape) > 2 else (image,):
        digest.update(np.ascontiguousarray(np.asarray(part)).data)
    return digest.hexdigest()
