"""One object through a stack: from the slices that a person clicked, outward and between.

A slice that a person made is a *keyframe* and is never overwritten. From the first keyframe
downward and from the last one upward the object is carried until a rule stops it; between two
keyframes it is carried from both sides, and what either side says counts the more the nearer it
is. A change of one keyframe touches nothing beyond its neighbours. Where a slice cannot be read,
be it a keyframe, the object ends on that side, until another run can read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.direction import Direction
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation.carrying import Carrier, Carry, Others, Predicting
from napari_fclick.propagation.rules import Reason, Rules
from napari_fclick.propagation.slices import End, Kind, SliceMask
from napari_fclick.propagation.spans import Keyframe, Span, spans_of
from napari_fclick.propagation.stack import Ahead, Stack
from napari_fclick.propagation.walking import Begun, Walker


class Propagation:
    """An object in a stack, kept up to date with its keyframes.

    Parameters
    ----------
    stack : Stack
    predictor : Predictor
    rules : Rules
    carry : Carry
    direction : {"both", "up", "down"}
        Which way to go beyond the keyframes.
    limits : (float, float), optional
        Intensities that are black and white to the predictor.
    others : callable, optional
        Takes a slice and a box of it, returns which pixels other objects have.

    Attributes
    ----------
    slices : dict of int to SliceMask
        What is known, at every moment. Slices where it was not found are not in it; those
        where a person said that it is not there have no mask.
    """

    def __init__(
        self,
        stack: Stack,
        predictor: Predicting,
        rules: Rules | None = None,
        carry: Carry | None = None,
        direction: Direction = "both",
        *,
        limits: tuple[float, float] | None = None,
        others: Others | None = None,
    ) -> None:
        self.stack, self.direction = stack, direction
        self.rules, self.settings = rules or Rules(), carry or Carry()
        self.slices: dict[int, SliceMask] = {}
        self._keyframes: dict[int, Keyframe] = {}
        self._done: dict[Span, tuple[End, ...]] = {}
        self._begun: dict[Span, Begun] = {}
        self._carrier = Carrier(predictor, stack.spacing, self.settings, limits, others)

    # --- keyframes ----------------------------------------------------------------------

    @property
    def keyframes(self) -> tuple[int, ...]:
        """The slices that a person made, in order."""
        return tuple(sorted(self._keyframes))

    def set_keyframe(
        self, index: int, clicks: ClickSequence, mask: StoredMask, prediction: Any = None
    ) -> None:
        """Say what the object is in a slice.

        Parameters
        ----------
        index : int
        clicks : ClickSequence
            That made it.
        mask : StoredMask
        prediction : Prediction, optional
            What the network said there.

        Raises
        ------
        ValueError
            If there is no such slice.
        """
        self.stack.check(index)
        made = SliceMask(index, Kind.KEYFRAME, mask, clicks, pixels=mask.area)
        known = self._keyframes.get(index)
        if known is None or known.slice != made:
            self._set(Keyframe(made, prediction))

    def set_absent(self, index: int) -> None:
        """Say that the object is not in a slice; raises ValueError as `set_keyframe`."""
        self.stack.check(index)
        known = self._keyframes.get(index)
        if known is None or known.slice.kind is not Kind.ABSENT:
            self._set(Keyframe(SliceMask(index, Kind.ABSENT, None, ClickSequence())))

    def release(self, index: int) -> None:
        """Leave a slice to the propagation again; raises ValueError where it is no keyframe."""
        if self._keyframes.pop(index, None) is None:
            raise ValueError(f"slice {index} is no keyframe; keyframes are {self.keyframes}")
        self.slices.pop(index, None)

    def change(
        self,
        rules: Rules | None = None,
        direction: Direction | None = None,
    ) -> None:
        """Choose other rules or another direction; what they touch is to be run again."""
        self.rules, self.direction = rules or self.rules, direction or self.direction

    def _set(self, keyframe: Keyframe) -> None:
        self._keyframes[keyframe.slice.index] = keyframe
        self.slices[keyframe.slice.index] = keyframe.slice

    # --- running ------------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        """Whether something is to be run, for the first time or again."""
        return bool(self.stale) or not all(map(self._is_settled, self._spans()))

    @property
    def stale(self) -> frozenset[int]:
        """Slices whose mask is of before the last change of a keyframe or a rule."""
        spans = self._spans()
        settled = [span for span in spans if span in self._done]
        found = {i for span in spans if span in self._begun for i in self._begun[span].found}
        return frozenset(
            index
            for index in self.slices
            if index not in found
            and index not in self._keyframes
            and not any(span.holds(index) for span in settled)
        )

    @property
    def ends(self) -> tuple[End, ...]:
        """Where the object stops, in the order of the slices; of what has been run."""
        found = [end for span in self._spans() for end in self._done.get(span, ())]
        return tuple(sorted(found, key=lambda end: end.index))

    def volume(self, shape: tuple[int, ...], dtype: DTypeLike = np.bool_) -> NDArray[Any]:
        """Return what is known of the object as one array.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of a slice.
        dtype : dtype

        Returns
        -------
        ndarray, shape (length, rows, columns)
            1, or True, on the object.
        """
        made = np.zeros((self.stack.length, *shape), dtype)
        for index, found in self.slices.items():
            if found.mask is not None:
                made[index][found.mask.box.slices] = found.mask.unpack()
        return made

    def run(self) -> Iterator[SliceMask]:
        """Run what is pending, slice by slice.

        It may be abandoned at any moment (closed): what is in `slices` is then right as far
        as it is not `stale`, and another run goes on from there. It also tries again what ended
        at a slice that could not be read.

        Yields
        ------
        SliceMask
            Each slice that was looked at, without a mask where nothing was found; slices between
            keyframes come twice, first as carried from one side.
        """
        if not any(k.slice.mask for k in self._keyframes.values()):
            raise ValueError("nothing to propagate: click on the object in a slice first")
        # Before anything is overwritten: an older span is not done any more.
        spans = self._spans()
        self._done = {s: self._done[s] for s in spans if self._is_settled(s)}
        self._begun = {s: self._begun[s] for s in spans if s in self._begun}
        with closing(Ahead(self.stack)) as ahead:
            for span in [s for s in spans if s not in self._done]:
                begun = self._begun.setdefault(span, Begun())
                walker = Walker(self._carrier, ahead, begun, self.settings.guarded)
                for found in walker.through(span):
                    self._take(found, begun)
                    yield found
                self._forget_stale(span, begun)
                self._done[span] = tuple(begun.ends)
                del self._begun[span]
        for index in self.stale:  # what no span reaches any more
            del self.slices[index]

    def _spans(self) -> list[Span]:
        ordered = [self._keyframes[index] for index in self.keyframes]
        return spans_of(ordered, self.rules, self.direction)

    def _is_settled(self, span: Span) -> bool:
        """Whether it was run, and nothing that could not be read may be readable by now."""
        ends = self._done.get(span)
        return ends is not None and not any(end.reason is Reason.UNREADABLE for end in ends)

    def _take(self, found: SliceMask, begun: Begun) -> None:
        if found.mask is None:
            self.slices.pop(found.index, None)
            begun.found.discard(found.index)
        else:
            self.slices[found.index] = found
            begun.found.add(found.index)

    def _forget_stale(self, span: Span, begun: Begun) -> None:
        for index in [i for i in self.slices if span.holds(i) and i not in begun.found]:
            del self.slices[index]
