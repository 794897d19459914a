"""The command that carries an object through a stack: propagate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from napari_fclick.cli.common import (
    AsJson,
    Axes,
    Channels,
    Device,
    Threshold,
    Time,
    Weights,
    app,
    check_out,
    load_predictor,
    say,
    track,
)
from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.core.direction import Direction
from napari_fclick.core.errors import in_words
from napari_fclick.core.threshold import THRESHOLD, check_threshold
from napari_fclick.core.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fclick.core.file_parts import Picture
    from napari_fclick.core.voxels import VoxelSize
    from napari_fclick.propagation import LastSlice, Propagation, Rules, SliceMask

#: Colours and how opaque they are: a stack's slices may have so many channels.
MOST_COLOURS = 4

RULE = "NAME=VALUE, NAME=off: contrast, trust, confidence, overlap, growth, shift, empty, blank."


@app.command()
def propagate(
    stack: Annotated[Path, typer.Argument(help="A stack: TIFF or NPY, slices first.")],
    click: Annotated[list[str], typer.Option(metavar="Z,Y,X", help="On the object.")],
    out: Annotated[Path, typer.Option(metavar="FILE.tif", help="The labels: 1 on the object.")],
    not_: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="Z,Y,X",
            help="Not on the object; in a slice without --click the object is not there at all.",
        ),
    ] = None,
    range_: Annotated[
        str | None, typer.Option("--range", metavar="A:B", help="Slices from A to B, B included.")
    ] = None,
    direction: Annotated[
        Direction, typer.Option(help="Which way to go beyond the clicked slices.")
    ] = "both",
    rule: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=RULE)] = None,
    spacing: Annotated[
        str | None,
        typer.Option(
            metavar="Z,Y,X",
            help="Size of a voxel, for areas and --rule shift. [default: the file's, or 1,1,1]",
        ),
    ] = None,
    time: Time = None,
    channel: Channels = None,
    axes: Axes = None,
    threshold: Threshold = THRESHOLD,
    weights: Weights = "default",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Carry one object through a stack from the slices that are clicked."""
    from napari_fclick.core.file_parts import Part, read_part
    from napari_fclick.core.files import check_mask_path, write_labels
    from napari_fclick.core.intensity import tells_nothing
    from napari_fclick.core.voxels import VoxelSize, voxel_size
    from napari_fclick.propagation import Carry, Spacing, Stack, from_clicks, last_slices

    check_mask_path(out)
    check_out(out, stack)
    clicks, absent = read_clicks(click, not_ or ())
    rules = read_rules(rule or (), range_)
    given = None if spacing is None else VoxelSize(*_three_numbers(spacing, "--spacing"))
    check_threshold(threshold)
    outside = [index for index in (*clicks, *absent) if not rules.allows(index)]
    if outside:
        raise ValueError(f"slice {outside[0]} is clicked, but lies outside of --range {range_}")
    part = Part(time, tuple(channel or ()), (axes or "").upper())
    picture = read_part(stack, part, MOST_COLOURS, stack=True)
    image = _checked_stack(picture, stack, (*clicks, *absent))
    for text in (*click, *(not_ or ())):
        _check_inside(text, image.shape[1:3])
    voxel = given or voxel_size(stack) or VoxelSize()
    size = Spacing(*voxel.spacing)
    predictor = load_predictor(weights, device)
    for index in (index for index in clicks if tells_nothing(np.asarray(image[index]))):
        say(f"slice {index}: nothing is to be seen there: one colour throughout, or no number")
    propagation = from_clicks(
        Stack(lambda index: image[index], len(image), size),
        predictor,
        clicks,
        absent,
        rules=rules,
        carry=Carry(threshold=threshold),
        direction=direction,
    )
    for _ in track("propagate", propagation.run(), len(image)):
        pass
    labels = propagation.volume(image.shape[1:3], np.uint16)
    write_labels(out, labels, voxel.spacing, voxel.unit)
    ends = last_slices(propagation.slices, propagation.ends)
    report = _report(propagation, labels, voxel, out, ends)
    if as_json:
        print(json.dumps(report))
        return
    found = sum(each.mask is not None for each in propagation.slices.values())
    say(f"{counted(found, 'slice')}, {report['volume_px']} voxels; see {out}")
    for last in ends:
        say(str(last))


def read_clicks(
    on: Sequence[str], off: Sequence[str]
) -> tuple[dict[int, ClickSequence], list[int]]:
    """Read "Z,Y,X" clicks: those of each slice, and the slices that have negative ones alone.

    Raises
    ------
    ClickError
        If one is no such three numbers, or a pixel is said to be on the object and not to be.
    """
    by_slice: dict[int, list[Click]] = {}
    for text in on:
        index, click = _read(text, True)
        by_slice.setdefault(index, []).append(click)
    absent: dict[int, None] = {}
    for text in off:
        index, click = _read(text, False)
        if index in by_slice:
            by_slice[index].append(click)
        else:
            absent[index] = None
    sequences = {index: ClickSequence(clicks) for index, clicks in by_slice.items()}
    for clicks in sequences.values():
        clicks.check_signs()
    return sequences, list(absent)


