"""One object through a stack: from the slices that a person clicked, outward and between.

A slice that a person made is a *keyframe* and is never overwritten. From the first keyframe
downward and from the last one upward the object is carried until a rule stops it; between two
keyframes it is carried from both sides, and what either side says counts the more the nearer it
is. A change of one keyframe touches nothing beyond its neighbours. Where a slice cannot be read,
be it a keyframe, the object ends on that side, until another run can read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.direction import Direction
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import carrying
from napari_fclick.propagation.carrying import Carried, Carrier, Carry, Front, Others, Predicting
from napari_fclick.propagation.rules import Reason, Rules, judge
from napari_fclick.propagation.slices import End, Kind, SliceMask
from napari_fclick.propagation.stack import Ahead, Stack, reading_ahead

#: Between two keyframes a side that jumps like this has lost the object.
JUMPS = Rules(contrast=None, trust=None, overlap=0.3, growth=3.0)
#: Two masks of one slice are shapes of the same object where they share this part of the smaller.
ALIKE = 0.3


@dataclass(frozen=True)
class _Keyframe:
    """A slice that a person made, and what the network said there."""

    slice: SliceMask
    prediction: Any = None


@dataclass(frozen=True)
class _Span:
    """What lies between two neighbouring keyframes, or beyond the first or the last."""

    below: _Keyframe | None
    above: _Keyframe | None
    rules: Rules | None = None

    @property
    def indices(self) -> tuple[int, int]:
        """The slices, from and to, without the keyframes; -1 for no end."""
        start = 0 if self.below is None else self.below.slice.index + 1
        return start, -1 if self.above is None else self.above.slice.index

    @property
    def goes_up(self) -> bool:
        """Whether there is a mask to be carried upward."""
        return self.below is not None and self.below.slice.mask is not None

    @property
    def goes_down(self) -> bool:
        """Whether there is a mask to be carried downward."""
        return self.above is not None and self.above.slice.mask is not None


@dataclass
class _Walk:
    """How far the object was carried one way.

    Attributes
    ----------
    front : Front or None
        The last slice in which it was found; None where the keyframe cannot be read.
    index : int
        The slice to be looked at next.
    missed : list of int
        Slices since then in which nothing was found.
    lost : bool
        Whether it has jumped to something else on the way, between two keyframes.
    """

    front: Front | None
    index: int
    missed: list[int] = field(default_factory=list)
    lost: bool = False


@dataclass
class _Begun:
    """What is known of a span that was not carried through to its end.

    Attributes
    ----------
    walks : dict of int to _Walk
        By the way that it goes, 1 or -1.
    upward : dict of int to _Side
        Between two keyframes, what came from below.
    found : set of int
        Slices that are up to date.
    ends : list of End
    """

    walks: dict[int, _Walk] = field(default_factory=dict)
    upward: dict[int, _Side] = field(default_factory=dict)
    found: set[int] = field(default_factory=set)
    ends: list[End] = field(default_factory=list)


class _Side(NamedTuple):
    """What one keyframe says of a slice between two, and whether it had lost the object there."""

    slice: SliceMask
    lost: bool


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
        self._keyframes: dict[int, _Keyframe] = {}
        self._done: dict[_Span, tuple[End, ...]] = {}
        self._begun: dict[_Span, _Begun] = {}
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
        pixels = int(np.count_nonzero(mask.unpack()))
        made = SliceMask(index, Kind.KEYFRAME, mask, clicks, pixels=pixels)
        known = self._keyframes.get(index)
        if known is None or known.slice != made:
            self._set(_Keyframe(made, prediction))

    def set_absent(self, index: int, clicks: ClickSequence | None = None) -> None:
        """Say that the object is not in a slice; raises ValueError as `set_keyframe`."""
        self.stack.check(index)
        known = self._keyframes.get(index)
        if known is None or known.slice.kind is not Kind.ABSENT:
            self._set(_Keyframe(SliceMask(index, Kind.ABSENT, None, clicks or ClickSequence())))

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

    def _set(self, keyframe: _Keyframe) -> None:
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
        settled = [span.indices for span in spans if span in self._done]
        found = {i for span in spans if span in self._begun for i in self._begun[span].found}
        return frozenset(
            index
            for index in self.slices
            if index not in found
            and index not in self._keyframes
            and not any(start <= index and (stop < 0 or index < stop) for start, stop in settled)
        )

    @property
    def ends(self) -> tuple[End, ...]:
        """Where the object stops, in the order of the slices; of what has been run."""
        found = [end for span in self._spans() for end in self._done.get(span, ())]
        return tuple(sorted(found, key=lambda end: end.index))

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
        with reading_ahead(self.stack) as ahead:
            for span in [s for s in spans if s not in self._done]:
                begun = self._begun.setdefault(span, _Begun())
                yield from self._run(span, ahead, begun)
                self._forget_stale(span, begun)
                self._done[span] = tuple(begun.ends)
                del self._begun[span]
        for index in self.stale:  # what no span reaches any more
            del self.slices[index]

    def _spans(self) -> list[_Span]:
        order = [self._keyframes[index] for index in self.keyframes]
        spans = [_Span(below, above) for below, above in pairwise([None, *order, None])]
        between = [span for span in spans if span.goes_up and span.goes_down]
        # Toward a mark of absence it goes outward, as it does beyond the last keyframe.
        outward = [
            replace(span, rules=self.rules) for span in spans if span.goes_up != span.goes_down
        ]
        up = [span for span in outward if span.goes_up and self.direction != "down"]
        down = [span for span in outward if span.goes_down and self.direction != "up"]
        return [*between, *up, *down]

    def _is_settled(self, span: _Span) -> bool:
        """Whether it was run, and nothing that could not be read may be readable by now."""
        ends = self._done.get(span)
        return ends is not None and not any(end.reason is Reason.UNREADABLE for end in ends)

    def _run(self, span: _Span, ahead: Ahead, begun: _Begun) -> Iterator[SliceMask]:
        below, above = span.below, span.above
        if below is not None and above is not None and span.goes_up and span.goes_down:
            yield from self._between(below, above, ahead, begun)
        elif below is not None and span.goes_up:
            yield from self._outward(below, 1, above, ahead, begun)
        elif above is not None and span.goes_down:
            yield from self._outward(above, -1, below, ahead, begun)

    def _walk(self, keyframe: _Keyframe, way: int, ahead: Ahead, begun: _Begun) -> _Walk:
        """Return how far it was carried from a keyframe; its beginning, if it was not."""
        if way not in begun.walks:
            front = self._front(keyframe, ahead, begun)
            begun.walks[way] = _Walk(front, keyframe.slice.index + way)
        walk = begun.walks[way]
        if walk.front is not None:
            ahead.prepare(walk.index, walk.front.prediction.view.box)
        return walk

    def _outward(
        self,
        keyframe: _Keyframe,
        way: int,
        limit: _Keyframe | None,
        ahead: Ahead,
        begun: _Begun,
    ) -> Iterator[SliceMask]:
        """Carry a keyframe's mask one way until something ends it."""
        walk, ends = self._walk(keyframe, way, ahead, begun), begun.ends
        while walk.front is not None:
            index = walk.index
            end = self._limit(index, limit)
            if end is not None:
                ends.append(end)
                return
            try:
                carried = self._carry(walk.front, index, way, ahead)
            except OSError as error:
                ends.append(_unreadable(index, error))
                return
            walk.index += way
            if carried is None:
                walk.missed.append(index)
                if self.rules.empty is not None and len(walk.missed) >= self.rules.empty:
                    ends.append(End(walk.missed[0], Reason.EMPTY))
                    return
                yield self._leave_empty(index, Kind.CARRIED)
                continue
            end = _judged(self.rules, carried, index)
            if end is not None:
                ends.append(end)
                return
            walk.missed.clear()
            found = _slice_of(carried, walk.front.index, Kind.CARRIED)
            walk.front = carried.front
            yield self._keep(found, begun)

    def _between(
        self, below: _Keyframe, above: _Keyframe, ahead: Ahead, begun: _Begun
    ) -> Iterator[SliceMask]:
        """Carry from both sides; the nearer side counts more. What cannot be read is left out."""
        start, stop = below.slice.index, above.slice.index
        walk = self._walk(below, 1, ahead, begun)
        while walk.index < stop:
            index = walk.index
            side = self._side(walk, 1, ahead, begun, Kind.CARRIED)
            if side is None:
                yield self._leave_empty(index, Kind.CARRIED)
            else:
                begun.upward[index] = side
                yield self._keep(side.slice, begun)
        walk = self._walk(above, -1, ahead, begun)
        while walk.index > start:
            index = walk.index
            side = self._side(walk, -1, ahead, begun, Kind.BETWEEN)
            nearness = (stop - index) / (stop - start)
            alike = ALIKE if self.settings.guarded else 0.0
            agreed = _agreed(begun.upward.get(index), side, nearness, alike)
            if agreed is None:
                begun.found.discard(index)
                yield self._leave_empty(index, Kind.BETWEEN)
            else:
                yield self._keep(agreed, begun)

    def _side(self, walk: _Walk, way: int, ahead: Ahead, begun: _Begun, kind: Kind) -> _Side | None:
        """Carry to the next slice between two keyframes; None where nothing is found there."""
        index, carried = walk.index, None
        if walk.front is not None:
            try:
                carried = self._carry(walk.front, index, way, ahead)
            except OSError as error:
                begun.ends.append(_unreadable(index, error))
        walk.index += way  # not before: what goes wrong otherwise is to be tried again
        if walk.front is None or carried is None:
            return None
        if self.settings.guarded and judge(JUMPS, carried.measures) is not None:
            walk.lost = True
        found = _slice_of(carried, walk.front.index, kind)
        walk.front = carried.front
        return _Side(found, walk.lost)

    def _front(self, keyframe: _Keyframe, ahead: Ahead, begun: _Begun) -> Front | None:
        made = keyframe.slice
        assert made.mask is not None
        try:
            plane = ahead.plane(made.index)
            return carrying.begin(made.index, made.mask, plane, keyframe.prediction)
        except OSError as error:
            begun.ends.append(_unreadable(made.index, error))
            return None

    def _carry(self, front: Front, index: int, way: int, ahead: Ahead) -> Carried | None:
        plane = ahead.plane(index)
        ahead.prepare(index + way, front.prediction.view.box)
        return self._carrier.carry(front, index, plane)

    def _keep(self, found: SliceMask, begun: _Begun) -> SliceMask:
        self.slices[found.index] = found
        begun.found.add(found.index)
        return found

    def _leave_empty(self, index: int, kind: Kind) -> SliceMask:
        self.slices.pop(index, None)
        return SliceMask(index, kind, None)

    def _limit(self, index: int, limit: _Keyframe | None) -> End | None:
        if not 0 <= index < self.stack.length:
            return End(index, Reason.STACK)
        if limit is not None and index == limit.slice.index:
            return End(index, Reason.ABSENT)
        return None if self.rules.allows(index) else End(index, Reason.RANGE)

    def _forget_stale(self, span: _Span, begun: _Begun) -> None:
        start, stop = span.indices
        for index in [i for i in self.slices if i not in self._keyframes]:
            if start <= index and (stop < 0 or index < stop) and index not in begun.found:
                del self.slices[index]


