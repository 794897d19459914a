"""Accepting the object being clicked: its mask is written into the labels, as one step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.labels import LabelPatch, OverlapPolicy
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.threshold import THRESHOLD
from napari_fclick.core.window import Box, clicks_box, mask_bounds
from napari_fclick.core.words import named
from napari_fclick.propagation import Kind
from napari_fclick.session.answers import stored_mask
from napari_fclick.session.history import Change, Commit, Step
from napari_fclick.session.objects import box_of
from napari_fclick.session.patches import StoredPatch
from napari_fclick.session.place import Place
from napari_fclick.session.session import Session
from napari_fclick.session.similar import SHARED, Found
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.stakes import Stakes
from napari_fclick.session.state import AcceptedObject, Draft, Part, SessionError, Settings


def plan(
    session: Session, place: Place | None = None, settings: Settings | None = None
) -> LabelPatch:
    """Return what `accept` would write, and take from whom; nothing is written.

    Parameters
    ----------
    session : Session
    place : Place, optional
        The plane whose draft is meant; by default the one on show.
    settings : Settings, optional
        By default those that are set.

    Raises
    ------
    SessionError
        Where `accept` would.
    """
    place, settings = place or session.place, settings or session.settings
    mask, box = _mask(session, place, settings)
    draft = session.drafts.at(place)
    session.objects.check_corrected([(place, draft)])
    found = _patch(session, mask, box, place, settings, draft)
    Stakes(found.label).plus(found).check(settings.policy)
    return found


def foresee(session: Session) -> Callable[[], Stakes] | None:
    """Return what tells, later or in another thread, what `accept` would write and take from whom.

    It reads no more of the labels than where the mask is, and raises what reading them
    raises. None where there is nothing to accept, no labels, or no number yet.
    """
    place, draft, objects = session.place, session.draft, session.objects
    ready = session.prediction is not None and session.target is not None
    if not ready or not (draft.label or objects.knows_next_label):
        return None
    try:
        mask, box = _mask(session, place, session.settings)
    except SessionError:
        return None
    label, policy = draft.label or objects.next_label, session.settings.policy

    def told() -> Stakes:
        patch = objects.patch(mask, box, place, label, policy, _start(draft))
        return Stakes(label).plus(patch)

    return told


def accept(
    session: Session, place: Place | None = None, settings: Settings | None = None
) -> AcceptedObject:
    """Write the draft of a plane into the labels and start the next object.

    Parameters
    ----------
    session : Session
    place : Place, optional
        The plane; by default the one on show.
    settings : Settings, optional
        By default those that are set.

    Raises
    ------
    SessionError
        If there is nothing to accept, it is not up to date, or other objects keep all
        its pixels. Nothing is written then.
    """
    place, settings = place or session.place, settings or session.settings
    patch = plan(session, place, settings)
    draft, answers = session.drafts.at(place), session.answers
    first, (mask, box) = answers.first(place), _mask(session, place, settings)
    trail = answers.trail(place)
    part = Part(place, draft.clicks, box_of(patch), patch.written, trail, draft.start, settings)
    record = recorded(session, patch.label, [part], [draft], settings.class_name)
    left_out = _left_out(session, place)
    others = dict.fromkeys(session.drafts.left_marks(place), Draft())
    step = session.step(f"accept object {patch.label}", Draft(), place, others)
    write(session, step, record, [StoredPatch.pack(patch)], [(place, patch.overwritten)])
    if first is not None and settings.threshold == THRESHOLD:
        answers.outlines.learn(patch.label, first, mask, box)
    session.reported.emit("; ".join([Stakes(patch.label).plus(patch).summary(), *left_out]))
    return record


def accept_found(
    session: Session,
    place: Place,
    found: Found,
    settings: Settings,
    carried: StoredMask | None = None,
) -> bool:
    """Write an object that was found, as one step; what is being clicked stays as it is.

    Others keep their pixels, whatever the policy. No person's time or clicks count.

    Parameters
    ----------
    session : Session
    place : Place
        The plane that it was found in.
    found : Found
    settings : Settings
        Those that it was found with.
    carried : StoredMask, optional
        What was carried to the plane of the object that is at hand.

    Returns
    -------
    bool
        False, and nothing is written, where others have too much of it by now, or where it is
        what is at hand in its plane.

    Raises
    ------
    SessionError
        If there are no labels, they cannot be written, or hold no further object.
    """
    if _is_at_hand(session, place, found.mask, carried):
        return False
    settings = replace(settings, policy=OverlapPolicy.KEEP)
    mask, box = found.mask.unpack(), found.mask.box
    made = _patch(session, mask, box, place, settings, Draft())
    if made.written < (1 - SHARED) * np.count_nonzero(mask):
        return False
    clicks = ClickSequence([found.click])
    part = Part(
        place,
        clicks,
        box_of(made),
        made.written,
        (found.asked,),
        settings=settings,
        kind=Kind.FOUND,
        certainty=round(found.sure, 4),
    )
    record = AcceptedObject(made.label, (part,), class_name=settings.class_name)
    step = session.step(f"find object {made.label}", session.drafts.at(place), place)
    before, session.stopwatch.paused = session.stopwatch.paused, True
    try:
        write(session, step, record, [StoredPatch.pack(made)], [])
    finally:
        session.stopwatch.paused = before
    return True


def _is_at_hand(
    session: Session, place: Place, mask: StoredMask, carried: StoredMask | None
) -> bool:
    """Whether a mask is of the object that is being clicked in a plane, or was carried there.

    It is where it holds a click on that, which may not be answered yet, or much of its mask.
    """
    draft, prediction = session.drafts.at(place), session.answers.at(place)
    if any(mask.within(clicks_box([click])).any() for click in draft.clicks.positives):
        return True
    hand = carried if prediction is None else stored_mask(prediction, session.settings)
    if hand is None:
        return False
    shared = np.count_nonzero(mask.unpack() & hand.within(mask.box))
    return bool(shared > SHARED * min(mask.area, hand.area))


def recorded(
    session: Session,
    label: int,
    parts: Sequence[Part],
    drafts: Iterable[Draft],
    class_name: str,
    without: Collection[Place] = (),
) -> AcceptedObject:
    """Return the record that an object gets by being accepted.

    Parameters
    ----------
    session : Session
    label : int
    parts : sequence of Part
        What it is in the planes that are written.
    drafts : iterable of Draft
        What was clicked for it.
    class_name : str
        Of a new object; one that is corrected keeps its own.
    without : collection of Place
        Planes in which it is no longer.
    """
    drafts = list(drafts)
    seconds = sum(draft.seconds for draft in drafts) + session.stopwatch.seconds
    made = sum(draft.made for draft in drafts)
    before = session.objects.here(label)
    if before is None:
        return AcceptedObject(label, tuple(parts), seconds, made, class_name)
    record = before.with_parts(parts, without)
    return replace(record, seconds=before.seconds + seconds, made=before.made + made)


def write(
    session: Session,
    step: Step,
    record: AcceptedObject,
    patches: Sequence[StoredPatch],
    taken: Iterable[tuple[Place, Mapping[int, int]]],
    stack: StackRun | None = None,
) -> None:
    """Take a step that writes an object into the labels.

    Parameters
    ----------
    session : Session
    step : Step
        What it does to drafts.
    record : AcceptedObject
        The object, as it is afterwards.
    patches : sequence of StoredPatch
        What is written.
    taken : iterable of (Place, mapping of int to int)
        Pixels taken from other objects in each plane, by their number.
    stack : StackRun, optional
        How the object was carried, where it was.

    Raises
    ------
    SessionError
        If the labels cannot be written; nothing has changed then.
    """
    change = Change(record.label, session.objects.here(record.label), record)
    target = session.objects.check_target()
    changes = (*_losses(session, taken), change)
    commit = Commit(tuple(patches), target, changes, target.shape, stack=stack)
    session.do(replace(step, commit=commit))


def _losses(session: Session, taken: Iterable[tuple[Place, Mapping[int, int]]]) -> list[Change]:
    """Return what becomes of the accepted objects from which pixels are taken."""
    objects, less = session.objects, dict[int, AcceptedObject]()
    for place, counts in taken:
        for label, count in counts.items():
            if objects.owners.get(label) is session.target:
                less[label] = less.get(label, objects[label]).with_less(place, count)
    return [Change(label, objects[label], record) for label, record in less.items()]


def _patch(
    session: Session, mask: Mask, box: Box, place: Place, settings: Settings, draft: Draft
) -> LabelPatch:
    """Return what writing a mask would change: a new object gets a number that is free."""
    objects = session.objects

    def patch() -> LabelPatch:
        label = draft.label or objects.next_label
        return objects.patch(mask, box, place, label, settings.policy, _start(draft))

    found = patch()
    return patch() if draft.label is None and objects.finds_taken(found) else found


def _start(draft: Draft) -> Box | None:
    """Return the bounds of the mask that a correction began with."""
    return None if draft.start is None else draft.start.mask.box


def _mask(session: Session, place: Place, settings: Settings) -> tuple[Mask, Box]:
    """Return the mask to be accepted, cut to its bounds, and these in pixels of the plane."""
    prediction, draft = session.answers.at(place), session.drafts.at(place)
    if draft.absent:
        raise SessionError("nothing to accept: the object is marked as not being here")
    if not draft.clicks:
        raise SessionError("nothing to accept: click on an object first")
    if prediction is None:
        reason = session.answers.failure or "it is still being predicted"
        raise SessionError(f"the mask cannot be accepted: {reason}")
    mask = session.answers.mask(prediction, settings).mask
    box = mask_bounds(mask)
    if box is None:
        raise SessionError(
            f"the mask is empty at threshold {settings.threshold:g}: "
            "add a click or lower the threshold"
        )
    seen = Box.of(*prediction.window)
    return mask[box.slices], box.shifted(seen.top, seen.left)


def _left_out(session: Session, here: Place) -> list[str]:
    """Say which clicks before and behind a plane may be meant for its object, and are not."""
    drafts = session.drafts
    slices = [
        "/".join(map(str, place.index))
        for place in drafts.clicked
        if place.behind(here) and drafts.at(place).label == drafts.at(here).label
    ]
    if not slices:
        return []
    named_slices = named("slice", slices)
    return [f"clicks in {named_slices} are not part of it: propagate first to make it one object"]
