"""Walks through a folder of images: opens one after the other, and writes its labels."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_fclick.core.files import read_image, same_file
from napari_fclick.core.folders import ImageFolder, find_images, label_files
from napari_fclick.core.labels_file import LabelsFile
from napari_fclick.session.autosave import Offer
from napari_fclick.session.journal import JournalError
from napari_fclick.widgets.accepting import reason
from napari_fclick.widgets.inputs import source_of
from napari_fclick.widgets.layers import FILE, IMAGE, image_id, labels_with, sizes_of
from napari_fclick.widgets.planes import levels_of
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.widgets.annotation import Annotation
    from napari_fclick.widgets.controller import Controller

logger = logging.getLogger(__name__)

#: Milliseconds after which it is looked again whether an object has been accepted.
PAUSE = 50


@dataclass(frozen=True)
class _Read:
    """An image as it was read, and its labels where there are any of use."""

    path: Path
    file: LabelsFile
    pixels: NDArray[Any]
    labels: NDArray[Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class _Aim:
    """Where to go: the images of a folder that are tried, by their numbers, until one opens."""

    folder: ImageFolder
    labelled: frozenset[str]
    numbers: tuple[int, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        return self.numbers[0]

    def after(self, problem: str) -> _Aim:
        """Return what is left where the first cannot be read."""
        known = (*self.unreadable, problem)
        return _Aim(self.folder, self.labelled, self.numbers[1:], known)


@dataclass
class _Opened:
    """The image that is open.

    Attributes
    ----------
    labels : Labels or None
        The layer that the file of its labels was read into, or written from.
    known : ndarray or None
        What is in that file, where there is such a layer.
    fresh : bool
        Whether its session may still be resumed.
    """

    path: Path
    file: LabelsFile
    image: Any
    labels: Any = None
    known: NDArray[Any] | None = None
    fresh: bool = field(default=True)


class FolderWalk:
    """Goes from image to image of a folder; what is accepted goes into its ``labels/``.

    The next image is read before the one at hand is closed, and that is closed only when its
    labels are written. Clicks that are not accepted are in its session, which is resumed
    when the image is opened again.

    Parameters
    ----------
    controller : Controller

    Attributes
    ----------
    latest : Path or None
        The folder that was chosen last, in any dock.
    changed : Signal()
    folder : ImageFolder or None
        What is walked through.
    number : int
        Of the image that is open, from 0 on.
    notes : tuple of str
        What is left out, and what is wrong with the image that is open.
    """

    latest: ClassVar[Path | None] = None
    changed = Signal()

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._worker = Worker("napari-fclick-folder")
        self.folder: ImageFolder | None = None
        self.number = 0
        self.notes: tuple[str, ...] = ()
        self._labelled: frozenset[str] = frozenset()
        self._opened: _Opened | None = None
        self._aim: _Aim | None = None
        self._read: _Read | None = None
        self._sessions: dict[Path, Path] = {}
        self._wrote, self._level, self._awaited, self._end = "", "info", False, 0
        self._looking = QTimer()
        self._looking.setSingleShot(True)
        self._looking.setInterval(PAUSE)
        self._looking.timeout.connect(self._arrive)
        controller.journaling.changed.connect(self._resume)
        controller.reported.connect(self._on_reported)

    # --- what there is ------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether an image is on its way."""
        return self._worker.busy or self._looking.isActive()

    @property
    def name(self) -> str:
        """The file of the image that is open; empty where no folder is walked through."""
        return "" if self.folder is None else self.folder.images[self.number].name

    @property
    def opening(self) -> str:
        """The file that is being opened; empty for none."""
        return "" if self._aim is None else self._aim.folder.images[self._aim.number].name

    @property
    def labelled(self) -> int:
        """How many images have a file of labels."""
        images = () if self.folder is None else self.folder.images
        return sum(image.stem in self._labelled for image in images)

    # --- what can be done ---------------------------------------------------------------

    def choose(self, folder: Path) -> None:
        """Walk through a folder, from its first image without labels on."""
        self._wrote = ""
        if self._may_leave():
            self._looking.stop()
            self._aim = self._read = None
            job = Job(partial(_look_into, folder), self._on_folder, self._on_no_folder)
            self._worker.submit("folder", job)

    def next(self) -> None:
        """Write the labels and go to the next image; of the last one they are written."""
        self._step(1)

    def previous(self) -> None:
        """Write the labels and go to the image before."""
        self._step(-1)

    def leave(self) -> None:
        """Write the labels and walk no further; the image stays open."""
        if self._controller.accepting_anywhere:
            self._say("an object is being accepted: leave the folder when it is", "warning")
        elif self.folder is not None and self._save():
            self._stop()
            self.folder, self.notes, self._opened = None, (), None
            self.changed.emit()

    def close(self) -> None:
        """Write the labels as far as that works, and end."""
        opened, self._opened = self._opened, None
        self._controller.journaling.changed.disconnect(self._resume, missing_ok=True)
        if opened is not None:
            try:
                self._write(opened)
            except Exception as error:
                # There is nobody to ask any more. The objects are in the session.
                logger.warning("labels of %s are not written: %s", opened.path, reason(error))
        self._worker.close()
        self._stop()

    # --- going --------------------------------------------------------------------------

    def _step(self, step: int) -> None:
        if self.folder is None:
            self._say("choose a folder of images first: Folder …", "warning")
            return
        self._wrote = ""
        if not self._may_leave():
            return
        aim = self._aim if self._aim and self._aim.folder is self.folder else None
        here = self.number if aim is None else aim.number
        count = len(self.folder.images)
        numbers = range(here + 1, count) if step > 0 else range(here - 1, -1, -1)
        if numbers:
            self._go(_Aim(self.folder, self._labelled, tuple(numbers)))
        elif aim is None and self._controller.accepting_anywhere:
            self._end = step
            self._looking.start()
        elif aim is None:
            end = "last" if step > 0 else "first"
            text = f"{self.name} is the {end} of {count} image{'s' * (count != 1)}"
            self._say("; ".join(filter(None, (self._wrote, text))))

    def _go(self, aim: _Aim) -> None:
        self._looking.stop()
        self._end = 0
        self._awaited = self._controller.accepting_anywhere
        self._aim, self._read = aim, None
        job = Job(
            partial(_read, aim), partial(self._on_read, aim), partial(self._on_unreadable, aim)
        )
        self._worker.submit("image", job)
        self.changed.emit()

    def _stop(self) -> None:
        self._looking.stop()
        self._worker.drop("folder")
        self._worker.drop("image")
        self._aim, self._read, self._end = None, None, 0

    def _on_folder(self, found: tuple[ImageFolder, frozenset[str]]) -> None:
        folder, labelled = found
        count = range(len(folder.images))
        first = next((n for n in count if folder.images[n].stem not in labelled), 0)
        self._go(_Aim(folder, labelled, (*count[first:], *reversed(count[:first]))))

    def _on_no_folder(self, problem: str) -> None:
        self._say(problem, "error")

    def _on_unreadable(self, aim: _Aim, problem: str) -> None:
        """Try the next one."""
        if aim is not self._aim:
            return
        problem = _short(problem, aim.folder)
        rest = aim.after(problem)
        if rest.numbers:
            self._go(rest)
            return
        self._stop()
        self._say(f"{problem}; there is no other image to go to", "error")
        self.changed.emit()

    def _on_read(self, aim: _Aim, read: _Read) -> None:
        if aim is self._aim:
            self._read = read
            self._arrive()

    def _arrive(self) -> None:
        """Go over to the image that was read, as soon as the one at hand can be left.

        Where there is none to go to, write the labels then.
        """
        aim, read, end, controller = self._aim, self._read, self._end, self._controller
        if not end and (aim is None or read is None):
            return
        if controller.accepting_anywhere:
            self._awaited = True
            self._looking.start()
            return
        refused = self._awaited and controller.at_hand and self._level != "info"
        if end and not refused:
            self._end = 0
            self._step(end)
        elif refused or aim is None or read is None or not self._may_leave():
            self._stop()  # it was said why
        else:
            self._open(aim, read)
        self.changed.emit()

    def _open(self, aim: _Aim, read: _Read) -> None:
        viewer, controller = self._controller.viewer, self._controller
        try:
            image = _layer_of(read)
            viewer.dims.ndisplay = 2
            viewer.add_layer(image)
        except Exception as error:  # whatever napari says to pixels of this kind
            self._on_unreadable(aim, f"{read.path.name}: {reason(error)}")
            return
        self._aim = self._read = None
        before, self._opened = self._opened, _Opened(read.path, read.file, image)
        controller.choose_image(image)  # takes over the classes of the one that is open yet
        if before is not None:
            self._take_settings(before)
            self._close(before)
        if read.labels is not None:
            self._show_labels(self._opened, read.labels)
        viewer.reset_view()
        problem = (f"without labels: {_short(read.problem, aim.folder)}",) if read.problem else ()
        notes = (*aim.folder.notes, *aim.unreadable, *problem)
        written = self._labelled if self.folder is aim.folder else frozenset()
        self.folder, self._labelled, self.number = aim.folder, aim.labelled | written, aim.number
        self.notes, FolderWalk.latest = notes, aim.folder.folder
        if aim.unreadable or problem:
            self._say("; ".join((*aim.unreadable, *problem)), "warning")
        else:
            self._say(self._wrote)

    def _show_labels(self, opened: _Opened, labels: NDArray[Any]) -> None:
        viewer = self._controller.viewer
        layer = labels_with(opened.image, labels)
        layer.metadata[FILE] = str(opened.file.found)
        viewer.add_layer(layer)
        viewer.layers.selection.active = opened.image
        opened.labels, opened.known = layer, np.asarray(labels)
        self._controller.choose_labels(layer)

    def _take_settings(self, before: _Opened) -> None:
        """Go on with threshold, overlap and class as they were chosen."""
        earlier, session = self._annotation(before), self._controller.session
        if earlier is not None and session is not None:
            session.settings = earlier.session.settings
            session.changed.emit()

    def _close(self, opened: _Opened) -> None:
        """Take the layers of an image away whose labels are written."""
        annotation, layers = self._annotation(opened), self._controller.viewer.layers
        session = None if annotation is None else self._controller.journaling.path_of(annotation)
        if session is not None:
            self._sessions[opened.path] = session
        if annotation is not None:
            annotation.hide()  # at once: its layers' names are those of the next image
        # The image first: without it nobody misses its labels.
        for layer in (opened.image, opened.labels, *self._made_for(opened)):
            if layer in layers:
                layers.remove(layer)

    def _resume(self) -> None:
        """Go on in the session of the image that was opened, as soon as it is found."""
        opened, controller = self._opened, self._controller
        if opened is None or not opened.fresh or controller.image is not opened.image:
            return
        session, offers = controller.session, controller.journaling.offers
        assert session is not None
        opened.fresh = not (session.can_undo or session.can_redo or session.clicks)
        if not opened.fresh or not offers:
            return
        opened.fresh = False
        others = [each for each in controller.annotations if each is not controller.current]
        used = [path for each in others if (path := controller.journaling.path_of(each))]
        own = [
            offer
            for offer in offers
            if _is_of(offer, opened) and not any(same_file(offer.path, path) for path in used)
        ]
        last = self._sessions.get(opened.path)
        same = [offer for offer in own if last is not None and same_file(offer.path, last)]
        if own:
            try:
                controller.journaling.resume((same or own)[0].path)
            except (JournalError, ValueError) as error:
                self._say(str(error), "warning")

    # --- writing ------------------------------------------------------------------------

    def _may_leave(self) -> bool:
        """Write the labels; False, having said why, where the image has to stay open."""
        opened, controller = self._opened, self._controller
        if opened is not None and controller.image is opened.image:
            waiting = controller.journaling.waiting
            problem = ""
            if controller.stacks.current is not None:
                problem = "accept or clear the object that is carried through it first"
            elif waiting:
                steps = f"{waiting} step{'s' * (waiting != 1)}"
                problem = f"{steps} not saved: make room, or save the session as another file"
            if problem:
                self._say(f"{opened.path.name} stays open: {problem}", "warning")
                return False
        return self._save()

    def _save(self) -> bool:
        """Write what was accepted; False, having said why, where that fails."""
        opened = self._opened
        if opened is None:
            return True
        try:
            with _busy_cursor():
                written = self._write(opened)
        except Exception as error:
            # Whatever a disk, or labels that the user has chosen, may raise.
            self._say(f"{opened.path.name} stays open: {reason(error)}", "error")
            return False
        if written:
            self._labelled |= {opened.path.stem}
            self._wrote = f"wrote {opened.file.name}"
            self._say(self._wrote)
            self.changed.emit()
        return True

    def _write(self, opened: _Opened) -> bool:
        """Write the labels of an image, and tell whether there was anything to be written."""
        layer = self._layer_to_write(opened)
        if layer is None:
            return False
        pixels = np.asarray(levels_of(layer)[0])
        own = layer is opened.labels
        if np.array_equal(pixels, cast(NDArray[Any], opened.known)) if own else not pixels.any():
            return False
        opened.file.check(whole=own)
        opened.file.write(pixels, *sizes_of(layer))
        opened.labels, opened.known = layer, pixels.copy()
        layer.metadata[FILE] = str(opened.file.path)
        annotation = self._annotation(opened)
        if annotation is not None:
            self._controller.journaling.note_labels(annotation)
        return True

    def _layer_to_write(self, opened: _Opened) -> Any:
        """Return the layer with all objects of an image; None where there is none.

        Raises
        ------
        ValueError
            If they are in several layers.
        """
        layers, annotation = self._controller.viewer.layers, self._annotation(opened)
        chosen = [opened.labels] if annotation is None else [annotation.labels, opened.labels]
        found = [*chosen, *self._made_for(opened)]
        if annotation is not None:
            owners = annotation.session.objects.owners.values()
            found += [getattr(each.labels, "layer", None) for each in dict.fromkeys(owners)]
        there = [layer for layer in dict.fromkeys(found) if layer is not None and layer in layers]
        full = [layer for layer in there if np.any(levels_of(layer)[0])]
        if len(full) > 1:
            names = " and ".join(repr(layer.name) for layer in full)
            raise ValueError(
                f"its objects are in the labels layers {names}, and {opened.file.name} holds one: "
                "remove the others; the session keeps what was accepted in them"
            )
        if full or opened.labels not in there:
            return (full or [None])[0]
        return opened.labels  # its objects were deleted

    def _made_for(self, opened: _Opened) -> list[Any]:
        """Return the Labels layers that were made for an image."""
        return [
            layer
            for layer in self._controller.viewer.layers
            if isinstance(layer, Labels) and layer.metadata.get(IMAGE) == image_id(opened.image)
        ]

    def _annotation(self, opened: _Opened) -> Annotation | None:
        every = self._controller.annotations
        return next((each for each in every if each.image is opened.image), None)

    def _on_reported(self, text: str, level: str) -> None:
        self._level = level

    def _say(self, text: str, level: str = "info") -> None:
        self._controller.say(text, level)


