"""What is done to objects that are there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_fclick.core.clicks import Click
from napari_fclick.core.guidance import Point
from napari_fclick.session import Place, Session, SessionError, editing
from napari_fclick.session.classes import remove_class, rename_class
from napari_fclick.widgets.key_settings import key_of
from napari_fclick.widgets.layers import is_labels_of, why_not_writable
from napari_fclick.widgets.planes import (
    LayerError,
    displayed_place,
    levels_of,
    to_plane,
    to_world,
)
from napari_fclick.widgets.together import together
from napari_fclick.widgets.zoom import centre_view

if TYPE_CHECKING:
    from napari_fclick.session import AcceptedObject
    from napari_fclick.session.state import Part
    from napari_fclick.widgets.controller import Controller


class ObjectTools:
    """Picks objects up, deletes, merges, renumbers, classifies and shows them.

    Mistakes are told by the controller; nothing is raised.

    Parameters
    ----------
    controller : Controller
    go_to : callable
        Shows a plane.

    Attributes
    ----------
    list_wanted : Signal()
        The list of objects is to get the keyboard.
    """

    list_wanted = Signal()

    def __init__(self, controller: Controller, go_to: Callable[[Place], None]) -> None:
        self._controller, self._go_to = controller, go_to
        self._noted: tuple[Any, int] | None = None

    def focus_list(self) -> None:
        """Have the list of objects get the keyboard."""
        self.list_wanted.emit()

    # --- correcting ---------------------------------------------------------------------

    def pick_up_at(self, y: float, x: float) -> None:
        """Begin to correct the object at row ``y`` and column ``x`` of the plane on show."""
        self._choose_labels_at(y, x)
        self._do(lambda session: self._begin(session, y, x), "pick up")

    def _choose_labels_at(self, y: float, x: float) -> None:
        """Where no labels are chosen, choose those that show an object at a place."""
        controller = self._controller
        session, image = controller.session, controller.image
        if session is None or image is None or session.target is not None:
            return
        row, column = Click(y, x).pixel
        height, width = session.shape
        if not (0 <= row < height and 0 <= column < width):
            return
        where = session.place.where(slice(row, row + 1), slice(column, column + 1))
        for layer in reversed(controller.viewer.layers):
            fits = layer.visible and is_labels_of(layer, image) and why_not_writable(layer) is None
            if fits and np.any(np.asarray(levels_of(layer)[0][where])):
                controller.annotated.choose_labels(layer)
                return

    def pick_up_at_cursor(self) -> None:
        """Begin to correct the object under the cursor."""
        at = self._cursor()
        if at is not None:
            self.pick_up_at(*at)

    def _cursor(self) -> Point | None:
        """Return the row and column under the cursor; None, and say why, where there are none."""
        controller = self._controller
        if controller.image is None:
            controller.say("open or choose an image first", "warning")
            return None
        try:
            place = displayed_place(controller.viewer, controller.image)
        except LayerError as error:
            controller.say(str(error), "warning")
            return None
        cursor = controller.viewer.cursor.position
        return to_plane(controller.viewer, controller.image, cursor, place)

    def pick_up(self, label: int) -> None:
        """Begin to correct an object that was accepted, wherever it is."""

        def begin(session: Session) -> None:
            record = self._record(session, label)
            self._go_to(record.place)
            self._begin(session, *_pixel_of(session, record))

        self._do(begin, "pick up")

    def _begin(self, session: Session, y: float, x: float) -> None:
        if session.target is None:
            raise SessionError("choose the Labels layer whose objects are to be corrected")
        label = editing.pick_up(session, y, x)
        self._controller.say(
            f"correcting object {label}: click what is missing, right-click what is too much"
        )

    # --- changing -----------------------------------------------------------------------

    def delete(self, labels: Sequence[int]) -> None:
        """Remove objects from the labels; it is one step to undo."""

        def delete(session: Session) -> None:
            with together(self._controller, session, session.target):
                editing.delete(session, *labels)
            self._tell("deleted", labels)

        self._do(delete, "delete")

    def delete_at_cursor(self) -> None:
        """Remove the object under the cursor from the labels, wherever it comes from."""
        at = self._cursor()
        if at is not None:
            self._choose_labels_at(*at)
            self._do(lambda session: self._delete_under(session, at), "delete")

    def _delete_under(self, session: Session, at: Point) -> None:
        label = _under(session, at)
        editing.delete(session, label)
        self._tell("deleted", [label])

    def merge_at_cursor(self) -> None:
        """Note the object under the cursor; asked again, give it the one that is there then."""
        at = self._cursor()
        if at is not None:
            self._choose_labels_at(*at)
            self._do(lambda session: self._merge_under(session, at), "merge")

    def _merge_under(self, session: Session, at: Point) -> None:
        noted, self._noted = self._noted, None
        label = _under(session, at)
        if noted is None or noted[0] is not session.target:
            self._noted = session.target, label
            key = key_of("merge_at_cursor")
            self._controller.say(f"{key} over another object makes it a part of object {label}")
        elif noted[1] == label:
            self._controller.say(f"object {label} stays as it is")
        else:
            editing.merge(session, label, noted[1])
            self._tell("merged", [label])

    def merge(self, labels: Sequence[int]) -> None:
        """Give the pixels of all objects to the first; each is one step to undo."""
        into, *others = labels

        def merge(session: Session) -> None:
            with together(self._controller, session, session.target):
                for label in others:
                    editing.merge(session, label, into)
            self._tell("merged", others)

        self._do(merge, "merge")

    def _tell(self, done: str, labels: Sequence[int]) -> None:
        self._controller.say(f"{done} {', '.join(map(str, labels[:10]))}: undo brings back")

    def renumber(self, label: int, to: int) -> None:
        """Give an object another number."""
        self._do(lambda session: editing.renumber(session, label, to), "renumber")

    def classify(self, labels: Sequence[int], name: str) -> None:
        """Give objects a class, in one step; an empty name takes it away."""
        self._do(lambda session: editing.classify(session, labels, name), "classify")

    # --- classes ------------------------------------------------------------------------

    def use_class(self, name: str) -> None:
        """Give the next objects a class; an empty name for none."""
        self._do(lambda session: session.set(class_name=name), stops=False)

    def step_class(self, steps: int) -> None:
        """Take a class further down the list for the next objects, or further up; or none."""
        session = self._controller.session
        if session is None:
            return
        if not len(session.classes):
            self._controller.say("there are no classes yet: make them in the dock", "warning")
            return
        names = ["", *session.classes.names]
        now = names.index(session.settings.class_name)
        self.use_class(names[(now + steps) % len(names)])

    def add_class(self, name: str, colour: str | None = None) -> None:
        """List a class."""
        self._do(lambda session: session.classes.add(name, colour), stops=False)

    def rename_class(self, name: str, to: str) -> None:
        """Give a class and its objects another name."""
        self._do(lambda session: rename_class(session, name, to), stops=False)

    def recolour_class(self, name: str, colour: str) -> None:
        """Give a class another colour ``#rrggbb``."""
        self._do(lambda session: session.classes.recolour(name, colour), stops=False)

    def remove_class(self, name: str) -> None:
        """Take a class that no object has off the list."""
        self._do(lambda session: remove_class(session, name), stops=False)

    # --- showing ------------------------------------------------------------------------

    def show(self, label: int, place: Place | None = None, *, closely: bool = False) -> None:
        """Bring an object into the middle of the view, and select its number in its layer.

        Parameters
        ----------
        label : int
        place : Place, optional
            One of the planes that it was accepted in; by default what stands for it.
        closely : bool
            See `centre_view`.
        """
        session, controller = self._controller.session, self._controller
        record = None if session is None else session.objects.get(label)
        if session is None or record is None:
            return
        if controller.viewer.dims.ndisplay == 2:
            part = record.part(place or record.place) or record.parts[-1]
            self._centre(session, part, closely)
        self._select(label)

    def _centre(self, session: Session, part: Part, closely: bool) -> None:
        if part.place != session.place:
            self._go_to(part.place)
        viewer, image = self._controller.viewer, self._controller.image
        box, shown = part.box, list(viewer.dims.displayed)
        rows, columns = (box.top - 0.5, box.bottom - 0.5), (box.left - 0.5, box.right - 0.5)
        corners = [to_world(viewer, image, part.place, y, x) for y in rows for x in columns]
        points = np.asarray(corners)[:, shown]
        extent = np.ptp(points, axis=0).tolist()
        centre_view(viewer, points.mean(0).tolist(), extent, closely=closely)

    def _select(self, label: int) -> None:
        layer = self._controller.labels
        if layer is not None and layer.selected_label != label:
            layer.selected_label = label

    # --- helpers ------------------------------------------------------------------------

    def _do(
        self, change: Callable[[Session], Any], name: str = "change", *, stops: bool = True
    ) -> None:
        self._controller.change(change, name, stops=stops)

    def _record(self, session: Session, label: int) -> AcceptedObject:
        record = session.objects.get(label)
        if record is None:
            raise SessionError(f"object {label} was not accepted here: Ctrl + click on it instead")
        return record


def _under(session: Session, at: Point) -> int:
    """Return the number of the object at a point; raises SessionError where there is none."""
    if session.target is None:
        raise SessionError("choose the Labels layer whose objects are to be changed")
    label = editing.label_at(session, *at)
    if not label:
        raise SessionError("there is no object under the cursor")
    return label


def _pixel_of(session: Session, record: AcceptedObject) -> tuple[int, int]:
    """Return a pixel of an object in the plane on show."""
    box = record.box
    where = record.place.where(*box.slices)
    if session.target is None:
        raise SessionError("choose the Labels layer whose objects are to be corrected")
    found = np.argwhere(np.asarray(session.labels[where]) == record.label)
    if not len(found):
        raise SessionError(f"object {record.label} is not where it was accepted in these labels")
    return box.top + int(found[0][0]), box.left + int(found[0][1])
