"""Finds objects like those accepted in the plane on show, and writes each."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.guidance import Point
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.words import counted
from napari_fclick.propagation import Kind
from napari_fclick.session import Place, Session, SessionError, Step
from napari_fclick.session.accepting import accept_found
from napari_fclick.session.likeness import Look, Seen, learn, radius_of, region_of, sample
from napari_fclick.session.restoring import is_find
from napari_fclick.session.similar import LEAST, MOST, Found, Search
from napari_fclick.session.state import Part, PredictionRequest, PredictorLike, Settings
from napari_fclick.widgets.activity import Activity
from napari_fclick.widgets.doubts import Doubt
from napari_fclick.widgets.key_settings import key_of
from napari_fclick.widgets.messages import reason
from napari_fclick.widgets.moving import middle_of_view
from napari_fclick.widgets.planes import to_plane
from napari_fclick.widgets.together import together
from napari_fclick.widgets.workers import Job, Worker, let_go_first

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

#: Milliseconds between two looks at what was found.
POLL = 100
#: So many seconds of the time between them go to writing it: a fast network finds hundreds.
AT_ONCE = 0.05


@dataclass
class Hunt:
    """A search under way.

    Attributes
    ----------
    session : Session
    place : Place
        The plane that is looked at.
    predictor : PredictorLike
    asked : tuple
        Who is asked, about what pixels, and what is written into.
    settings : Settings
    request : PredictionRequest
        What is asked of a new object.
    examples : dict of int to Part
        The objects in the plane that others are like, by number; none where they are elsewhere.
    centre : (float, float)
        Row and column about which a large plane is looked at, where it has no examples.
    look : Look or None
        What the objects look like; None before that was learned from the examples.
    found : deque of Found
        What is to be written.
    stop : Event
    doubts : list of Doubt
        What was written.
    steps : list of Step
        The session's, each of which wrote one.
    """

    session: Session
    place: Place
    predictor: PredictorLike
    asked: tuple[Any, ...]
    settings: Settings
    request: PredictionRequest
    examples: dict[int, Part]
    centre: Point
    look: Look | None = None
    found: deque[Found] = field(default_factory=deque)
    stop: threading.Event = field(default_factory=threading.Event)
    doubts: list[Doubt] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class Finding:
    """Looks for objects like those that were accepted; a person goes on meanwhile.

    Each is written as it is found, as a step of its own; `Undo` takes back all that were written
    one after the other.

    Parameters
    ----------
    controller : Controller
    busy : callable
        Whether a click is being answered: it goes first. Asked in a thread.

    Attributes
    ----------
    changed : Signal()
        There is something else to show.
    """

    changed = Signal()

    def __init__(self, controller: Controller, busy: Callable[[], bool]) -> None:
        self._controller, self._busy = controller, busy
        self._hunt: Hunt | None = None
        self._ended = False
        self._written: dict[Session, list[list[Step]]] = {}  # by each search
        self._looks: dict[str, Look] = {}  # by class, what objects found last look like
        self._worker = Worker("napari-fclick-finding")
        self._activity = Activity(self.stop)
        self._timer = QTimer()
        self._timer.setInterval(POLL)
        self._timer.timeout.connect(self._take)

    @property
    def busy(self) -> bool:
        """Whether objects are being looked for."""
        return self._hunt is not None

    @property
    def count(self) -> int:
        """How many were found by now."""
        return 0 if self._hunt is None else len(self._hunt.doubts)

    # --- what the keys do ---------------------------------------------------------------

    def toggle(self) -> None:
        """Look for more objects like those accepted in the plane on show, or stop it."""
        if self.busy:
            self.stop()
        else:
            self.begin()

    def begin(self) -> None:
        """Look for more objects like those accepted in the plane on show."""
        controller = self._controller
        if controller.session is not None and not controller.follow_view():
            return
        session, predictor = controller.session, controller.weights.predictor
        parts = {} if session is None else _examples(session)
        problem = self._why_not(len(parts))
        if problem or session is None or predictor is None:
            controller.say(problem, "warning")
        else:
            controller.attempt(lambda: self._begin(session, predictor, parts), "find")

    def _begin(self, session: Session, predictor: PredictorLike, parts: dict[int, Part]) -> None:
        current = self._controller.current
        assert current is not None  # it has the session
        look = None if len(parts) >= LEAST else self._looks[session.settings.class_name]
        current.ensure_labels()
        self._controller.bind_keys()
        hunt = self._hunt = Hunt(
            session,
            session.place,
            predictor,
            self._asked(session),
            session.settings,
            session.answers.request_new(session.image, ClickSequence([Click(0.0, 0.0)])),
            {} if look is not None else parts,
            self._middle(session),
            look,
        )
        self._ended = False
        self._written.setdefault(session, []).append(hunt.steps)
        work = _Work(hunt, session.labels, session.shape, self._busy)
        self._activity.begin("First Click: looking for objects")
        failed = partial(self._on_failed, hunt)
        self._worker.submit("find", Job(work, lambda _: self._on_end(hunt), failed))
        self._timer.start()
        self.changed.emit()

    def stop(self) -> None:
        """Look for no more; what was written stays."""
        if self._hunt is not None:
            self._hunt.stop.set()
            self._hunt.found.clear()

    def _why_not(self, count: int) -> str:
        controller = self._controller
        session = controller.session
        if session is None:
            return controller.annotated.refused or "open or choose an image first"
        name = session.settings.class_name
        if count < LEAST and name not in self._looks:
            kind = f" of the class {name!r}" if name else ""
            text = f"accept {LEAST} objects{kind} in this plane first"
            return f"{text}: others like them are looked for then ({count} by now)"
        return "" if controller.weights.predictor is not None else "no weights are loaded"

    def _middle(self, session: Session) -> Point:
        """Return the row and column in the middle of the view."""
        viewer, image = self._controller.viewer, self._controller.image
        return to_plane(viewer, image, middle_of_view(viewer), session.place)

    # --- undo ---------------------------------------------------------------------------

    def wrote(self, step: Step | None) -> bool:
        """Whether a step wrote one of the objects that were found."""
        return bool(self._with(step))

    def _with(self, step: Step | None) -> list[Step]:
        """Return the steps of the search that a step belongs to; none where it is of no search."""
        searches = (steps for searches in self._written.values() for steps in searches)
        return next((steps for steps in searches if any(step is each for each in steps)), [])

    def take_up(self, session: Session) -> None:
        """Know the steps of a session that was resumed which wrote objects found then."""
        runs = groupby(
            session.history.done, lambda step: step.commit is not None and is_find(step.commit)
        )
        self._written[session] = [list(steps) for finds, steps in runs if finds]

    def take_back(self, session: Session) -> Step | None:
        """Undo the steps on top that one search wrote, and look for no more.

        Returns the last one undone.
        """
        if self._hunt is not None:
            self._end(self._hunt)
        return self._all(lambda: session.history.last_done, session.undo, "took back")

    def bring_back(self, session: Session) -> Step | None:
        """Do again the steps that one search wrote; return the last one done."""
        return self._all(lambda: session.history.last_undone, session.redo, "brought back")

    def _all(
        self, top: Callable[[], Step | None], act: Callable[[], Step | None], done: str
    ) -> Step | None:
        step, count, search = None, 0, set(map(id, self._with(top())))
        while id(top()) in search:
            step, count = act(), count + 1
        self._controller.say(f"{done} {counted(count or 'no', 'object')} that {_were(count)} found")
        return step

    # --- what is found ------------------------------------------------------------------

    def _take(self) -> None:
        """Write what was found."""
        hunt = self._hunt
        if hunt is None:
            return
        problem = self._lost(hunt)
        if problem:
            self._end(hunt, problem, "warning")
            return
        if hunt.found:
            with together(self._controller, hunt.session, hunt.session.target):
                self._write_all(hunt)
        if self._ended and not hunt.found and hunt is self._hunt:
            self._end(hunt)

    def _write_all(self, hunt: Hunt) -> None:
        """Write what was found by now, or as much of it as there is time for."""
        session, begun = hunt.session, time.perf_counter()
        while hunt.found and time.perf_counter() - begun < AT_ONCE:
            if not session.objects.knows_next_label:
                if session.target is not None:
                    self._controller.targets.count(session.target)
                return
            if not self._write(hunt, hunt.found.popleft()):
                return

    def _lost(self, hunt: Hunt) -> str:
        """Return why the search is no longer for what is on hand; empty where it is."""
        controller = self._controller
        if controller.session is not hunt.session:
            return "another image was chosen"
        if self._asked(hunt.session) != hunt.asked:
            return "weights, image or labels were changed"
        return ""

    def _asked(self, session: Session) -> tuple[Any, ...]:
        return session.answers.forgotten, session.target

    def _write(self, hunt: Hunt, found: Found) -> bool:
        session = hunt.session
        try:
            carried = self._controller.stacks.carried_to(hunt.place)
            written = accept_found(session, hunt.place, found, hunt.settings, carried)
        except Exception as error:  # whatever labels on a disk may raise
            self._end(hunt, reason(error), "error")
            return False
        if written:
            step = session.history.last_done
            assert step is not None
            assert step.commit is not None
            hunt.steps.append(step)
            label = step.commit.changes[-1].label
            hunt.doubts.append(Doubt(found.sure, label, hunt.place))
            self.changed.emit()
        return True

    def _on_end(self, hunt: Hunt) -> None:
        if hunt is self._hunt:
            self._ended = True
            self._take()

    def _on_failed(self, hunt: Hunt, problem: str) -> None:
        if hunt is self._hunt:
            self._end(hunt, f"objects could not be looked for: {problem}", "error")

    def _end(self, hunt: Hunt, why: str = "", level: str = "info") -> None:
        hunt.stop.set()
        self._hunt = None
        self._timer.stop()
        self._activity.end()
        count, name = len(hunt.doubts), hunt.settings.class_name
        if hunt.look is not None:
            self._looks[name] = hunt.look
        if count:
            self._controller.doubts.note(hunt.session, hunt.doubts)
        like = f"the {len(hunt.examples)} accepted" if hunt.examples else "those found before"
        told = f"found {counted(count or 'no', 'object')} like {like}"
        if count:
            told += (
                f" · {key_of('worst_next')}: look at the least certain ones · Undo: take back all"
            )
        self._controller.say(f"{why}; {told}" if why else told, level)
        self.changed.emit()

    # --- life ---------------------------------------------------------------------------

    def forget(self, session: Session) -> None:
        """Let go of a session that is gone."""
        if self._hunt is not None and self._hunt.session is session:
            self._let_go()
        self._written.pop(session, None)

    def close(self) -> None:
        """End it, unheard."""
        self._let_go()
        self._worker.close()

    def _let_go(self) -> None:
        if self._hunt is not None:
            self._hunt.stop.set()
            self._hunt = None
            self._timer.stop()
            self._activity.end()


class _Work:
    """The search in its thread: it reads the labels, and lets clicks go first."""

    def __init__(
        self,
        hunt: Hunt,
        labels: Any,
        shape: tuple[int, int],
        busy: Callable[[], bool],
    ) -> None:
        self._hunt, self._labels, self._shape, self._busy = hunt, labels, shape, busy

    def __call__(self) -> None:
        hunt = self._hunt
        for found in self._search().run():
            if found is not None:
                hunt.found.append(found)
            let_go_first(self._busy, hunt.stop)
            if hunt.stop.is_set():
                return

    def _search(self) -> Search:
        hunt, look = self._hunt, self._hunt.look
        masks = self._masks()
        radius = radius_of(masks) if look is None else look.radius
        centre = masks[-1].box.centre if masks else hunt.centre
        region = region_of(self._shape, radius, centre)
        taken = np.asarray(self._labels[hunt.place.where(*region.slices)]) != 0
        seen = Seen(hunt.request.image, hunt.request.asked.limits, radius, centre)
        if look is None:
            look = hunt.look = learn(sample(seen, masks, taken))
        return Search(hunt.request, hunt.predictor, hunt.settings, seen, look, taken)

    def _masks(self) -> list[StoredMask]:
        masks = []
        for label, part in self._hunt.examples.items():
            box = part.box
            pixels = np.asarray(self._labels[self._hunt.place.where(*box.slices)]) == label
            mask = StoredMask.pack(pixels, box.top, box.left)
            if mask is not None:
                masks.append(mask)
        if self._hunt.look is None and not masks:
            raise SessionError("the accepted objects are no longer in the labels")
        return masks


def _examples(session: Session) -> dict[int, Part]:
    """Return what objects of the class that is set are in the plane on show, the latest last.

    Those that were found, and that nobody has taken in hand, are none.
    """
    name, place = session.settings.class_name, session.place
    parts = {
        label: part
        for label, record in session.objects.records.items()
        if record.class_name == name
        and session.objects.owners.get(label) is session.target
        and (part := record.part(place)) is not None
        and part.kind is not Kind.FOUND
    }
    return dict(list(parts.items())[-MOST:])


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