# --- in a thread ------------------------------------------------------------------------


def _look_into(folder: Path) -> tuple[ImageFolder, frozenset[str]]:
    """Return the images of a folder, and the stems of those that have labels."""
    found = find_images(folder)
    return found, frozenset(label_files(found.labels))


def _read(aim: _Aim) -> _Read:
    """Read an image, and its labels where there are any of use; raises where it cannot be read."""
    path = aim.folder.images[aim.number]
    file, problem = LabelsFile(aim.folder.labels, path), ""
    if file.found is not None:
        try:
            plane = file.read()
            # A copy: the file, which may be mapped, is written anew.
            return _Read(path, file, np.asarray(plane.image), np.array(plane.labels))
        except (ValueError, OSError) as error:
            problem = str(error)
    pixels = read_image(path)
    if pixels.dtype.kind not in "buif" or pixels.ndim < 2 or not pixels.size:
        size = " x ".join(map(str, pixels.shape))
        raise ValueError(f"{path} holds no image: {size or 'one number'}, {pixels.dtype}")
    if pixels.ndim == 3 and pixels.shape[-1] == 2:
        raise ValueError(f"{path} has two channels: save each as a gray image, or both as RGB")
    return _Read(path, file, pixels, problem=problem)


# --- helpers ----------------------------------------------------------------------------


def _short(problem: str, folder: ImageFolder) -> str:
    """Return a message without the folder, which everybody knows."""
    return problem.replace(f"{folder.folder}{os.sep}", "")


def _layer_of(read: _Read) -> Image:
    colours = read.pixels.ndim == 3 and read.pixels.shape[-1] in (3, 4)
    if read.labels is not None:
        colours = read.labels.ndim < read.pixels.ndim
    metadata = {FILE: str(read.path)}
    return Image(read.pixels, name=read.path.stem, rgb=colours, metadata=metadata)


def _is_of(offer: Offer, opened: _Opened) -> bool:
    """Whether a session is the image's own, and the labels of both are the same."""
    if offer.source != source_of(opened.image):
        return False
    if opened.labels is not None:
        return all(labels == source_of(opened.labels) for labels in offer.labels)
    return opened.file.found is None or not offer.labels


@contextmanager
def _busy_cursor() -> Iterator[None]:
    QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QApplication.restoreOverrideCursor()
