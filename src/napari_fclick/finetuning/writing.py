"""The weights file of a fine-tuning, and its card."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from napari_fclick.core.paths import check_file_path, same_file
from napari_fclick.core.words import counted
from napari_fclick.finetuning.gate import FORGETTING, PROMOTED, Verdict
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.scoring import Comparison
from napari_fclick.finetuning.sources import LabelledData
from napari_fclick.finetuning.split import SHORT, Split
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import SUFFIX, Card

#: What is added to the name of weights that were not promoted, where it is taken.
REJECTED = ".rejected"


def check_out(out: Path, base: str) -> None:
    """Refuse a path to which no weights can be written.

    Parameters
    ----------
    out : Path
    base : str
        The weights to begin from: a name or a file.

    Raises
    ------
    ValueError
        If it ends otherwise, is the file of the base weights, or there are no such weights.
    OSError
        If nothing can be written there, see `napari_fclick.core.paths.check_file_path`.
    """
    if out.suffix != SUFFIX:
        raise ValueError(f"{out}: weights are written as {SUFFIX}")
    check_file_path(out)
    if same_file(out, checkpoints.find(base)):
        raise ValueError(f"--out {out} is the weights to begin from: choose another file")


def write(
    out: Path, state: Mapping[str, Tensor], card: Card, verdict: Verdict
) -> tuple[Path, Card]:
    """Write weights; if they are not promoted, never in the place of a file that is there.

    Those go beside it, ending in ``.rejected.safetensors``; where there are such, too, they are
    numbered, as in ``.rejected-2.safetensors``.

    Returns
    -------
    Path, Card
        What was written.

    Raises
    ------
    OSError
        If it cannot be written; a file that was there is as it was.
    """
    path = out if verdict.promoted else _free(out)
    name = path.name.removesuffix(SUFFIX)
    return path, checkpoints.save(path, state, card.model_copy(update={"name": name}), half=True)


def _free(out: Path) -> Path:
    """Return a path at which no file is, this one if it can be."""
    path, number = out, 0
    while path.exists():
        number += 1
        counted = f"-{number}" if number > 1 else ""
        path = out.with_name(f"{out.stem}{REJECTED}{counted}{SUFFIX}")
    return path


def make_card(
    parent: Card,
    data: LabelledData,
    split: Split,
    options: FineTuneOptions,
    facts: Mapping[str, str],
    comparisons: Mapping[str, Comparison | None],
    mixed: Iterable[str] = (),
) -> Card:
    """Return the card of fine-tuned weights.

    Parameters
    ----------
    parent : Card
        Of the base weights.
    data, split, options
        Which it was made from, and how.
    facts : mapping of str to str
        More that `Card.tuned` tells; ``outcome`` and ``steps`` are among them.
    comparisons : mapping of str to Comparison or None
        Their figures become scores, ``NAME/FIGURE before`` and ``after``.
    mixed : iterable of str
        Digests of images of other data that were learned from, too.
    """
    learned = split.choose(data, split.training)
    # Also what the base weights learned from, so that it never judges what is made of these.
    digests = (*split.training, *mixed)
    training = dict.fromkeys([*parent.learned, *(digest[:SHORT] for digest in digests)])
    refused = "" if facts["outcome"] == PROMOTED else f" (refused: {facts['outcome']})"
    scores = {
        f"{name}/{figure.name} {when}": round(number, 4)
        for name, comparison in comparisons.items()
        for figure in (comparison.figures if comparison else ())
        for when, number in (("before", figure.before), ("after", figure.after))
    }
    tuned = {
        "parent": parent.name,
        "data": data.digest,
        "training": " ".join(training),
        "validation": " ".join(digest[:SHORT] for digest in split.validation),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "allowed forgetting": f"{FORGETTING:g}",
        "options": options.model_dump_json(exclude_defaults=True),
        **facts,
    }
    images = counted(len(learned), "image")
    recipe = f"fine-tuned on {images} of {data.name}, {facts['steps']} steps"
    return parent.model_copy(
        update={
            "description": f"{parent.name}, fine-tuned on {data.name}{refused}",
            "data": (*parent.data, data.name),
            "recipe": f"{parent.recipe}; then {recipe}" if parent.recipe else recipe,
            "scores": scores,
            "parent": parent.sha256,
            "sha256": "",
            "tuned": tuned,
        }
    )
