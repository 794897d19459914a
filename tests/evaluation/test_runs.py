"""Runs that are interrupted, resumed, and shared among workers: the same JSON every time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.evaluation.fakes import find_grower, game, strips, write_folder

from napari_fclick.evaluation import benchmark, runs, workers
from napari_fclick.evaluation.benchmark import Plan
from napari_fclick.evaluation.games import Game
from napari_fclick.evaluation.protocol import Protocol
from napari_fclick.evaluation.results import ResultsFile
from napari_fclick.evaluation.summary import untimed
from napari_fclick.evaluation.workers import Cluster, Here, Player

METHODS = ("grower-1", "grower-3")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    folders = tuple(write_folder(tmp_path / name, strips()) for name in ("a", "b"))
    return Plan(folders, METHODS, Protocol(most=5, jitter_share=0.5, seed=3))


def player_of(plan: Plan) -> Player:
    return Player(plan.protocol, find=find_grower)


def report(plan: Plan, games: Iterable[Game]) -> str:
    return json.dumps([untimed(each) for each in plan.reports({g.key: g for g in games})])


def run(plan: Plan, path: Path, runner: Any = None, resume: bool = False, **other: Any) -> str:
    with runs.open_results(path, plan.header(), resume) as kept:
        return report(plan, runs.play(plan, player_of(plan), runner or Here(), kept, **other))


def stop_after(count: int) -> Any:
    def track(games: Iterable[Game], total: int) -> Iterator[Game]:
        for number, each in enumerate(games):
            if number == count:
                raise KeyboardInterrupt
            yield each

    return track


def test_the_same_run_twice(plan: Plan, tmp_path: Path) -> None:
    assert run(plan, tmp_path / "1.jsonl") == run(plan, tmp_path / "2.jsonl")


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_interrupted_and_resumed_equals_uninterrupted(
    plan: Plan, tmp_path: Path, count: int
) -> None:
    assert len(plan.keys()) == 24
    path = tmp_path / "rows.jsonl"
    told = f"{count} of 24 games are kept in .*--resume" if count else "before any game"
    with pytest.raises(runs.Interrupted, match=told):
        run(plan, path, track=stop_after(count))
    if count:
        assert len(path.read_text().splitlines()) == 1 + count
    assert path.exists() == bool(count)  # the same command begins anew
    seen: list[int] = []

    def track(games: Iterable[Game], total: int) -> Iterable[Game]:
        seen.append(total)
        return games

    assert run(plan, path, resume=True, track=track) == run(plan, tmp_path / "other.jsonl")
    assert seen == [24 - count]


def test_a_line_cut_short_is_played_again(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    whole = run(plan, path)
    content = path.read_bytes()
    for length in (len(content) - 30, 40):  # in the last row; in the header
        path.write_bytes(content[:length])
        assert run(plan, path, resume=True) == whole


def test_targets_may_differ_and_nothing_else(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    run(plan, path)

    def resumed(**settings: Any) -> None:
        protocol = Protocol(**({"most": 5, "jitter_share": 0.5, "seed": 3} | settings))
        run(Plan(plan.folders, METHODS, protocol), path, resume=True)

    resumed(targets=(0.5,))
    with pytest.raises(ValueError, match=r"of another run: its seed is 3, that of this run 4"):
        resumed(seed=4)
    with pytest.raises(ValueError, match=r"its jitter_share is 0\.5, that of this run 0\.0"):
        resumed(jitter_share=0.0)
    with pytest.raises(ValueError, match="its methods is"):
        run(Plan(plan.folders, METHODS[:1], plan.protocol), path, resume=True)
    write_folder(plan.folders[0], strips(4))
    with pytest.raises(ValueError, match="its sets is"):
        resumed()


@pytest.mark.parametrize("part", ["images", "labels"])
def test_rows_of_other_pixels_are_not_taken(plan: Plan, tmp_path: Path, part: str) -> None:
    path, file = tmp_path / "rows.jsonl", plan.folders[0] / part / "0.tif"
    run(plan, path)
    tifffile.imwrite(file, tifffile.imread(file)[::-1], photometric="minisblack")
    with pytest.raises(ValueError, match="its sets is"):
        run(Plan(plan.folders, METHODS, plan.protocol), path, resume=True)


def test_kinds_of_devices(plan: Plan) -> None:
    player = Player(plan.protocol, find=lambda name, _: SimpleNamespace(device=name))
    found = player.devices(["cuda:1", "cpu"])
    assert found == {"cuda:1": "cuda", "cpu": "cpu"}


def test_rows_of_other_weights_are_not_taken(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    run(plan, path)
    monkeypatch.setattr(benchmark, "weights_digest", lambda _: "another")
    with pytest.raises(ValueError, match="its methods is"):
        run(plan, path, resume=True)


def test_files_that_are_not_resumed(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    run(plan, path)
    with pytest.raises(FileExistsError, match="holds results already"):
        run(plan, path)
    for content in (b'{"a": 1}\n', b"text\n", b"text", b"\xff\xfe\n"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="no results file"):
            run(plan, path, resume=True)
        assert path.read_bytes() == content


def test_rows_are_on_the_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "rows.jsonl"
    with closing(ResultsFile(path, {"seed": 1}, resume=True)) as kept:
        kept.add(game([0.5]))
        assert len(path.read_bytes().splitlines()) == 2
    with closing(ResultsFile(path, {"seed": 1}, resume=True)) as kept:
        assert list(kept.games.values()) == [game([0.5])]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "rows.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = ResultsFile(path, {"seed": 1}, resume=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        # Also where it is closed with what could not be written.
        with pytest.raises(OSError, match=r"rows\.jsonl"), closing(kept):
            kept.add(game([0.5]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_rows_without_a_file_of_their_own(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = plan.header()
    with pytest.raises(runs.Interrupted), runs.open_results(None, header, False) as kept:
        runs.play(plan, player_of(plan), Here(), kept, stop_after(2))
    assert len(list(runs.cache_folder().iterdir())) == 1
    with runs.open_results(None, header | {"seed": 9}, True) as kept:
        assert not kept.games  # another run's rows are not taken
    with runs.open_results(None, header, True) as kept:
        assert len(kept.games) == 2
    with pytest.raises(runs.Interrupted), runs.open_results(None, header, False) as kept:
        runs.play(plan, player_of(plan), Here(), kept, stop_after(0))
    assert not list(runs.cache_folder().iterdir())  # done, or nothing done: it goes


def test_a_photograph_that_cannot_be_read_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "Berkeley"
    pixels = np.full((12, 16), 90, np.uint8)
    mask = np.zeros((12, 16), np.uint8)
    pixels[2:6, 3:8] = mask[2:6, 3:8] = 255
    for kind, content, suffix in (("images", pixels, "jpg"), ("masks", mask, "png")):
        (folder / kind).mkdir(parents=True)
        for name in "abc":
            Image.fromarray(content).save(folder / kind / f"{name}.{suffix}")
    broken = folder / "images" / "b.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    plan = Plan((folder,), ("grower-1",), Protocol(most=3))
    with runs.open_results(tmp_path / "rows.jsonl", plan.header(), False) as kept:
        games = runs.play(plan, player_of(plan), Here(), kept)
    (told,) = caplog.messages
    assert told.startswith("left out: ") and "b.jpg" in told
    assert [each.item for each in games] == ["a/1", "c/1"]
    assert json.loads(report(plan, games))


def test_a_folder_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(tmp_path / "set", strips(1, 1))
    (folder / "images/alone.tif").write_bytes(b"")
    plan = Plan((folder,), ("grower-3",), Protocol(most=2))
    run(plan, tmp_path / "rows.jsonl")
    (told,) = caplog.messages
    assert "1 image (alone.tif) without labels" in told


def test_errors_keep_what_is_done(plan: Plan, tmp_path: Path) -> None:
    def track(games: Iterable[Game], total: int) -> Iterator[Game]:
        yield next(iter(games))
        raise RuntimeError("out of order")

    path = tmp_path / "rows.jsonl"
    with pytest.raises(RuntimeError, match=r"out of order; 1 games are kept in .*rows\.jsonl"):
        run(plan, path, track=track)
    assert len(path.read_text().splitlines()) == 2


def test_a_scheduler_that_is_lost(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def result() -> list[Game]:
        if done:
            raise CancelledError("scheduler-connection-lost")
        done.append(True)
        return player_of(plan).play_all(plan.tasks()[0])

    done: list[bool] = []
    future = SimpleNamespace(result=result, release=lambda: None)
    client = SimpleNamespace(map=lambda *_, **__: [future, future], cancel=lambda _: None)
    fake = SimpleNamespace(as_completed=iter, KilledWorker=KeyError)
    monkeypatch.setattr(workers, "load_distributed", lambda: fake)
    monkeypatch.setattr(Cluster, "_client", lambda *_: nullcontext(client))
    told = r"workers are gone: scheduler-connection-lost; 6 games are kept in .*--resume"
    with pytest.raises(RuntimeError, match=told):
        run(plan, tmp_path / "rows.jsonl", Cluster())


@pytest.mark.slow
def test_one_and_two_dask_workers_give_the_same(plan: Plan, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    here = run(plan, tmp_path / "0.jsonl")
    for count in (1, 2):
        path = tmp_path / f"{count}.jsonl"
        assert run(plan, path, Cluster(count)) == here
        with closing(ResultsFile(path, plan.header(), resume=True)) as kept:
            assert set(kept.games) == set(plan.keys())


@pytest.mark.slow
def test_a_network_answers_the_same_whatever_the_workers(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    folder = write_folder(tmp_path / "a", strips())
    plan = Plan((folder,), ("fclick",), Protocol(most=3, objects=2))
    player = Player(plan.protocol, "cpu")
    games = []
    for number, runner in enumerate((Here(), Cluster(1, None), Cluster(2, None))):
        path = tmp_path / f"{number}.jsonl"
        with runs.open_results(path, plan.header(), resume=False) as kept:
            played = runs.play(plan, player, runner, kept, lambda each, total: each)
            games.append([game.model_copy(update={"ms": [0.0]}) for game in played])
    assert games[0] == games[1] == games[2]


@pytest.mark.slow
def test_a_scheduler_elsewhere(plan: Plan, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    here = run(plan, tmp_path / "0.jsonl")
    settings = {"n_workers": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster:
        address = cluster.scheduler_address
        assert run(plan, tmp_path / "1.jsonl", Cluster(1, address)) == here
