"""The command line: JSON to standard output, everything else to standard error.

A user's mistake ends with one line and exit code 2. torch and napari are imported by the
commands that need them, so that ``--help`` is quick.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import numpy as np
import typer

from napari_fclick.core.clicks import Click, ClickError, ClickSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fclick.predictor import Prediction, Predictor

app = typer.Typer(
    name="napari-fclick",
    help="Clicks into masks with First Click Attention.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
weights_app = typer.Typer(help="Look at, verify and import weights.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")

Weights = Annotated[str, typer.Option(help="Name of weights, or a .safetensors file.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

#: More channels than this are taken for a stack whose slice was not chosen.
MOST_CHANNELS = 16


def main() -> NoReturn:
    """Run the command line."""
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if not message:  # no command given: its help has been printed
            sys.exit(2)
        _fail(f"{message} (see --help)")
    except (ValueError, TypeError, OSError, ImportError, MemoryError, RuntimeError) as error:
        if os.environ.get("FCLICK_DEBUG"):
            raise
        _fail(str(error) or type(error).__name__)
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> NoReturn:
    say(f"error: {' '.join(message.split())}")
    sys.exit(2)


def say(message: str) -> None:
    """Tell the user something, on standard error."""
    print(message, file=sys.stderr)


@app.command()
def demo(
    headless: Annotated[bool, typer.Option(help="Work without a window.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("fclick-demo"),
    weights: Weights = "default",
    device: Device = "auto",
) -> None:
    """Let a robot click the coins of a bundled image into labels."""
    from napari_fclick import demo as demonstration

    if not headless and not _has_display():
        say("no display: running headless")
        headless = True
    if not headless:
        demonstration.run_window(weights, device, say)
        return
    summary = demonstration.run_headless(_predictor(weights, device), out)
    say(
        f"{summary['objects']} objects, {summary['clicks']} clicks, mean IoU "
        f"{summary['mean_iou']:.3f}, {summary['ms_per_click']:.0f} ms per click; see {out}"
    )


@app.command()
def segment(
    image: Annotated[Path, typer.Argument(help="TIFF, PNG, JPEG, BMP or NPY.")],
    click: Annotated[list[str], typer.Option(metavar="Y,X", help="On the object; first first.")],
    out: Annotated[Path, typer.Option(help="The mask, a .tif: 255 on the object.")],
    not_: Annotated[
        list[str] | None, typer.Option("--not", metavar="Y,X", help="Not on the object.")
    ] = None,
    slice_: Annotated[int | None, typer.Option("--slice", help="Of a stack's first axis.")] = None,
    threshold: Annotated[float, typer.Option(help="Probability, 0 to 1.")] = 0.5,
    integrity: Annotated[bool, typer.Option(help="Keep only what hangs together.")] = True,
    weights: Weights = "default",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Segment one object from its clicks."""
    from napari_fclick.core.files import check_mask_path, read_image, write_mask

    check_mask_path(out)
    clicks = ClickSequence(
        [_click(text) for text in click] + [_click(text, False) for text in not_ or ()]
    )
    pixels = _plane(read_image(image), image, slice_)
    prediction = _predictor(weights, device).predict(pixels, clicks)
    mask = prediction.full_mask(threshold, integrity)
    write_mask(out, mask.astype("uint8") * 255)
    report = _segment_report(prediction, mask, threshold, integrity, out)
    if integrity and report["integrity_fell_back"]:
        say("no positive click lies in the mask: kept the part nearest the first click")
    if as_json:
        print(json.dumps(report))
    else:
        say(f"{report['area_px']} px in {report['ms']:.0f} ms; see {out}")


@app.command()
def evaluate(
    folders: Annotated[list[Path], typer.Argument(help="Each holds images/ and labels/.")],
    method: Annotated[
        list[str] | None, typer.Option(help="fclick, a weights name or a file; repeatable.")
    ] = None,
    target: Annotated[list[float] | None, typer.Option(help="IoU; repeatable.")] = None,
    max_clicks: Annotated[int, typer.Option(help="For one object.")] = 20,
    jitter: Annotated[float, typer.Option(help="0 clicks centres; 1 anywhere.")] = 0.0,
    max_objects: Annotated[int | None, typer.Option(help="Drawn from each set.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw and of the jitter.")] = 0,
    device: Device = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report to a file; - prints it.")
    ] = None,
) -> None:
    """Let the robot user segment objects, and count its clicks."""
    from napari_fclick.core.folders import find_pairs
    from napari_fclick.evaluation.benchmark import Protocol, evaluate_folder

    targets = tuple(target) if target else (0.85, 0.9)
    protocol = Protocol(targets, max_clicks, jitter, max_objects, seed)
    reports = []
    for folder in folders:
        find_pairs(folder)  # a wrong folder is told of before hours are spent on the others
    for name in method or ["fclick"]:
        predictor = _predictor("default" if name == "fclick" else name, device)
        for folder in folders:
            track = partial(_track, f"{name} on {folder.name}")
            report = evaluate_folder(predictor, folder, protocol, track)
            reports.append(report)
            scores = ", ".join(f"{k} {v:.2f}" for k, v in report.items() if k.startswith("NoC"))
            say(f"{name} on {folder.name}: {report['objects']} objects, {scores}")
    _write_json(reports, json_file)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A TOML file, as in configs/.")],
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint, if any.")] = False,
) -> None:
    """Train a network; ends with weights.safetensors in the run's folder."""
    import logging

    from napari_fclick.training.config import TrainingConfig
    from napari_fclick.training.export import export
    from napari_fclick.training.trainer import Trainer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if not config.is_file():
        raise FileNotFoundError(f"no file {config}")
    trainer = Trainer(TrainingConfig.from_toml(config))
    if resume:
        trainer.resume()
    elif trainer.checkpoint.exists():
        raise ValueError(f"{trainer.checkpoint} is there already: go on with --resume, or move it")
    trainer.run()
    out = trainer.config.out / "weights.safetensors"
    export(trainer.checkpoint, out)
    say(f"wrote {out}")


