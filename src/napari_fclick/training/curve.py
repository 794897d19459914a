"""The course of a run as a picture; needs matplotlib (extra ``[plot]``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_fclick.core.paths import replacing

Rows = Sequence[Mapping[str, str]]


def draw_curve(rows: Rows, scores: Rows, path: Path) -> None:
    """Draw loss, IoU and the scores of validations over the steps.

    Parameters
    ----------
    rows : sequence of mappings with step, loss, iou
    scores : sequence of mappings with step, score, value
    path : Path
        Of a ``.png`` file; written at once or not at all.
    """
    names = list(dict.fromkeys(row["score"] for row in scores))
    figure = Figure(figsize=(7, 7 if names else 5), layout="constrained")
    axes: list[Axes] = list(figure.subplots(3 if names else 2, 1, sharex=True, squeeze=True))
    for axis, name in zip(axes, ("loss", "iou"), strict=False):
        axis.plot([int(r["step"]) for r in rows], [float(r[name]) for r in rows])
        axis.set_ylabel(name)
    for name in names:
        chosen = [row for row in scores if row["score"] == name]
        axes[-1].plot(
            [int(r["step"]) for r in chosen], [float(r["value"]) for r in chosen], "o-", label=name
        )
    if names:
        axes[-1].legend()
    axes[-1].set_xlabel("step")
    with replacing(path) as partial:
        figure.savefig(partial, format="png")
