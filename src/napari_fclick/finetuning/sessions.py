"""Labelled images from session files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from napari_fclick.core import intensity
from napari_fclick.core.arrays import Array
from napari_fclick.core.object_sets import IGNORE_LABEL, Plane
from napari_fclick.finetuning.hashing import content_hash
from napari_fclick.finetuning.sources import Correction, LabelledData, LabelledImage
from napari_fclick.propagation import Kind
from napari_fclick.session.journal import DamagedError, Journal, JournalError
from napari_fclick.session.place import Place
from napari_fclick.session.resuming import INSISTING, Opened, reopen
from napari_fclick.session.signature import file_name
from napari_fclick.session.state import AcceptedObject, Part
from napari_fclick.session_image import open_image


def from_sessions(paths: Iterable[Path], name: str = "sessions") -> LabelledData:
    """Read session files: their images, the labels they came to, and the clicks made.

    An image that is not found, or is another one now, is noted and left out, as is a file to which
    something happened.

    Raises
    ------
    JournalError
        If a file is missing, or is no session file.
    """
    images: list[LabelledImage] = []
    notes: list[str] = []
    for path in paths:
        try:
            journal = Journal.open(path, read_only=True)
        except DamagedError as error:
            notes.append(f"{error}: left out")
            continue
        with closing(journal):
            try:
                images.append(_from_session(path, journal))
            except (ValueError, TypeError, OSError) as error:  # a JournalError is a ValueError
                notes.append(f"{_told(error)}: left out")
    return LabelledData(name, tuple(images), tuple(notes))


def _told(error: Exception) -> str:
    """Return what is wrong, without what can be done about it elsewhere, but not here."""
    return str(error).partition("; say --")[0].removesuffix(INSISTING)


def _from_session(path: Path, journal: Journal) -> LabelledImage:
    image, signature = open_image(journal), journal.image
    seen = image.last
    opened = reopen(journal)
    records = [r for r in opened.restored.objects.values() if r.parts]
    # What was found like others is the network's own answer: nobody has said that it is right.
    parts = [(r, part) for r in records for part in r.parts if part.kind is not Kind.FOUND]
    if not parts:
        raise JournalError(f"{path}: nothing was accepted in it")
    places = list(dict.fromkeys(part.place for _, part in parts))
    accepted: dict[Place, list[int]] = {place: [] for place in places}
    for record, part in parts:
        accepted[part.place].append(record.label)
    planes = tuple(Plane(*_plane(seen, opened, place, accepted[place])) for place in places)
    corrections = tuple(
        _correction(places.index(part.place), record, part)
        for record, part in parts
        if part.by_person and part.start is None
    )
    name = Path(file_name(signature.source)).stem or signature.name or path.stem
    # It is the same image whichever channels were looked at with it.
    return LabelledImage(
        name,
        planes,
        content_hash(image.base),
        corrections,
        linked=True,  # a number stands for one object in all of a session's planes
        slices=tuple(place.index for place in places),
    )


def _plane(
    image: Any, opened: Opened, place: Place, accepted: Sequence[int]
) -> tuple[Array, Array]:
    """Return the pixels of a plane and what was accepted in it, whichever labels took it.

    All other objects are ignored: those that were there before, of which a session knows the part
    beside its own, and those that were found.
    """
    rows = slice(None)
    pixels = _pixels(image[place.where(rows, rows)])
    written = [
        np.asarray(target.labels[place.where(rows, rows)])
        for target in opened.targets
        if place.within(tuple(target.labels.shape))
    ]
    labels = written[0].copy()
    for other in written[1:]:
        labels[labels == 0] = other[labels == 0]
    others = (labels != 0) & ~np.isin(labels, accepted)
    return pixels, np.where(others, IGNORE_LABEL, labels.astype(np.int64, copy=False))


def _pixels(plane: Any) -> Array:
    """Return the pixels of a plane, of channels as the network is shown them: each stretched.

    They are no colours, but those who cut windows from three of them take them for such.
    """
    pixels = np.asarray(plane)
    if not getattr(plane, "separate_channels", False):
        return pixels
    return intensity.stretch(intensity.to_float(pixels), jointly=False)


def _correction(plane: int, record: AcceptedObject, part: Part) -> Correction:
    clicks = tuple((float(c.y), float(c.x), bool(c.positive)) for c in part.clicks)
    return Correction(plane, record.label, clicks)
