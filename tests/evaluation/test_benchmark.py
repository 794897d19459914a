"""Folders of strips, played by methods whose answers are known beforehand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.evaluation.fakes import Grower, find_grower, strip, strips, write_folder

from napari_fclick.evaluation.benchmark import Plan, choose_items
from napari_fclick.evaluation.datasets import open_dataset
from napari_fclick.evaluation.games import Game, pack_mask, play_item, unpack_mask
from napari_fclick.evaluation.protocol import Protocol
from napari_fclick.evaluation.summary import Report
from napari_fclick.evaluation.workers import Here, Player


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "cells", [strip() * 3])


def report(folder: Path, method: str, protocol: Protocol) -> Report:
    """Return the report of one method on one folder."""
    plan, player = Plan((folder,), (method,), protocol), Player(protocol, find=find_grower)
    (found,) = plan.reports({game.key: game for game in Here().run(player, plan.tasks())})
    return found


def test_report_worked_out_by_hand(folder: Path) -> None:
    # 4 of 20 columns a click: IoU 0.2, 0.4, 0.6, 0.8.
    found = report(folder, "grower-4", Protocol(targets=(0.5, 0.85), most=4))
    assert found["set"] == "cells" and found["method"] == "grower-4"
    assert found["objects"] == 1
    assert found["NoC@50"] == 3
    assert found["failures@50"] == 0
    assert found["NoC@85"] == 4  # never reached: the limit counts
    assert found["failures@85"] == 1
    assert found["mIoU"] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_an_object_may_stop_at_an_iou(folder: Path) -> None:
    whole = report(folder, "grower-4", Protocol(targets=(0.5,), most=4))
    stopped = report(folder, "grower-4", Protocol(targets=(0.5,), most=4, stop=0.5))
    assert stopped["NoC@50"] == whole["NoC@50"] == 3
    assert stopped["mIoU"] == pytest.approx([0.2, 0.4, 0.6, 0.6])
    with pytest.raises(ValueError, match=r"target 0\.9 is never reached"):
        Protocol(targets=(0.9,), stop=0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are text")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "M\udcfcller", [strip() * 3])
    for part in ("images", "labels"):
        (folder / part / "0.tif").rename(folder / part / "\udcfc.tif")
    protocol = Protocol(most=1)
    plan, player = Plan((folder,), ("grower-4",), protocol), Player(protocol, find=find_grower)
    (played,) = Here().run(player, plan.tasks())
    assert (played.set_name, played.item) == ("M\\udcfcller", "\\udcfc/3")
    assert Game.model_validate_json(json.dumps(played.model_dump(by_alias=True))) == played
    assert plan.scene(played).truth.any() and plan.keys() == [played.key]
    assert plan.header()["sets"].keys() == {"M\\udcfcller"}


def test_ignored_pixels_count_nowhere(folder: Path) -> None:
    labels = tifffile.imread(folder / "labels/0.tif")
    labels[:, 20:] = 65535  # of the strip, 10 columns remain
    tifffile.imwrite(folder / "labels/0.tif", labels)
    found = report(folder, "grower-5", Protocol(most=1))
    assert found["mIoU"] == pytest.approx([0.5])
    # The answer goes on in what is ignored: no boundary ends where the object's does.
    assert report(folder, "grower-20", Protocol(most=1))["boundary_F"] == [1.0]


def test_integrity_may_be_left_out(folder: Path) -> None:
    image = tifffile.imread(folder / "images/0.tif")
    image[17:19, 10:20] = 3  # 20 pixels as grey as the strip of 200
    tifffile.imwrite(folder / "images/0.tif", image)
    found = [
        report(folder, "grower-20", Protocol(most=1, integrity=integrity))["mIoU"]
        for integrity in (True, False)
    ]
    assert found == [[1.0], [pytest.approx(200 / 220, abs=1e-4)]]


def test_the_draw_is_the_seeds(tmp_path: Path) -> None:
    dataset = open_dataset(write_folder(tmp_path, strips(10, 3)))
    one, again, other = (
        choose_items(dataset, Protocol(objects=10, seed=seed)) for seed in (1, 1, 2)
    )
    assert len(one) == 10
    assert one == again
    assert one != other
    assert len(choose_items(dataset, Protocol(objects=99))) == 30


def test_images_are_left_out_before_objects_are_drawn(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, strips(2, 4))
    protocol = Protocol(objects=4, exclude=("1", "3", "none"))
    keys = {item.key for item in choose_items(open_dataset(folder), protocol)}
    assert keys == {"0/1", "0/2", "2/1", "2/2"}
    games = Plan((folder,), ("grower-1",), protocol).keys()
    assert {item for _, _, item in games} == keys
    assert protocol.as_json()["exclude"] == ["1", "3", "none"]
    with pytest.raises(ValueError, match="holds no object beside the images that are left out"):
        choose_items(open_dataset(folder), Protocol(exclude=tuple("0123")))


def test_an_objects_game_does_not_hang_on_those_before_it(tmp_path: Path) -> None:
    dataset = open_dataset(write_folder(tmp_path, strips()))
    protocol = Protocol(most=6, jitter_share=0.7)
    items = choose_items(dataset, protocol)

    def clicks(order: list[int]) -> list[Any]:
        games = {
            k: play_item(Grower(1), "g", "s", items[k], dataset.scene(items[k]), protocol)
            for k in order
        }
        return [games[k].clicks for k in sorted(games)]

    forwards = clicks([0, 1, 2, 3, 4, 5])
    assert clicks([5, 2, 4, 0, 1, 3]) == forwards
    assert clicks([3]) == forwards[3:4]


def test_all_methods_play_the_same_objects(tmp_path: Path) -> None:
    folders = (write_folder(tmp_path / "a", strips()), write_folder(tmp_path / "b", strips(2)))
    plan = Plan(folders, ("grower-1", "grower-4"), Protocol(objects=3))
    keys = plan.keys()
    assert len(keys) == len(set(keys)) == 2 * 2 * 3
    of_method = [{(s, o) for s, m, o in keys if m == method} for method in plan.methods]
    assert of_method[0] == of_method[1]
    tasks = plan.tasks(done=keys[:4])
    left = [(t.set_name, m, i.key) for t in tasks for i, methods in t.work for m in methods]
    assert sorted(left) == sorted(keys[4:])


def test_sets_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    folders = [write_folder(tmp_path / name, strips(1, 1)) for name in ("a/t", "b/t", "c")]
    plan = Plan(tuple(folders), ("grower-1",), Protocol())
    assert list(plan.sets) == ["a/t", "b/t", "c"]
    scene = open_dataset(folders[0]).scene(plan.items["a/t"][0])
    item, protocol = plan.items["a/t"][0], Protocol(jitter_share=1.0)
    games = [play_item(Grower(1), "g", name, item, scene, protocol) for name in ("t", "a/t")]
    assert games[0].clicks == games[1].clicks  # the folder above is not in the stream


def test_plans_that_make_no_sense(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"folder .*cells is given twice"):
        Plan((folder, folder / "."), ("fclick",), Protocol())
    with pytest.raises(ValueError, match="method a is given twice"):
        Plan((folder,), ("a", "a"), Protocol())
    empty = write_folder(tmp_path / "empty", [strip() & False])
    with pytest.raises(ValueError, match="holds no object"):
        Plan((empty,), ("a",), Protocol()).keys()


def test_masks_as_text() -> None:
    rng = np.random.default_rng(0)
    for mask in (rng.random((23, 41)) > 0.7, strip(), strip() & False, strip() | True):
        assert np.array_equal(unpack_mask(pack_mask(mask), mask.shape), mask)
    with pytest.raises(ValueError, match="does not fit into"):
        unpack_mask(pack_mask(strip()), (10, 10))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": (1.5,)}, r"target 1\.5 is not within 0 to 1"),
        ({"targets": (0.0,)}, r"target 0\.0 is not within 0 to 1, and above 0$"),
        ({"targets": ()}, "no target"),
        ({"most": 0}, "at most 0 clicks"),
        ({"objects": 0}, "0 objects"),
        ({"jitter": -1.0}, r"jitter -1\.0 is no number of pixels, 0 or more"),
        ({"jitter": float("inf")}, "jitter inf is no number of pixels"),
        ({"jitter_share": 1.5}, r"jitter share 1\.5 is not within 0 to 1"),
        ({"jitter": 1.0, "jitter_share": 0.5}, r"jitter 1\.0 px and jitter share 0\.5: choose one"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"stop": float("nan")}, "stop nan is not within 0 to 1"),
        ({"stop": 0.0}, r"stop 0\.0 is not within 0 to 1, and above 0$"),
        ({"stop": 5.0}, r"stop 5\.0 is not within 0 to 1"),
        ({"stop": -1.0}, r"stop -1\.0 is not within 0 to 1"),
    ],
)
def test_wrong_protocols(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Protocol(**settings)
