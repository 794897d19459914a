"""The objects that networks are tested on, and what the base weights came to on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from napari_fclick.evaluation.methods.base import Method
from napari_fclick.finetuning.objects import Probe, parted, probes
from napari_fclick.finetuning.scoring import Score, mean, play
from napari_fclick.finetuning.sources import LabelledImage

#: Fewer watched objects, of more that there are, tell nothing.
LEAST_WATCHED = 4


class Bench:
    """Objects of some images: some judge, the others are watched while training goes on.

    Parameters
    ----------
    images : sequence of LabelledImage
    most : int
        Objects at most, of both kinds together.
    played : callable
        Told after each object.
    stop : callable
        Asked before each object of the base weights.

    Attributes
    ----------
    judging, watched : list of Score
        Of the base weights, on as many objects as there was time for; all later scores are of
        exactly these.
    judging_seconds, watched_seconds : float
        That these took.
    pace : float
        How many times as long as at first it took to score the watched objects last.
    """

    def __init__(
        self,
        images: Sequence[LabelledImage],
        most: int,
        played: Callable[[], None] = lambda: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        watched, judging = parted(probes(images)[:most])
        self._wanted = judging, watched
        self._played, self._stop = played, stop
        self.judging: list[Score] = []
        self.watched: list[Score] = []
        self.judging_seconds = self.watched_seconds = 0.0
        self.pace = 1.0

    @property
    def there(self) -> int:
        """How many objects could judge, were there time for all."""
        return len(self._wanted[0])

    def judge_base(self, base: Method, seconds: float) -> float:
        """Score the base weights on the objects that judge; return the seconds it took."""
        begun = time.monotonic()
        self.judging = play(base, self._wanted[0], seconds, self._stop, self._played)
        self.judging_seconds = time.monotonic() - begun
        return self.judging_seconds

    def watch_base(self, base: Method, seconds: float) -> float:
        """Score the base weights on the watched objects; return the seconds it took.

        Where there is time for very few, none is watched: what they choose is chance.
        """
        begun = time.monotonic()
        found = play(base, self._wanted[1], seconds, self._stop, self._played)
        took = time.monotonic() - begun
        if len(found) >= min(LEAST_WATCHED, len(self._wanted[1])):
            self.watched, self.watched_seconds = found, took
        return took

    def look(self, method: Method) -> list[Score]:
        """Score another network on the watched objects."""
        begun = time.monotonic()
        scores = play(method, _probes(self.watched), played=self._played)
        if self.watched:
            self.pace = max((time.monotonic() - begun) / max(self.watched_seconds, 1e-3), 0.2)
        return scores

    def test(self, method: Method, seconds: float) -> list[Score]:
        """Score another network on the objects that judge, in so many seconds at most."""
        return play(method, _probes(self.judging), seconds, played=self._played)


def value(scores: Sequence[Score]) -> float:
    """Return the score by which weights are compared: clicks, less the first mask's IoU.

    Smaller is better.
    """
    means = mean(scores)
    return (means["NoC@85"] + means["NoC@90"]) / 2 - means["IoU@1"]


def _probes(scores: Sequence[Score]) -> list[Probe]:
    return [score.probe for score in scores]
