"""What a predictor answers to the clicks: asked for, received, failed, forgotten."""

from __future__ import annotations

from typing import Any

from psygnal import Signal

from napari_fclick.core import window
from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.core.integrity import Kept
from napari_fclick.core.masks import StoredMask
from napari_fclick.session.drafts import Drafts
from napari_fclick.session.objects import Objects
from napari_fclick.session.outlines import First, Outlines
from napari_fclick.session.place import Place
from napari_fclick.session.predictions import KnownPredictions, Scope
from napari_fclick.session.starting import start_prediction
from napari_fclick.session.state import Answer, PredictionLike, PredictionRequest, Settings


class Answers:
    """The answers to the clicks of all planes, and what is asked about the plane on show.

    Parameters
    ----------
    drafts : Drafts
        The clicks.
    objects : Objects
        Those accepted before: their size is told to the predictor.
    outlines : Outlines
        Where those have their outlines.

    Attributes
    ----------
    as_accepted : bool
        Whether new objects are to have theirs where those accepted before have them.
    known : KnownPredictions
        The answers that are kept.
    generation : int
        Grows with every change of what is to be predicted.
    forgotten : int
        Grows whenever all answers are forgotten: others are asked, or about other pixels.
    changed : Signal()
        There is an answer, or is none any more.
    """

    changed = Signal()

    def __init__(self, drafts: Drafts, objects: Objects, outlines: Outlines) -> None:
        self.known = KnownPredictions()
        self.outlines, self.as_accepted = outlines, True
        self.generation = 0
        self._drafts, self._objects = drafts, objects
        self._place, self._image, self._shape = Place(), None, (0, 0)
        self._limits: tuple[float, float] | None = None
        self._failed: str | None = None
        self.forgotten = 0
        self._started: tuple[Any, PredictionLike] | None = None
        self._masked: tuple[PredictionLike, Settings, Kept] | None = None

    def show(self, place: Place, image: Any) -> None:
        """Ask about another plane from now on."""
        self._place, self._image, self._shape = place, image, window.image_shape(image)
        self.renew()

    def renew(self) -> None:
        """Begin a new generation: something else is to be predicted."""
        self.generation += 1
        self._failed = None

    # --- what is known ------------------------------------------------------------------

    def at(self, place: Place) -> PredictionLike | None:
        """Return the answer to the clicks of a plane; None where it is not known."""
        draft = self._drafts.at(place)
        if not draft.clicks:
            return None
        if draft.start is not None and draft.start.clicks == draft.clicks:
            return self._started_from(place)
        return self.known.get(self._scope(place), draft.clicks)

    def trail(self, place: Place) -> tuple[Answer, ...]:
        """Return what was asked on the way to the answer to the clicks of a plane."""
        return self.known.trail(self._scope(place), self._drafts.at(place).clicks)

    def first(self, place: Place) -> First | None:
        """Return the answer to the first click of a plane's new object; None where not known."""
        draft, trail = self._drafts.at(place), self.trail(place)
        if draft.start is not None or not trail or trail[0].clicks != 1:
            return None
        found = self.known.get(self._scope(place), ClickSequence(draft.clicks[:1]))
        return None if found is None else First(found, trail[0].bias)

    @property
    def latest(self) -> PredictionLike | None:
        """The answer to the clicks or, while it is pending, to the ones before them."""
        found = self.at(self._place)
        if found is not None:
            return found
        before = self.known.before(self._scope(self._place), self._clicks)
        return self._started_from(self._place) if before is None else before.prediction

    def mask(self, prediction: PredictionLike, settings: Settings) -> Kept:
        """Return the mask that settings make of a prediction; the last one is kept."""
        known = self._masked
        if known is None or known[0] is not prediction or known[1] != settings:
            known = self._masked = (prediction, settings, mask_of(prediction, settings))
        return known[2]

    @property
    def pending(self) -> bool:
        """Whether the answer about the plane on show is still to come."""
        return self._unanswered and self._failed is None

    @property
    def failure(self) -> str | None:
        """Why there is no answer about the plane on show; None where there is, or it is to come."""
        return self._failed if self._unanswered else None

    @property
    def _unanswered(self) -> bool:
        return bool(self._clicks) and self.at(self._place) is None

    @property
    def _clicks(self) -> ClickSequence:
        return self._drafts.at(self._place).clicks

    def _scope(self, place: Place) -> Scope:
        return place, self._drafts.at(place).start

    def _started_from(self, place: Place) -> PredictionLike | None:
        """Return the mask that the object had whose correction is under way."""
        start = self._drafts.at(place).start
        if start is None:
            return None
        if place != self._place:
            return start_prediction(start, self._shape)
        if self._started is None or self._started[0] != (start, place):
            self._started = ((start, place), start_prediction(start, self._shape))
        return self._started[1]

    # --- asking -------------------------------------------------------------------------

    def set_limits(self, limits: tuple[float, float] | None) -> None:
        """Choose which intensities are black and white; None leaves it to the predictor."""
        if limits != self._limits:
            self._limits = limits
            self.forget()

    def forget(self) -> None:
        """Ask anew: the weights, the device or the pixels changed."""
        self.known.clear()
        self.outlines.forget()  # others would answer otherwise
        self.forgotten += 1
        self.renew()
        self.changed.emit()

    def ask_again(self) -> None:
        """Ask once more for an answer that failed."""
        if self.failure is not None:
            self.renew()
            self.changed.emit()

    def request(self) -> PredictionRequest | None:
        """Return what is to be asked of a predictor; None where nothing is."""
        return self.request_at(self._place, self._image) if self.pending else None

    def request_at(self, place: Place, image: Any) -> PredictionRequest | None:
        """Return what is to be asked about any plane; None where nothing is.

        Parameters
        ----------
        place : Place
        image : array (H, W) or (H, W, C), or a list of pyramid levels
            The plane's pixels.
        """
        clicks = self._drafts.at(place).clicks
        if not clicks or self.at(place) is not None:
            return None
        return self._request(place, image, clicks)

    def request_ahead(self, y: float, x: float, positive: bool = True) -> PredictionRequest | None:
        """Return what is to be asked once a click is made that is not made yet.

        None where nothing is: it cannot be made, its answer is known, or the one to the clicks
        before it is still to come, which it depends on. The answer is for `receive_ahead`.
        """
        if self._unanswered:
            return None
        try:
            clicks = self._clicks.add(Click(y, x, positive))
            clicks.check_inside(self._shape)
        except ClickError:
            return None
        if self.known.get(self._scope(self._place), clicks) is not None:
            return None
        return self._request(self._place, self._image, clicks)

    def request_new(self, image: Any, clicks: ClickSequence) -> PredictionRequest:
        """Return what is to be asked of a new object in any plane, whatever is clicked there.

        Parameters
        ----------
        image : array (H, W) or (H, W, C), or a list of pyramid levels
            The plane's pixels.
        clicks : ClickSequence
        """
        return self._asking(image, clicks, None, (), self._bias)

    @property
    def _bias(self) -> float:
        return self.outlines.bias if self.as_accepted else 0.0

    def _request(self, place: Place, image: Any, clicks: ClickSequence) -> PredictionRequest:
        before = self.known.before(self._scope(place), clicks)
        if before is None:
            return self._asking(image, clicks, self._started_from(place), (), self._bias)
        # An object keeps its own bias.
        bias = before.trail[-1].bias if before.trail else self._bias
        return self._asking(image, clicks, before.prediction, before.trail, bias)

    def _asking(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: PredictionLike | None,
        trail: tuple[Answer, ...],
        bias: float,
    ) -> PredictionRequest:
        asked = Answer(len(clicks), self._objects.typical_side, self._limits, bias)
        return PredictionRequest(
            self.generation,
            image,
            clicks,
            previous,
            (*trail, asked),
            self.forgotten,
        )

    # --- being answered -----------------------------------------------------------------

    def receive(self, place: Place, request: PredictionRequest, prediction: PredictionLike) -> bool:
        """Take the answer about a plane; return False, and drop it, if it is out of date.

        It is where the plane's clicks have changed since, or all answers were forgotten.
        """
        if self._drafts.at(place).clicks != request.clicks:
            return False
        if not self._keep(place, request, prediction):
            return False
        self.changed.emit()
        return True

    def receive_ahead(
        self, place: Place, request: PredictionRequest, prediction: PredictionLike
    ) -> bool:
        """Take the answer to a click that was not made when it was asked for.

        Returns False, and drops it, if the plane's clicks are neither those without that click
        nor those with it, or all answers were forgotten.
        """
        if self._drafts.at(place).clicks == ClickSequence(request.clicks[:-1]):
            return self._keep(place, request, prediction)
        return self.receive(place, request, prediction)

    def _keep(self, place: Place, request: PredictionRequest, prediction: PredictionLike) -> bool:
        if request.forgotten != self.forgotten:
            return False
        self.known.add(self._scope(place), request.clicks, prediction, request.trail)
        return True

    def fail(self, generation: int, message: str) -> bool:
        """Note that there is no answer; the clicks stay. False if the clicks have changed."""
        if generation != self.generation:
            return False
        self._failed = message
        self.changed.emit()
        return True


def mask_of(prediction: PredictionLike, settings: Settings) -> Kept:
    """Return the mask that settings make of a prediction."""
    if settings.integrity:
        return prediction.kept(settings.threshold)
    return Kept(prediction.mask(settings.threshold, integrity=False), False)


def stored_mask(prediction: PredictionLike, settings: Settings) -> StoredMask | None:
    """Return the mask that settings make of a prediction in its plane; None where it is empty."""
    seen, mask = window.Box.of(*prediction.window), mask_of(prediction, settings).mask
    return StoredMask.pack(mask, seen.top, seen.left)
