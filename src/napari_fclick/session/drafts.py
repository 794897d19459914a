"""What is being clicked in each plane, before it is accepted."""

from __future__ import annotations

from collections.abc import Mapping

from napari_fclick.session.place import Place
from napari_fclick.session.state import Draft, SessionError


class Drafts:
    """The drafts of all planes; only steps of the session change them."""

    def __init__(self) -> None:
        self._drafts: dict[Place, Draft] = {}

    def update(self, drafts: Mapping[Place, Draft]) -> None:
        """Put drafts in place of those that their planes had."""
        self._drafts.update(drafts)

    def at(self, place: Place) -> Draft:
        """Return the object being clicked in a plane; an empty draft where there is none."""
        return self._drafts.get(place, Draft())

    @property
    def clicked(self) -> list[Place]:
        """The planes that have clicks which are not accepted yet, in their order."""
        places = [place for place, draft in self._drafts.items() if draft.clicks]
        return sorted(places, key=lambda place: (place.axes, place.index))

    @property
    def corrected(self) -> frozenset[int]:
        """The numbers of existing objects that are being corrected, in any plane."""
        labels = (draft.label for draft in self._drafts.values() if draft.begun)
        return frozenset(label for label in labels if label is not None)

    def along(self, axis: int, here: Place) -> dict[int, Draft]:
        """Return what was clicked in a plane and in those before and behind it.

        Parameters
        ----------
        axis : int
            Of the labels; not one of the plane's.
        here : Place
            One of the planes.

        Returns
        -------
        dict of int to Draft
            By position along the axis, in its order: the planes with clicks, and those marked
            as without the object.

        Raises
        ------
        SessionError
            If planes do not lie along that axis.
        """
        try:
            position = here.position(axis)
        except ValueError as error:
            raise SessionError(str(error)) from None
        found = {
            place.position(axis): draft
            for place, draft in self._drafts.items()
            if draft.begun and place.axes == here.axes and place.moved(axis, position) == here
        }
        return dict(sorted(found.items()))

    def left_marks(self, here: Place) -> list[Place]:
        """Return the planes whose mark of absence loses its object with the clicks of a plane.

        Nobody sees that such marks are there, and they would end the next object.
        """
        if not self.at(here).clicks:
            return []
        others = [place for place in self._drafts if place != here]
        clicked = [place for place in others if self.at(place).clicks]
        return [
            place
            for place in others
            if self.at(place).absent and place.behind(here) and not any(map(place.behind, clicked))
        ]
