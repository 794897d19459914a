"""A session file -> COCO JSON, label TIFF, CSV of objects and clicks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.core.files import check_mask_path, write_labels
from napari_fclick.core.paths import check_file_path, replacing, same_file
from napari_fclick.session.coco import coco_of_session
from napari_fclick.session.content import Content
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.place import Place
from napari_fclick.session.restoring import accepted_only
from napari_fclick.session.resuming import reopen
from napari_fclick.session.state import AcceptedObject
from napari_fclick.session.target import Target


def export(path: Path, kind: str, out: Path) -> list[Path]:
    """Write what a session file holds in another format.

    Parameters
    ----------
    path : Path
        The session file; it is only read, also while another window writes it.
    kind : {"coco", "tiff", "csv"}
    out : Path
        Labels of several layers, and the clicks beside the objects, get names made from it.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    JournalError, ValueError, OSError
        If the file cannot be read, the format is none of these, or it would be written over what
        the session is made of: see `check_apart`.
    """
    if kind not in FORMATS:
        raise ValueError(f"format {kind!r} is none of {', '.join(FORMATS)}")
    check_file_path(out)
    with closing(Journal.open(path, read_only=True)) as journal:
        return FORMATS[kind](Content(journal, reopen(journal)), out)


def possible_files(kind: str, out: Path, layers: int = 1) -> list[Path]:
    """Return the files that `export` may write.

    Parameters
    ----------
    kind : {"coco", "tiff", "csv"}
    out : Path
    layers : int
        How many Labels layers the session has written into.
    """
    if kind == "csv":
        return [out, _clicks_beside(out)]
    if kind == "tiff" and layers > 1:
        return [out, *label_files(out, layers)]
    return [out]


def label_files(out: Path, layers: int) -> list[Path]:
    """Return the files that the labels of so many layers are written to: one each."""
    if layers == 1:
        return [out]
    return [out.with_stem(f"{out.stem}-{number}") for number in range(1, layers + 1)]


def check_apart(journal: Journal, paths: Iterable[Path], image: Path | None = None) -> None:
    """Refuse to write over a session file, or over an image that the session looked at.

    Parameters
    ----------
    journal : Journal
    paths : iterable of Path
        What is to be written.
    image : Path, optional
        Where the session's image is now.

    Raises
    ------
    JournalError
        If one of the paths leads to such a file.
    """
    sources = [journal.image.source, *(s for seen in journal.channels for s in seen.sources)]
    images = [Path(source) for source in sources if source]
    if image is not None:
        images.append(image)
    for path in paths:
        if same_file(path, journal.path):
            raise JournalError(f"{path} is the session file itself: choose another file")
        if any(same_file(path, each) for each in images):
            raise JournalError(
                f"{path} is an image that the session looked at: choose another file"
            )


# --- COCO -------------------------------------------------------------------------------


def write_coco(content: Content, out: Path) -> list[Path]:
    """Write COCO JSON; see `coco_of_session`."""
    check_apart(content.journal, [out])
    with replacing(out, through=True) as partial:
        partial.write_text(json.dumps(coco_of_session(content)) + "\n", "utf-8")
    return [out]


# --- TIFF -------------------------------------------------------------------------------


def write_tiff(content: Content, out: Path) -> list[Path]:
    """Write labels with their scale; where there are several layers of them, a file each."""
    check_mask_path(out)
    used = {id(commit.target) for commit in content.opened.restored.commits}
    targets = [
        (target, known)
        for target, known in zip(content.opened.targets, content.journal.targets, strict=True)
        if id(target) in used
    ]
    if not targets:
        raise JournalError(f"{content.journal.path} holds no accepted object")
    paths = label_files(out, len(targets))
    check_apart(content.journal, paths)
    for path, (target, known) in zip(paths, targets, strict=True):
        labels = accepted_only(content.opened.restored, target)
        write_labels(path, labels, known.spacing, known.units)
    return paths


# --- CSV --------------------------------------------------------------------------------

OBJECT_COLUMNS = (
    "label", "class", "slice", "clicks", "clicks_made", "seconds",
    "area_px", "area", "unit", "y", "x", "top", "left", "bottom", "right",
    "kind", "slices", "keyframes", "volume", "volume_unit",
    "certainty",
)  # fmt: skip
CLICK_COLUMNS = ("label", "slice", "order", "y", "x", "positive", "first", "kind")


def write_csv(content: Content, out: Path) -> list[Path]:
    """Write a row an object's part, and beside it a file with a row a click.

    Of an object in several slices each row tells how many there are, in how many of them a
    person made the mask, and the volume of all where the size of a voxel is known.
    """
    clicks = _clicks_beside(out)
    check_apart(content.journal, [out, clicks])
    _write_rows(out, OBJECT_COLUMNS, _object_rows(content, _totals(content)))
    _write_rows(clicks, CLICK_COLUMNS, _click_rows(content.objects.values()))
    return [out, clicks]


class _Total(NamedTuple):
    """What an object is in all its slices together."""

    slices: int = 0
    keyframes: int = 0
    pixels: int = 0


def _totals(content: Content) -> dict[int, _Total]:
    totals: dict[int, _Total] = {}
    for record, part, mask in content.parts():
        known = totals.get(record.label, _Total())
        totals[record.label] = _Total(
            known.slices + 1,
            known.keyframes + part.by_person,
            known.pixels + int(np.count_nonzero(mask)),
        )
    return totals


def volume_of(record: AcceptedObject, pixels: int, known: Target) -> tuple[float | str, str]:
    """Return the volume of an object's pixels, in all its slices, and its unit.

    Both are empty where the size of a voxel is not known: in 2-D, without a scale, along time, and
    where slices lie along several axes, or one slice could.
    """
    axis = _stacked_along(record)
    size = None if axis is None else known.size_along((*record.place.axes, axis))
    return ("", "") if size is None else (pixels * size[0], size[1])


def _stacked_along(record: AcceptedObject) -> int | None:
    """Return the axis along which an object's slices lie; None where it is none or several."""
    axes, ndim = {part.place.axes for part in record.parts}, record.place.ndim
    if len(axes) > 1 or ndim < 3:
        return None
    others = [axis for axis in range(ndim) if axis not in record.place.axes]
    varied = [a for a in others if len({part.place.position(a) for part in record.parts}) > 1]
    candidates = varied or others
    return candidates[0] if len(candidates) == 1 else None


