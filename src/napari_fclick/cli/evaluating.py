"""The command that measures: evaluate."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_fclick.cli.common import Device, app, load_predictor, say, track, write_json


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
        predictor = load_predictor("default" if name == "fclick" else name, device)
        for folder in folders:
            progress = partial(track, f"{name} on {folder.name}")
            report = evaluate_folder(predictor, folder, protocol, progress)
            reports.append(report)
            scores = ", ".join(f"{k} {v:.2f}" for k, v in report.items() if k.startswith("NoC"))
            say(f"{name} on {folder.name}: {report['objects']} objects, {scores}")
    write_json(reports, json_file)
