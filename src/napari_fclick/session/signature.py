"""What an image is known by: shape, dtype, and a hash of pixels sampled all over it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_fclick.core.window import levels

#: So many blocks, of at most so many pixels along each axis, are read of an image.
BLOCKS = 24
EDGE = 16
#: Arrays in memory are looked at on a grid of about this many pixels along each axis, too.
GRID = 128


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
        Hashes of pixels sampled all over it, see `sampled_hash`; empty where they are not known
        (yet).
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
            What UTF-8 cannot encode in them becomes a question mark, see `encodable`.
        sample : bool
            False to read no pixels.
        """
        base = levels(image)[0]
        shape = tuple(int(n) for n in base.shape)
        sampled = sampled_hash(base) if sample else ""
        return cls(
            shape=shape,
            dtype=str(base.dtype),
            source=encodable(source),
            name=encodable(name),
            sampled=sampled,
        )

    def problem(self, other: Signature) -> str:
        """Say why another image cannot be the same; empty where it can.

        What it says is of this image. A file that was moved or renamed is the same image.
        """
        for what in ("shape", "dtype"):
            mine, theirs = getattr(self, what), getattr(other, what)
            if mine != theirs:
                return f"its {what} is {mine}, not {theirs}"
        if self.sampled and other.sampled and not _agree(self.sampled, other.sampled):
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


def encodable(text: str) -> str:
    """Return a text that a file can hold.

    Python takes bytes of a file's name that are no UTF-8 for lone surrogates, which cannot be
    encoded; they become question marks.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def file_name(source: str) -> str:
    """Return the last part of a path, be it one of another system."""
    windows = re.match(r"[A-Za-z]:[\\/]|\\\\", source)
    return PureWindowsPath(source).name if windows else Path(source).name


def sampled_hash(image: Any) -> str:
    """Return a hash of blocks spread over an array; the same pixels give the same hash.

    The blocks' places depend on the shape alone. For an array in memory, a colon and a second
    hash follow: of the blocks and of a grid of pixels.
    """
    shape = tuple(int(n) for n in image.shape)
    digest = hashlib.sha256(repr((shape, str(image.dtype))).encode())
    for number in range(BLOCKS):
        block = tuple(
            slice(corner, corner + min(EDGE, n))
            for axis, n in enumerate(shape)
            for corner in (_corner(shape, number, axis),)
        )
        digest.update(np.ascontiguousarray(np.asarray(image[block])).tobytes())
    blocks = digest.hexdigest()
    if not isinstance(image, np.ndarray):
        return blocks
    # It costs nothing to look everywhere: a small object may lie between the blocks.
    grid = tuple(slice(None, None, max(1, n // GRID)) for n in shape)
    digest.update(np.ascontiguousarray(image[grid]).tobytes())
    return f"{blocks}:{digest.hexdigest()}"


def _agree(one: str, other: str) -> bool:
    """Say whether two images' hashes can be of the same pixels; what only one has says nothing."""
    return all(a == b for a, b in zip(one.split(":"), other.split(":"), strict=False))


def _corner(shape: tuple[int, ...], number: int, axis: int) -> int:
    """Return where a block begins, the same with every version of everything."""
    text = f"{shape} {number} {axis}"
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return drawn % (max(shape[axis] - EDGE, 0) + 1)
