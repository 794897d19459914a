"""Regions of labels before and after a change: compressed, done again, undone."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.labels import LabelPatch, Labels, Slices, check_label
from napari_fclick.core.masks import pack_bits, unpack_bits


@dataclass
class StoredPatch:
    """A `LabelPatch` cut to what it changes and compressed.

    Labels are long runs of one number: a patch of a million pixels takes a few kilobytes.
    ``swapped`` are the pixels that it changed last. Those that it left alone then, because a
    brush had changed them, it leaves alone from then on.
    """

    where: Slices
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    before: bytes
    after: bytes
    swapped: bytes | None = None

    @classmethod
    def pack(cls, patch: LabelPatch) -> StoredPatch:
        """Compress a patch, cut to its object, and to what other objects kept of the mask.

        For objects older than the session, store all their pixels, or the file could not
        rebuild them.
        """
        used = (patch.before != patch.after) | (patch.after == patch.label)
        if patch.contested is not None:
            used = used | patch.contested
        return cls.cut(patch.where, patch.before, patch.after, used)

    @classmethod
    def cut(cls, where: Slices, before: Labels, after: Labels, used: Mask) -> StoredPatch:
        """Compress labels before and after, cut to the bounds of where they are ``used``."""
        inner = _bounds(used)
        before, after = before[inner], after[inner]
        packed = [zlib.compress(np.ascontiguousarray(a).tobytes(), 1) for a in (before, after)]
        return cls(_narrowed(where, inner), before.shape, before.dtype, packed[0], packed[1])

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        return len(self.before) + len(self.after)

    def apply(self, labels: Any) -> int:
        """Do it again; return how many pixels were left alone (see `revert`)."""
        return self._swap(labels, self.before, self.after)

    def revert(self, labels: Any) -> int:
        """Undo it.

        Pixels that something else has changed meanwhile, such as a brush, keep what they
        have: undoing one object never takes away another's.

        Returns
        -------
        int
            How many pixels were left alone for that reason.
        """
        return self._swap(labels, self.after, self.before)

    def explain(self, labels: Any, others: Any) -> None:
        """Make labels what the patch found there; pixels that differed are written to others too.

        Where the labels, rebuilt from the patches before this one, differ from what it found,
        something else had painted in between, such as a brush.
        """
        known, found = np.array(labels[self.where]), self._unpack(self.before)
        strange = known != found
        if strange.any():
            labels[self.where] = found
            there = np.array(others[self.where])
            there[strange] = found[strange]
            others[self.where] = there

    def impose(self, labels: Any, *, after: bool) -> None:
        """Write what was there after, or before, whatever is there now."""
        labels[self.where] = self._unpack(self.after if after else self.before)

    @property
    def key(self) -> tuple[int | tuple[int, int], ...]:
        """Where it lies, as something that can be told apart and hashed."""
        return tuple((p.start or 0, p.stop) if isinstance(p, slice) else p for p in self.where)

    def _swap(self, labels: Any, expected: bytes, wanted: bytes) -> int:
        old, new = self._unpack(expected), self._unpack(wanted)
        found = np.array(labels[self.where])
        changed = old != new if self.swapped is None else unpack_bits(self.swapped, self.shape)
        ours = changed & (found == old)
        if ours.any():
            self._write(labels, np.where(ours, new, found), found)
        left_alone = int(np.count_nonzero(changed) - np.count_nonzero(ours))
        if left_alone:
            self.swapped = pack_bits(ours)
        return left_alone

    def _write(self, labels: Any, wanted: Labels, found: Labels) -> None:
        """Write labels; where that fails, chunks of them may be written that are put back."""
        if wanted.dtype != found.dtype:  # they were converted since: none becomes another number
            check_label(int(wanted.max()) or 1, found.dtype)
        try:
            labels[self.where] = wanted
        except BaseException:
            with suppress(Exception):
                labels[self.where] = found
            raise

    def _unpack(self, packed: bytes) -> Labels:
        try:
            return np.frombuffer(zlib.decompress(packed), self.dtype).reshape(self.shape)
        except zlib.error as error:
            raise ValueError(f"the pixels of an object are damaged: {error}") from error


def apply_all(patches: Iterable[StoredPatch], labels: Any, *, revert: bool = False) -> int:
    """Apply or revert patches in their order, all of them or none.

    Returns
    -------
    int
        How many pixels were left alone (see `StoredPatch.revert`).

    Raises
    ------
    Exception
        Whatever writing raises; what was written by then has been taken back, as far as the
        labels could be written.
    """
    left_alone = 0
    done: list[tuple[StoredPatch, bytes | None]] = []
    try:
        for patch in patches:
            swapped = patch.swapped
            left_alone += patch.revert(labels) if revert else patch.apply(labels)
            done.append((patch, swapped))
    except BaseException:
        for patch, swapped in reversed(done):
            with suppress(Exception):
                patch.apply(labels) if revert else patch.revert(labels)
            patch.swapped = swapped
        raise
    return left_alone


def _bounds(used: Mask) -> tuple[slice, ...]:
    """Return the bounds of what is True, one slice an axis."""
    bounds = []
    for axis in range(used.ndim):
        others = tuple(other for other in range(used.ndim) if other != axis)
        found = np.flatnonzero(used.any(others))
        bounds.append(slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0))
    return tuple(bounds)


def _narrowed(where: Slices, bounds: tuple[slice, ...]) -> Slices:
    inner = iter(bounds)
    out: list[slice | int] = []
    for part in where:
        if isinstance(part, slice):
            cut = next(inner)
            start = part.start or 0
            part = slice(start + cut.start, start + cut.stop)
        out.append(part)
    return tuple(out)
