"""What an evaluation is told as: Markdown, curves, and the sheet of the worst objects.

Pictures need matplotlib, which the extra ``[plot]`` brings; no display is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fclick.core.errors import installs
from napari_fclick.core.paths import check_file_path, replacing
from napari_fclick.evaluation.summary import Report, name_target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
#: Colours that the colour-blind can tell apart (Okabe and Ito), a line style for each round.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
STYLES = ("-", "--", ":", "-.")
#: Panels of a figure beside each other.
MOST_COLUMNS = 3


def check_picture(path: Path) -> None:
    """Refuse a path to which no picture can be written.

    Raises
    ------
    ValueError
        If the path ends in no kind of picture that is written.
    OSError
        See `napari_fclick.core.paths.check_file_path`.
    ImportError
        If matplotlib is not installed.
    """
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise ValueError(f"{path}: pictures are written as {', '.join(PICTURE_SUFFIXES)}")
    check_file_path(path)
    if find_spec("matplotlib") is None:
        raise ImportError(f"pictures need matplotlib: {installs('plot')}")


# --- Markdown -------------------------------------------------------------------------------


def markdown(reports: Sequence[Report]) -> str:
    """Return a table for each set, a row a method, with 95 % intervals in brackets.

    Parameters
    ----------
    reports : sequence of dict
        As `napari_fclick.evaluation.summary.summarise` makes them, with their times.
    """
    parts = []
    for name in _sets(reports):
        ours = [report for report in reports if report["set"] == name]
        heads = _cells(ours[0])
        lines = [f"## {name}", "", _line(list(heads)), _line(["---"] * len(heads))]
        lines += [_line(list(_cells(report).values())) for report in ours]
        parts.append("\n".join([*lines, "", _words(ours[0])]))
    return "\n\n".join(parts) + "\n"


def _cells(report: Report) -> dict[str, str]:
    """Return a row of the table by the heads of its columns."""
    cells = {"method": str(report["method"]), "objects": str(report["objects"])}
    for target in report["protocol"]["targets"]:
        per_cent = name_target(target)
        cells[f"NoC@{per_cent}"] = _with_interval(report, f"NoC@{per_cent}", 2)
        cells[f"never {per_cent}"] = str(report[f"failures@{per_cent}"])
    most = report["protocol"]["max_clicks"]
    for clicks in (1, 3, 5, most):
        if clicks <= most:
            cells[f"IoU after {clicks}"] = f"{report['mIoU'][clicks - 1]:.3f}"
    cells["area"] = _with_interval(report, "AUC", 3)
    cells[f"Dice after {most}"] = f"{report['Dice'][-1]:.3f}"
    cells[f"boundary F after {most}"] = f"{report['boundary_F'][-1]:.3f}"
    times = report["timing"]
    cells["ms first"], cells["ms later"] = (_ms(times[k]) for k in ("first_ms", "later_ms"))
    return cells


def _with_interval(report: Report, name: str, digits: int) -> str:
    value, bounds = report[name], report["interval"][name]
    if bounds is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{bounds[0]:.{digits}f}, {bounds[1]:.{digits}f}]"


def _words(report: Report) -> str:
    settings = report["protocol"]
    share = settings["jitter_share"]
    jitter = f"{share:g} of the depth" if share else f"{settings['jitter']:g} px"
    return (
        f"At most {settings['max_clicks']} clicks an object, jitter {jitter}, "
        f"seed {settings['seed']}. In brackets: 95 % bootstrap intervals over objects. Area: under "
        "the NoC-mIoU curve. Milliseconds: medians."
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _sets(reports: Sequence[Report]) -> list[str]:
    return list(dict.fromkeys(report["set"] for report in reports))


# --- curves ---------------------------------------------------------------------------------


@contextmanager
def texts_as_they_are() -> Iterator[None]:
    """Draw texts as they are: a dollar in the name of a file begins no formula."""
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False}):
        yield


@texts_as_they_are()
def draw_curves(reports: Sequence[Report]) -> Figure:
    """Draw mean IoU over clicks, a panel a set, a line a method, bands for intervals."""
    sets = _sets(reports)
    methods = list(dict.fromkeys(report["method"] for report in reports))
    columns = min(MOST_COLUMNS, len(sets))
    rows = -(-len(sets) // columns)
    figure = new_figure(4.6 * columns, 3.6 * rows + 0.35)
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    for name, axes in zip(sets, panels, strict=False):
        for report in (report for report in reports if report["set"] == name):
            _draw_curve(axes, report, methods.index(report["method"]))
        _finish_panel(axes, name, next(r for r in reports if r["set"] == name))
    for axes in panels[len(sets) :]:
        axes.set_axis_off()
    lines = {str(line.get_label()): line for axes in figure.axes for line in axes.get_lines()}
    named = [line for label, line in lines.items() if not label.startswith("_")]
    figure.legend(handles=named, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw_curve(axes: Axes, report: Report, number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    style = STYLES[number // len(COLOURS) % len(STYLES)]
    clicks = range(1, len(report["mIoU"]) + 1)
    axes.plot(clicks, report["mIoU"], style, color=colour, marker="o", ms=3, label=report["method"])
    bounds = report["interval"]["mIoU"]
    if bounds is not None:
        low, high = zip(*bounds, strict=True)
        axes.fill_between(clicks, low, high, color=colour, alpha=0.15, linewidth=0)


def _finish_panel(axes: Axes, name: str, report: Report) -> None:
    most = report["protocol"]["max_clicks"]
    for target in report["protocol"]["targets"]:
        axes.axhline(target, color="0.75", linewidth=0.8, zorder=0)
    axes.set_title(f"{name}, {report['objects']} objects", fontsize=10)
    axes.set_xlabel("clicks")
    axes.set_ylabel("mean IoU")
    axes.tick_params(labelleft=True)
    axes.set_ylim(0, 1)
    axes.set_xlim(0.5, most + 0.5)
    axes.set_xticks([1, *range(5, most + 1, 5)] if most > 5 else range(1, most + 1))


# --- files ----------------------------------------------------------------------------------


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches; it needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as its suffix says, at once or not at all.

    The same figure gives the same file.
    """
    import matplotlib as mpl

    metadata: dict[str, Any] = {"Software": None}
    if path.suffix.lower() != ".png":
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"CreationDate": None}
    kind = path.suffix.lower().removeprefix(".")
    hashed = mpl.rc_context({"svg.hashsalt": "napari-fclick"})
    with hashed, replacing(path, through=True) as partial:
        figure.savefig(partial, dpi=130, metadata=metadata, format=kind)
