"""Keeps a session's file up to date; what cannot be written waits and is not forgotten."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from psygnal import Signal

from napari_fclick.session.history import Step
from napari_fclick.session.journal import MOVED, Circumstances, Journal, JournalError
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.session import Session
from napari_fclick.session.signature import Channels, Signature
from napari_fclick.session.target import Target


class Recorder:
    """Writes each step of a session into its file as it is taken.

    Where that fails - a full disk, a folder that may not be written - the steps wait, the
    annotator is told, and they are written as soon as it works again, or elsewhere.

    Parameters
    ----------
    session : Session
    describe : callable
        Tells what labels are that the session writes into.

    Attributes
    ----------
    failed : Signal(str)
        The file cannot be written, and why; emitted once until it works again.
    recovered : Signal()
        What waited has been written.
    """

    failed = Signal(str)
    recovered = Signal()

    def __init__(self, session: Session, describe: Callable[[NumberedLabels], Target]) -> None:
        self.session = session
        self.journal: Journal | None = None
        self._describe = describe
        self._waiting: deque[tuple[Step, str, float, Circumstances]] = deque()
        self._about: dict[str, str] = {}
        self._now = Circumstances()
        self._create: Callable[[], Journal] | None = None
        self._failing = self._held = False
        session.stepped.connect(self._on_step)

    # --- where --------------------------------------------------------------------------

    def begin_at(self, create: Callable[[], Journal]) -> None:
        """Make the file with the first step; where ``create`` raises, with the next one."""
        self._create = create
        if self._waiting:
            self.flush()

    def go_on_in(self, journal: Journal) -> None:
        """Write into a file that holds all that the session has done so far."""
        self.journal, self._create = journal, None
        # What the file knows of its image stays, whatever image it is used with now.
        self._about.pop("image", None)
        if journal.about(MOVED):
            self._about[MOVED] = ""  # with the next step the session goes on here, too

    def save_as(self, path: Path) -> None:
        """Go on in another file, which gets all that this one holds and all that waits.

        Raises
        ------
        JournalError
            If it cannot be written; the session stays with the file it has.
        """
        before = self.journal
        if before is None:
            raise JournalError("there is nothing to save yet: click on an object first")
        after = before.copy_to(path)
        # The numbers of weights and targets are the same in the copy.
        after.take_numbers_of(before)
        self.journal = after
        with suppress(ValueError):  # it may be read-only, or the name no text
            before.set_about(MOVED, str(path.resolve()))
        before.close()
        self.flush()

    def close(self) -> None:
        """Write what waits, as far as that works, and let go of the file."""
        self.session.stepped.disconnect(self._on_step)
        if self._waiting:
            self.flush()
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    # --- what ---------------------------------------------------------------------------

    def set_about(self, key: str, value: str) -> None:
        """Store something about the session as a whole, at once or with its first step."""
        self._about[key] = value
        if self.journal is not None:
            self.flush()

    def note_about(self, key: str, value: str) -> None:
        """Store something about the session with its next step."""
        self._about[key] = value

    def set_image(self, image: Signature) -> None:
        """Store what is known of the image by now; a file that knows its image keeps that."""
        try:
            lacks_it = self.journal is None or not self.journal.image.sampled
            text = image.model_dump_json()
        except Exception as error:
            self._fail(error)
            return
        if lacks_it:
            self.set_about("image", text)

    def set_weights(self, name: str, sha256: str) -> None:
        """Note which weights answer from now on."""
        self._now = replace(self._now, weights=(name, sha256))

    def set_channels(self, channels: Channels) -> None:
        """Note what is looked at together with the image from now on."""
        self._now = replace(self._now, channels=channels)

    @property
    def failing(self) -> bool:
        """Whether the file could not be written when that was tried last."""
        return self._failing

    @property
    def waiting(self) -> int:
        """How many steps are not in the file yet."""
        return len(self._waiting)

    def describe_anew(self) -> None:
        """Note what the labels are by now, such as their scale."""
        journal = self.journal
        if journal is None or journal.read_only:
            return
        try:
            for labels in journal.labels:
                journal.add_target(labels, self._describe(labels))
        except Exception as error:
            self._fail(error)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Write the steps that are taken meanwhile together, at the end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._waiting:
                self.flush()

    def flush(self) -> bool:
        """Write what waits; return False, having said why, if that cannot be done."""
        try:
            self._write_all()
        except Exception as error:
            self._fail(error)
            return False
        if self._failing:
            self._failing = False
            self.recovered.emit()
        return True

    def _on_step(self, step: Step, how: str) -> None:
        self._waiting.append((step, how, time.time(), self._now))
        if not self._held:
            self.flush()

    def _fail(self, error: Exception) -> None:
        """Say why the file cannot be written; whatever it is, the session goes on."""
        if self._failing:
            return
        self._failing = True
        text = str(error)
        if not isinstance(error, JournalError):
            text = f"the session file cannot be written: {type(error).__name__}: {error}"
        self.failed.emit(text)

    def _write_all(self) -> None:
        journal = self._opened()
        if journal is None:
            return
        for key in list(self._about):
            journal.set_about(key, self._about[key])
            del self._about[key]
        described = set[NumberedLabels]()
        while self._waiting:
            step, how, when, circumstances = self._waiting[0]
            journal.set_circumstances(circumstances)
            if step.commit is not None and step.commit.target not in described:
                target = step.commit.target
                journal.add_target(target, self._describe(target))
                described.add(target)
            more = any(later.commit is not None for later, *_ in islice(self._waiting, 1, None))
            journal.record(step, how, when, more=more)
            self._waiting.popleft()

    def _opened(self) -> Journal | None:
        if self.journal is None and self._create is not None:
            self.journal = self._create()
            self._create = None
        return self.journal
