"""The commands about session files: replay, export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_fclick.cli.common import AsJson, Device, app, load_predictor, say, track

if TYPE_CHECKING:
    from napari_fclick.predictor import Predictor
    from napari_fclick.replay import Replay
    from napari_fclick.session.journal import Journal

Session = Annotated[Path, typer.Argument(help="A .fclick file; it is only read.")]


#: What `export` writes.
Format = Literal["coco", "tiff", "csv"]


@app.command()
def export(
    session: Session,
    format_: Annotated[
        Format, typer.Option("--format", metavar="F", help="Of the file that is written.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
) -> None:
    """Write a session's objects as COCO JSON, labels with their scale, or tables."""
    from napari_fclick.session.exporting import export as write

    for path in write(session, format_, out):
        say(f"wrote {path}")


@app.command()
def replay(
    session: Session,
    weights: Annotated[
        str | None,
        typer.Option(metavar="W", help="Name or file; by default those the session used."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.tif", help="The labels.")] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the image is now, if it was moved.")
    ] = None,
    channel: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Where a channel is now, if it was moved; repeatable."),
    ] = None,
    insist: Annotated[bool, typer.Option(help="Take an image with other pixels.")] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Make every object of a session again from its clicks.

    With other weights it tells how many clicks the same person would have needed.
    """
    from napari_fclick.core.files import check_label_axes, check_mask_path
    from napari_fclick.session.exporting import check_apart, label_files
    from napari_fclick.session.journal import Journal
    from napari_fclick.session_image import open_image

    if out is not None:
        check_mask_path(out)
    with closing(Journal.open(session, read_only=True)) as journal:
        if out is not None:
            for target in journal.targets:
                check_label_axes(len(target.shape))
            for each in (image, *(channel or ())):
                check_apart(journal, label_files(out, len(journal.targets)), each)
        pixels = open_image(journal, image, insist, channel or ())
        report = _replayed(journal, pixels, weights, device, out)
    if as_json:
        print(json.dumps(report))
        return
    same = (
        "pixel for pixel the same"
        if report["identical"]
        else (f"{report['differing_px']} px differ")
    )
    masks = f"{len(report['objects'])} masks"
    if report["found"]:
        masks += f" and {report['found']} objects that were found"
    say(f"{masks} made again with {report['weights']}: {same}")
    if "clicks_needed" in report:
        say(
            f"clicks until the accepted masks: {report['clicks_needed']} with "
            f"{report['weights']}, {report['clicks_then']} then: {_more(report['clicks_saved'])}"
        )


def _replayed(
    journal: Journal, image: Any, weights: str | None, device: str, out: Path | None
) -> dict[str, Any]:
    from napari_fclick.replay import replay as run

    used = journal.weights
    own = _weights_then(journal, device) if weights is None else {}
    predictor = own.get(used[-1]) if used else None
    if predictor is None:
        predictor = load_predictor(weights or (used[-1][0] if used else "default"), device)
    missing = [name for name, sha256 in used if (name, sha256) not in own]
    if weights is None and missing and len(used) > 1:
        say(f"objects of {', '.join(missing)}, which is not there, are made with {predictor.name}")
    found = run(journal, image, predictor, own)
    written = _write(journal, found, out)
    report: dict[str, Any] = {
        "session": str(journal.path),
        "weights": predictor.name,
        "weights_sha256": predictor.card.sha256,
        "same_weights": all(
            each.weights in own or (each.weights or ("", ""))[1] == predictor.card.sha256
            for each in found.masks
        ),
        "identical": found.differing == 0,
        "differing_px": found.differing,
        "found": found.found,
        "objects": [
            {
                "label": each.label,
                "place": list(each.part.place.index),
                "clicks": len(each.part.clicks),
                "iou": round(each.iou, 4),
            }
            for each in found.masks
        ],
        "labels": [str(path) for path in written],
    }
    if not report["same_weights"]:
        then = own if weights is None else _weights_then(journal, device)
        report |= _compare(journal, image, predictor, then, report["objects"])
    return report


def _more(saved: int) -> str:
    return f"{abs(saved)} {'more' if saved < 0 else 'fewer'}" if saved else "as many"


def _write(journal: Journal, found: Replay, out: Path | None) -> list[Path]:
    """Write labels that were made again, a file for each layer; return and tell the files."""
    from napari_fclick.core.files import write_labels
    from napari_fclick.session.exporting import label_files
    from napari_fclick.session.journal import JournalError

    if not (found.masks or found.found):
        nothing = f"{journal.path} holds no accepted object"
        if out is not None:
            raise JournalError(nothing)
        say(nothing)
    if out is None:
        return []
    known = journal.targets
    paths = label_files(out, len(known))
    for path, labels, target in zip(paths, found.labels, known, strict=True):
        write_labels(path, labels, target.spacing, target.units)
        say(f"wrote {path}")
    return paths


def _compare(
    journal: Journal,
    image: Any,
    predictor: Predictor,
    before: Mapping[tuple[str, str], Predictor],
    rows: Iterable[dict[str, Any]],
) -> dict[str, int]:
    """Count the clicks that other weights need; add each object's to its row."""
    from napari_fclick.replay import acceptances, clicks_needed, own_clicks

    then = now = 0
    for row, accepted in zip(rows, track("replay", acceptances(journal, image)), strict=True):
        row["clicks_then"] = len(own_clicks(accepted.part))
        if accepted.weights in before:
            row["clicks_then"] = clicks_needed(before[accepted.weights], accepted)
        row["clicks_needed"] = clicks_needed(predictor, accepted)
        then, now = then + row["clicks_then"], now + row["clicks_needed"]
    return {"clicks_then": then, "clicks_needed": now, "clicks_saved": then - now}


def _weights_then(journal: Journal, device: str) -> dict[tuple[str, str], Predictor]:
    """Return the predictors that a session used, as far as they are there still."""
    found = {}
    for name, sha256 in journal.weights:
        try:
            predictor = load_predictor(name, device)
        except ValueError:
            continue
        if predictor.card.sha256 == sha256:
            found[name, sha256] = predictor
    return found
