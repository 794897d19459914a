"""Asks the predictor, off the GUI thread, for what sessions need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from napari_fclick.session import Place, Session
from napari_fclick.session.state import PredictionLike, PredictionRequest, PredictorLike
from napari_fclick.widgets.activity import Activity
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.workers import Job, Worker

#: Seconds: where answers take longer than this, none is asked for ahead of its click.
SLOW = 0.5


@dataclass
class Ahead:
    """What is asked for a click that is not made yet.

    Attributes
    ----------
    session : Session
    place : Place
    request : PredictionRequest
    generation : int or None
        Whose answer it has become, now that the click is made.
    """

    session: Session
    place: Place
    request: PredictionRequest
    generation: int | None = None


class Predicting:
    """A predictor, being loaded or there, and the queue of what it is asked.

    Parameters
    ----------
    load : callable
        Takes weights and device, returns a predictor; may take its time and raise ValueError.
    discover : callable
        Returns the weights and devices there are; may take its time.

    Attributes
    ----------
    loaded : Signal()
        Another predictor is in use.
    failed : Signal(str)
        Weights could not be loaded.
    answered : Signal(Session)
        A session has received the answer to its clicks.
    unanswered : Signal(Session, str)
        There is no answer, and why.
    discovered : Signal(Choices)
        Which weights and devices there are.
    activity : Activity
        Loading, in napari's activity dock.
    seconds : float
        That the last answer took; infinite before the first of a predictor.
    """

    loaded = Signal()
    failed = Signal(str)
    answered = Signal(object)
    unanswered = Signal(object, str)
    discovered = Signal(object)

    def __init__(
        self, load: Callable[[str, str], PredictorLike], discover: Callable[[], Choices]
    ) -> None:
        self.predictor: PredictorLike | None = None
        self.loading = False
        self.seconds = float("inf")
        self._load, self._discover = load, discover
        self._problem = "no weights are loaded"
        self._asked: tuple[int, int] | None = None
        self._ahead: Ahead | None = None
        self._early: PredictionLike | None = None
        self._worker = Worker()
        self._loads = 0
        self.activity = Activity(self._on_load_cancelled)

    @property
    def busy(self) -> bool:
        """Whether something is being loaded or predicted."""
        return self._worker.busy

    @property
    def possible(self) -> bool:
        """Whether there is a predictor, or will be."""
        return self.loading or self.predictor is not None

    def load(self, weights: str, device: str) -> None:
        """Load weights; until they are there, those loaded before stay in use."""
        self.loading = True
        self._loads += 1
        self.activity.begin(f"First Click: loading {weights}")
        number = self._loads
        job = Job(
            lambda: self._load(weights, device),
            lambda predictor: self._on_loaded(number, predictor),
            lambda problem: self._on_load_failed(number, problem),
        )
        self._worker.submit("load", job)

    def discover(self) -> None:
        """Find out which weights and devices there are."""
        job = Job(self._discover, self.discovered.emit, self.failed.emit)
        self._worker.submit("discover", job)

    def ask(self, session: Session | None) -> None:
        """Ask for what a session needs now; what another one needed is not asked any more."""
        request = None if session is None else session.answers.request()
        predictor = self.predictor
        if session is None or request is None:
            self.forget()
            self._tell_early(session)
            return
        if predictor is None:
            if not self.loading:
                self._on_no_answer(session, request.generation, self._problem)
            return
        asked = (id(session), request.generation)
        if asked == self._asked:
            return
        self._asked = asked
        ahead = self._ahead
        if ahead is not None and ahead.session is session and ahead.request.same_as(request):
            ahead.generation = request.generation  # it is under way
            return
        place = session.place
        job = Job(
            lambda: request.run(predictor),
            lambda found: self._on_answer(session, place, request, found),
            lambda problem: self._on_no_answer(session, request.generation, problem),
        )
        self._worker.submit("predict", job)

    def ask_at(
        self,
        session: Session,
        place: Place,
        request: PredictionRequest,
        told: Callable[[str], None],
    ) -> None:
        """Ask about a plane that is not on show, whatever is asked about the one that is.

        Parameters
        ----------
        session : Session
        place : Place
        request : PredictionRequest
        told : callable
            Takes what went wrong, empty where the session was given the answer.
        """
        predictor = self.predictor
        if predictor is None:
            return

        def on_answer(found: PredictionLike) -> None:
            session.answers.receive(place, request, found)
            told("")

        self._worker.submit(
            f"predict {place}", Job(lambda: request.run(predictor), on_answer, told)
        )

    def ask_ahead(self, session: Session, y: float, x: float, positive: bool) -> None:
        """Ask, where nothing else is to be done, for what a click will need that is being made.

        Its answer is there sooner by the time that the button stays down.
        """
        predictor = self.predictor
        # A press may become a drag: what takes long would keep a click waiting that is meant.
        slow = SLOW < self.seconds < float("inf")
        request = None if self.busy or slow else session.answers.request_ahead(y, x, positive)
        if predictor is None or request is None:
            return
        ahead = self._ahead = Ahead(session, session.place, request)
        job = Job(
            lambda: request.run(predictor),
            lambda found: self._on_ahead(ahead, found),
            lambda problem: self._on_no_ahead(ahead, problem),
        )
        self._worker.submit("predict ahead", job)

    def forget(self) -> None:
        """Do not ask what has not been asked yet."""
        self._worker.drop("predict")
        self._asked = None

    def close(self) -> None:
        """Let a prediction that runs come to its end unheard."""
        self.activity.end()
        self._worker.close()

    def _on_loaded(self, number: int, predictor: PredictorLike) -> None:
        if number != self._loads:
            return  # cancelled, or others are wanted since
        self.activity.end()
        self.loading, self.predictor, self.seconds = False, predictor, float("inf")
        self.forget()
        self.loaded.emit()

    def _on_load_failed(self, number: int, problem: str) -> None:
        if number != self._loads:
            return
        self.activity.end()
        self.loading, self._problem = False, problem
        self.failed.emit(problem)

    def _on_load_cancelled(self) -> None:
        self._loads += 1  # what is being loaded comes to its end unheard
        self._worker.drop("load")
        self.loading = False
        self._problem = "loading the weights was cancelled; choose weights to load them"
        self.failed.emit(self._problem)

    def _on_answer(
        self, session: Session, place: Place, request: PredictionRequest, prediction: Any
    ) -> None:
        self.seconds = prediction.seconds
        if session.answers.receive(place, request, prediction):
            self._worker.drop(f"predict {place}")
            self.answered.emit(session)

    def _on_ahead(self, ahead: Ahead, prediction: Any) -> None:
        self._ahead = None
        self.seconds = prediction.seconds
        if not ahead.session.answers.receive_ahead(ahead.place, ahead.request, prediction):
            return
        if ahead.generation is None:
            self._early = prediction
        else:
            self._worker.drop(f"predict {ahead.place}")
            self.answered.emit(ahead.session)

    def _on_no_ahead(self, ahead: Ahead, problem: str) -> None:
        self._ahead = None
        if ahead.generation is not None:
            self._on_no_answer(ahead.session, ahead.generation, problem)

    def _tell_early(self, session: Session | None) -> None:
        """Tell of an answer that was there before its click."""
        early = self._early
        if early is not None and session is not None and session.prediction is early:
            self._early = None
            self.answered.emit(session)

    def _on_no_answer(self, session: Session, generation: int, problem: str) -> None:
        if session.answers.fail(generation, problem):
            self.unanswered.emit(session, problem)
