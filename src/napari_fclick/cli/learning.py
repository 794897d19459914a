"""The commands that make weights: train, finetune."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_fclick.cli.common import AsJson, Device, Weights, app, say

if TYPE_CHECKING:
    from napari_fclick.training.trainer import Trainer

#: Seconds that the start of the process counts at most.
START = 3.0


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A TOML file, as in configs/.")],
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint, if any.")] = False,
) -> None:
    """Train a network; ends with weights.safetensors in the run's folder.

    Under torchrun all its processes share the run. Ctrl+C ends it after the step at hand;
    --resume goes on there.
    """
    from rich.console import Console

    from napari_fclick.training.config import TrainingConfig
    from napari_fclick.training.display import shown
    from napari_fclick.training.distributed import joined
    from napari_fclick.training.export import export
    from napari_fclick.training.stopping import stopping
    from napari_fclick.training.trainer import CHECKPOINT, Trainer

    if not config.is_file():
        raise FileNotFoundError(f"no file {config}")
    settings = TrainingConfig.from_toml(config)
    checkpoint, out = settings.out / CHECKPOINT, settings.out / "weights.safetensors"
    if settings.out.exists() and not settings.out.is_dir():
        raise NotADirectoryError(f"{config}: out: {settings.out} is a file: name a folder")
    if checkpoint.exists() and not resume:
        raise ValueError(f"{checkpoint} is there already: go on with --resume, or move it")
    if out.exists() and not checkpoint.exists():
        raise ValueError(f"{out} is there already, and no checkpoint of it to go on from: move it")
    with joined() as processes, shown(Console(stderr=True), not processes.leads) as report:
        trainer = Trainer(settings, processes=processes)
        if resume:
            trainer.resume()
        with stopping() as stop:
            trainer.run(stop, report, _validation(trainer))
    if not processes.leads:
        return
    if not trainer.finished:
        say(f"stopped after step {trainer.step} of {trainer.config.steps}: go on with --resume")
        raise typer.Exit(130)
    export(trainer.checkpoint, out)
    say(f"wrote {out}")


def _validation(trainer: Trainer) -> Callable[[int], dict[str, float]] | None:
    """Return what plays the held-back objects with the weights there are."""
    config = trainer.config
    if not config.validate_every or not trainer.processes.leads:
        return None
    from napari_fclick.evaluation import robot
    from napari_fclick.evaluation.metrics import number_of_clicks
    from napari_fclick.evaluation.protocol import TARGETS
    from napari_fclick.network.checkpoints import Card
    from napari_fclick.predictor import Predictor
    from napari_fclick.training.loading import held_back

    scenes = held_back(config)
    card = Card(
        name=config.name, network=config.network, preprocessing=config.preprocessing, licence=""
    )

    def validate(step: int) -> dict[str, float]:
        predictor = Predictor(trainer.averaged(), card, trainer.device)
        played = [
            [r.iou for r in robot.play(predictor, image, truth, ignore=ignore, target=max(TARGETS))]
            for image, truth, ignore, _ in scenes()
        ]
        if not played:
            return {}
        clicks = {t: sum(number_of_clicks(ious, t) for ious in played) for t in TARGETS}
        scores = {f"NoC@{round(100 * t)}": total / len(played) for t, total in clicks.items()}
        return scores | {"IoU@1": sum(ious[0] for ious in played) / len(played)}

    return validate


@app.command()
def finetune(
    folder: Annotated[Path, typer.Argument(help="Holds images/ and labels/.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.safetensors", help="The weights to write.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(metavar="M", help="Time it may take, tests included.")
    ] = 10,
    weights: Weights = "default",
    session: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Session files, too.")
    ] = None,
    replay: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Folders to be mixed in.")
    ] = None,
    replay_share: Annotated[
        float | None, typer.Option(metavar="S", help="Which part of the samples is mixed in.")
    ] = None,
    general: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder on which it must not get worse.")
    ] = None,
    train_parts: Annotated[
        str | None, typer.Option(metavar="P", help="heads, late or all.")
    ] = None,
    recognise: Annotated[
        bool, typer.Option(help="On images that look otherwise, the weights before answer.")
    ] = True,
    threads: Annotated[int, typer.Option(metavar="N", help="Cores to use; 0 leaves one free.")] = 0,
    seed: Annotated[int, typer.Option(metavar="S", help="Of all that is random.")] = 0,
    device: Device = "auto",
    dry_run: Annotated[bool, typer.Option(help="Only tell what is in the data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fine-tune weights on your images; they are promoted only if proved to be better.

    Ctrl+C ends the training, and the best so far is judged; a second one ends all.
    """
    # The imports count, also those that were made: that is what the process has worked so far.
    begun = time.monotonic() - min(time.process_time(), START)
    from napari_fclick.finetuning import command

    chosen = {
        "minutes": minutes,
        "weights": weights,
        "replay": tuple(replay or ()),
        "replay_share": replay_share,
        "general": general,
        "train_parts": train_parts,
        "recognise": recognise,
        "threads": threads,
        "seed": seed,
        "device": device,
    }
    options = command.options_of({k: v for k, v in chosen.items() if v is not None})
    if out is None and not dry_run:
        raise ValueError("--out WEIGHTS is missing: where the new weights are to be written")
    command.check(options, out)
    data = command.read(folder, session or [])
    if out is None or dry_run:
        found = command.look(data, options.weights, say)
    else:
        found = command.run(data, options, out, say, begun)
    if as_json:
        print(json.dumps(found))
