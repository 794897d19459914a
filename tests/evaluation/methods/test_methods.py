"""The classical peers behind one interface."""

from __future__ import annotations

import importlib
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.methods import PEERS, Method, find_method
from napari_fclick.evaluation.methods.peer import MissingPeerError
from napari_fclick.evaluation.metrics import iou


def two_tones(height: int = 60, width: int = 80) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a bright disc on a dark ground, with a little noise, and the disc."""
    rows, columns = np.ogrid[:height, :width]
    truth = np.hypot(rows - height // 2, columns - width // 2) < height / 4
    noise = np.random.default_rng(0).normal(0, 4, truth.shape)
    return np.clip(np.where(truth, 180, 60) + noise, 0, 255).astype(np.uint8), truth


def bright_pair() -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two bright squares joined by a thin, darker bridge; and each square."""
    image = np.full((60, 100), 60, np.uint8)
    left, right = np.zeros((2, 60, 100), bool)
    left[15:45, 10:40] = True
    right[15:45, 60:90] = True
    image[28:32, 40:60] = 150
    image[left | right] = 200
    return image, left, right


def clicks(*points: tuple[int, int, bool]) -> ClickSequence:
    return ClickSequence(Click(*point) for point in points)


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> Method:
    return find_method(request.param)


def test_one_positive_and_one_negative_click(peer: Method) -> None:
    image, truth = two_tones()
    found = peer.predict(image, clicks((30, 40, True), (30, 8, False)))
    assert iou(truth, found.full_mask()) > 0.9


@pytest.mark.parametrize(
    "name", ["graph-cut", "geodesic", "geodesic-star", "grabcut", "growcut", "flood-fill"]
)
def test_one_click_is_enough_for_an_easy_object(name: str) -> None:
    image, truth = two_tones()
    found = find_method(name).predict(image, clicks((30, 40, True)))
    assert iou(truth, found.full_mask()) > 0.9


def test_answers_are_complete(peer: Method) -> None:
    image, _ = two_tones()
    asked = clicks((30, 40, True))
    found = peer.predict(image, asked, None, typical_side=20.0)
    assert peer.name in PEERS
    assert str(peer.device) == "cpu"
    assert found.probability.shape == image.shape
    assert found.probability.dtype == np.float32
    assert 0 <= found.probability.min() <= found.probability.max() <= 1
    assert found.window == (slice(0, 60), slice(0, 80))
    assert found.clicks == asked
    assert found.seconds > 0
    mask = found.full_mask(integrity=True)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, found.full_mask(integrity=False))
    with pytest.raises(ValueError, match=r"threshold 1\.5 is not within 0 to 1"):
        found.full_mask(1.5)


def test_a_negative_click_takes_away_what_it_marks(peer: Method) -> None:
    image, left, right = bright_pair()
    before = peer.predict(image, clicks((30, 25, True), (30, 75, True)))
    assert before.full_mask()[right].mean() > 0.5
    asked = clicks((30, 25, True), (30, 75, False))
    after = peer.predict(image, asked, before).full_mask()
    assert after[right].mean() < 0.1
    if peer.name != "flood-fill":  # a wand takes away all that it reaches
        assert after[left].mean() > 0.5


def test_clicked_pixels_keep_their_sign(peer: Method) -> None:
    image = np.random.default_rng(1).integers(0, 255, (40, 50, 3), np.uint8)
    rng = np.random.default_rng(2)
    points = [(int(rng.integers(40)), int(rng.integers(50)), i % 3 != 1) for i in range(8)]
    asked = clicks(*points)
    mask = peer.predict(image, asked).full_mask()
    for click in asked:
        assert mask[click.pixel] == click.positive


def test_the_same_clicks_give_the_same_mask(peer: Method) -> None:
    image, _ = two_tones()
    asked = clicks((30, 40, True), (5, 5, False))
    one, two = (peer.predict(image, asked).probability for _ in range(2))
    np.testing.assert_array_equal(one, two)