@app.command()
def latency(
    size: Annotated[int, typer.Option(help="Side of the image in pixels.")] = 512,
    weights: Weights = "default",
    device: Device = "auto",
    lazy: Annotated[bool, typer.Option(help="Make the image lazily, by dask.")] = False,
    repeats: Annotated[int, typer.Option(help="Objects to click.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure what a click costs, from click to full mask."""
    from napari_fclick.evaluation.latency import measure

    report = measure(_predictor(weights, device), size, repeats, lazy)
    if as_json:
        print(json.dumps(report))
        return
    for kind in ("first", "later"):
        values = report[kind]
        say(f"{kind} click: {values['median_ms']} ms median, {values['p95_ms']} ms p95")
    say(", ".join(f"{part} {share:.0%}" for part, share in report["share"].items()))
    say(f"{report['weights']} on {report['device']}, peak {report['peak_memory_mb']} MB")


@weights_app.command("list")
def list_weights(as_json: AsJson = False) -> None:
    """List the weights there are."""
    from napari_fclick.network import checkpoints

    names = checkpoints.available_weights()
    files = {name: str(checkpoints.find(name)) for name in names}
    if as_json:
        print(json.dumps(files))
        return
    for name, file in files.items():
        print(f"{name}\t{file}")


@weights_app.command()
def info(weights: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """Show the model card inside a weights file."""
    from napari_fclick.network import checkpoints

    card = checkpoints.read_card(checkpoints.find(weights)).model_dump(mode="json")
    if as_json:
        print(json.dumps(card))
        return
    for name, value in card.items():
        print(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")


@weights_app.command()
def verify(weights: Annotated[str, typer.Argument()]) -> None:
    """Check that a weights file is whole and unedited."""
    from napari_fclick.network import checkpoints

    _, card = checkpoints.load(weights)
    say(f"{weights}: {card.name}, sha256 {card.sha256}: in order")


@weights_app.command("import")
def import_weights(
    checkpoint: Annotated[Path, typer.Argument(help="The authors' .pth file.")],
    out: Annotated[Path | None, typer.Option(help="The .safetensors file to write.")] = None,
) -> None:
    """Import a checkpoint of the paper's authors; no code in it is run."""
    from napari_fclick.network.checkpoints import SUFFIX
    from napari_fclick.network.released import import_checkpoint

    if out is not None and out.suffix != SUFFIX:
        raise ValueError(f"{out}: weights are written as {SUFFIX}")
    path, card = import_checkpoint(checkpoint, out)
    say(f"imported {card.name} to {path}")


# --- helpers ----------------------------------------------------------------------------


def _predictor(weights: str, device: str) -> Predictor:
    from napari_fclick.predictor import Predictor

    return Predictor.from_weights(weights, device)


def _click(text: str, positive: bool = True) -> Click:
    """Read "Y,X"."""
    try:
        y, x = (float(part) for part in text.split(","))
    except ValueError:
        raise ClickError(f"click {text!r} is not Y,X: two numbers, as in 40,60.5") from None
    return Click(y, x, positive)


def _plane(pixels: NDArray[Any], path: Path, index: int | None) -> NDArray[Any]:
    """Return the slice to work on, (H, W) or (H, W, C)."""
    if index is not None:
        if pixels.ndim < 3:
            raise ValueError(f"--slice {index}: {path} has shape {pixels.shape}, it is no stack")
        if not -len(pixels) <= index < len(pixels):
            raise ValueError(f"--slice {index}: {path} has slices 0 to {len(pixels) - 1}")
        if pixels.ndim == 3 and pixels.shape[-1] <= 4:
            raise ValueError(
                f"--slice {index}: {path} has shape {pixels.shape}, one image in colour, no stack"
            )
        return np.asarray(pixels[index])
    if pixels.ndim == 3 and pixels.shape[-1] > MOST_CHANNELS:
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


def _track(title: str, objects: Sequence[Any]) -> Iterable[Any]:
    """Iterate with a progress bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    return track(objects, title, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _write_json(report: Any, file: Path | None) -> None:
    if file is None:
        return
    text = json.dumps(report, indent=1)
    if str(file) == "-":
        print(text)
    else:
        file.write_text(text + "\n", "utf-8")


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
