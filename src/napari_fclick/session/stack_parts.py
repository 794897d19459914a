"""What an object at hand was before in the slices of a stack, and what a person made of that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.window import Box
from napari_fclick.session.editing import bounds, bounds_about
from napari_fclick.session.place import Place
from napari_fclick.session.session import Session
from napari_fclick.session.starting import start_from
from napari_fclick.session.state import Draft, Part, SessionError


def label_of(drafts: Iterable[Draft]) -> int | None:
    """Return the number of the object that drafts correct; SessionError where they are two."""
    labels = sorted({draft.label for draft in drafts if draft.label is not None})
    if len(labels) > 1:
        named = ", ".join(map(str, labels))
        raise SessionError(f"the slices correct different objects ({named}): clear all but one's")
    return labels[0] if labels else None


def parts_along(session: Session, label: int, axis: int) -> dict[int, Part]:
    """Return what an accepted object is in the planes before and behind the one on show.

    Parameters
    ----------
    session : Session
    label : int
    axis : int
        Of the labels, along which the planes lie.

    Returns
    -------
    dict of int to Part
        By position along the axis, in its order.

    Raises
    ------
    SessionError
        If the object of that number was accepted into other labels.
    """
    record, place = session.objects.here(label), session.place
    here = place.position(axis)
    parts = {
        part.place.position(axis): part
        for part in (() if record is None else record.parts)
        if part.place.axes == place.axes and part.place.moved(axis, here) == place
    }
    return dict(sorted(parts.items()))


def unrecorded(
    session: Session,
    label: int,
    planes: Sequence[Place],
    drafts: Mapping[int, Draft],
    known: Mapping[int, Part],
    reached: Collection[int] = (),
) -> dict[int, Box]:
    """Return where the labels alone tell of an object, such as one from a file or of a brush.

    It is followed from the slices in which it was taken in hand, to both sides until it is
    gone, about where it was in the slice before. This reads the labels.

    Parameters
    ----------
    session : Session
    label : int
    planes : sequence of Place
        Those that lie one behind the other.
    drafts : mapping of int to Draft
        What was clicked in them.
    known : mapping of int to Part
        See `parts_along`.
    reached : collection of int
        Slices in which it may be gone without ending there: those that it is carried to now.

    Returns
    -------
    dict of int to Box
        Its bounds in those slices of which nothing is ``known``, in their order.
    """
    found: dict[int, Box] = {}
    own = {index: draft.start for index, draft in drafts.items() if draft.label == label}
    starts = {index: start.mask.box for index, start in own.items() if start is not None}
    begun = {
        index: starts.get(index)
        or bounds_near(session, label, planes[index], _nearest(starts, index))
        for index in own
    }
    for first, box in begun.items():
        found[first] = box
        for slices in (range(first - 1, -1, -1), range(first + 1, len(planes))):
            near = box
            for index in slices:
                if index in begun or index in found:
                    break  # it was followed from there on, or is going to be
                if index in known:
                    near = known[index].box
                    continue
                here = bounds_about(session, label, planes[index], near)
                if here.side:
                    found[index] = near = here
                elif index not in reached:
                    break
    return {i: box for i, box in sorted(found.items()) if box.side and i not in known}


def _nearest(boxes: Mapping[int, Box], index: int) -> Box | None:
    """Return the box of the slice nearest to one; None of none."""
    nearest = min(boxes, key=lambda each: abs(each - index), default=None)
    return None if nearest is None else boxes[nearest]


def bounds_near(session: Session, label: int, place: Place, box: Box | None) -> Box:
    """Return the bounds of an object in a plane, of no size where it is not.

    Where nothing is known of it in a large plane, it is searched for about a box; without one,
    all of the plane is read.
    """
    near = None if box is None else (int(box.centre[0]), int(box.centre[1]))
    return bounds(session, label, place, near)


def made_by_hand(
    session: Session, label: int | None, axis: int, wanted: Callable[[int], bool]
) -> dict[int, Box]:
    """Return the slices that a person made of an object, and that are not at hand, with bounds.

    Those in which nothing is left of it are not among them.

    Parameters
    ----------
    session, label, axis
        As in `parts_along`; None for a new object.
    wanted : callable
        Takes a slice, returns whether it counts.

    Raises
    ------
    SessionError
        As `parts_along` does.
    """
    if label is None:
        return {}
    drafts, found = session.drafts_along(axis), {}
    for index, part in parts_along(session, label, axis).items():
        if part.by_person and index not in drafts and wanted(index):
            box = bounds(session, label, part.place)
            if box.side:
                found[index] = box
    return found


def take_in_hand(session: Session, axis: int, wanted: Callable[[int], bool]) -> None:
    """Begin all slices that a person made of the object at hand, in one step.

    It can be carried from them too then, and none is overwritten.

    Parameters
    ----------
    session : Session
    axis : int
        Of the labels, along which the slices lie.
    wanted : callable
        Takes a slice, returns whether it is to be begun.

    Raises
    ------
    SessionError
        If the slices correct different objects, or the object was accepted into other labels.
    """
    label = label_of(session.drafts_along(axis).values())
    if label is None or session.target is None:
        return
    begun = {}
    for index, box in made_by_hand(session, label, axis, wanted).items():
        place = session.place.moved(axis, index)
        mask = np.asarray(session.labels[place.where(*box.slices)]) == label
        start = start_from(mask, box.top, box.left)
        assert start is not None  # the bounds are of its pixels
        begun[place] = Draft(start.clicks, label, start=start)
    if begun:
        here = begun.pop(session.place, session.draft)
        name = f"take object {label} in hand in its slices"
        session.do(session.step(name, here, others=begun))


def only_in(labels: Any, place: Place, axis: int) -> dict[int, tuple[int, int]]:
    """Return the objects of a plane that are in neither of the planes next to it.

    Parameters
    ----------
    labels : array
        Three planes of it are read.
    place : Place
    axis : int
        Along which the planes lie.

    Returns
    -------
    dict of int to (int, int)
        Row and column of a pixel by number, ascending.
    """
    here = place.position(axis)
    plane = np.asarray(labels[place.where(slice(None), slice(None))])
    found = _first_pixels(plane)
    for index in (here - 1, here + 1):
        if 0 <= index < labels.shape[axis]:
            beside = np.asarray(labels[place.moved(axis, index).where(slice(None), slice(None))])
            for label in _first_pixels(beside):
                found.pop(label, None)
    return {label: divmod(at, plane.shape[1]) for label, at in found.items() if label > 0}


def _first_pixels(plane: NDArray[Any]) -> dict[int, int]:
    """Return where each number of a plane is met first, counted through its rows."""
    row = plane.ravel()
    changes = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
    numbers, first = np.unique(row[changes], return_index=True)
    return dict(zip(numbers.tolist(), changes[first].tolist(), strict=True))


def listed(slices: Iterable[int]) -> str:
    """Name slices, in their order, such as "slices 1 to 3, 7"."""
    runs: list[list[int]] = []
    for index in slices:
        if runs and runs[-1][-1] + 1 == index:
            runs[-1].append(index)
        else:
            runs.append([index])
    names = [f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return f"slice{'s' * (sum(map(len, runs)) > 1)} {', '.join(names)}"
