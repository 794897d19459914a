"""What the dock says about the object at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_fclick.session import Session
from napari_fclick.widgets.layers import pixel_size


def describe(session: Session, image: Any) -> str:
    """Return one line: the object's number, its clicks, the time taken and its area."""
    number = session.draft.label or (session.next_label if session.knows_next_label else None)
    parts = ["New object" if number is None else f"Object {number}"]
    count = len(session.clicks)
    parts.append("click on it" if not count else f"{count} click{'s' * (count > 1)}")
    if session.pending:
        parts.append("predicting …")
    prediction = session.prediction
    if prediction is not None:
        parts += [f"{prediction.seconds * 1000:.0f} ms", describe_area(session, image)]
    # A line that is too long breaks between its parts, not within them.
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def describe_area(session: Session, image: Any) -> str:
    """Return the mask's area in pixels and, where the scale has units, in those."""
    found = session.mask()
    if found is None:
        return "0 px"
    pixels = int(np.count_nonzero(found.mask))
    size = pixel_size(image, session.place.axes)
    text = f"{pixels:,} px"
    return text if size is None else f"{text} ({pixels * size[0]:.4g} {size[1]})"
