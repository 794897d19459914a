"""Fine-tuning from beginning to end: score, train, choose, score again, judge, write."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from napari_fclick.finetuning import recognising
from napari_fclick.finetuning.bench import Bench, value
from napari_fclick.finetuning.blending import ENOUGH, Tried, blend, chosen
from napari_fclick.finetuning.budget import MARGIN, Budget
from napari_fclick.finetuning.gate import FORGETTING, forgotten, judge
from napari_fclick.finetuning.objects import MIN_AREA, LearningSet
from napari_fclick.finetuning.options import BLENDS, FineTuneOptions
from napari_fclick.finetuning.results import Result, names_of
from napari_fclick.finetuning.scenes import general_set, replayed_set
from napari_fclick.finetuning.scoring import Score, compare, mean
from napari_fclick.finetuning.sources import LabelledData, from_folder
from napari_fclick.finetuning.split import Split, split_of
from napari_fclick.finetuning.summary import summarise
from napari_fclick.finetuning.tuning import Report, State, Tuned, Tuning, check_base
from napari_fclick.finetuning.writing import check_out, make_card, write
from napari_fclick.network import checkpoints, recognition
from napari_fclick.network.checkpoints import Card, Specialist
from napari_fclick.network.fcanet import FCANet
from napari_fclick.network.inference import choose_device
from napari_fclick.network.recognition import Recogniser, sees_alike
from napari_fclick.predictor import Predictor

logger = logging.getLogger(__name__)

#: Part of the time left after training that the held-back objects may take at most.
AFTER = 0.7
#: How often the judging objects are tested, and the watched ones outside of training, counted in
#: times that the first test takes: later ones may be slower by `MARGIN`.
AGAIN, TRIED = 1 + MARGIN, 1 + MARGIN * (1 + len(BLENDS))
#: Of the general set, a larger part that is taken for the user's images would be forgotten.
FORGETTABLE = 0.05
#: How often progress is told, in seconds.
EVERY = 1.0


def fine_tune(
    data: LabelledData,
    options: FineTuneOptions,
    out: Path,
    report: Report = lambda event: None,
    stop: Callable[[], bool] = lambda: False,
    begun: float | None = None,
) -> Result:
    """Make weights from the base weights and labelled images, and judge them.

    Parameters
    ----------
    data : LabelledData
        All there is: it begins from the base weights each time.
    options : FineTuneOptions
    out : Path
        A ``.safetensors`` file, written at once or not at all. Weights that are not promoted
        never replace a file that is there: they go beside it, ending in
        ``.rejected.safetensors``, with a number where such a file is there, too.
    report : callable
        Told events, which are plain JSON.
    stop : callable
        Where it says True, training ends and the best so far is judged.
    begun : float, optional
        What `time.monotonic` said when the time began to count; by default it is now.

    Raises
    ------
    ValueError
        If there is nothing to learn from, the options do not fit, or it was stopped before
        anything was learned.
    OSError
        If the weights cannot be written; a file that was there is as it was.
    """
    check_out(out, options.weights)
    return _FineTuning(data, options, out, report, stop, begun).run()


class _FineTuning:
    """One fine-tuning; its stages are its methods, in their order."""

    def __init__(
        self,
        data: LabelledData,
        options: FineTuneOptions,
        out: Path,
        report: Report,
        stop: Callable[[], bool],
        begun: float | None,
    ) -> None:
        self._data, self._options, self._out = data, options, out
        self._report, self._stop = report, stop
        self._budget = Budget(options.minutes, begun=begun)
        self._stage, self._played = "", 0
        self._told = 0.0
        self._recognised: float | None = None
        self._device = choose_device(options.device)
        self._loaded = checkpoints.load_all(options.weights)
        self._card = self._loaded.card
        check_base(options.weights, self._card)
        #: Which of the base weights' networks is tuned, -1 the general one; its weights.
        self._begun = 0 if self._card.is_tuned else -1
        self._base: State = {}
        #: What the images look like that are learned from.
        self._looks: recognising.Looks | None = None
        #: Tells the images that the new weights answer on; None where they answer on all.
        self._recogniser: Recogniser | None = None
        #: Whether they answer on other images, too, which would be forgotten.
        self._mixes_in = True

    def run(self) -> Result:
        """Go through all stages, and return what came of them."""
        split = self._read()
        learning = self._learning(split)
        self._look(split)
        self._score_base(split)
        self._recognise()
        tuned = self._train(learning)
        alpha = self._choose(tuned)
        return self._finish(split, tuned, alpha)

    # --- the stages ---------------------------------------------------------------------

    def _read(self) -> Split:
        self._begin("reading", "looking at images and labels")
        split = split_of(self._data).without(self._card.learned)
        summary = summarise(self._data, split)
        self._report({"event": "summary", **summary.as_json()})
        if not summary.usable:
            wrong = "; ".join(m.text for m in summary.messages if m.level == "error")
            raise ValueError(f"{self._data.name}: {wrong}")
        return split

    def _learning(self, split: Split) -> list[LearningSet]:
        options, data = self._options, self._data
        images = split.choose(data, split.training)
        own = LearningSet(data.name, images, options.corrections, options.real_clicks)
        others = [_other(folder) for folder in options.replay]
        if not others and options.replay_share != 0:
            others = [replayed_set(options.seed)]
        held = {image.digest for image in data.images} - set(split.training)
        mixed = [[i for i in other.images if i.digest not in held] for other in others]
        self._learned = {image.digest for each in (images, *mixed) for image in each}
        sets = [own, *(LearningSet(o.name, m) for o, m in zip(others, mixed, strict=True))]
        for each in sets:
            if not each.objects:
                raise ValueError(
                    f"{each.name}: no object of at least {MIN_AREA} pixels to learn from, "
                    "held-back images left out"
                )
        return sets

    def _look(self, split: Split) -> None:
        """See what the images look like; go on from the network that answers on most by now."""
        known = [each.recogniser for each in self._loaded.specialists]
        if self._loaded.seen is not None and (known or self._options.recognise):
            looking, training = self._predictor(()), split.choose(self._data, split.training)
            self._looks = recognising.looks_of(looking, training)
        if self._looks is not None and known:
            self._begun = self._looks.answering(known)
        begun = self._loaded.one(self._begun).state_dict()
        self._base = {name: value.clone() for name, value in begun.items()}

    def _score_base(self, split: Split) -> None:
        self._begin("scoring before", "testing the weights as they are")
        options, budget = self._options, self._budget
        general = _other(options.general) if options.general else general_set()
        told = self._on_played, self._stop
        self._own = Bench(split.choose(self._data, split.validation), options.objects, *told)
        # What was learned from tells nothing of what was forgotten.
        others = [image for image in general.images if image.digest not in self._learned]
        self._general = Bench(others, 2 * options.objects, *told)
        base = self._predictor(self._loaded.specialists)
        for test, part, times in (
            (self._own.judge_base, 0.4, AGAIN),
            (self._general.judge_base, 0.45, AGAIN),
            (self._own.watch_base, 0.5, TRIED + 1),
            (self._general.watch_base, 1.0, TRIED),
        ):
            budget.spend(test(base, budget.share(part, times)), times)
        self._watch_event(0, self._own.watched, best=False)
        self._reserve()

    def _recognise(self) -> None:
        """Learn to tell the images, so that the new weights answer on no others."""
        seen, looks = self._loaded.seen, self._looks
        if seen is None or looks is None or not self._options.recognise:
            return
        self._recogniser = recognition.fit(seen, *looks)
        self._recognised = self._known_of(self._own)
        self._mixes_in = (self._known_of(self._general) or 0.0) > FORGETTABLE

    def _known_of(self, tested: Bench) -> float | None:
        """Return which part of the judging objects is taken for the user's; None without any."""
        if self._recogniser is None or not tested.judging:
            return None
        probes = [score.probe for score in tested.judging]
        return recognising.share(self._predictor(()), self._recogniser, probes)

    def _train(self, learning: list[LearningSet]) -> Tuned:
        self._begin("training", "learning from the images")
        self._budget.begin_training()
        watch = self._watch if self._own.watched else None
        left = lambda: self._budget.training_left  # noqa: E731 - asked again and again
        tuned = Tuning(
            learning,
            self._options.with_share(self._mixes_in),
            self._card,
            self._begun,
            left,
            watch,
            self._tell,
            self._stop,
            self._device,
        ).run()
        if not tuned.steps:
            raise ValueError("stopped before anything was learned: nothing was written")
        return tuned

    def _choose(self, tuned: Tuned) -> float:
        """Return how far to go from the base weights, by the watched objects."""
        self._begin("choosing", "choosing how much of what was learned to take")
        most = self._options.blend
        if not (self._options.choose_blend and self._general.watched):
            return most
        tried: list[Tried] = []
        for alpha in (most, *(most * part for part in reversed(BLENDS))):
            if tried and self._budget.left < self._judging() + self._trying() / 3:
                break
            state = self._blended(tuned, alpha)
            method = self._method(state)
            own, general = self._own.look(method), self._general.look(method)
            # Without watched objects the farthest that does not forget is taken.
            clicks = value(own) if own else -alpha
            tried.append(Tried(alpha, clicks, max(self._forgotten(general) - FORGETTING, 0.0)))
        before = value(self._own.watched) if self._own.watched else -math.inf
        # Where other images are left to the base weights, a large one forgets no more.
        return chosen(tried, before, ENOUGH if self._recogniser is None else 1.0)

    def _finish(self, split: Split, tuned: Tuned, alpha: float) -> Result:
        self._begin("scoring after", "testing the new weights on the same objects")
        state = self._blended(tuned, alpha)
        method = self._method(state)
        own = self._own.test(method, AFTER * self._budget.testing_left)
        general = self._general.test(method, self._budget.testing_left)
        comparisons = {
            "validation": compare(self._own.judging, own),
            "general": compare(self._general.judging, general),
        }
        there = self._own.there, self._general.there
        verdict = judge(comparisons["validation"], comparisons["general"], *there)
        self._begin("writing", "writing the weights")
        facts = {
            "steps": str(tuned.steps),
            "specialist": str(self._begun),
            "blend": f"{alpha:g}",
            "minutes": f"{self._budget.seconds / 60:.2f}",
            "outcome": verdict.outcome,
            "reasons": "; ".join(verdict.reasons),
        }
        if self._recogniser is not None:
            facts["other images"] = self._card.tuned.get("other images", self._card.name)
            facts["recognised"] = f"{self._recognised:.2f}" if self._own.judging else ""
        mixed = sorted(self._learned - set(split.training)) if self._options.replay else ()
        card = make_card(self._card, self._data, split, self._options, facts, comparisons, mixed)
        path, card = write(self._out, *self._packed(state, card), verdict)
        return Result(
            out=path,
            card=card,
            verdict=verdict,
            **comparisons,
            before=self._own.judging,
            after=own,
            blend=alpha,
            steps=tuned.steps,
            seconds=self._budget.seconds,
            names=names_of(self._data, split),
            recognised=self._recognised,
        )

    # --- helpers ------------------------------------------------------------------------

    def _predictor(self, specialists: Sequence[Specialist]) -> Predictor:
        # A predictor changes the networks that it is given.
        general, others = deepcopy((self._loaded.network, specialists))
        return Predictor(general, self._card, self._device, others)

    def _blended(self, tuned: Tuned, alpha: float) -> State:
        """Return new weights as they will be read: what is judged is what will be used."""
        state = blend(self._base, tuned.state, alpha)
        if self._recogniser is None:
            return checkpoints.as_stored(state)
        return checkpoints.as_stored(state, self._loaded.network.state_dict())

    def _method(self, state: State) -> Predictor:
        """Return what new weights do: on the images that they know, or on all."""
        if self._recogniser is None:
            return Predictor(self._filled(state), self._card, self._device)
        return self._predictor(self._specialists(state, self._recogniser))

    def _filled(self, state: State) -> FCANet:
        network = deepcopy(self._loaded.network)
        network.load_state_dict(state)
        return network

    def _specialists(self, state: State, recogniser: Recogniser) -> tuple[Specialist, ...]:
        own = Specialist(self._data.name, self._filled(state), recogniser)
        return own, *self._loaded.specialists

    def _packed(self, state: State, card: Card) -> tuple[State, Card]:
        """Return all tensors that are written, and the card that goes with them."""
        seen = self._loaded.seen
        if self._recogniser is None:
            if not sees_alike(state, self._loaded.network.state_dict()):
                seen = None
            known: tuple[Specialist, ...] = ()
        else:
            known = self._specialists(state, self._recogniser)
            state = self._loaded.network.state_dict()
        card = card.model_copy(update={"specialists": tuple(each.name for each in known)})
        return dict(state) | checkpoints.extras(state, seen, known), card

    def _watch(self, network: FCANet, step: int, best: float | None) -> float:
        scores = self._own.look(Predictor(network, self._card, self._device))
        found = value(scores)
        self._watch_event(step, scores, best is None or found < best)
        self._reserve()
        return found

    def _forgotten(self, scores: list[Score]) -> float:
        comparison = compare(self._general.watched, scores)
        return 0.0 if comparison is None else forgotten(comparison)

    def _judging(self) -> float:
        """Return how many seconds the last test will take."""
        return self._own.judging_seconds * self._own.pace + self._general.judging_seconds

    def _trying(self) -> float:
        """Return how many seconds choosing the blend will take."""
        if not self._options.choose_blend:
            return 0.0
        once = self._own.watched_seconds * self._own.pace + self._general.watched_seconds
        return (1 + len(BLENDS)) * once

    def _reserve(self) -> None:
        # Training ends with a last look.
        look = self._own.watched_seconds * self._own.pace
        self._budget.reserve(self._judging() + self._trying() + look)

    # --- telling ------------------------------------------------------------------------

    def _begin(self, stage: str, text: str) -> None:
        self._stage, self._played = stage, 0
        self._report({"event": "stage", "stage": stage, "text": text})
        self._progress()

    def _tell(self, event: dict[str, Any]) -> None:
        self._report(event)
        self._progress()

    def _on_played(self) -> None:
        self._played += 1
        self._progress()

    def _progress(self) -> None:
        now = time.monotonic()
        if now - self._told < EVERY / 2:
            return
        self._told = now
        budget = self._budget
        self._report(
            {
                "event": "progress",
                "stage": self._stage,
                "fraction": round(min(budget.seconds / budget.total, 1.0), 4),
                "seconds": round(budget.seconds, 1),
                "left": round(budget.left, 1),
                "objects": self._played,
            }
        )

    def _watch_event(self, step: int, scores: list[Score], best: bool) -> None:
        if scores:
            self._report({"event": "watch", "step": step, **mean(scores), "best": best})


def _other(folder: Path) -> LabelledData:
    """Read a folder that is mixed in or tested on; what cannot be used is told in the log."""
    data = from_folder(folder)
    for note in data.notes:
        logger.warning("%s: %s", data.name, note)
    return data
