"""One object in the slices of a stack: corrected where it was carried, accepted all at once.

The object under way is what was clicked in the planes along one axis; what a propagation made
of that is handed over to be accepted. Each function is one step of the session at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import Click
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, SliceMask
from napari_fclick.session.accepting import recorded, write
from napari_fclick.session.place import Place
from napari_fclick.session.session import Session
from napari_fclick.session.stack_parts import label_of
from napari_fclick.session.stack_plan import Work, gathered, planned, surroundings
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.stakes import Stakes
from napari_fclick.session.state import (
    AcceptedObject,
    Answer,
    Draft,
    Part,
    SessionError,
    Settings,
    Start,
)

# --- clicking ---------------------------------------------------------------------------


def begin_from(session: Session, start: Start) -> None:
    """Begin the plane on show with a mask that was carried there, to correct it.

    Raises
    ------
    SessionError
        If it has clicks already.
    """
    _begin(session, "take over the carried mask", Draft(start.clicks, start=start))


def correct_carried(
    session: Session, start: Start, y: float, x: float, positive: bool = True
) -> None:
    """Correct a mask that was carried to the plane on show with a first click, in one step.

    Parameters
    ----------
    session : Session
    start : Start
        See `napari_fclick.session.starting.start_of`.
    y, x : float
        In pixels of the plane.
    positive : bool

    Raises
    ------
    SessionError
        If the plane has clicks already: the next ones are added as ever.
    ClickError
        If the click lies outside the image.
    """
    clicks = start.clicks.add(Click(y, x, positive))
    draft = Draft(clicks, seconds=session.stopwatch.seconds, made=1, start=start)
    _begin(session, "correct the carried mask", draft)


def _begin(session: Session, name: str, draft: Draft) -> None:
    if session.clicks:
        raise SessionError("this slice has clicks of its own: add the click to them")
    draft.clicks.check_inside(session.shape)
    session.do(session.step(name, replace(draft, label=session.draft.label)))


def others(session: Session, axis: int) -> Callable[[int, Box], Mask]:
    """Return what tells which pixels of a slice other objects have; see `others_in`.

    Labels and number are those of now, whatever is chosen later.

    Raises
    ------
    SessionError
        If no labels are chosen, or planes do not lie along that axis.
    """
    if session.target is None:
        raise SessionError("no labels are chosen")
    label = label_of(session.drafts_along(axis).values())
    return others_in(session.labels, session.place, axis, label)


def others_in(
    labels: Any, place: Place, axis: int, label: int | None = None
) -> Callable[[int, Box], Mask]:
    """Return what tells which pixels of a slice other objects have.

    Parameters
    ----------
    labels : array
    place : Place
        Of one of the slices.
    axis : int
        Along which they lie.
    label : int, optional
        The object's own number.

    Returns
    -------
    callable
        Takes a slice and a box of it, returns a bool array of the box's shape.
    """

    def taken(index: int, box: Box) -> Mask:
        found = np.asarray(labels[place.moved(axis, index).where(*box.slices)])
        return np.asarray((found != 0) & (found != (label or 0)))

    return taken


# --- accepting --------------------------------------------------------------------------


def foresee(
    session: Session, slices: Iterable[SliceMask], axis: int
) -> Callable[[], Stakes] | None:
    """Return what tells, later or in another thread, what `accept` would write, and take from whom.

    None where nothing can be accepted now, there are no labels, or no number yet.
    """
    try:
        work = gathered(session, slices, axis)
    except SessionError:
        return None
    if work.label is None and not session.objects.knows_next_label:
        return None
    label = work.label or session.objects.next_label

    def told() -> Stakes:
        stakes = work.stakes(label)
        for each, patch in work.patches(label):
            stakes = stakes.plus(patch, work.rewritten(each, patch))
        return stakes

    return told


def accept(
    session: Session,
    slices: Iterable[SliceMask],
    run: StackRun,
    settings: Settings | None = None,
    trails: Mapping[int, tuple[Answer, ...]] | None = None,
) -> AcceptedObject:
    """Write an object into all its slices, and start the next one: one step.

    What was clicked in the planes of the stack decides on its number and tells where it is
    not. Of an existing object that is corrected, the slices handed over are written anew; it is
    removed where it is marked as absent, and beyond such a mark where no person made it in this
    session; its other slices stay as they are.

    Parameters
    ----------
    session : Session
    slices : iterable of SliceMask
        What is known of it: each clicked slice, and those that it was carried to.
    run : StackRun
        How that came about; which slices there are is noted by this function.
    settings : Settings, optional
        By default those that are set.
    trails : mapping of int to tuple of Answer, optional
        What led to the masks of clicked slices; by default what the session knows of it.

    Raises
    ------
    SessionError
        If no slice was clicked, clicks have changed since the object was carried, they
        correct different objects, a slice that a person made before would be overwritten, other
        objects keep all its pixels, or the labels cannot be written. Nothing is written then.
    """
    work = gathered(session, slices, run.axis, settings)
    made = planned(work)
    stakes, label = made.stakes, made.stakes.label
    trails = trails or {}
    parts = [_part(work, *found, run, trails.get(found[0].index, ())) for found in made.found]
    record = recorded(
        session,
        label,
        _ordered(parts, session.place),
        work.drafts.values(),
        work.settings.class_name,
        [work.at(index) for index in (*work.gone, *made.kept)],
    )
    run = replace(
        run,
        slices=tuple(each.index for each, *_ in made.found),
        absent=work.gone,
    )
    # Before the others: it holds what they change as it was.
    around = surroundings(work, label) if run.others else []
    cleared = {work.at(index): Draft() for index in work.drafts}
    cleared.pop(session.place, None)
    step = session.step(f"accept object {label} in {stakes.slices} slices", Draft(), others=cleared)
    taken = ((work.at(index), counts) for index, counts in made.taken)
    write(session, step, record, [*around, *made.patches], taken, run)
    session.reported.emit(stakes.summary())
    return record


# --- helpers ----------------------------------------------------------------------------


def _part(
    work: Work,
    each: SliceMask,
    box: Box,
    area: int,
    run: StackRun,
    trail: tuple[Answer, ...],
) -> Part:
    session, place, kind = work.session, work.at(each.index), each.kind
    draft = work.drafts.get(each.index)
    if draft is None:
        sure = None if kind is Kind.KEYFRAME else round(each.certainty, 4)
        return Part(place, each.clicks, box, area, (), None, work.settings, kind, sure)
    trail = trail or session.answers.trail(place)
    begun_with = draft.start is not None and draft.start.clicks == draft.clicks
    if not trail and not begun_with:  # it was answered elsewhere, all clicks at once
        trail = (Answer(len(draft.clicks), None, run.limits),)
    return Part(place, draft.clicks, box, area, trail, draft.start, work.settings, kind)


def _ordered(parts: list[Part], shown: Place) -> list[Part]:
    """Put last what stands for the object: the clicked slice on show, or the largest one."""
    clicked = [part for part in parts if part.by_person]
    main = max(clicked, key=lambda part: (part.place == shown, part.area))
    return [*(part for part in parts if part is not main), main]
