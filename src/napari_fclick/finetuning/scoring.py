"""How many clicks the robot user needs: before and after, on exactly the same objects."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.core.window import Box
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.games import pack_mask
from napari_fclick.evaluation.methods.base import Method
from napari_fclick.evaluation.metrics import filled, mean_curve, number_of_clicks
from napari_fclick.finetuning.intervals import paired_intervals
from napari_fclick.finetuning.objects import Probe

#: Clicks that an object gets at most, and the IoU at which it is done.
MOST, DONE = 20, 0.9
#: What is compared.
TARGETS = (0.85, 0.9)
CLICKS = (1, 3, 5)
#: What shows forgetting has an easy target, too, and counts so many clicks at most.
EASY, EARLY = 0.8, 10
#: Of larger images, what surrounds an object up to so many pixels is shown.
SURROUNDINGS = 1024


@dataclass(frozen=True)
class Score:
    """One object, played by the robot.

    Attributes
    ----------
    probe : Probe
    ious : tuple of float
        After each click; it stops where `DONE` is reached.
    first : str
        The mask after the first click; see `napari_fclick.evaluation.games.unpack_mask`.
    """

    probe: Probe
    ious: tuple[float, ...]
    first: str

    @property
    def figures(self) -> tuple[float, ...]:
        """What is compared, in the order of `NAMES`."""
        return figures(self.ious)


def figures(ious: Sequence[float]) -> tuple[float, ...]:
    """Return what is compared of one object, in the order of `NAMES`."""
    after = filled(ious, MOST)
    clicks = [float(number_of_clicks(ious, target, MOST)) for target in TARGETS]
    early = [number_of_clicks(ious, target, EARLY) for target in (EASY, *TARGETS)]
    return (
        *clicks,
        *(after[n - 1] for n in CLICKS),
        math.prod(clicks) ** (1 / len(clicks)),
        sum(early) / len(early),
    )


#: The last but one is the mean of the clicks to all targets, the last the same with an easy one and
#: ten clicks at most: one hard object sways them less.
NAMES = (
    *(f"NoC@{100 * target:.0f}" for target in TARGETS),
    *(f"IoU@{n}" for n in CLICKS),
    "NoC",
    "NoC10",
)
#: Of these the mean is the geometric one, over targets and objects alike: it tells by which part
#: clicks grow or shrink, and one object that takes twenty of them does not outweigh ten others.
GEOMETRIC = np.array([name == "NoC" for name in NAMES])


@dataclass(frozen=True)
class Figure:
    """A mean over objects, before and after.

    Attributes
    ----------
    name : str
        Of `NAMES`: fewer clicks (NoC) are better, and more IoU is.
    before, after : float
    low, high : float
        95 % interval of the change; see `intervals.paired_intervals`.
    """

    name: str
    before: float
    after: float
    low: float
    high: float

    @property
    def change(self) -> float:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True)
class Comparison:
    """The same objects before and after.

    Attributes
    ----------
    objects, images : int
    figures : tuple of Figure
    """

    objects: int
    images: int
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure:
        """Return a figure by its name."""
        return next(figure for figure in self.figures if figure.name == name)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        rows = [asdict(figure) | {"change": figure.change} for figure in self.figures]
        figures = [
            {k: v if isinstance(v, str) else round(v, 4) for k, v in r.items()} for r in rows
        ]
        return {"objects": self.objects, "images": self.images, "figures": figures}


def play(
    method: Method,
    probes: Sequence[Probe],
    seconds: float = float("inf"),
    stop: Callable[[], bool] = lambda: False,
    played: Callable[[], None] = lambda: None,
) -> list[Score]:
    """Let the robot play objects, in their order, as many as time allows.

    Parameters
    ----------
    method : Method
    probes : sequence of Probe
    seconds : float
        No object is begun that would, if it took as long as those before, end later.
    stop : callable
        Asked before each object.
    played : callable
        Told after each object.
    """
    begun = time.monotonic()
    scores: list[Score] = []
    for probe in probes:
        gone = time.monotonic() - begun
        if gone + gone / max(len(scores), 1) >= seconds or stop():
            break
        scores.append(_play(method, probe))
        played()
    return scores


def _play(method: Method, probe: Probe) -> Score:
    # All of the image is shown, unless it is large.
    whole = Box(0, 0, *probe.plane.labels.shape)
    shown = probe.ref.box.grown(SURROUNDINGS, whole).slices
    labels = probe.plane.labels[shown]
    ignore = labels == IGNORE_LABEL
    rounds = robot.play(
        method,
        probe.plane.image[shown],
        labels == probe.ref.label,
        ignore=ignore if ignore.any() else None,
        most=MOST,
        target=DONE,
    )
    ious: list[float] = []
    first = ""
    for each in rounds:
        if not ious:
            mask = np.zeros(probe.plane.labels.shape, bool)
            mask[shown] = each.mask
            first = pack_mask(mask)
        ious.append(each.iou)
    return Score(probe, tuple(ious), first)


def mean(scores: Sequence[Score]) -> dict[str, float]:
    """Return the means over objects by name; empty of none."""
    if not scores:
        return {}
    means = _from_scale(_to_scale(scores).mean(axis=0))
    return {name: round(float(value), 4) for name, value in zip(NAMES, means, strict=True)}


def _to_scale(scores: Iterable[Score]) -> NDArray[np.float64]:
    """Return figures (objects, `NAMES`) on the scale on which they are averaged."""
    found = np.array([score.figures for score in scores], np.float64)
    return np.where(GEOMETRIC, np.log(np.where(GEOMETRIC, found, 1)), found)


def _from_scale(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(GEOMETRIC, np.exp(np.where(GEOMETRIC, means, 0)), means)


def curve(scores: Sequence[Score]) -> list[float]:
    """Return the mean IoU after 1, 2 .. `MOST` clicks; empty of none."""
    if not scores:
        return []
    return [round(float(v), 4) for v in mean_curve([score.ious for score in scores], MOST)]


def paired(before: Sequence[Score], after: Sequence[Score]) -> list[tuple[Score, Score]]:
    """Return the scores of the objects that both have, in their order."""
    later = {score.probe.key: score for score in after}
    return [(b, later[b.probe.key]) for b in before if b.probe.key in later]


def compare(before: Sequence[Score], after: Sequence[Score]) -> Comparison | None:
    """Compare the objects that both have; None of fewer than two."""
    pairs = paired(before, after)
    if len(pairs) < 2:
        return None
    old, new = _to_scale(b for b, _ in pairs), _to_scale(a for _, a in pairs)
    images = [b.probe.key.partition("/")[0] for b, _ in pairs]
    bounds = np.array(paired_intervals(new - old, images))
    was, now = _from_scale(old.mean(0)), _from_scale(new.mean(0))
    # What is known of a geometric mean is the factor: it is told in clicks, too.
    low, high = (_from_scale(old.mean(0) + bound) - was for bound in bounds.T)
    rows = zip(NAMES, was, now, low, high, strict=True)
    figures = tuple(Figure(name, *map(float, values)) for name, *values in rows)
    return Comparison(len(pairs), len(set(images)), figures)


def most_changed(
    before: Sequence[Score], after: Sequence[Score], most: int = 12
) -> list[dict[str, Any]]:
    """Return the objects that changed most, as JSON: first by clicks, then by the first mask."""
    pairs = paired(before, after)
    pairs.sort(key=lambda pair: _difference(*pair), reverse=True)
    return [_row(*pair) for pair in pairs[:most]]


def _difference(before: Score, after: Score) -> tuple[float, float]:
    return (
        abs(after.figures[0] - before.figures[0]),
        abs(after.ious[0] - before.ious[0]),
    )


def _row(before: Score, after: Score) -> dict[str, Any]:
    probe = before.probe
    return {
        "image": probe.image,
        "digest": probe.key.partition("/")[0],
        "plane": probe.ref.index,
        "label": probe.ref.label,
        "box": list(probe.ref.box),
        "noc_before": int(before.figures[0]),
        "noc_after": int(after.figures[0]),
        "ious_before": [round(v, 4) for v in before.ious],
        "ious_after": [round(v, 4) for v in after.ious],
        "mask_before": before.first,
        "mask_after": after.first,
    }
