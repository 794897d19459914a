"""The contact sheet: the objects that went worst, with the clicks that were made on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fclick.core import intensity
from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.window import Box, mask_bounds
from napari_fclick.evaluation.datasets import Scene
from napari_fclick.evaluation.games import Game, unpack_mask
from napari_fclick.evaluation.metrics import area_under, filled
from napari_fclick.evaluation.report import new_figure, texts_as_they_are

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: As the dock paints them (Okabe and Ito).
POSITIVE, NEGATIVE, MASK, TRUTH = "#0072B2", "#E69F00", "#F0E442", "#FFFFFF"
#: Objects a set and method, beside each other.
WORST = 6
#: Characters of an object's name that are shown.
LONGEST = 36
#: Width of what is shown around an object, as a part of its longer side; and the least of pixels.
MARGIN, LEAST = 0.35, 48

#: Returns the scene of a game.
Look = Callable[[Game], Scene]


def worst(games: Sequence[Game], most: int, count: int = WORST) -> list[Game]:
    """Return the games of the smallest areas under their curves, the worst first."""
    return sorted(games, key=lambda game: (area_under(filled(game.ious, most)), game.key))[:count]


@texts_as_they_are()
def draw_sheet(games: Sequence[Game], most: int, look: Look) -> Figure:
    """Draw the worst objects, a row for each set and method.

    The first click is a star, positive clicks are discs, negative ones crosses; the truth is a
    white line, the last answer a yellow one.

    Parameters
    ----------
    games : sequence of Game
    most : int
        Clicks an object had at most.
    look : callable
        Shows the scene of a game.
    """
    rows: dict[tuple[str, str], list[Game]] = {}
    for game in games:
        rows.setdefault((game.set_name, game.method), []).append(game)
    columns = min(WORST, max(len(row) for row in rows.values()))
    entries = list(_legend())
    beside = min(len(entries), 2 * columns)
    lines = -(-len(entries) // beside)
    figure = new_figure(2.7 * columns, 3.3 * len(rows) + 0.2 + 0.2 * lines)
    strips = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for strip, ((name, method), row) in zip(strips, rows.items(), strict=True):
        strip.suptitle(f"{name}: {method}", x=0.01, ha="left", fontsize=10, weight="bold")
        line = strip.subplots(1, columns, squeeze=False)[0]
        for axes in line:
            axes.set_axis_off()
        for axes, game in zip(line, worst(row, most, columns), strict=False):
            _draw_game(axes, game, look(game))
    figure.legend(
        handles=entries, loc="outside lower center", ncols=beside, frameon=False, fontsize=8
    )
    return figure


def _draw_game(axes: Axes, game: Game, scene: Scene) -> None:
    mask = unpack_mask(game.mask, scene.truth.shape)
    view = _around(scene.truth | mask, game)
    extent = (view.left - 0.5, view.right - 0.5, view.bottom - 0.5, view.top - 0.5)
    axes.imshow(_picture(scene.image, view), extent=extent, interpolation="nearest")
    for region, colour, width in ((scene.truth, TRUTH, 2.0), (mask, MASK, 1.2)):
        _draw_outline(axes, region, view, colour, width)
    _draw_clicks(axes, game)
    axes.set_xlim(*extent[:2])
    axes.set_ylim(*extent[2:])
    count = len(game.ious)
    name = game.item if len(game.item) <= LONGEST else f"..{game.item[2 - LONGEST :]}"
    axes.set_title(
        f"{name}\nIoU {game.ious[0]:.2f} after 1, {game.ious[-1]:.2f} after {count}",
        fontsize=7,
    )


def _around(mask: Mask, game: Game) -> Box:
    """Return a square that holds object, answer and clicks, within the image."""
    height, width = mask.shape
    clicks = [Box(r, c, r + 1, c + 1) for r, c, _ in game.clicks]
    bounds = mask_bounds(mask)
    box = reduce(Box.union, clicks if bounds is None else [bounds, *clicks])
    side = max(LEAST, round(box.side * (1 + MARGIN)))
    top = _placed((box.top + box.bottom) // 2, side, height)
    left = _placed((box.left + box.right) // 2, side, width)
    return Box(top, left, min(height, top + side), min(width, left + side))


def _placed(centre: int, side: int, length: int) -> int:
    return max(0, min(centre - side // 2, length - side))


def _picture(image: Any, view: Box) -> FloatArray:
    cut = np.asarray(image)[view.slices]
    rgb = intensity.to_rgb(intensity.to_float(cut))
    return np.clip(intensity.stretch(rgb, jointly=True), 0, 1)


def _draw_outline(axes: Axes, region: Mask, view: Box, colour: str, width: float) -> None:
    # A border of nothing closes the outline where the object meets the image's edge.
    cut = np.pad(region[view.slices], 1)
    if not cut.any():
        return
    columns = np.arange(view.left - 1, view.right + 1)
    rows = np.arange(view.top - 1, view.bottom + 1)
    for line, paint in ((width + 1.2, "black"), (width, colour)):
        axes.contour(columns, rows, cut, levels=[0.5], colors=[paint], linewidths=line)


def _draw_clicks(axes: Axes, game: Game) -> None:
    # The first is drawn last: it stays in sight under a crowd of later ones.
    for number, (row, column, positive) in reversed(list(enumerate(game.clicks))):
        marker, size = ("*", 170) if number == 0 else ("o", 42) if positive else ("X", 52)
        axes.scatter(
            column,
            row,
            s=size,
            marker=marker,
            color=POSITIVE if positive else NEGATIVE,
            edgecolors="white",
            linewidths=0.8,
            zorder=5 if number == 0 else 4,
        )


def _legend() -> Iterator[Any]:
    from matplotlib.lines import Line2D

    marks = (
        ("first click", "*", POSITIVE, 12),
        ("on the object", "o", POSITIVE, 7),
        ("not on the object", "X", NEGATIVE, 8),
    )
    for label, marker, colour, size in marks:
        yield Line2D(
            [], [], marker=marker, color=colour, linestyle="", markersize=size, label=label
        )
    for label, colour in (("truth", TRUTH), ("last answer", MASK)):
        yield Line2D([], [], color=colour, linewidth=2, label=label, path_effects=_edged())


def _edged() -> list[Any]:
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=3.5, foreground="black")]