def awkward_images() -> dict[str, NDArray[Any]]:
    gray, _ = two_tones(30, 40)
    holes = gray.astype(np.float64)
    holes[3:6] = np.nan
    holes[7, 7] = np.inf
    return {
        "uint16": gray.astype(np.uint16) * 200,
        "rgb": np.stack([gray, gray // 2, 255 - gray], -1),
        "rgba": np.stack([gray] * 4, -1),
        "two channels": np.stack([gray, gray], -1),
        "nan": holes,
        "all nan": np.full((30, 40), np.nan),
        "bool": gray > 100,
        "constant": np.full((30, 40), 7, np.int32),
        "one pixel": np.zeros((1, 1), np.uint8),
        "one row": gray[15:16],
        "list of levels": [gray, gray[::2, ::2]],  # type: ignore[dict-item]
    }


@pytest.mark.parametrize("kind", awkward_images())
def test_awkward_images(peer: Method, kind: str) -> None:
    image = awkward_images()[kind]
    height, width = np.shape(image[0] if isinstance(image, list) else image)[:2]
    asked = clicks((height // 2, width // 2, True))
    for corner in ((0, 0), (height - 1, width - 1)):
        if corner != (height // 2, width // 2):
            asked = asked.add(Click(*corner, positive=corner == (0, 0)))
    found = peer.predict(image, asked)
    assert np.isfinite(found.probability).all()
    assert found.full_mask().shape == (height, width)
    assert found.full_mask()[height // 2, width // 2]


def test_an_object_of_one_pixel_and_clicks_side_by_side(peer: Method) -> None:
    image = np.zeros((20, 20), np.uint8)
    image[10, 10] = 255
    around = [(r, c, False) for r in (9, 10, 11) for c in (9, 10, 11) if (r, c) != (10, 10)]
    mask = peer.predict(image, clicks((10, 10, True), *around)).full_mask()
    assert mask[9:12, 9:12].sum() == 1
    assert mask[10, 10]


def test_large_images_are_seen_small(peer: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    image, truth = two_tones(700, 1000)
    monkeypatch.setattr(peer, "longest", 100)
    found = peer.predict(image, clicks((350, 500, True), (40, 40, False)))
    assert found.full_mask().shape == (700, 1000)
    assert iou(truth, found.full_mask()) > 0.9


def test_wrong_clicks_are_refused(peer: Method) -> None:
    image, _ = two_tones()
    with pytest.raises(ClickError, match="no clicks"):
        peer.predict(image, ClickSequence())
    with pytest.raises(ClickError, match="outside the image"):
        peer.predict(image, clicks((60, 0, True)))


def test_the_robot_plays_a_peer() -> None:
    image, truth = two_tones()
    rounds = list(robot.play(find_method("graph-cut"), image, truth, target=0.9))  # type: ignore[arg-type]
    assert rounds[-1].iou >= 0.9
    assert len(rounds) <= 3


# --- by name ------------------------------------------------------------------------------


def test_all_peers_are_found() -> None:
    assert PEERS == (
        "random-walker",
        "graph-cut",
        "growcut",
        "geodesic",
        "geodesic-star",
        "grabcut",
        "flood-fill",
    )
    assert [find_method(name).name for name in PEERS] == list(PEERS)


def test_our_network_is_a_method() -> None:
    method: Method = find_method("fclick", "cpu")
    assert str(method.device) == "cpu"
    image, truth = two_tones()
    found = method.predict(image, clicks((30, 40, True)))
    assert found.full_mask().shape == truth.shape


def test_unknown_names_are_told_all_names() -> None:
    with pytest.raises(ValueError, match="no method named 'magic'; there are: fclick, ") as caught:
        find_method("magic")
    for name in (*PEERS, "default", ".safetensors"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fcanet-res2net999", "weights import"),
        ("nowhere.safetensors", "no weights file nowhere.safetensors"),
    ],
)
def test_missing_weights(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_method(name, "cpu")


@pytest.mark.parametrize(
    ("name", "module"),
    [("graph-cut", "maxflow"), ("geodesic-star", "maxflow"), ("grabcut", "cv2")],
)
def test_missing_libraries(monkeypatch: pytest.MonkeyPatch, name: str, module: str) -> None:
    real = importlib.import_module

    def without(wanted: str, package: str | None = None) -> Any:
        if wanted == module:
            raise ModuleNotFoundError(wanted)
        return real(wanted, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingPeerError) as caught:
        find_method(name)
    assert str(caught.value) == (
        f"{name} needs {module}, which is not installed: in the checkout, pip install '.[peers]'"
    )


def test_peers_can_be_sent_to_workers(peer: Method) -> None:
    image, _ = two_tones()
    asked = clicks((30, 40, True), (30, 8, False))
    there = pickle.loads(pickle.dumps(peer))
    found = pickle.loads(pickle.dumps(there.predict(image, asked)))
    np.testing.assert_array_equal(found.probability, peer.predict(image, asked).probability)
