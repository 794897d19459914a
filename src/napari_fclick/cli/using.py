"""Commands that show the plugin and segment images: demo, segment, latency."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    read_click,
    say,
)
from napari_fclick.core.channels import MOST_CHANNELS
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.threshold import THRESHOLD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fclick.core.file_parts import Picture
    from napari_fclick.predictor import Prediction

#: How long a display may take to answer.
DISPLAY_SECONDS = 30


@app.command()
def demo(
    headless: Annotated[bool, typer.Option(help="Work without a window.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the results, which are made without a window.",
            show_default="fclick-demo",
        ),
    ] = None,
    weights: Weights = "default",
    device: Device = "auto",
) -> None:
    """Let a robot click the coins of a bundled image into labels."""
    from napari_fclick import demo as demonstration

    if not headless and out is None:
        if _has_display():
            demonstration.run_window(weights, device, say)
            return
        say("no display: running headless")
    folder = out or Path("fclick-demo")
    summary = demonstration.run_headless(load_predictor(weights, device), folder)
    say(
        f"{summary['objects']} objects, {summary['clicks']} clicks, mean IoU "
        f"{summary['mean_iou']:.3f}, {summary['ms_per_click']:.0f} ms per click; see {folder}"
    )


@app.command()
def segment(
    image: Annotated[Path, typer.Argument(help="TIFF, PNG, JPEG, BMP or NPY.")],
    click: Annotated[list[str], typer.Option(metavar="Y,X", help="On the object; first first.")],
    out: Annotated[Path, typer.Option(metavar="FILE.tif", help="The mask: 255 on the object.")],
    not_: Annotated[
        list[str] | None, typer.Option("--not", metavar="Y,X", help="Not on the object.")
    ] = None,
    slice_: Annotated[
        int | None, typer.Option("--slice", metavar="N", help="Of a stack's first axis.")
    ] = None,
    time: Time = None,
    channel: Channels = None,
    axes: Axes = None,
    threshold: Threshold = THRESHOLD,
    integrity: Annotated[bool, typer.Option(help="Keep only what hangs together.")] = True,
    weights: Weights = "default",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Segment one object from its clicks."""
    from napari_fclick.core.file_parts import Part, read_part
    from napari_fclick.core.files import check_mask_path, write_mask

    check_mask_path(out)
    check_out(out, image)
    clicks = ClickSequence(
        [read_click(text) for text in click] + [read_click(text, False) for text in not_ or ()]
    )
    clicks.check_signs()
    part = Part(time, tuple(channel or ()), (axes or "").upper())
    picture = read_part(image, part, MOST_CHANNELS, stack=slice_ is not None)
    pixels = _plane(picture, image, slice_)
    predictor = load_predictor(weights, device)
    prediction = predictor.predict(pixels, clicks)
    mask = prediction.full_mask(threshold, integrity)
    write_mask(out, mask.astype("uint8") * 255)
    if prediction.blank:
        say("nothing is to be seen about the clicks: one colour throughout, or no finite number")
    report = _segment_report(prediction, mask, threshold, integrity, out)
    if not report["area_px"]:
        say(f"the mask is empty: no probability is above {threshold}")
    if integrity and report["integrity_fell_back"]:
        say("no positive click lies in the mask: kept the part nearest the first click")
    if source := predictor.card.source(prediction.specialist):
        say(source)
    if as_json:
        print(json.dumps(report))
    else:
        say(f"{report['area_px']} px in {report['ms']:.0f} ms; see {out}")


@app.command()
def latency(
    size: Annotated[int, typer.Option(metavar="N", help="Side of the image in pixels.")] = 512,
    weights: Weights = "default",
    device: Device = "auto",
    lazy: Annotated[bool, typer.Option(help="Make the image lazily, by dask.")] = False,
    repeats: Annotated[int, typer.Option(metavar="N", help="Objects to click.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure what a click costs, from click to full mask."""
    from napari_fclick.evaluation.latency import measure

    report = measure(load_predictor(weights, device), size, repeats, lazy)
    if as_json:
        print(json.dumps(report))
        return
    for kind in ("first", "later"):
        values = report[kind]
        say(f"{kind} click: {values['median_ms']} ms median, {values['p95_ms']} ms p95")
    say(", ".join(f"{part} {share:.0%}" for part, share in report["share"].items()))
    say(f"{report['weights']} on {report['device']}, peak {report['peak_memory_mb']} MB")


def _plane(picture: Picture, path: Path, index: int | None) -> Any:
    """Return the slice to work on, (H, W) or (H, W, C)."""
    pixels, coloured, axes = picture
    if pixels.ndim - coloured > 3:
        raise ValueError(
            f"{path} has shape {pixels.shape}{f' along {axes}' if axes else ''}: {pixels.ndim} "
            "axes; allowed are (slices, rows, columns) and channels after them: "
            f"{picture.how_to_choose}"
        )
    if index is None and pixels.ndim == 3:
        picture.check_slices(path)
    if index is not None:
        if pixels.ndim < 3:
            raise ValueError(f"--slice {index}: {path} has shape {pixels.shape}, it is no stack")
        if pixels.ndim - coloured < 3:
            raise ValueError(
                f"--slice {index}: {path} has shape {pixels.shape}, one image in colour, no stack"
            )
        if not 0 <= index < len(pixels):
            raise ValueError(f"--slice {index}: {path} has slices 0 to {len(pixels) - 1}")
        return pixels[index]
    if pixels.ndim - coloured == 3:
        raise ValueError(f"{path} has shape {pixels.shape}, a stack: choose a slice with --slice")
    return pixels


def _segment_report(
    prediction: Prediction, mask: NDArray[Any], threshold: float, integrity: bool, out: Path
) -> dict[str, Any]:
    rows, columns = prediction.window
    return {
        "mask": str(out),
        "shape": list(mask.shape),
        "area_px": int(mask.sum()),
        "window": {"rows": [rows.start, rows.stop], "columns": [columns.start, columns.stop]},
        "clicks": [{"y": c.y, "x": c.x, "positive": c.positive} for c in prediction.clicks],
        "threshold": threshold,
        "integrity": integrity,
        "integrity_fell_back": integrity and prediction.kept(threshold).fell_back,
        "ms": round(1000 * prediction.seconds, 1),
    }


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    # A display that is named and not there, such as that of a connection which ended, has Qt abort
    # the whole process: that is to be another one.
    try:
        tried = subprocess.run(
            [sys.executable, "-c", "from qtpy.QtWidgets import QApplication; QApplication([])"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=DISPLAY_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return tried.returncode >= 0  # not ended by a signal
