"""What the commands share: the app, options, and where words and JSON go."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from napari_fclick.core.clicks import Click, ClickError

if TYPE_CHECKING:
    from napari_fclick.predictor import Predictor


class _Commands(TyperGroup):
    """The commands; one that is interrupted says so."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interruption:
            say(str(interruption) or "interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    name="napari-fclick",
    help="Clicks into masks with First Click Attention.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("napari-fclick"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Take what is given before a command."""


Weights = Annotated[str, typer.Option(metavar="W", help="Name of weights, or a .safetensors file.")]
Device = Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda, cuda:N or mps.")]
Threshold = Annotated[float, typer.Option(metavar="T", help="Probability, 0 to 1.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Time = Annotated[
    int | None, typer.Option("--time", metavar="N", help="Of a file of several time points.")
]
Channels = Annotated[
    list[int] | None,
    typer.Option("--channel", metavar="N", help="Of a file of several channels; up to three."),
]
Axes = Annotated[
    str | None,
    typer.Option(
        metavar="LETTERS",
        help="The file's axes, as in TZYX or ZCYX. [default: what the file says]",
    ),
]


def say(message: str) -> None:
    """Tell the user something, on standard error."""
    print(message, file=sys.stderr)


def load_predictor(weights: str, device: str) -> Predictor:
    """Load weights onto a device."""
    from napari_fclick.predictor import Predictor

    return Predictor.from_weights(weights, device)


def read_click(text: str, positive: bool = True) -> Click:
    """Read "Y,X"."""
    try:
        y, x = (float(part) for part in text.split(","))
    except ValueError:
        raise ClickError(f"click {text!r} is not Y,X: two numbers, as in 40,60.5") from None
    return Click(y, x, positive)


def check_out(out: Path, image: Path) -> None:
    """Refuse to write over the image that is read."""
    from napari_fclick.core.paths import same_file

    if same_file(out, image):
        raise ValueError(f"--out {out} is the image itself: choose another file")


def track(title: str, objects: Iterable[Any], total: int | None = None) -> Iterable[Any]:
    """Iterate with a progress bar on standard error, where that is a terminal.

    The total is needed for what has no length.
    """
    if not sys.stderr.isatty():
        return objects
    from rich import progress
    from rich.console import Console

    return progress.track(objects, title, total, console=Console(stderr=True))


def write_json(report: Any, file: Path | None) -> None:
    """Write a report to a file, to standard output for ``-``, nowhere for None."""
    write_text(json.dumps(report, indent=1) + "\n", file)


def write_text(text: str, file: Path | None) -> None:
    """Write text to a file, at once or not at all; to standard output for ``-``."""
    if file is None:
        return
    if str(file) == "-":
        print(text, end="")
    else:
        from napari_fclick.core.paths import replacing

        with replacing(file, through=True) as partial:
            partial.write_text(text, "utf-8")
