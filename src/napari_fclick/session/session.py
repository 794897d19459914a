"""One image being annotated: from clicks, through predictions, to accepted objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from psygnal import Signal

from napari_fclick.core import window
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.integrity import Kept
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.core.threshold import THRESHOLD
from napari_fclick.session.answers import Answers
from napari_fclick.session.classes import Classes
from napari_fclick.session.drafts import Drafts
from napari_fclick.session.history import Commit, History, Step
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.objects import Objects
from napari_fclick.session.outlines import Outlines
from napari_fclick.session.place import Place
from napari_fclick.session.restoring import Restored
from napari_fclick.session.state import Draft, PredictionLike, SessionError, Settings
from napari_fclick.session.stopwatch import Stopwatch


class Session:
    """Clicks, predictions and accepted objects of one image.

    A *draft* is the object being clicked. Every plane of a stack has its own: moving to
    another plane loses no click. Whatever changes clicks, settings or labels is a `Step`
    that can be undone.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), or a list of pyramid levels
        The plane that is annotated.
    labels : array, optional
        What accepted objects are written into; indexed with slices only. It has the
        dimensions that ``place`` speaks of.
    place : Place
        Where the plane lies in the labels.
    highest : int, optional
        The highest object number in the labels, where it is known.
    outlines : Outlines, optional
        What other images tell of the outlines here.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    drafts : Drafts
        What is being clicked, in all planes.
    objects : Objects
        The accepted objects by number, and the labels they are written into.
    answers : Answers
        What a predictor says to the clicks, and what it is to be asked.
    classes : Classes
        The classes that objects may have.
    settings : Settings
    history : History
        The steps done and undone.
    stopwatch : Stopwatch
        How long a person has worked since the last step.
    changed : Signal()
        Clicks, settings, prediction or objects changed.
    place_changed : Signal(Place)
        Undo or redo moved to another plane.
    labels_changed : Signal(labels, where)
        A region of the labels was written.
    stepped : Signal(Step, str)
        A step was taken: "do", "undo" or "redo".
    reported : Signal(str)
        Something the annotator should know, such as what a commit overwrote.
    """

    changed = Signal()
    place_changed = Signal(Place)
    labels_changed = Signal(object, object)
    stepped = Signal(Step, str)
    reported = Signal(str)

    def __init__(
        self,
        image: Any,
        labels: Any = None,
        place: Place | None = None,
        *,
        highest: int | None = None,
        outlines: Outlines | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stopwatch = Stopwatch(clock)
        self.drafts = Drafts()
        self.objects = Objects()
        self.answers = Answers(
            self.drafts, self.objects, Outlines() if outlines is None else outlines
        )
        self.answers.changed.connect(self.changed.emit)
        self.history = History()
        self.classes = Classes()
        self.settings = Settings()
        self._look_at(place or Place(), image)
        if labels is not None:
            self.set_labels(labels, highest)

    # --- where --------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where the plane lies."""
        return self._place

    def show(self, place: Place, image: Any) -> None:
        """Go to another plane; the drafts stay where they are.

        Parameters
        ----------
        place : Place
        image : array (H, W) or (H, W, C), or a list of pyramid levels
            The plane's pixels.
        """
        self._look_at(place, image)
        self.changed.emit()

    def _look_at(self, place: Place, image: Any) -> None:
        self.shape = window.image_shape(image)
        self._place, self.image = place, image
        self.answers.show(place, image)

    def set_labels(self, labels: Any, highest: int | None = None) -> None:
        """Choose what accepted objects are written into.

        Parameters
        ----------
        labels : array or NumberedLabels or None
            `NumberedLabels` where other sessions write into the same.
        highest : int, optional
            The highest object number in them, where it is known.

        Raises
        ------
        SessionError
            If the labels do not have the image's shape, or hold no whole numbers.
        """
        if labels is not None and not isinstance(labels, NumberedLabels):
            labels = NumberedLabels(labels, highest)
        self.objects.choose(labels, self.place, self.shape)

    @property
    def labels(self) -> Any:
        """What accepted objects are written into; None where nothing is chosen."""
        return None if self.target is None else self.target.labels

    @property
    def target(self) -> NumberedLabels | None:
        """The labels and their object numbers; None where nothing is chosen."""
        return self.objects.target

    def take_over(self, restored: Restored) -> None:
        """Go on where an earlier session ended; its labels are written already.

        Raises
        ------
        SessionError
            If this session has been used.
        """
        if self.can_undo or self.can_redo or self.clicks:
            raise SessionError("this session has begun already: open the file in a new one")
        self.drafts.update(restored.drafts)
        self.history = restored.history
        self._use(restored.settings)
        self.objects.take_over(restored.commits)
        self.classes.ensure(record.class_name for record in self.objects.values())
        self.classes.ensure([self.settings.class_name])
        self.answers.renew()
        self.changed.emit()

    # --- clicks -------------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        """The object being clicked in this plane."""
        return self.drafts.at(self.place)

    def drafts_along(self, axis: int) -> dict[int, Draft]:
        """Return what was clicked in this plane, and before and behind it; see `Drafts.along`."""
        return self.drafts.along(axis, self.place)

    @property
    def clicks(self) -> ClickSequence:
        """The draft's clicks."""
        return self.draft.clicks

    def add(self, y: float, x: float, positive: bool = True, *, place: Place | None = None) -> None:
        """Add a click.

        Parameters
        ----------
        y, x : float
            Row and column.
        positive : bool
        place : Place, optional
            A plane of the same axes; by default this one.

        Raises
        ------
        ClickError
            If the first click is negative, or the click lies outside the image.
        """
        name = "add positive click" if positive else "add negative click"
        place = place or self.place
        self._click(name, self.drafts.at(place).clicks.add(Click(y, x, positive)), place)

    def remove(self, index: int) -> None:
        """Remove a click; raises `ClickError` where there is none."""
        self._click("remove click", self.clicks.remove(index))

    def move(self, index: int, y: float, x: float) -> None:
        """Move a click; raises `ClickError` outside the image."""
        self._click("move click", self.clicks.move(index, y, x))

    def promote(self, index: int) -> None:
        """Make a positive click the first; raises `ClickError` for a negative one."""
        self._click("make click the first", self.clicks.promote(index))

    def clear(self) -> None:
        """Remove all clicks, or the mark that the object is not here."""
        if self.draft.begun:
            self._click("clear clicks", ClickSequence())

    def mark_absent(self, absent: bool = True) -> None:
        """Say that the object of the stack is not in this plane, or take that back.

        The plane's clicks are removed, and come back when the mark is taken back; a click takes
        it back too, and is the only one then.
        """
        draft = self.draft
        if absent and not draft.absent:
            spent = self._spent(draft)
            after = Draft(label=draft.label, seconds=spent, made=draft.made, absent=True)
            self.do(self.step("mark as not here", after))
        elif draft.absent and not absent:
            self.do(self.step("take back the mark", self._before_the_mark()))

    def _before_the_mark(self) -> Draft:
        """Return what this plane's mark of absence took the place of."""
        for step in reversed(self.history.done):
            before = step.drafts_before.get(self.place)
            if before is not None and not before.absent and step.drafts_after[self.place].absent:
                return replace(before, seconds=self._spent(self.draft)) if before.begun else before
        return Draft()  # so long ago that the step is forgotten

    def _click(self, name: str, clicks: ClickSequence, place: Place | None = None) -> None:
        clicks.check_inside(self.shape)
        clicks.check_signs()
        place = place or self.place
        draft = self.drafts.at(place)
        made, spent = draft.made + (len(clicks) > len(draft.clicks)), self._spent(draft)
        after = replace(draft, clicks=clicks, seconds=spent, made=made, absent=False)
        left = [] if clicks else self.drafts.left_marks(place)
        others = dict.fromkeys(left, Draft())
        self.do(self.step(name, after if clicks else Draft(), place, others))

    def _spent(self, draft: Draft) -> float:
        """Return the seconds spent on a draft up to now."""
        return draft.seconds + self.stopwatch.seconds if draft.begun else 0.0

    # --- settings -----------------------------------------------------------------------

    def set(
        self,
        *,
        threshold: float | None = None,
        integrity: bool | None = None,
        policy: OverlapPolicy | str | None = None,
        class_name: str | None = None,
        as_accepted: bool | None = None,
    ) -> None:
        """Change settings; what is None stays.

        Raises
        ------
        SessionError
            If the threshold is not within 0 to 1.
        """
        wanted: dict[str, Any] = {
            "threshold": threshold,
            "integrity": integrity,
            "as_accepted": as_accepted,
            "class_name": class_name,
            "policy": None if policy is None else OverlapPolicy(policy),
        }
        chosen = {name: value for name, value in wanted.items() if value is not None}
        settings = replace(self.settings, **chosen)
        if settings != self.settings:
            name = "set " + " and ".join(chosen)
            moved = self.stopwatch.now() if set(chosen) == {"threshold"} else None
            step = self.step(name, self.draft)
            self.do(replace(step, settings_after=settings, moved=moved))

    # --- prediction ---------------------------------------------------------------------

    @property
    def prediction(self) -> PredictionLike | None:
        """The answer to the clicks as they are now; None while it is not known."""
        return self.answers.at(self.place)

    def mask(self, prediction: PredictionLike | None = None) -> Kept | None:
        """Return what the settings make of a prediction.

        Parameters
        ----------
        prediction : PredictionLike, optional
            By default the answer to the clicks as they are now.

        Returns
        -------
        Kept or None
            The mask of the prediction's window, and whether no positive click lies in it.
        """
        prediction = prediction or self.prediction
        return None if prediction is None else self.answers.mask(prediction, self.settings)

    # --- undo ---------------------------------------------------------------------------

    @property
    def undo_place(self) -> Place | None:
        """The plane of the step that `undo` would undo."""
        step = self.history.last_done
        return None if step is None else step.place

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return self.history.last_done is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is something to do again."""
        return self.history.last_undone is not None

    def undo(self) -> Step | None:
        """Take back the last step, in whichever plane it was; None where there is none."""
        step = self.history.last_done
        if step is None:
            return None
        # Labels first: where they cannot be written, nothing else changes.
        left_alone = 0 if step.commit is None else self.objects.withdraw(step.commit)
        self.history.undo()
        self._restore(step.drafts_before, step.settings_before)
        self._finish(step, "undo", left_alone)
        return step

    def redo(self) -> Step | None:
        """Do again what was undone last; None where there is nothing."""
        step = self.history.last_undone
        if step is None:
            return None
        left_alone = 0 if step.commit is None else self.objects.write(step.commit)
        self.history.redo()
        self._restore(step.drafts_after, step.settings_after)
        self._finish(step, "redo", left_alone)
        return step

    def step(
        self,
        name: str,
        after: Draft,
        place: Place | None = None,
        others: Mapping[Place, Draft] | None = None,
    ) -> Step:
        """Return a step that makes a draft another one and leaves all else as it is.

        Parameters
        ----------
        name : str
        after : Draft
        place : Place, optional
            The draft's plane; by default this one.
        others : mapping of Place to Draft, optional
            What the drafts of other planes become along with it.
        """
        place = place or self.place
        changes = tuple((at, self.drafts.at(at), draft) for at, draft in (others or {}).items())
        before, settings = self.drafts.at(place), self.settings
        return Step(name, place, before, after, settings, settings, others=changes)

    def do(self, step: Step) -> None:
        """Take a step; it can be undone.

        Raises
        ------
        SessionError
            If its labels cannot be written; nothing has changed then.
        """
        left_alone = 0 if step.commit is None else self.objects.write(step.commit)
        self._restore(step.drafts_after, step.settings_after)
        self.history.push(step)
        self._finish(step, "do", left_alone)

    def _restore(self, drafts: dict[Place, Draft], settings: Settings) -> None:
        self.drafts.update(drafts)
        self._use(settings)

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        # Whoever moves the threshold draws the outlines by hand.
        self.answers.as_accepted = settings.as_accepted and settings.threshold == THRESHOLD

    def _finish(self, step: Step, how: str, left_alone: int) -> None:
        # Settings act on the answer that is known: only clicks need another.
        moved = not step.only_settings and step.place != self.place
        if not step.only_settings:
            self.answers.renew()
            self.stopwatch.restart()
        for change in () if step.commit is None else step.commit.changes:
            if change.label not in self.objects:
                self.answers.outlines.forget(change.label)
        # First whoever writes it down; and one who fails keeps none of the others from being told.
        with ExitStack() as others:
            others.callback(self.changed.emit)
            if moved and how != "do":
                others.callback(self.place_changed.emit, step.place)
            if step.commit is not None:
                others.callback(self._tell, left_alone, step.commit)
            others.callback(self._list_classes, step, how)
            self.stepped.emit(step, how)

    def _list_classes(self, step: Step, how: str) -> None:
        changes = () if step.commit is None else step.commit.changes
        records = (change.after if how != "undo" else change.before for change in changes)
        names = [record.class_name for record in records if record is not None]
        self.classes.ensure([*names, self.settings.class_name])

    def _tell(self, left_alone: int, commit: Commit) -> None:
        for patch in commit.patches:
            self.labels_changed.emit(commit.target.labels, patch.where)
        if left_alone:
            self.reported.emit(f"{left_alone} px had been changed otherwise and stay as they are")
