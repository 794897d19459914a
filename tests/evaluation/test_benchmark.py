"""The robot user with predictors whose answers are known beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_fclick import ClickSequence
from napari_fclick.core.folders import ImageSet, is_linked
from napari_fclick.core.window import whole_window
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.benchmark import Protocol, choose_objects, evaluate_folder
from napari_fclick.evaluation.metrics import iou
from napari_fclick.predictor import Prediction


class Painter:
    """Answers each click with the left part of the object: ``step`` columns more a click."""

    name = "painter"

    def __init__(self, truth: NDArray[np.bool_], step: int) -> None:
        self.truth, self.step = truth, step
        self.previous: list[Prediction | None] = []

    def predict(
        self, image: Any, clicks: ClickSequence, previous: Any = None, **_: Any
    ) -> Prediction:
        self.previous.append(previous)
        columns = np.flatnonzero(self.truth.any(0))
        mask = self.truth.copy()
        mask[:, columns[0] + self.step * len(clicks) :] = False
        shape = self.truth.shape
        view = whole_window((shape[0], shape[1]), min(shape))
        return Prediction(mask.astype(np.float32), view, clicks, (shape[0], shape[1]))


def strip(columns: int = 20) -> NDArray[np.bool_]:
    truth = np.zeros((20, 40), bool)
    truth[5:15, 10 : 10 + columns] = True
    return truth


def test_the_robot_clicks_the_middle_of_what_is_missed() -> None:
    truth = strip()
    painter = Painter(truth, 4)
    rounds = list(robot.play(painter, truth, truth, most=20))  # type: ignore[arg-type]
    assert [round(r.iou, 3) for r in rounds] == [0.2, 0.4, 0.6, 0.8, 1.0]
    first, second = rounds[0].click, rounds[1].click
    assert (first.row, first.column, first.positive) == (9, 14, True)
    assert second.positive
    assert second.column >= 14  # the strip's left 4 columns are found
    assert painter.previous == [None, *(r.prediction for r in rounds[:-1])]


def test_the_robot_stops_at_its_target_and_at_its_limit() -> None:
    truth = strip()
    assert len(list(robot.play(Painter(truth, 4), truth, truth, target=0.6))) == 3  # type: ignore[arg-type]
    assert len(list(robot.play(Painter(truth, 1), truth, truth, most=7))) == 7  # type: ignore[arg-type]


def test_an_unreachable_object_ends_when_nothing_is_left_to_click() -> None:
    truth = np.zeros((9, 9), bool)
    truth[4, 4] = True
    rounds = list(robot.play(Painter(truth, 0), truth, truth, most=20))  # type: ignore[arg-type]
    assert len(rounds) == 1
    assert iou(truth, rounds[-1].prediction.full_mask()) == 0


def test_no_object() -> None:
    empty = np.zeros((4, 4), bool)
    with pytest.raises(ValueError, match="no pixels"):
        next(robot.play(Painter(strip(), 1), empty, empty))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    labels = strip().astype(np.uint16) * 3
    tifffile.imwrite(tmp_path / "images/a.tif", labels)
    tifffile.imwrite(tmp_path / "labels/a.tif", labels)
    return tmp_path


def test_report_worked_out_by_hand(folder: Path) -> None:
    protocol = Protocol(targets=(0.5, 0.85), most=4)
    report = evaluate_folder(Painter(strip(), 4), folder, protocol)  # type: ignore[arg-type]
    assert report["objects"] == 1
    assert report["NoC@50"] == 3
    assert report["failures@50"] == 0
    assert report["NoC@85"] == 4  # never reached: the limit counts
    assert report["failures@85"] == 1
    assert report["mIoU"] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_ignored_pixels_count_nowhere(folder: Path) -> None:
    labels = tifffile.imread(folder / "labels/a.tif")
    labels[:, 20:] = 65535  # of the strip, 10 columns remain
    tifffile.imwrite(folder / "labels/a.tif", labels)
    report = evaluate_folder(Painter(strip(), 5), folder, Protocol(most=1))  # type: ignore[arg-type]
    assert report["mIoU"] == pytest.approx([0.5])


def test_the_draw_is_the_seeds(folder: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.kron(np.arange(1, 26).reshape(5, 5), np.ones((8, 8))).astype(np.uint16)
    for stem in "bc":
        tifffile.imwrite(folder / f"images/{stem}.tif", rng.integers(0, 9, labels.shape, np.uint8))
        tifffile.imwrite(folder / f"labels/{stem}.tif", labels)
    images = ImageSet(folder, validation=None)
    one, again, other = (
        choose_objects(images, Protocol(objects=10, seed=seed)) for seed in (1, 1, 2)
    )
    assert len(one) == 10
    assert one == again
    assert one != other


def test_linked_volumes_count_each_object_once(folder: Path) -> None:
    volume = np.zeros((4, 20, 20), np.uint16)
    for z, side in enumerate((4, 8, 12, 6)):
        volume[z, :side, :side] = 5
    assert is_linked(volume)
    shuffled = volume * np.arange(1, 5, dtype=np.uint16)[:, None, None]
    assert not is_linked(shuffled)
    for name, labels, expected in (("v", volume, [(2, 144)]), ("w", shuffled, [16, 64, 144, 36])):
        tifffile.imwrite(folder / f"images/{name}.tif", labels, photometric="minisblack")
        tifffile.imwrite(folder / f"labels/{name}.tif", labels, photometric="minisblack")
        refs = [o for o in choose_objects(ImageSet(folder, None, min_area=1), Protocol()) if o.pair]
        found = [(o.index, o.area) for o in refs] if name == "v" else [o.area for o in refs]
        assert found == expected
        (folder / f"images/{name}.tif").unlink()
        (folder / f"labels/{name}.tif").unlink()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": (1.5,)}, r"target 1\.5 is not within 0 to 1"),
        ({"most": 0}, "at most 0 clicks"),
        ({"jitter": -1.0}, r"jitter -1\.0 is not within 0 to 1"),
    ],
)
def test_wrong_protocols(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Protocol(**settings)
