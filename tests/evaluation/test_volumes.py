"""Whole objects of a folder of volumes, with a predictor whose answers are known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.propagation.fakes import OFF, PLAIN, Bright, rectangles

from napari_fclick.core.window import Box
from napari_fclick.evaluation.stacks import Baseline
from napari_fclick.evaluation.volumes import (
    Report,
    VolumeGame,
    VolumeItem,
    VolumeProtocol,
    VolumeSet,
    evaluate_volumes,
    play_volume,
    summarise_volumes,
)

A, B = Box(5, 5, 15, 15), Box(20, 20, 34, 34)


def folder_of(root: Path, **volumes: tuple[np.ndarray, np.ndarray]) -> VolumeSet:
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True)
    for name, (image, labels) in volumes.items():
        tifffile.imwrite(root / f"images/{name}.tif", image.astype(np.float32))
        tifffile.imwrite(root / f"labels/{name}.tif", labels.astype(np.uint16))
    return VolumeSet(root)


@pytest.fixture
def two(tmp_path: Path) -> VolumeSet:
    """Return one volume, in which object 1 is in four slices and object 3 in all six."""
    image = rectangles(6, {z: [A, B] if 1 <= z <= 4 else B for z in range(6)})
    labels = np.zeros(image.shape, int)
    labels[1:5, A.top : A.bottom, A.left : A.right] = 1
    labels[:, B.top : B.bottom, B.left : B.right] = 3
    return folder_of(tmp_path / "two", v=(image, labels))


def test_objects_of_a_folder(two: VolumeSet) -> None:
    assert two.items == [VolumeItem("v", 1), VolumeItem("v", 3)]
    assert two.draw(VolumeProtocol()) == two.items
    assert len(two.draw(VolumeProtocol(objects=1))) == 1
    assert two.draw(VolumeProtocol(labels=(3,))) == [VolumeItem("v", 3)]
    with pytest.raises(ValueError, match="two: no object has label 2, 7; there are 1, 3"):
        two.draw(VolumeProtocol(labels=(2, 7)))
    assert two.draw(VolumeProtocol(exclude=("w",))) == two.items
    with pytest.raises(ValueError, match="two: all volumes are left out"):
        two.draw(VolumeProtocol(exclude=("v",)))


def test_one_object(two: VolumeSet) -> None:
    game = play_volume(Bright(), two, VolumeItem("v", 1), VolumeProtocol(), OFF, PLAIN)
    assert (game.ious, game.slices, game.carried) == ((1.0,), 4, 3)
    assert game.one_by_one == game.worst_first == (4, 1.0)
    assert game.unchanged == (1, 1.0)
    assert game.interpolated == (2, 1.0)


def test_the_report_of_a_folder(two: VolumeSet) -> None:
    report = evaluate_volumes(Bright(), two, VolumeProtocol(labels=(1,)))
    assert (report["set"], report["method"], report["objects"]) == ("two", "bright", 1)
    assert report["dice_after"]["1"]["mean"] == 1
    assert report["NoC3D@80"]["mean"] == 1 and report["NoC3D@80"]["failures"] == 0
    assert report["compared"]["share"] == 0.25


def test_dice_after_three_clicks_does_not_hang_on_the_targets(tmp_path: Path) -> None:
    # It jumps from place to place: each click finds one or two of five slices.
    places = {0: A, 1: A, 2: B, 3: B, 4: A}
    image = rectangles(5, places)
    data = folder_of(tmp_path / "jumps", v=(image, np.where(image > 0.5, 1, 0)))

    def report(target: float) -> Report:
        protocol = VolumeProtocol(targets=(target,), compared=target)
        return evaluate_volumes(Bright(), data, protocol)

    easy, hard = report(0.3), report(0.99)
    assert easy["dice_after"] == hard["dice_after"]
    assert easy["dice_after"]["3"]["mean"] == 1
    assert easy["NoC3D@30"]["mean"] == 1 and hard["NoC3D@99"]["mean"] == 3


def test_figures_of_games_worked_out_by_hand() -> None:
    rest = 6, 0.6
    games = [
        VolumeGame(
            4,
            (0.5, 0.9),
            *rest,
            one_by_one=Baseline(8, 0.9),
            worst_first=Baseline(5, 0.8),
            unchanged=Baseline(1, 0.5),
            interpolated=Baseline(4, 1),
        ),
        VolumeGame(
            2,
            (0.6,) * 40,
            2,
            0.2,
            one_by_one=Baseline(3, 0.9),
            worst_first=Baseline(3, 0.9),
            unchanged=Baseline(1, 1),
            interpolated=Baseline(2, 1),
        ),
    ]
    report = summarise_volumes(games, VolumeProtocol())
    # Dice of an IoU of 0.5, 0.6 and 0.9.
    first, second, last = 2 / 3, 0.75, 1.8 / 1.9
    assert report["dice_after"]["1"]["mean"] == pytest.approx((first + second) / 2)
    assert report["dice_after"]["3"]["mean"] == pytest.approx((last + second) / 2)
    assert report["NoC3D@80"]["mean"] == (2 + 40) / 2 and report["NoC3D@80"]["failures"] == 1
    assert report["compared"] == {
        "iou": 0.8,
        "objects": 1,
        "clicks": 2,
        "clicks_slice_by_slice": 8,
        "share": 0.25,
    }
    assert report["compared_worst_first"]["share"] == 2 / 5
    assert report["dice_unchanged"]["mean"] == pytest.approx((first + 1) / 2)
    assert report["clicks_interpolated"] == 3
    assert report["seconds_per_slice"] == pytest.approx(0.1)


def test_what_is_carried_beyond_a_lost_link_counts_nowhere(tmp_path: Path) -> None:
    # The outline shrinks to a quarter in slice 3: a link is lost, but it is the same object.
    small = Box(5, 5, 10, 10)
    places = dict.fromkeys(range(3), A) | dict.fromkeys(range(3, 6), small)
    image = rectangles(6, places)
    numbers = np.array([5, 9, 5, 9, 5, 9])[:, None, None]  # each slice has its own
    data = folder_of(tmp_path / "lost", v=(image, numbers * (image > 0.5)))
    assert data.items == [VolumeItem("v", 1)]  # the other's slices are too small
    volume = data.read("v")
    assert volume.outlines is not None
    truth = volume.labels == 1
    assert truth.any((1, 2)).tolist() == [True] * 3 + [False] * 3
    assert volume.ignore(truth).any((1, 2)).tolist() == [False] * 3 + [True] * 3
    game = play_volume(Bright(), data, data.items[0], VolumeProtocol(), OFF, PLAIN)
    assert game.ious == (1.0,) and game.carried == 5


def test_ignored_voxels_count_in_none_of_the_ways(tmp_path: Path) -> None:
    # The network answers all of A, of which the right half is ignored.
    image = rectangles(5, dict.fromkeys(range(5), A))
    labels = np.where(image > 0.5, 1, 0)
    labels[:, :, 10:][labels[:, :, 10:] == 1] = 65535
    data = folder_of(tmp_path / "half", v=(image, labels))
    game = play_volume(Bright(), data, VolumeItem("v", 1), VolumeProtocol(), OFF, PLAIN)
    assert game.ious == (1.0,)
    assert game.one_by_one == game.worst_first == (5, 1.0)
    assert game.unchanged == (1, 1.0)
    assert game.interpolated == (2, 1.0)


def test_labels_that_are_linked_are_taken_at_their_word(two: VolumeSet) -> None:
    volume = two.read("v")
    assert volume.outlines is None
    assert not volume.ignore(volume.labels == 1).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objects": 0}, "0 objects: at least 1"),
        ({"most": 0}, "0 clicks: at least 1"),
        ({"targets": (0.8, 80.0)}, "target 80.0 is not within 0 to 1"),
        ({"compared": 0.0}, "target 0.0"),
    ],
)
def test_protocols_that_mean_nothing(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VolumeProtocol(**options)  # type: ignore[arg-type]


def test_a_folder_without_volumes(tmp_path: Path) -> None:
    image = rectangles(1, {0: A})
    with pytest.raises(ValueError, match="holds no volume"):
        folder_of(tmp_path / "flat", v=(image[0], image[0] > 0.5))