def _object_rows(content: Content, totals: Mapping[int, _Total]) -> Iterator[tuple[Any, ...]]:
    for record, part, mask in content.parts():
        _, known = content.labels_of(record.label)
        pixels, total = int(np.count_nonzero(mask)), totals[record.label]
        size = known.size_along(part.place.axes)
        area, unit = ("", "") if size is None else (pixels * size[0], size[1])
        y, x = (float(np.mean(positions)) for positions in np.nonzero(mask))
        yield (
            record.label, record.class_name, _slice(part.place), len(part.clicks), record.made,
            round(record.seconds, 2), pixels, area, unit,
            round(y + part.box.top, 2), round(x + part.box.left, 2), *part.box,
            part.kind, total.slices, total.keyframes,
            *volume_of(record, total.pixels, known),
            "" if part.certainty is None else part.certainty,
        )  # fmt: skip


def _click_rows(objects: Iterable[AcceptedObject]) -> Iterator[tuple[Any, ...]]:
    for record in objects:
        for part in record.parts:
            for order, click in enumerate(part.clicks, start=1):
                where = (record.label, _slice(part.place), order, click.y, click.x)
                kind = "derived" if part.derived(click) else "person"
                yield (*where, int(click.positive), int(order == 1), kind)


# --- helpers ----------------------------------------------------------------------------


def _clicks_beside(out: Path) -> Path:
    return out.with_stem(f"{out.stem}-clicks")


def _slice(place: Place) -> str:
    return " ".join(map(str, place.index))


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


FORMATS: dict[str, Callable[[Content, Path], list[Path]]] = {
    "coco": write_coco,
    "tiff": write_tiff,
    "csv": write_csv,
}
