"""Fine-tuning from the command line: what it tells on the way, and how it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_fclick.core.errors import in_words
from napari_fclick.core.folders import find_pairs_and_rest
from napari_fclick.core.words import counted
from napari_fclick.finetuning.child import use_threads
from napari_fclick.finetuning.finetuning import fine_tune
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.sessions import from_sessions
from napari_fclick.finetuning.sources import LabelledData, combine, from_folder
from napari_fclick.finetuning.summary import before_start
from napari_fclick.finetuning.tuning import Event
from napari_fclick.finetuning.writing import check_out
from napari_fclick.network import checkpoints
from napari_fclick.network.inference import choose_device
from napari_fclick.training.stopping import stopping

Say = Callable[[str], None]

#: What is said where it is interrupted.
ENDING = "ending the training; what it learned, if anything, is judged (Ctrl+C again to end all)"


def options_of(chosen: Mapping[str, Any]) -> FineTuneOptions:
    """Return options from what was given on the command line.

    Raises
    ------
    ValueError
        Naming what is wrong, in one line.
    """
    try:
        return FineTuneOptions.model_validate(dict(chosen))
    except ValidationError as error:
        wrong = [f"--{'-'.join(_name(e['loc']))}: {in_words(e)}" for e in error.errors()]
        raise ValueError("; ".join(wrong)) from None


def _name(where: Sequence[Any]) -> list[str]:
    return [str(part).replace("_", "-") for part in where if isinstance(part, str)]


def check(options: FineTuneOptions, out: Path | None) -> None:
    """Refuse what a run would refuse only after the data were read.

    Parameters
    ----------
    options : FineTuneOptions
    out : Path or None
        Where the new weights are to be written; None where nothing is.

    Raises
    ------
    ValueError, OSError
        If there are no such weights to begin from, or none can be written there.
    DeviceError
        If there is no such device.
    FileNotFoundError
        If a folder to be mixed in or tested on is missing, or holds no images with labels.
    """
    checkpoints.find(options.weights)
    if out is not None:
        check_out(out, options.weights)
    choose_device(options.device)
    for folder in (*options.replay, options.general):
        if folder is not None:
            find_pairs_and_rest(folder)


def read(folder: Path, sessions: Sequence[Path]) -> LabelledData:
    """Read a folder and session files as one data set."""
    parts = [from_folder(folder)]
    if sessions:
        parts.append(from_sessions(sessions))
    return combine(parts)


def look(data: LabelledData, weights: str, say: Say) -> dict[str, Any]:
    """Tell what is in the data for weights to start from; return it as JSON."""
    found = before_start(data, weights).as_json()
    for line in _lines(found):
        say(line)
    return found


def run(
    data: LabelledData,
    options: FineTuneOptions,
    out: Path,
    say: Say,
    begun: float | None = None,
) -> dict[str, Any]:
    """Fine-tune; return the result as JSON.

    Parameters
    ----------
    data : LabelledData
    options : FineTuneOptions
    out : Path
    say : callable
    begun : float, optional
        When the command began, by `time.monotonic`: its start counts.
    """
    use_threads(options.threads)
    with stopping(lambda: say(ENDING)) as stop:
        result = fine_tune(data, options, out, lambda event: _tell(event, say), stop, begun)
    for reason in result.verdict.reasons:
        say(reason)
    if result.note:
        say(result.note)
    if result.verdict.promoted:
        say(f"passed: {result.out}; 'napari-fclick weights import' lists it everywhere by its name")
    else:
        say(f"refused, and kept aside: {result.out}")
    return result.as_json()


def _tell(event: Event, say: Say) -> None:
    match event["event"]:
        case "summary":
            # An error ends the run, and is told then.
            told = [message for message in event["messages"] if message[0] != "error"]
            for line in _lines({**event, "messages": told}):
                say(line)
        case "stage":
            say(f"{event['text']} ..")
        case "watch":
            say(
                f"step {event['step']}: {event['NoC@85']:.2f} clicks to IoU 0.85, "
                f"IoU {event['IoU@1']:.3f} after one click"
            )


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{counted(found['training_objects'], 'object')} in "
        f"{counted(found['training_images'], 'image')} to learn from, "
        f"{found['validation_objects']} in {found['validation_images']} held back"
    )
    for level, text in found["messages"]:
        yield f"{level}: {text}"