def _judged(rules: Rules, carried: Carried, index: int) -> End | None:
    reason = judge(rules, carried.measures)
    if reason is None:
        return None
    values = {
        Reason.CONTRAST: carried.measures.contrast,
        Reason.TRUST: carried.measures.trust,
        Reason.CONFIDENCE: carried.measures.confidence,
        Reason.OVERLAP: carried.measures.overlap,
        Reason.AREA: carried.measures.growth,
        Reason.SHIFT: carried.measures.shift,
    }
    return End(index, reason, values[reason])


def _unreadable(index: int, error: OSError) -> End:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return End(index, Reason.UNREADABLE, problem=lines[0])


def _slice_of(carried: Carried, source: int, kind: Kind) -> SliceMask:
    front, measures = carried.front, carried.measures
    return SliceMask(
        front.index,
        kind,
        front.mask,
        carried.clicks,
        measures.confidence,
        measures.overlap,
        measures.shift,
        source=source,
        pixels=front.pixels,
    )


def _agreed(
    one: _Side | None, other: _Side | None, nearness: float, alike: float
) -> SliceMask | None:
    """Join what came from below and from above.

    Where one side has lost the object the other counts alone, and where they say entirely
    different things the nearer: a mixture of two shapes would be neither.

    Parameters
    ----------
    nearness : float in [0, 1]
        How near the slice is to the keyframe below.
    alike : float in [0, 1]
        Part of the smaller mask that both share at least, where they are mixed.
    """
    if one is None or other is None:
        known = one or other
        return None if known is None else replace(known.slice, kind=Kind.BETWEEN, agreement=0.0)
    nearer = (one if nearness >= 0.5 else other).slice
    if one.lost != other.lost:
        nearer = (other if one.lost else one).slice
    a, b = one.slice.mask, other.slice.mask
    assert a is not None and b is not None  # of what was carried
    found = replace(nearer, kind=Kind.BETWEEN, agreement=carrying.overlap(a, b))
    box = a.box.union(b.box)
    masks = a.within(box), b.within(box)
    shared = int(np.count_nonzero(masks[0] & masks[1]))
    if one.lost != other.lost or shared < alike * min(one.slice.pixels, other.slice.pixels):
        return found
    below, above = map(carrying.signed_distance, masks)
    mask = nearness * below + (1 - nearness) * above > 0
    stored = StoredMask.pack(mask, box.top, box.left)
    if stored is None:
        return found
    return replace(found, mask=stored, pixels=int(np.count_nonzero(mask)))
