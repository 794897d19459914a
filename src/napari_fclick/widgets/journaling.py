"""The session files of the images that are annotated: written at once, and found again."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_fclick.core import places
from napari_fclick.core.paths import same_file
from napari_fclick.exchange import READ, SESSION
from napari_fclick.session import NumberedLabels, Step, autosave
from napari_fclick.session.autosave import Offer
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Channels, Signature, encodable
from napari_fclick.session.target import Target
from napari_fclick.widgets.inputs import note_look, source_of
from napari_fclick.widgets.layers import sizes_of
from napari_fclick.widgets.planes import levels_of
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.widgets.annotation import Annotation
    from napari_fclick.widgets.controller import Controller


logger = logging.getLogger(__name__)

#: Milliseconds after which it is tried again to write what could not be written.
RETRY = 5000


@dataclass
class Kept:
    """What is known of the session file of one annotation.

    Attributes
    ----------
    recorder : Recorder
        Writes it.
    signature : Signature
        Of the image.
    offers : list of Offer
        Earlier sessions of the image.
    dismissed : bool
        Whether these are offered no more.
    channels : Channels or None
        Looked at together with the image.
    made_with : (str, str) or None
        Name and hash of the weights of a session that was resumed, until they were told.
    """

    recorder: Recorder
    signature: Signature
    offers: list[Offer] = field(default_factory=list)
    dismissed: bool = False
    channels: Channels | None = None
    made_with: tuple[str, str] | None = None


class Journaling:
    """Keeps a session file for every image that is annotated, from the first click on.

    Parameters
    ----------
    controller : Controller

    Attributes
    ----------
    changed : Signal()
        The file, or what could be resumed, is another.
    exchanged : Signal(Annotation)
        Its image has other pixels than those that its objects were made on.
    """

    changed = Signal()
    exchanged = Signal(object)

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._worker = Worker("napari-fclick-journal")
        self._kept: dict[Annotation, Kept] = {}
        self._weights: tuple[str, str] | None = None
        self._retry = QTimer()
        self._retry.setInterval(RETRY)
        self._retry.timeout.connect(self._on_retry)

    # --- life ---------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether an image is still being looked at."""
        return self._worker.busy

    def watch(self, annotation: Annotation) -> None:
        """Write what is done to an image from now on."""
        image = annotation.image
        signature = Signature.of(levels_of(image), source_of(image), image.name, sample=False)
        recorder = Recorder(annotation.session, partial(self._describe, annotation.image))
        recorder.begin_at(partial(self._create, annotation))
        recorder.failed.connect(self._on_failure)
        recorder.recovered.connect(self._on_recovery)
        if self._weights is not None:
            recorder.set_weights(*self._weights)
        self._kept[annotation] = Kept(recorder, signature)
        annotation.session.classes.changed.connect(partial(self._note_classes, annotation))
        self._note_classes(annotation)
        self._look(annotation, self._on_looked)

    def held(self) -> AbstractContextManager[None]:
        """Write the steps that are taken meanwhile into the current file at the end."""
        return nullcontext() if self.current is None else self.current.recorder.held()

    def look_again(self, annotation: Annotation) -> None:
        """Find out whether the pixels, which were exchanged, are others."""
        self._look(annotation, self._on_looked_again)

    def _look(self, annotation: Annotation, told: Callable[[Annotation, Signature], None]) -> None:
        """Take an image's signature off the GUI thread."""
        image = annotation.image
        data, source, name = levels_of(image), source_of(image), image.name
        job = Job(
            lambda: Signature.of(data, source, name), partial(told, annotation), lambda _: None
        )
        self._worker.submit(f"{told.__name__} {id(annotation)}", job)

    def drop(self, annotation: Annotation) -> None:
        """Close the file of an image that is not annotated any more."""
        kept = self._kept.get(annotation)
        if kept is not None:
            if kept.recorder.waiting and not kept.recorder.flush():
                self._rescue(kept)
            kept.recorder.close()
            del self._kept[annotation]
            self.changed.emit()

    def close(self) -> None:
        """Close all files."""
        self._retry.stop()
        self._worker.close()
        for annotation in list(self._kept):
            self.drop(annotation)

    def use_weights(self, predictor: Any) -> None:
        """Note which weights answer from now on."""
        card = getattr(predictor, "card", None)
        self._weights = (encodable(str(predictor.name)), str(getattr(card, "sha256", "")))
        for kept in self._kept.values():
            kept.recorder.set_weights(*self._weights)
            if problem := self.other_weights(kept):
                self._controller.say(problem, "warning")

    def note_channels(self, annotation: Annotation) -> None:
        """Note which other layers are looked at together with the image, and how bright."""
        kept = self._kept.get(annotation)
        if kept is None:
            return
        note_look(kept.recorder, annotation)
        if not (annotation.channels or kept.channels):
            return
        sources = [source_of(layer) for layer in annotation.channels]
        limits = annotation.channel_limits() if annotation.channels else None
        kept.channels = Channels(sources=tuple(sources), limits=limits)
        kept.recorder.set_channels(kept.channels)

    def note_labels(self, annotation: Annotation) -> None:
        """Note in the session file which files its labels are in by now."""
        kept = self._kept.get(annotation)
        if kept is not None:
            kept.recorder.describe_anew()

    # --- what there is ------------------------------------------------------------------

    @property
    def path(self) -> Path | None:
        """The session file of the current image; None before its first click."""
        current = self._controller.current
        return None if current is None else self.path_of(current)

    def of(self, annotation: Annotation) -> Kept:
        """Return what is known of the session file of an image that is annotated."""
        return self._kept[annotation]

    def path_of(self, annotation: Annotation) -> Path | None:
        """Return the session file of an image; None before its first click."""
        kept = self._kept.get(annotation)
        journal = None if kept is None else kept.recorder.journal
        return None if journal is None else journal.path

    @property
    def waiting(self) -> int:
        """How many steps could not be written yet."""
        kept = self.current
        return 0 if kept is None else kept.recorder.waiting

    @property
    def offers(self) -> list[Offer]:
        """Earlier sessions of the current image, while no object of it has been accepted."""
        kept = self.current
        if kept is None or kept.dismissed or kept.recorder.session.objects.has_committed:
            return []
        return self.earlier

    @property
    def earlier(self) -> list[Offer]:
        """All earlier sessions of the current image, those with objects and the newest first."""
        kept, path = self.current, self.path
        offers = [] if kept is None else kept.offers
        return [offer for offer in offers if path is None or not same_file(offer.path, path)]

    def dismiss(self) -> None:
        """Offer the earlier sessions of the current image no more."""
        kept = self.current
        if kept is not None:
            kept.dismissed = True
            self.changed.emit()

    # --- what can be done ---------------------------------------------------------------

    def save_as(self, path: Path) -> bool:
        """Go on in another file, which gets all that was done so far; say what goes wrong."""
        kept = self.current
        if kept is None:
            return False
        try:
            self._save_as(kept, path)
        except (JournalError, OSError) as error:
            self._controller.say(str(error), "error")
            self.mark(kept)  # it may have got a file beside the one that was wanted
            self.changed.emit()
            return False
        self.mark(kept)
        saved = kept.recorder.waiting == 0
        if saved:
            self._controller.say(f"the session is in {path} from now on")
        self.changed.emit()
        return saved

    def _save_as(self, kept: Kept, path: Path) -> None:
        recorder = kept.recorder
        if recorder.journal is not None or not recorder.waiting:
            recorder.save_as(path)
            return
        # The folder for files of our own could not be written. What is to be replaced stays until
        # all that waits is in a file beside it.
        beside = autosave.new_path(path.stem, path.parent) if path.exists() else path
        recorder.go_on_in(Journal.create(beside, kept.signature))
        if recorder.flush() and beside != path:
            recorder.save_as(path)
            beside.unlink(missing_ok=True)

    def _rescue(self, kept: Kept) -> None:
        """Write what could not be written elsewhere, rather than lose it."""
        count, text = kept.recorder.waiting, ""
        # The last one does not outlive a restart of the computer.
        for folder in (places.rescue_folder(), Path(tempfile.gettempdir()) / "napari-fclick"):
            try:
                path = autosave.new_path(f"rescued-{kept.signature.name}", folder)
                self._save_as(kept, path)
            except (JournalError, OSError) as error:
                text = text or f"{count} steps could not be saved anywhere: {error}"
                continue
            lost = kept.recorder.waiting
            text = f"{count - lost} steps that could not be saved before are in {path}"
            text += f"; {lost} could not be saved anywhere" if lost else ""
            if not lost:
                break
        self._controller.say(text, "error")
        logger.warning(text)

    def other_weights(self, kept: Kept) -> str:
        """Say, once, that other weights answer than those that a session was made with."""
        made_with, now = kept.made_with, self._weights
        if made_with is None or now is None:
            return ""
        kept.made_with = None
        same = made_with[1] == now[1] if made_with[1] and now[1] else made_with[0] == now[0]
        return "" if same else f"it was made with weights {made_with[0]!r}; {now[0]!r} are in use"

    def _describe(self, image: Any, labels: NumberedLabels) -> Target:
        layer = labels.labels.layer
        shape, dtype = tuple(labels.labels.shape), str(labels.labels.dtype)
        known = Target(encodable(layer.name), source_of(layer), shape, dtype, *sizes_of(layer))
        if known.has_scale or layer.ndim != image.ndim:
            return known
        spacing, unit = sizes_of(image)  # labels from a file without a scale are the image's
        return replace(known, spacing=spacing, unit=unit)

    # --- events -------------------------------------------------------------------------

    def _create(self, annotation: Annotation) -> Journal:
        kept = self._kept[annotation]
        return Journal.create(autosave.new_path(annotation.image.name), kept.signature)

    def _on_looked(self, annotation: Annotation, found: Signature) -> None:
        kept = self._kept.get(annotation)
        if kept is None:
            return
        kept.signature = found
        kept.recorder.set_image(found)
        self._look_for_offers(annotation, found)

    def _on_looked_again(self, annotation: Annotation, found: Signature) -> None:
        """Begin a new file where other pixels are there than those the objects were made on."""
        kept = self._kept.get(annotation)
        if kept is None or not kept.signature.problem(found):
            return
        if annotation.session.objects.has_committed:
            self.exchanged.emit(annotation)
            return
        # Nothing but clicks, which are predicted anew: they are of the new pixels.
        kept.signature = found
        kept.recorder.set_about("image", found.model_dump_json())
        self._look_for_offers(annotation, found)

    def _look_for_offers(self, annotation: Annotation, found: Signature) -> None:
        job = Job(
            lambda: autosave.offers(found), partial(self._on_offers, annotation), lambda _: None
        )
        self._worker.submit(f"offers {id(annotation)}", job)

    def _on_offers(self, annotation: Annotation, offers: list[Offer]) -> None:
        kept = self._kept.get(annotation)
        if kept is not None:
            kept.offers = offers
            self.changed.emit()

    def on_step(self, step: Step) -> None:
        """Mark the labels that objects were written into as this session's, and tell the dock."""
        kept = self.current
        if kept is not None and step.commit is not None:
            self.mark(kept)
        self.changed.emit()

    def _on_retry(self) -> None:
        """Try again to write what waits: there may be room by now."""
        failing = [kept.recorder for kept in self._kept.values() if kept.recorder.failing]
        for recorder in failing:
            recorder.flush()
        if not any(recorder.failing for recorder in failing):
            self._retry.stop()

    def _on_failure(self, problem: str) -> None:
        self._retry.start()
        self._controller.say(
            f"{problem}. What is accepted is in the labels and waits to be saved: "
            "make room, or save the session as another file",
            "error",
        )

    def _on_recovery(self) -> None:
        self._controller.say("the session file is up to date again")
        self.changed.emit()

    def _note_classes(self, annotation: Annotation) -> None:
        kept = self._kept.get(annotation)
        if kept is not None:
            colours = annotation.session.classes.colours
            kept.recorder.set_about("classes", json.dumps(colours))

    @property
    def current(self) -> Kept | None:
        """What is known of the session file of the current image."""
        current = self._controller.current
        return None if current is None else self._kept.get(current)

    def mark(self, kept: Kept) -> None:
        """Have the Labels layer know the file, so that it can be saved as one."""
        target, journal = kept.recorder.session.target, kept.recorder.journal
        if target is not None and journal is not None:
            with suppress(AttributeError):
                target.labels.layer.metadata[SESSION] = str(journal.path)
                target.labels.layer.metadata.pop(READ, None)
