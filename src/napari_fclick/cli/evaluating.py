"""The command that measures: evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from napari_fclick.cli.common import Device, app, load_predictor, say, track, write_json, write_text
from napari_fclick.evaluation.protocol import MOST_CLICKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_fclick.evaluation.benchmark import Plan
    from napari_fclick.evaluation.datasets import DataSet
    from napari_fclick.evaluation.games import Game
    from napari_fclick.evaluation.summary import Report
    from napari_fclick.evaluation.volumes import VolumeProtocol

JITTER = "Up to so many pixels from the middle of the error region, within it."
SHARE = "Instead: anywhere in the error region at least (1 - J) as deep as its middle."


@app.command()
def evaluate(
    context: typer.Context,
    folders: Annotated[
        list[Path],
        typer.Argument(help="images/ and labels/, or a published layout: docs/evaluation.md."),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="fclick, a classical method, a weights name or file; repeatable."
        ),
    ] = None,
    target: Annotated[
        list[float] | None, typer.Option(metavar="T", help="IoU; repeatable.")
    ] = None,
    max_clicks: Annotated[int, typer.Option(metavar="N", help="For one object.")] = MOST_CLICKS,
    jitter: Annotated[float, typer.Option(metavar="PX", help=JITTER)] = 0.0,
    jitter_share: Annotated[float, typer.Option(metavar="J", help=SHARE)] = 0.0,
    max_objects: Annotated[
        int | None, typer.Option(metavar="N", help="Drawn from each set.")
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A text file: names of images to leave out, one a line."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of the draw and of the jitter.")] = 0,
    stop: Annotated[
        float,
        typer.Option(metavar="T", help="IoU at which an object is done; saves clicks beyond it."),
    ] = 1.0,
    integrity: Annotated[
        bool,
        typer.Option(
            "--integrity/--no-integrity", help="Keep only what hangs together with a click."
        ),
    ] = True,
    device: Device = "auto",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the report to a file; - prints it."),
    ] = None,
    timing: Annotated[
        bool,
        typer.Option(
            "--timing/--no-timing", help="Times in the JSON too: no two runs agree on them."
        ),
    ] = True,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write tables to a file; - prints them.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw NoC-mIoU curves: .png, .svg.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the worst objects with their clicks: .png, .svg."),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep a line an object in this file (JSON lines)."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an interrupted run had done.")
    ] = False,
    volumes: Annotated[
        bool,
        typer.Option(
            "--volumes", help="Whole objects in volumes (Z, Y, X): clicks until a 3-D IoU."
        ),
    ] = False,
    label: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Of the objects in volumes, by default all; repeatable."),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes on this machine.", min=1)
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a dask cluster that does the work.")
    ] = None,
) -> None:
    """Let the robot user segment objects, and count its clicks."""
    from napari_fclick.core.published import read_names

    left_out = () if exclude is None else tuple(dict.fromkeys(read_names(exclude)))
    if volumes:
        _refuse_in_volumes(context)
        from napari_fclick.evaluation.volumes import TARGETS, VolumeProtocol

        chosen = VolumeProtocol(
            tuple(target or TARGETS),
            objects=max_objects,
            seed=seed,
            labels=tuple(label or ()),
            exclude=left_out,
        )
        weights = method or ["fclick"]
        read = _files_read(exclude, weights)
        _evaluate_volumes(folders, weights, chosen, device, json_file, read)
        return
    if label:
        raise ValueError("--label: only with --volumes")
    if workers > 1 and scheduler:
        raise ValueError(f"--workers {workers} and --scheduler {scheduler}: choose one of them")
    from napari_fclick.evaluation.benchmark import Plan
    from napari_fclick.evaluation.protocol import Protocol
    from napari_fclick.evaluation.runs import open_results, play
    from napari_fclick.evaluation.workers import Cluster, Here, Player

    protocol = Protocol(
        targets=tuple(target or Protocol.targets),
        most=max_clicks,
        jitter=jitter,
        objects=max_objects,
        seed=seed,
        stop=stop,
        integrity=integrity,
        exclude=left_out,
        jitter_share=jitter_share,
    )
    # What is wrong is told of before hours are spent.
    plan = Plan(tuple(folders), tuple(method or ["fclick"]), protocol)
    outputs = Outputs(json_file, timing, markdown, plot, sheet)
    read = _files_read(exclude, plan.methods)
    outputs.check(results, _data_of(plan.sets.values(), read))
    runner = Cluster(workers, scheduler) if workers > 1 or scheduler else Here()
    runner.check()
    _say_unknown(left_out, {image for each in plan.sets.values() for image in each.images()})
    player = Player(protocol, device)
    header = plan.header() | {"devices": player.devices(plan.methods)}
    with open_results(results, header, resume) as kept:
        if kept.games:
            say(f"{len(kept.games)} of {len(plan.keys())} games are done already")
        games = play(plan, player, runner, kept, lambda g, total: track("evaluate", g, total))
        outputs.write(plan, games)


#: What has no meaning for whole objects.
PLANE_OPTIONS = (
    *(
        "jitter",
        "jitter_share",
        "stop",
        "max_clicks",
        "integrity",
        "timing",
        "markdown",
        "plot",
        "sheet",
    ),
    *("results", "resume", "workers", "scheduler"),
)


def _refuse_in_volumes(context: typer.Context) -> None:
    sources = {name: context.get_parameter_source(name) for name in PLANE_OPTIONS}
    given = [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]
    if given:
        # Of an option that is on or off, the value tells which way it was written.
        signs = ["--no-" if context.params[name] is False else "--" for name in given]
        written = [s + name.replace("_", "-") for s, name in zip(signs, given, strict=True)]
        raise ValueError(f"{', '.join(written)}: not with --volumes")


def _evaluate_volumes(
    folders: Sequence[Path],
    weights: Sequence[str],
    protocol: VolumeProtocol,
    device: str,
    json_file: Path | None,
    read: Sequence[Path],
) -> None:
    from napari_fclick.core.folders import images_folder
    from napari_fclick.evaluation.benchmark import weights_digest
    from napari_fclick.evaluation.methods import PEERS, weights_name
    from napari_fclick.evaluation.naming import refuse_twice, unique_names
    from napari_fclick.evaluation.volumes import VolumeSet, evaluate_volumes

    # What is wrong is told of before hours are spent.
    _check_text(json_file)
    parts = [folder / part for folder in folders for part in ("images", "labels")]
    flat = [folder for folder in folders if images_folder(folder) == folder]
    _check_apart({"--json": json_file}, Data(parts, flat, read))
    refuse_twice("method", weights)
    if peers := [name for name in weights if name in PEERS]:
        raise ValueError(f"--volumes takes weights, no classical methods: {', '.join(peers)}")
    names = unique_names(folders)
    predictors = [load_predictor(weights_name(name), device) for name in weights]
    sets = [VolumeSet(folder, name) for folder, name in zip(folders, names, strict=True)]
    for data in sets:
        data.draw(protocol)
    _say_unknown(protocol.exclude, {volume for data in sets for volume in data.volumes})
    reports = []
    for name, predictor in zip(weights, predictors, strict=True):
        for data in sets:
            report = evaluate_volumes(
                predictor, data, protocol, lambda items: track("volumes", items)
            )
            # Several weights files may have one name in their cards.
            report |= {"method": name, "weights": weights_digest(name)}
            reports.append(report)
            _say_volumes(report)
    write_json(reports, json_file)


def _say_unknown(left_out: Sequence[str], there: set[str]) -> None:
    unknown = [name for name in left_out if name not in there]
    if unknown:
        say(f"--exclude: no image is called {', '.join(unknown)}")


def _say_volumes(report: Report) -> None:
    dice = report["dice_after"]
    counts = ", ".join(f"{k} {v['mean']:.2f}" for k, v in report.items() if k.startswith("NoC3D"))
    each, worst_first = (
        "none reached" if found["share"] is None else f"{found['share']:.0%}"
        for found in (report["compared"], report["compared_worst_first"])
    )
    say(
        f"{report['method']} on {report['set']}: {report['objects']} objects, Dice after 1 click "
        f"{dice['1']['mean']:.3f}, after 3 {dice['3']['mean']:.3f}, {counts}; clicks against slice "
        f"by slice {each}, worst slice first {worst_first}; Dice of the mask unchanged "
        f"{report['dice_unchanged']['mean']:.3f}, "
        f"interpolated {report['dice_interpolated']['mean']:.3f}; "
        f"{report['seconds_per_slice']:.3f} s per slice"
    )


class Data(NamedTuple):
    """What is read.

    Data lie anywhere in ``folders``, and directly in ``flat`` ones; ``files`` are others.
    """

    folders: Sequence[Path]
    flat: Sequence[Path]
    files: Sequence[Path]


def _data_of(sets: Iterable[DataSet], files: Sequence[Path]) -> Data:
    listed = list(sets)
    flat = [data.flat_folder for data in listed if data.flat_folder is not None]
    return Data([folder for data in listed for folder in data.folders], flat, files)


def _files_read(exclude: Path | None, methods: Sequence[str]) -> list[Path]:
    """Return the list of images that are left out, and weights files."""
    weights = [Path(name) for name in methods if Path(name).is_file()]
    return weights if exclude is None else [exclude, *weights]


@dataclass(frozen=True)
class Outputs:
    """Where the report goes."""

    json: Path | None
    timing: bool
    markdown: Path | None
    plot: Path | None
    sheet: Path | None

    def check(self, results: Path | None, data: Data) -> None:
        """Refuse files that cannot be written, or would replace each other or what is read."""
        from napari_fclick.core.paths import check_file_path
        from napari_fclick.evaluation.report import check_picture

        for picture in (self.plot, self.sheet):
            if picture is not None:
                check_picture(picture)
        for text in (self.json, self.markdown):
            _check_text(text)
        if str(results) == "-":
            raise ValueError("--results -: a line an object is kept in a file: name one")
        if results is not None and results.parent.is_dir():  # else it is made
            check_file_path(results)
        files = {"--json": self.json, "--markdown": self.markdown, "--plot": self.plot}
        _check_apart(files | {"--sheet": self.sheet, "--results": results}, data)

    def write(self, plan: Plan, games: Sequence[Game]) -> None:
        """Tell the figures, and write what was asked for."""
        from napari_fclick.evaluation import report
        from napari_fclick.evaluation.summary import untimed

        if not games:
            raise ValueError("none of the objects could be played")
        reports = plan.reports({game.key: game for game in games})
        for each in reports:
            _say_scores(each)
        told = reports if self.timing else [untimed(each) for each in reports]
        write_json(told, self.json)
        write_text(report.markdown(reports), self.markdown)
        if self.plot is not None:
            report.save_figure(report.draw_curves(reports), self.plot)
        if self.sheet is not None:
            from napari_fclick.evaluation.sheet import draw_sheet

            figure = draw_sheet(games, plan.protocol.most, plan.scene)
            report.save_figure(figure, self.sheet)


def _check_text(file: Path | None) -> None:
    from napari_fclick.core.paths import check_file_path

    if file is not None and str(file) != "-":
        check_file_path(file)


def _check_apart(files: Mapping[str, Path | None], data: Data) -> None:
    """Refuse files, by their options, that are given twice or lie among the data."""
    from napari_fclick.core.paths import same_file

    taken: dict[Path, str] = {}
    for option, file in files.items():
        if file is None:
            continue
        place = file if str(file) == "-" else file.resolve()
        if place in taken:
            raise ValueError(f"{taken[place]} and {option} both write {file}: choose another file")
        taken[place] = option
        if any(same_file(file, other) for other in data.files):
            raise ValueError(f"{option} {file} is a file that is read: choose another")
        among = [folder for folder in data.folders if folder.resolve() in place.parents]
        among += [folder for folder in data.flat if folder.resolve() == place.parent]
        if among:
            raise ValueError(f"{option} {file} lies among the data in {among[0]}: choose another")


def _say_scores(report: Report) -> None:
    scores = ", ".join(f"{k} {v:.2f}" for k, v in report.items() if k.startswith("NoC"))
    say(
        f"{report['method']} on {report['set']}: {report['objects']} objects, {scores}, "
        f"{report['ms_per_click']:.0f} ms per click"
    )
