"""What an image is known by: shape, dtype, and a hash of pixels sampled all over it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_fclick.core.window import levels

#: So many blocks, of at most so many pixels along each axis, are read of an image.
BLOCKS = 24
EDGE = 16


class Signature(BaseModel):
    """What an image is known by.

    Attributes
    ----------
    shape : tuple of int
        Of the whole image, channels included; of a pyramid, of its finest level.
    dtype : str
    source : str
        The file it was read from, where there is one.
    name : str
        What its layer was called.
    sampled : str
        Hash of pixels sampled all over it; empty where it is not known (yet).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    dtype: str
    source: str = ""
    name: str = ""
    sampled: str = ""

    @classmethod
    def of(cls, image: Any, source: str = "", name: str = "", *, sample: bool = True) -> Signature:
        """Take the signature of an image.

        Parameters
        ----------
        image : array, or a list of pyramid levels
            Of any dimensions; a few small blocks of it are read, no more.
        source, name : str
        sample : bool
            False to read no pixels.
        """
        base = levels(image)[0]
        shape = tuple(int(n) for n in base.shape)
        sampled = sampled_hash(base) if sample else ""
        return cls(shape=shape, dtype=str(base.dtype), source=source, name=name, sampled=sampled)

    def problem(self, other: Signature) -> str:
        """Say why another image cannot be the same; empty where it can.

        A file that was moved or renamed is the same image.
        """
        for what in ("shape", "dtype"):
            mine, theirs = getattr(self, what), getattr(other, what)
            if mine != theirs:
                return f"its {what} is {theirs}, not {mine}"
        if self.sampled and other.sampled and self.sampled != other.sampled:
            return "its pixels are not the same"
        return ""


class Channels(BaseModel):
    """The other images that were looked at together with an image.

    Attributes
    ----------
    sources : tuple of str
        The files they were read from; empty where there was none.
    limits : list of (float, float) or None
        Of the image and of each of them, the intensities that were black and white.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = ()
    limits: list[tuple[float, float]] | None = None


def sampled_hash(image: Any) -> str:
    """Return a hash of blocks spread over an array; the same pixels give the same hash.

    The blocks' places depend on the shape alone.
    """
    shape = tuple(int(n) for n in image.shape)
    digest = hashlib.sha256(repr((shape, str(image.dtype))).encode())
    rng = np.random.default_rng(shape)
    for _ in range(BLOCKS):
        corner = [int(rng.integers(max(n - EDGE, 0) + 1)) for n in shape]
        block = tuple(slice(c, c + min(EDGE, n)) for c, n in zip(corner, shape, strict=True))
        digest.update(np.ascontiguousarray(np.asarray(image[block])).tobytes())
    return digest.hexdigest()
