"""What the dock says about the object at hand, and about what objects take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fclick.core.words import counted
from napari_fclick.session import Session
from napari_fclick.widgets.layers import pixel_size

if TYPE_CHECKING:
    from napari_fclick.widgets.stacks.lines import Line

#: So many slices with clicks are named.
NAMED = 8
#: The effort is told as the mean of so many objects accepted last.
RECENT = 20


def describe(session: Session, image: Any, stakes: str = "") -> str:
    """Return one line: the object's number, its clicks, the time taken, its area.

    Parameters
    ----------
    session : Session
    image : Layer
    stakes : str
        What accepting it would do to others.
    """
    number = session.objects.number_of(session.draft)
    name = "New object" if number is None else f"Object {number}"
    parts = [f"Correcting {name.lower()}" if session.draft.label else name]
    count = len(session.clicks)
    if session.draft.label and not session.draft.made:
        parts.append("click what is wrong")  # the click that stands for it was made by nobody
    else:
        parts.append("click on it" if not count else counted(count, "click"))
    if session.answers.pending:
        parts.append("predicting …")
    prediction = session.prediction
    if prediction is not None:
        if prediction.seconds:  # the mask that a correction begins with took none
            parts.append(f"{prediction.seconds * 1000:.0f} ms")
        parts.append(area := describe_area(session, image))
        if area.startswith("0 px") and len(session.clicks) == 1:
            parts.append("nothing is found: click nearer the middle of it")
        if prediction.blank:
            parts.append("one colour throughout: nothing is to be seen here")
    if stakes:
        parts += stakes.split(" · ")
    # A line that is too long breaks between its parts, not within them.
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def describe_unaccepted(session: Session, line: Line | None = None) -> str:
    """Return one line: the other slices that have clicks of no accepted object.

    Parameters
    ----------
    session : Session
    line : Line, optional
        Along which the object at hand is carried: clicks in its slices are accepted with it.
    """
    places = [
        place
        for place in session.drafts.clicked
        if place != session.place and (line is None or line.position(place) is None)
    ]
    here = ["/".join(map(str, p.index)) for p in places if p.axes == session.place.axes]
    parts = []
    if here:
        shown = ", ".join(here[:NAMED]) + (" …" if len(here) > NAMED else "")
        parts.append(f"in slice{'s' * (len(here) > 1)} {shown}")
    if len(here) < len(places):
        parts.append("in another view")
    return f"unaccepted clicks {' and '.join(parts)}" if parts else ""


def describe_area(session: Session, image: Any) -> str:
    """Return the mask's area in pixels and, where the scale has units, in those."""
    found = session.mask()
    if found is None:
        return "0 px"
    pixels = int(np.count_nonzero(found.mask))
    size = pixel_size(image, session.place.axes)
    text = f"{pixels:,} px"
    return text if size is None else f"{text} ({pixels * size[0]:.4g} {size[1]})"


def describe_effort(session: Session) -> str:
    """Return one line: clicks and seconds of the object at hand, and of the last objects each.

    Clicks that were taken back count; breaks do not, nor do objects that were found.
    """
    parts, draft = [], session.draft
    records = session.objects.records.values()
    made = [each for each in records if any(part.by_person for part in each.parts)]
    count, found = len(records), len(records) - len(made)
    if session.clicks and (draft.made or not draft.label):
        parts.append(f"now {counted(draft.made, 'click')}, {draft.seconds:.0f} s")
    elif count:
        text = counted(f"{count:,}", "object")
        parts.append(f"{text}, {found:,} found" if found else text)
    if made:
        last = made[-RECENT:]
        mean = sum(record.made for record in last) / len(last)
        seconds = sum(record.seconds for record in last) / len(last)
        each = f"{mean:.1f} clicks · {seconds:.1f} s"
        parts.append(f"mean {each}" if session.clicks else f"{each} each")
    return " · ".join(parts)
