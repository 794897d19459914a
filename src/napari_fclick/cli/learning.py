"""The commands that make weights: train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_fclick.cli.common import app, say


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
