"""Walks along the slices of a span, from its keyframes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from napari_fclick.propagation import carrying
from napari_fclick.propagation.carrying import Carried, Carrier, Front
from napari_fclick.propagation.joining import Side, agreed
from napari_fclick.propagation.rules import Reason, Rules, ends_after, judge
from napari_fclick.propagation.slices import End, Kind, SliceMask
from napari_fclick.propagation.spans import Keyframe, Span
from napari_fclick.propagation.stack import Ahead

#: Between two keyframes a side that jumps like this has lost the object.
JUMPS = Rules(contrast=None, trust=None, overlap=0.3, growth=3.0)
#: Two masks of one slice are shapes of the same object where they share this part of the smaller.
ALIKE = 0.3


@dataclass
class Walk:
    """How far the object was carried one way.

    Attributes
    ----------
    front : Front or None
        The last slice in which it was found; None where the keyframe cannot be read.
    index : int
        The slice to be looked at next.
    missed : list of int
        Slices since then in which nothing was found.
    blank : int
        How many of these are blank as a whole.
    lost : bool
        Whether it has jumped to something else on the way, between two keyframes.
    """

    front: Front | None
    index: int
    missed: list[int] = field(default_factory=list)
    blank: int = 0
    lost: bool = False


@dataclass
class Begun:
    """What is known of a span that was not carried through to its end.

    Attributes
    ----------
    walks : dict of int to Walk
        By the way that it goes, 1 or -1.
    upward : dict of int to Side
        Between two keyframes, what came from below.
    found : set of int
        Slices that are up to date.
    ends : list of End
    """

    walks: dict[int, Walk] = field(default_factory=dict)
    upward: dict[int, Side] = field(default_factory=dict)
    found: set[int] = field(default_factory=set)
    ends: list[End] = field(default_factory=list)


class Walker:
    """Carries an object through a span, and goes on where it was left.

    Parameters
    ----------
    carrier : Carrier
    ahead : Ahead
        Reads the planes.
    begun : Begun
        How far it is; it is kept up to date.
    guarded : bool
        Whether a side that has jumped to something else is left, between two keyframes.
    """

    def __init__(self, carrier: Carrier, ahead: Ahead, begun: Begun, guarded: bool) -> None:
        self._carrier, self._ahead = carrier, ahead
        self._begun, self._guarded = begun, guarded

    def through(self, span: Span) -> Iterator[SliceMask]:
        """Yield what is found slice by slice; without a mask where nothing is."""
        below, above = span.below, span.above
        if below is not None and above is not None and span.rules is None:
            yield from self._between(below, above)
        elif below is not None and span.rules is not None and span.goes_up:
            yield from self._outward(below, 1, above, span.rules)
        elif above is not None and span.rules is not None and span.goes_down:
            yield from self._outward(above, -1, below, span.rules)

    def _outward(
        self, keyframe: Keyframe, way: int, limit: Keyframe | None, rules: Rules
    ) -> Iterator[SliceMask]:
        """Carry a keyframe's mask one way until something ends it."""
        walk, ends = self._walk(keyframe, way), self._begun.ends
        while walk.front is not None:
            index = walk.index
            end = self._limit(index, limit, rules)
            if end is not None:
                ends.append(end)
                return
            try:
                plane = self._plane(walk.front, index, way)
                carried = self._carrier.carry(walk.front, index, plane)
                if carried is None:
                    view = walk.front.prediction.view
                    walk.blank += carrying.is_blank_throughout(plane, view)
            except OSError as error:
                ends.append(_unreadable(index, error))
                return
            walk.index += way
            if carried is None:
                walk.missed.append(index)
                if ends_after(rules, len(walk.missed), walk.blank):
                    ends.append(End(walk.missed[0], Reason.EMPTY))
                    return
                yield SliceMask(index, Kind.CARRIED, None)
                continue
            end = _judged(rules, carried, index)
            if end is not None:
                ends.append(end)
                return
            walk.missed.clear()
            walk.blank = 0
            found = _slice_of(carried, walk.front.index, Kind.CARRIED)
            walk.front = carried.front
            yield found

    def _between(self, below: Keyframe, above: Keyframe) -> Iterator[SliceMask]:
        """Carry from both sides; the nearer side counts more. What cannot be read is left out."""
        upward, start, stop = self._begun.upward, below.index, above.index
        walk = self._walk(below, 1)
        while walk.index < stop:
            index = walk.index
            side = self._side(walk, 1, Kind.CARRIED)
            if side is not None:
                upward[index] = side
            yield SliceMask(index, Kind.CARRIED, None) if side is None else side.slice
        alike = ALIKE if self._guarded else 0.0
        walk = self._walk(above, -1)
        while walk.index > start:
            index = walk.index
            side = self._side(walk, -1, Kind.BETWEEN)
            nearness = (stop - index) / (stop - start)
            found = agreed(upward.get(index), side, nearness, alike)
            yield found or SliceMask(index, Kind.BETWEEN, None)

    def _side(self, walk: Walk, way: int, kind: Kind) -> Side | None:
        """Carry to the next slice between two keyframes; None where nothing is found there."""
        index, carried = walk.index, None
        if walk.front is not None:
            try:
                plane = self._plane(walk.front, index, way)
                carried = self._carrier.carry(walk.front, index, plane)
            except OSError as error:
                self._begun.ends.append(_unreadable(index, error))
        walk.index += way  # not before: what goes wrong otherwise is to be tried again
        if walk.front is None or carried is None:
            return None
        if self._guarded and judge(JUMPS, carried.measures) is not None:
            walk.lost = True
        found = _slice_of(carried, walk.front.index, kind)
        walk.front = carried.front
        return Side(found, walk.lost)

    def _walk(self, keyframe: Keyframe, way: int) -> Walk:
        """Return how far it was carried from a keyframe; its beginning, if it was not."""
        walks = self._begun.walks
        if way not in walks:
            walks[way] = Walk(self._front(keyframe), keyframe.index + way)
        walk = walks[way]
        if walk.front is not None:
            self._ahead.prepare(walk.index, walk.front.prediction.view.box)
        return walk

    def _front(self, keyframe: Keyframe) -> Front | None:
        index, mask = keyframe.index, keyframe.slice.mask
        assert mask is not None
        try:
            plane = self._ahead.plane(index)
            return carrying.begin(index, mask, plane, keyframe.prediction)
        except OSError as error:
            self._begun.ends.append(_unreadable(index, error))
            return None

    def _plane(self, front: Front, index: int, way: int) -> Any:
        """Return a plane, while the next one is read."""
        plane = self._ahead.plane(index)
        self._ahead.prepare(index + way, front.prediction.view.box)
        return plane

    def _limit(self, index: int, limit: Keyframe | None, rules: Rules) -> End | None:
        if not 0 <= index < self._ahead.length:
            return End(index, Reason.STACK)
        if limit is not None and index == limit.index:
            return End(index, Reason.ABSENT)
        return None if rules.allows(index) else End(index, Reason.RANGE)


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
