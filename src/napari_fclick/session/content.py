"""A session file that was read to be exported: its objects, their parts and masks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import Opened
from napari_fclick.session.state import AcceptedObject, Part
from napari_fclick.session.target import Target


class Content(NamedTuple):
    """A session file that was read.

    Attributes
    ----------
    journal : Journal
    opened : Opened
    """

    journal: Journal
    opened: Opened

    @property
    def objects(self) -> dict[int, AcceptedObject]:
        """The accepted objects by number."""
        return self.opened.restored.objects

    @property
    def classes(self) -> list[str]:
        """The names of classes: those listed, in their order, then others that objects have."""
        listed = json.loads(self.journal.about("classes", "{}"))
        used = {record.class_name for record in self.objects.values() if record.class_name}
        return [*listed, *sorted(used - listed.keys())]

    def labels_of(self, label: int) -> tuple[Any, Target]:
        """Return the labels that hold an object, and what is known of them."""
        owner = self.opened.restored.owners.get(label)
        if owner is None:
            raise JournalError(f"there is no object {label}")
        return owner.labels, self.journal.targets[self.opened.targets.index(owner)]

    def parts(self) -> Iterator[tuple[AcceptedObject, Part, NDArray[np.bool_]]]:
        """Yield each object's parts and their masks, of the pixels in the part's box."""
        for record in self.objects.values():
            labels, _ = self.labels_of(record.label)
            for part in record.parts:
                box = part.box
                where = part.place.where(*box.slices)
                mask = np.asarray(labels[where]) == record.label
                if mask.any():
                    yield record, part, mask
