"""Games -> the figures of a set and a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.evaluation.games import Game
from napari_fclick.evaluation.metrics import (
    area_under,
    dice_of_iou,
    filled,
    gains,
    interval,
    is_failure,
    number_of_clicks,
)
from napari_fclick.evaluation.protocol import Protocol

Report = dict[str, Any]


class _Figure(NamedTuple):
    """A figure: its value for each object, (objects,) or (objects, clicks), and how it is told."""

    values: NDArray[np.float64]
    digits: int = 4
    #: A count is the sum over objects, everything else their mean.
    summed: bool = False


def summarise(games: Sequence[Game], protocol: Protocol) -> Report:
    """Return what a report says of the games of one method on one set.

    Parameters
    ----------
    games : sequence of Game
        At least one; all of one set and one method.
    protocol : Protocol

    Returns
    -------
    dict
        See ``docs/evaluation.md``; plain JSON.
    """
    if not games:
        raise ValueError("no games to summarise")
    report: Report = {
        "set": games[0].set_name,
        "method": games[0].method,
        "objects": len(games),
    }
    figures = _figures(games, protocol)
    report |= {name: _told(figure) for name, figure in figures.items()}
    report["centrality"] = _centrality(games, protocol.most)
    times = timings(games)
    report["ms_per_click"] = times["ms"]
    report["timing"] = times
    report["interval"] = {name: _interval(figure) for name, figure in figures.items()}
    report["protocol"] = protocol.as_json()
    return report


def untimed(report: Report) -> Report:
    """Return a report that does not say how long clicks took, on which no two runs agree."""
    rest = {name: value for name, value in report.items() if name != "timing"}
    return rest | {"ms_per_click": None}


def name_target(target: float) -> str:
    """Return how a target is written after NoC@: in per cent."""
    return f"{100 * target:.6g}"


def timings(games: Sequence[Game]) -> dict[str, float | None]:
    """Return the median milliseconds of all clicks, of first clicks and of later ones."""
    first = [game.ms[0] for game in games]
    later = [ms for game in games for ms in game.ms[1:]]
    groups = {"ms": [*first, *later], "first_ms": first, "later_ms": later}
    return {k: round(float(np.median(v)), 1) if v else None for k, v in groups.items()}


def _figures(games: Sequence[Game], protocol: Protocol) -> dict[str, _Figure]:
    most = protocol.most
    ious = np.array([filled(game.ious, most) for game in games])
    found: dict[str, _Figure] = {}
    for target in protocol.targets:
        clicks = [number_of_clicks(game.ious, target, most) for game in games]
        failed = [is_failure(game.ious, target, most) for game in games]
        found[f"NoC@{name_target(target)}"] = _Figure(np.array(clicks, float), 3)
        found[f"failures@{name_target(target)}"] = _Figure(np.array(failed, float), 1, True)
    found["mIoU"] = _Figure(ious)
    found["AUC"] = _Figure(np.array([area_under(curve) for curve in ious]))
    found["Dice"] = _Figure(dice_of_iou(ious))
    found["boundary_F"] = _Figure(np.array([filled(game.boundary, most) for game in games]))
    found["gain"] = _Figure(np.array([gains(curve) for curve in ious]))
    return found


def _told(figure: _Figure) -> Any:
    if figure.summed:
        return int(figure.values.sum())
    mean = figure.values.mean(0)
    if mean.ndim:
        return [_round(v, figure.digits) for v in mean]
    return _round(mean, figure.digits)


def _round(value: Any, digits: int) -> float:
    """Round; to 0 rather than to -0."""
    return round(float(value), digits) + 0.0


def _interval(figure: _Figure) -> Any:
    """Return (low, high) of a figure, or of each click; None of a single object."""
    found = interval(figure.values)
    if found is None:
        return None
    factor = len(figure.values) if figure.summed else 1
    rounded = [[_round(factor * bound, figure.digits) for bound in pair] for pair in found]
    return rounded if figure.values.ndim > 1 else rounded[0]


def _centrality(games: Sequence[Game], most: int) -> list[float | None]:
    """Return the mean CD of each click over the objects that have it; None where none has."""
    columns = [[g.centrality[k] for g in games if len(g.centrality) > k] for k in range(most)]
    return [round(float(np.mean(column)), 4) if column else None for column in columns]
