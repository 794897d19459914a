"""What can be done to objects that are there already: pick up, delete, merge, renumber, classify.

Each is one step of the session, and can be undone like a click. In a stack it reaches the planes
in which the object was accepted, and the one on show: of what comes from elsewhere, such as a file,
nobody knows whether the same number a plane further means the same object.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.labels import check_label
from napari_fclick.core.window import MAX_SIDE, Box, mask_bounds
from napari_fclick.core.words import named
from napari_fclick.session.history import Change, Commit
from napari_fclick.session.numbering import holds
from napari_fclick.session.patches import StoredPatch
from napari_fclick.session.place import Place
from napari_fclick.session.session import Session
from napari_fclick.session.starting import start_from
from napari_fclick.session.state import AcceptedObject, Draft, Part, SessionError

#: An object is searched for in whole planes if they have up to so many pixels, all together.
WHOLE_PLANE = 16_000_000
#: In larger ones, the first look is at a square of this side about the click.
FIRST_LOOK = 512
#: So many pixels around the known bounds of an object are searched, too.
ABOUT = 64
#: Stacks of up to so many pixels are read through, plane by plane, for a number.
READ_THROUGH = 200_000_000


def label_at(session: Session, y: float, x: float) -> int:
    """Return the number of the object under a point of the plane; 0 for none.

    Raises
    ------
    ClickError
        Outside the image.
    """
    row, column = _pixel(session, y, x)
    if session.target is None:
        return 0
    here = session.place.where(slice(row, row + 1), slice(column, column + 1))
    return int(np.asarray(session.labels[here]).flat[0])


def pick_up(session: Session, y: float, x: float) -> int:
    """Begin to correct the object under a point of the plane; return its number.

    Its mask becomes the mask at hand, with a first click in its middle; further clicks
    correct it, and accepting it writes it anew.

    Raises
    ------
    SessionError
        If there is no object, another one is at hand, or its number is none that objects have.
    """
    label = label_at(session, y, x)
    if not label:
        raise SessionError("there is no object to pick up here")
    take_up(session, label, session.place, _pixel(session, y, x))
    return label


def take_up(session: Session, label: int, place: Place, pixel: tuple[int, int]) -> None:
    """Begin to correct an object in a plane, as `pick_up` does.

    Parameters
    ----------
    session : Session
    label : int
    place : Place
        It need not be on show.
    pixel : (int, int)
        Row and column of one of its pixels there.

    Raises
    ------
    SessionError
        If another object is at hand, it has no such pixel, or its number is none that objects have.
    """
    _check_number(session, label)
    if session.drafts.at(place).clicks:
        raise SessionError("accept or clear the object at hand before picking up another")
    session.objects.here(label)  # is refused where other labels have an object of that number
    box = bounds(session, label, place, pixel)
    if box.side > MAX_SIDE:
        raise SessionError(
            f"object {label} spans {box.side} px; objects of at most {MAX_SIDE} px can be corrected"
        )
    start = start_from(_read(session, place, box) == label, box.top, box.left)
    if start is None:
        raise SessionError(f"object {label} is no longer at row {pixel[0]}, column {pixel[1]}")
    draft = Draft(start.clicks, label, start=start)
    session.do(session.step(f"pick up object {label}", draft, place))


def delete(session: Session, *labels: int) -> None:
    """Remove objects from the labels; it is one step.

    Raises
    ------
    SessionError
        If there is no such object; none is removed then.
    """
    changes = tuple(Change(label, session.objects.here(label), None) for label in labels)
    _renumber(session, f"delete {named('object', labels)}", dict.fromkeys(labels, 0), changes)


def merge(session: Session, label: int, into: int) -> None:
    """Give an object's pixels to another object.

    Raises
    ------
    SessionError
        If one of them does not exist, or they are the same.
    """
    if label == into:
        raise SessionError(f"object {label} cannot be merged into itself")
    gone, kept = session.objects.here(label), session.objects.here(into)
    changes: tuple[Change, ...] = (Change(label, gone, None),)
    if kept is None and not any(_regions(session, into)):
        raise SessionError(f"there is no object {into} to merge into")
    if kept is not None or gone is not None:
        changes += (Change(into, kept, _merged(session, label, into)),)
    # An object that takes in an accepted one counts as accepted: store all its pixels too.
    also = _regions(session, into) if kept is None and gone is not None else ()
    _renumber(session, f"merge object {label} into {into}", {label: into}, changes, also)


def renumber(session: Session, label: int, to: int) -> None:
    """Give an object another number, one that no object has.

    Raises
    ------
    SessionError
        If there is no such object, or the number is taken or cannot be held.
    """
    target = session.target
    if target is not None:
        _check_number(session, to)
        if to in session.objects or to in target.taken or _holds(session, to):
            raise SessionError(f"the number {to} is taken: merge the objects, or choose another")
    record = session.objects.here(label)
    changes: tuple[Change, ...] = (Change(label, record, None),)
    if record is not None:
        changes += (Change(to, None, replace(record, label=to)),)
    _renumber(session, f"renumber object {label} to {to}", {label: to}, changes)


def classify(session: Session, labels: int | Iterable[int], class_name: str) -> None:
    """Give accepted objects a class; an empty name takes it away. It is one step.

    Raises
    ------
    SessionError
        If no object of such a number was accepted; none is changed then.
    """
    changes = []
    for label in [labels] if isinstance(labels, int) else labels:
        record = session.objects.get(label)
        if record is None:
            raise SessionError(f"object {label} was not accepted here: pick it up and accept it")
        if record.class_name != class_name:
            changes.append(Change(label, record, replace(record, class_name=class_name)))
    if not changes:
        return
    owner = session.objects.owners[changes[0].label]  # nothing is written: any object's will do
    names = named("object", [change.label for change in changes])
    step = session.step(f"make {names} {class_name or 'unclassified'}", session.draft)
    session.do(replace(step, commit=Commit((), owner, tuple(changes), owner.shape)))


def bounds(session: Session, label: int, place: Place, near: tuple[int, int] | None = None) -> Box:
    """Return the bounds of an object in a plane, of no size where it is not.

    Large planes, and the many of an object in a stack, are not read as a whole: the search
    widens from what is known of the object until it ends within what was read.

    Parameters
    ----------
    session : Session
    label : int
    place : Place
    near : (int, int), optional
        A pixel to look about where nothing is known of the object there.
    """
    height, width = place.plane_shape(session.labels.shape)
    whole = Box(0, 0, height, width)
    record = session.objects.get(label)
    part = None if record is None else record.part(place)
    look = whole
    planes = 1 if record is None else len(record.parts)
    if height * width * planes > WHOLE_PLANE:
        if part is not None:
            look = part.box.grown(ABOUT, whole)
        elif near is not None:
            look = Box(*near, near[0] + 1, near[1] + 1).grown(FIRST_LOOK // 2, whole)
    return _searched(session, label, place, look)


def bounds_about(session: Session, label: int, place: Place, box: Box) -> Box:
    """Return the bounds of an object in a plane, searched for about a box; of no size if not there.

    However large the plane is, no more is read than the object and what is about it.
    """
    height, width = place.plane_shape(session.labels.shape)
    look = box.grown(max(box.side, ABOUT), Box(0, 0, height, width))
    return _searched(session, label, place, look)


def _searched(session: Session, label: int, place: Place, look: Box) -> Box:
    """Search for an object in a part of a plane, and about that until it ends within."""
    height, width = place.plane_shape(session.labels.shape)
    whole = Box(0, 0, height, width)
    while True:
        found = mask_bounds(_read(session, place, look) == label)
        if found is None:
            return Box(0, 0, 0, 0)
        inside = found.shifted(look.top, look.left)
        wider = look.grown(look.side, whole)
        if look == wider or inside.grown(1, whole) == inside.grown(1, look):
            return inside
        look = wider


# --- helpers ----------------------------------------------------------------------------


def _check_number(session: Session, label: int) -> None:
    try:
        check_label(label, np.dtype(session.labels.dtype))
    except ValueError as error:
        raise SessionError(str(error)) from None


def _renumber(
    session: Session,
    name: str,
    numbers: dict[int, int],
    changes: tuple[Change, ...],
    also: Iterable[tuple[Place, Box]] = (),
) -> None:
    """Give objects other numbers, in one step.

    Parameters
    ----------
    session : Session
    name : str
        Of the step.
    numbers : dict of int to int
        The new numbers by the old ones; where there are several, all are 0.
    changes : tuple of Change
    also : iterable of (Place, Box)
        Regions that the file is to have besides.
    """
    for each in {*numbers, *numbers.values()}:
        if each in session.drafts.corrected:
            raise SessionError(f"object {each} is being corrected: accept or clear it first")
    target = session.target
    if target is None:
        raise SessionError("no labels are chosen")
    patches: list[StoredPatch] = []
    gone: list[int] = []
    for label, to in numbers.items():
        own = list(_regions(session, label))
        if not own and session.objects.get(label) is None:  # one may have lost all its pixels
            raise SessionError(f"there is no object {label}")
        boxes = _united([*own, *also])
        patches += [_patch(session, place, box, label, to, gone) for place, box in boxes.items()]
        gone.append(label)
    changes = tuple(change for change in changes if change.before or change.after)
    commit = Commit(tuple(patches), target, changes, target.shape, numbers)
    session.do(replace(session.step(name, session.draft), commit=commit))


def _regions(session: Session, label: int) -> Iterator[tuple[Place, Box]]:
    """Yield where an object lies: its accepted parts, and the plane on show."""
    if session.target is None:
        return
    record = session.objects.get(label)
    places = [] if record is None else [part.place for part in record.parts]
    for place in dict.fromkeys([*places, session.place]):
        box = bounds(session, label, place)
        if box.side:
            yield place, box


def _united(regions: Iterable[tuple[Place, Box]]) -> dict[Place, Box]:
    """Return one box for each plane, about all that lie in it."""
    boxes: dict[Place, Box] = {}
    for place, box in regions:
        boxes[place] = boxes[place].union(box) if place in boxes else box
    return boxes


def _holds(session: Session, label: int) -> bool:
    """Whether an object of that number is anywhere in the labels, be it in another plane."""
    target = session.target
    if target is None or (target.known and label > target.highest):
        return False
    if any(_regions(session, label)):
        return True
    if len(session.place.axes) == session.place.ndim:
        return False
    if math.prod(session.labels.shape) > READ_THROUGH:
        raise SessionError(
            f"whether the number {label} is free would take long to find out in labels of this "
            f"size: choose {session.objects.next_label} or a higher one"
        )
    return holds(target.labels, label)


def _read(session: Session, place: Place, box: Box) -> NDArray[Any]:
    return np.asarray(session.labels[place.where(*box.slices)])


def _patch(
    session: Session, place: Place, box: Box, label: int, to: int, gone: Sequence[int] = ()
) -> StoredPatch:
    """Return the patch that renumbers an object in a box where ``gone`` were removed before."""
    before = _read(session, place, box)
    if gone:
        before = np.where(np.isin(before, gone), before.dtype.type(0), before)
    after = np.where(before == label, before.dtype.type(to), before)
    used = (before == label) | (after == to) if to else before == label
    return StoredPatch.cut(place.where(*box.slices), before, after, used)


def _merged(session: Session, label: int, into: int) -> AcceptedObject:
    """Return the record of two objects in one, of which one was accepted here at least."""
    gone, kept = session.objects.get(label), session.objects.get(into)
    record = kept or gone
    assert record is not None
    both = [each for each in (kept, gone) if each is not None]
    parts = []
    for place, box in _united([*_regions(session, label), *_regions(session, into)]).items():
        pixels = _read(session, place, box)
        area = int(np.count_nonzero((pixels == label) | (pixels == into)))
        known = [each.part(place) for each in both]
        part = next((p for p in known if p is not None), Part(place, ClickSequence(), box, area))
        parts.append(replace(part, box=box, area=area))
    return replace(
        record,
        label=into,
        parts=tuple(parts) or record.parts,  # where neither has a pixel left
        seconds=sum(each.seconds for each in both),
        made=sum(each.made for each in both),
    )


def _pixel(session: Session, y: float, x: float) -> tuple[int, int]:
    click = Click(y, x)
    ClickSequence([click]).check_inside(session.shape)
    return click.pixel
