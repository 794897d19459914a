"""The commands about weights files: list, info, verify, import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from napari_fclick.cli.common import AsJson, app, say

weights_app = typer.Typer(help="Look at, verify and import weights.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")


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
def info(weights: Annotated[str, typer.Argument(metavar="W")], as_json: AsJson = False) -> None:
    """Show the model card inside a weights file."""
    from napari_fclick.network import checkpoints

    card = checkpoints.read_card(checkpoints.find(weights)).model_dump(mode="json")
    if as_json:
        print(json.dumps(card))
        return
    for name, value in card.items():
        print(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")


@weights_app.command()
def verify(weights: Annotated[str, typer.Argument(metavar="W")]) -> None:
    """Check that a weights file is whole and unedited."""
    from napari_fclick.network import checkpoints

    _, card = checkpoints.load(weights)
    say(f"{weights}: {card.name}, sha256 {card.sha256}: in order")


@weights_app.command("import")
def import_weights(
    checkpoint: Annotated[
        Path, typer.Argument(help="The authors' .pth file, or a .safetensors file made here.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.safetensors", help="The weights to write.")
    ] = None,
) -> None:
    """Make weights known by their name: a checkpoint of the paper's authors, or your own.

    No code in a checkpoint is run. Your own files, made by `train` or `finetune`, are copied.
    """
    from napari_fclick.network.checkpoints import SUFFIX, read_card
    from napari_fclick.network.released import import_checkpoint

    if checkpoint.suffix.lower() == SUFFIX:
        from napari_fclick.finetuning.gate import PROMOTED
        from napari_fclick.finetuning.promotion import adopt

        if out is not None:
            raise ValueError("--out is for the authors' files: weights made here are copied")
        card = read_card(checkpoint)
        name = adopt(checkpoint, card.name)
        say(f"imported {name}: it is in the dock's list, and 'segment --weights {name}' takes it")
        if card.tuned.get("outcome", PROMOTED) != PROMOTED:
            say(f"they were refused when they were made: {card.tuned.get('reasons', '')}")
        return
    if out is not None and out.suffix.lower() != SUFFIX:
        raise ValueError(f"{out}: weights are written as {SUFFIX}")
    path, card = import_checkpoint(checkpoint, out)
    say(f"imported {card.name} to {path}")