def read_rules(given: Iterable[str], range_: str | None) -> Rules:
    """Read stop rules "name=value" and a range "A:B" (either may be left out).

    Raises
    ------
    ValueError
        Naming what is wrong, and what is allowed.
    """
    from pydantic import ValidationError

    from napari_fclick.propagation import Rules

    names = [name for name in Rules.model_fields if name not in ("first", "last")]
    values: dict[str, Any] = {}
    for text in given:
        name, _, value = text.partition("=")
        if not value or name not in names:
            raise ValueError(
                f"--rule {text!r} is not NAME=VALUE or NAME=off; names are {', '.join(names)}"
            )
        values[name] = None if value == "off" else value
    if range_ is not None:
        first, colon, last = range_.partition(":")
        if not colon or not all(_is_whole(end) for end in (first, last) if end):
            raise ValueError(f"--range {range_!r} is not A:B: two slices, as in 3:20")
        values |= {"first": first or None, "last": last or None}
    try:
        return Rules.model_validate(values)
    except ValidationError as error:
        first_wrong = error.errors()[0]
        where = first_wrong["loc"]
        of_rule = where and where[0] in names
        option = f"--rule {where[0]}" if of_rule else f"--range {range_}"
        raise ValueError(f"{option}: {in_words(first_wrong)}") from None


def _read(text: str, positive: bool) -> tuple[int, Click]:
    try:
        z, y, x = (float(part) for part in text.split(","))
        if z != int(z):
            raise ValueError
    except (ValueError, OverflowError):
        raise ClickError(f"click {text!r} is not Z,Y,X: slice, row and column, 4,40,60.5") from None
    return int(z), Click(y, x, positive)


def _check_inside(text: str, shape: tuple[int, ...]) -> None:
    _, click = _read(text, True)
    (row, column), (height, width) = click.pixel, shape
    if not (0 <= row < height and 0 <= column < width):
        raise ClickError(
            f"click {text!r} lies outside the image: row and column must be within 0,0 to "
            f"{height - 1},{width - 1}"
        )


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _three_numbers(text: str, option: str) -> tuple[float, float, float]:
    try:
        a, b, c = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{option} {text!r} is not Z,Y,X: three numbers, 2,0.5,0.5") from None
    if not all(0 < number < float("inf") for number in (a, b, c)):
        raise ValueError(f"{option} {text!r}: three positive numbers, Z,Y,X")
    return a, b, c


def _checked_stack(picture: Picture, path: Path, clicked: Iterable[int]) -> Any:
    picture.check_slices(path)
    image, coloured, _ = picture
    if image.ndim - coloured != 3 or (coloured and image.shape[-1] > MOST_COLOURS):
        advice = "a single image is for 'segment'"
        if image.ndim > 3:
            advice = picture.how_to_choose
        raise ValueError(
            f"{path} has shape {image.shape}: a stack has (slices, rows, columns), and colours "
            f"after them; {advice}"
        )
    if not image.size:
        raise ValueError(f"{path} has shape {image.shape}: no pixels")
    for index in clicked:
        if not 0 <= index < len(image):
            raise ValueError(f"click in slice {index}: {path} has slices 0 to {len(image) - 1}")
    return image


def _report(
    propagation: Propagation,
    labels: NDArray[Any],
    voxel: VoxelSize,
    out: Path,
    ends: Sequence[LastSlice],
) -> dict[str, Any]:
    voxels, size = int(np.count_nonzero(labels)), voxel.spacing
    rows = [_row(propagation.slices[index], size) for index in sorted(propagation.slices)]
    return {
        "labels": str(out),
        "shape": list(labels.shape),
        "voxel": list(size),
        "unit": voxel.unit,
        "volume_px": voxels,
        "volume": voxels * size[0] * size[1] * size[2],
        "slices": rows,
        "stopped": [
            {"slice": last.index, "reason": str(last.end.reason), "value": last.end.value}
            for last in ends
        ],
    }


def _row(found: SliceMask, size: tuple[float, float, float]) -> dict[str, Any]:
    anchor = found.clicks.first if found.clicks else None
    return {
        "slice": found.index,
        "kind": str(found.kind),
        "area_px": found.pixels,
        "area": found.pixels * size[1] * size[2],
        "confidence": round(found.confidence, 4),
        "iou_with_neighbour": round(found.overlap, 4),
        "shift": round(found.shift, 3),
        "agreement": None if found.agreement is None else round(found.agreement, 4),
        "anchor": None if anchor is None else [anchor.y, anchor.x],
    }
