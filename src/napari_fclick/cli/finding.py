"""The command that finds objects like those labelled in a folder's other images: find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_fclick.cli.common import AsJson, Device, Weights, app, load_predictor, say, track
from napari_fclick.core.words import counted

if TYPE_CHECKING:
    from napari_fclick.core.folders import ImageFolder
    from napari_fclick.finding import ImageFound


@app.command()
def find(
    folder: Annotated[Path, typer.Argument(help="Images, and labels/ for some of them.")],
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A folder with the labelled images. [default: the same folder]"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For labels of what is found. [default: FOLDER/found]"),
    ] = None,
    least: Annotated[
        float, typer.Option(metavar="P", help="Certainty from which it counts, 0 to 1.")
    ] = 0.5,
    again: Annotated[
        bool, typer.Option("--again", help="Also images with nothing but what was found before.")
    ] = False,
    weights: Weights = "default",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find objects like the labelled ones in a folder's images without labels.

    What is found has to be looked at: the dock goes on with it when the image is opened.
    """
    from napari_fclick.core.folders import find_images
    from napari_fclick.core.paths import make_folder
    from napari_fclick.finding import Examples, Finder, unlabelled

    if not 0 <= least <= 1:
        raise ValueError(f"--least {least} is not within 0 to 1")
    images = find_images(folder)
    source = images if like is None else find_images(like)
    out = out or images.folder / "found"
    _check_apart(out, images, source)
    examples = Examples.of(source.folder)
    for note in dict.fromkeys((*images.notes, *source.notes, *examples.notes)):
        say(note)
    todo = unlabelled(images)
    say(
        f"learned from {examples.objects} objects in {counted(examples.images, 'image')}; "
        f"{counted(len(todo), 'image')} without labels"
    )
    predictor = load_predictor(weights, device)
    make_folder(out)
    finder = Finder(predictor, examples, out, least, again)
    rows = []
    for image in track("find", todo):
        result = finder.look_at(image)
        rows.append(_row(result))
        say(_told(result))
    if as_json:
        print(json.dumps({"folder": str(images.folder), "images": rows}))
    count = sum(len(row["objects"]) for row in rows)
    if count:
        objects = counted(count, "object")
        say(f"{objects} that nobody has looked at: open the folder in the dock to do so")


def _check_apart(out: Path, *folders: ImageFolder) -> None:
    """Refuse to write among what people have made."""
    theirs = {folder.labels.resolve() for folder in folders}
    theirs |= {folder.images[0].parent.resolve() for folder in folders}
    if out.resolve() in theirs:
        raise ValueError(f"--out {out} holds images, or labels of people: choose another folder")


def _told(result: ImageFound) -> str:
    name = result.image.name
    if result.left_out:
        return f"{name}: left out: {result.left_out}"
    count = len(result.objects)
    if not count:
        return f"{name}: nothing found"
    least = min(each.found.sure for each in result.objects)
    return f"{name}: {counted(count, 'object')}, the least certain {least:.2f}"


def _row(result: ImageFound) -> dict[str, Any]:
    return {
        "image": str(result.image),
        "session": None if result.session is None else str(result.session),
        "labels": None if result.labels is None else str(result.labels),
        "left_out": result.left_out,
        "objects": [
            {
                "label": each.label,
                "certainty": round(each.found.sure, 4),
                "y": each.found.click.y,
                "x": each.found.click.x,
                "area_px": each.area,
            }
            for each in result.objects
        ],
    }
