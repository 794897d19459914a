"""Answers that are known already, so that undo needs no network."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.session.place import Place
from napari_fclick.session.state import Answer, PredictionLike, Start

#: What clicks are about: the plane and, where an object is corrected, the mask it had.
Scope = tuple[Place, Start | None]
_Key = tuple[Scope, ClickSequence]


class Known(NamedTuple):
    """An answer, and what was asked on the way to it."""

    prediction: PredictionLike
    trail: tuple[Answer, ...]


class KnownPredictions:
    """Predictions by the clicks they answer; the least used are forgotten first.

    Parameters
    ----------
    max_bytes : int
        What they may take together, with the pixels kept for a next click; the last one is
        kept whatever it takes.
    """

    def __init__(self, max_bytes: int = 256_000_000) -> None:
        self._known: OrderedDict[_Key, Known] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0

    def add(
        self,
        scope: Scope,
        clicks: ClickSequence,
        prediction: PredictionLike,
        trail: tuple[Answer, ...] = (),
    ) -> None:
        """Remember an answer, and what was asked on the way to it."""
        key = (scope, clicks)
        if key in self._known:
            self._bytes -= _nbytes(self._known.pop(key).prediction)
        self._known[key] = Known(prediction, trail)
        self._bytes += _nbytes(prediction)
        while self._bytes > self._max_bytes and len(self._known) > 1:
            self._bytes -= _nbytes(self._known.popitem(last=False)[1].prediction)

    def get(self, scope: Scope, clicks: ClickSequence) -> PredictionLike | None:
        """Return the answer to these clicks, where it is known."""
        key = (scope, clicks)
        if key not in self._known:
            return None
        self._known.move_to_end(key)
        return self._known[key].prediction

    def trail(self, scope: Scope, clicks: ClickSequence) -> tuple[Answer, ...]:
        """Return what was asked on the way to the answer to these clicks."""
        known = self._known.get((scope, clicks))
        return () if known is None else known.trail

    def before(self, scope: Scope, clicks: ClickSequence) -> Known | None:
        """Return the answer to the longest known beginning of these clicks.

        Depending on the clicks alone, not on how the annotator came by them, it makes the
        next answer the same after any undo or removal.
        """
        for length in range(len(clicks) - 1, 0, -1):
            beginning = ClickSequence(clicks[:length])
            found = self.get(scope, beginning)
            if found is not None:
                return Known(found, self.trail(scope, beginning))
        return None

    def clear(self) -> None:
        """Forget everything: other weights would answer otherwise."""
        self._known.clear()
        self._bytes = 0


def _nbytes(prediction: PredictionLike) -> int:
    block = getattr(prediction, "block", None)
    return prediction.probability.nbytes + (0 if block is None else int(block.nbytes))
