"""Walks through a folder of images: opens one after the other, and writes its labels."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_fclick.core.folders import ImageFolder, stem_of
from napari_fclick.core.paths import same_file
from napari_fclick.core.words import counted
from napari_fclick.session.journal import JournalError
from napari_fclick.widgets.folder_image import FolderImage
from napari_fclick.widgets.folder_reading import Aim, ImageRead, aim_at
from napari_fclick.widgets.messages import reason
from napari_fclick.widgets.timers import single_shot
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

logger = logging.getLogger(__name__)

#: Milliseconds after which it is looked again whether an object has been accepted.
PAUSE = 50


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
        self._opened: FolderImage | None = None
        self._aim: Aim | None = None
        self._read: ImageRead | None = None
        self._sessions: dict[Path, Path] = {}
        self._wrote, self._level, self._awaited, self._end = "", "info", False, 0
        self._looking = single_shot(self._arrive, PAUSE)
        controller.journaling.changed.connect(self._resume)
        controller.messages.reported.connect(self._on_reported)

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
        return sum(stem_of(image) in self._labelled for image in images)

    # --- what can be done ---------------------------------------------------------------

    def choose(self, folder: Path) -> None:
        """Walk through a folder, from its first image without labels on."""
        self._wrote = ""
        if self._may_leave():
            self._looking.stop()
            self._aim = self._read = None
            job = Job(partial(aim_at, folder), self._go, self._on_no_folder)
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
                opened.write(closing=True)
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
            self._go(Aim(self.folder, self._labelled, tuple(numbers)))
        elif aim is None and self._controller.accepting_anywhere:
            self._end = step
            self._looking.start()
        elif aim is None:
            end = "last" if step > 0 else "first"
            self._say(self._after_writing(f"{self.name} is the {end} of {counted(count, 'image')}"))

    def _go(self, aim: Aim) -> None:
        self._looking.stop()
        self._end = 0
        self._awaited = self._controller.accepting_anywhere
        self._aim, self._read = aim, None
        job = Job(aim.read, partial(self._on_read, aim), partial(self._on_unreadable, aim))
        self._worker.submit("image", job)
        self.changed.emit()

    def _stop(self) -> None:
        self._looking.stop()
        self._worker.drop("folder")
        self._worker.drop("image")
        self._aim, self._read, self._end = None, None, 0

    def _on_no_folder(self, problem: str) -> None:
        self._say(problem, "error")

    def _on_unreadable(self, aim: Aim, problem: str) -> None:
        """Try the next one."""
        if aim is not self._aim:
            return
        rest = aim.after(problem)
        if rest.numbers:
            self._go(rest)
            return
        self._stop()
        told = self._after_writing(rest.unreadable[-1], "there is no other image to go to")
        self._say(told, "error")
        self.changed.emit()

    def _on_read(self, aim: Aim, read: ImageRead) -> None:
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

    def _open(self, aim: Aim, read: ImageRead) -> None:
        viewer, controller = self._controller.viewer, self._controller
        try:
            opened = FolderImage(controller, read)
            viewer.dims.ndisplay = 2
            viewer.add_layer(opened.image)
        except Exception as error:  # whatever napari says to pixels of this kind
            self._on_unreadable(aim, f"{read.path.name}: {reason(error)}")
            return
        self._aim = self._read = None
        before, self._opened = self._opened, opened
        # It takes over the classes of the one that is open yet.
        controller.annotated.choose_image(opened.image)
        if before is not None:
            self._take_settings(before)
            path = controller.journaling.path_of(before.annotation) if before.annotation else None
            if path is not None:
                self._sessions[before.path] = path
            before.close()
        if read.labels is not None:
            opened.show_labels(read.labels)
        viewer.reset_view()
        problem = (f"without labels: {read.problem}",) if read.problem else ()
        notes = (*aim.folder.notes, *aim.unreadable, *problem)
        written = self._labelled if self.folder is aim.folder else frozenset()
        self.folder, self._labelled, self.number = aim.folder, aim.labelled | written, aim.number
        self.notes, FolderWalk.latest = notes, aim.folder.folder
        if aim.unreadable or problem:
            self._say(self._after_writing(*aim.unreadable, *problem), "warning")
        else:
            self._say(self._wrote)

    def _take_settings(self, before: FolderImage) -> None:
        """Go on with threshold, overlap and class as they were chosen."""
        earlier, session = before.annotation, self._controller.session
        if earlier is not None and session is not None:
            session.settings = earlier.session.settings
            session.changed.emit()

    def _resume(self) -> None:
        """Go on in the session of the image that was opened, as soon as it is found."""
        opened, controller = self._opened, self._controller
        if opened is None or not opened.fresh or not opened.is_current:
            return
        session, offers = controller.session, controller.journaling.offers
        assert session is not None
        opened.fresh = not (session.can_undo or session.can_redo or session.clicks)
        if not opened.fresh or not offers:
            return
        opened.fresh = False
        others = [each for each in controller.annotated.all if each is not controller.current]
        used = [path for each in others if (path := controller.journaling.path_of(each))]
        own = [
            offer
            for offer in offers
            if opened.has_session(offer) and not any(same_file(offer.path, path) for path in used)
        ]
        last = self._sessions.get(opened.path)
        same = [offer for offer in own if last is not None and same_file(offer.path, last)]
        if own:
            try:
                offer = (same or own)[0]
                if controller.resuming.resume(offer.path) and offer.found and controller.session:
                    opened.note_unseen(controller.session.history.last_done)
            except (JournalError, ValueError) as error:
                self._say(str(error), "warning")

    # --- writing ------------------------------------------------------------------------

    def _may_leave(self) -> bool:
        """Write the labels; False, having said why, where the image has to stay open."""
        opened, controller = self._opened, self._controller
        if opened is not None and opened.is_current:
            waiting = controller.journaling.waiting
            problem = ""
            if controller.stacks.current is not None:
                problem = "accept or clear the object that is carried through it first"
            elif waiting:
                problem = (
                    f"{counted(waiting, 'step')} not saved: make room, or save the session as "
                    "another file"
                )
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
                written = opened.write()
        except Exception as error:
            # Whatever a disk, or labels that the user has chosen, may raise.
            self._say(f"{opened.path.name} stays open: {reason(error)}", "error")
            return False
        if written:
            self._labelled |= {stem_of(opened.path)}
            self._wrote = f"wrote {opened.file.name}"
            self._say(self._wrote)
            self.changed.emit()
        return True

    def _on_reported(self, text: str, level: str) -> None:
        self._level = level

    def _after_writing(self, *texts: str) -> str:
        """Return texts in a line, after what was written, which one message would replace."""
        return "; ".join(filter(None, (self._wrote, *texts)))

    def _say(self, text: str, level: str = "info") -> None:
        self._controller.say(text, level)


@contextmanager
def _busy_cursor() -> Iterator[None]:
    QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QApplication.restoreOverrideCursor()
