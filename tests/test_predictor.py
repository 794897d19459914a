"""The predictor on images of all kinds, with the default weights."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_fclick import Click, ClickSequence, Predictor
from napari_fclick.core.clicks import ClickError
from napari_fclick.evaluation.metrics import iou
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Specialist
from napari_fclick.network.fcanet import FCANet
from napari_fclick.network.inference import DeviceError
from napari_fclick.network.recognition import Recogniser

SHAPE = (200, 240)


def disc(y: float, x: float, radius: float, shape: tuple[int, int] = SHAPE) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def picture(truth: NDArray[np.bool_], low: float = 60, high: float = 180) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, 4, truth.shape)
    return np.clip(np.where(truth, high, low) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_weights("default", "cpu")


TRUTH = disc(90, 130, 30)
IMAGE = picture(TRUTH)
CLICK = Click(90, 130)


@pytest.mark.parametrize("lazy", [False, True])
def test_it_tells_where_nothing_is_to_be_seen(predictor: Predictor, lazy: bool) -> None:
    blank = np.full(SHAPE, 7, np.uint16)
    image = da.from_array(blank, chunks=64) if lazy else blank
    first = predictor.predict(image, [CLICK])
    assert first.blank
    assert predictor.predict(image, [CLICK, Click(20, 20, positive=False)], first).blank
    blank[:, :] += TRUTH
    image = da.from_array(blank, chunks=64) if lazy else blank
    assert not predictor.predict(image, [CLICK]).blank


def test_one_click_finds_a_disc(predictor: Predictor) -> None:
    prediction = predictor.predict(IMAGE, [CLICK])
    rows, columns = prediction.window
    height, width = rows.stop - rows.start, columns.stop - columns.start
    assert prediction.probability.shape == (height, width)
    assert prediction.probability.dtype == np.float32
    assert prediction.probability.min() >= 0 and prediction.probability.max() <= 1
    assert prediction.full_mask().shape == SHAPE
    assert np.array_equal(prediction.full_mask()[prediction.window], prediction.mask())
    assert iou(TRUTH, prediction.full_mask()) > 0.85


def runs_of(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Note how many windows each run of the network sees, and whether it is shown a mask."""
    seen: list[tuple[int, bool]] = []
    run = predictor._run

    def noted(network: Any, bias: Any, reader: Any, views: Any, earlier: Any) -> Any:
        seen.append((len(views), earlier is not None))
        return run(network, bias, reader, views, earlier)

    monkeypatch.setattr(predictor, "_run", noted)
    return seen


@pytest.mark.parametrize(("sure", "runs"), [(0.0, [(1, False)]), (1.0, [(1, False), (1, True)])])
def test_an_object_like_those_before_is_looked_at_where_it_fits(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch, sure: float, runs: list[Any]
) -> None:
    monkeypatch.setattr("napari_fclick.looking.SURE", sure)
    seen = runs_of(predictor, monkeypatch)
    prediction = predictor.predict(IMAGE, [CLICK], typical_side=55)
    assert seen == runs  # a doubtful answer is looked at again
    assert prediction.view.side == 99
    assert iou(TRUTH, prediction.full_mask()) > 0.85


@pytest.mark.parametrize("typical", [25, 300])
def test_an_object_unlike_those_before_is_looked_for(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch, typical: float
) -> None:
    truth = disc(250, 260, 30, (512, 512))
    seen = runs_of(predictor, monkeypatch)
    prediction = predictor.predict(picture(truth), [Click(250, 260)], typical_side=typical)
    assert seen[0] == (1, False) and seen[1][0] > 2
    assert iou(truth, prediction.full_mask()) > 0.85


@pytest.mark.parametrize("radius", [5, 12, 30, 80])
def test_the_window_follows_the_objects_size(predictor: Predictor, radius: int) -> None:
    truth = disc(250, 260, radius, (512, 512))
    prediction = predictor.predict(picture(truth), [Click(250, 260)])
    assert iou(truth, prediction.full_mask()) > 0.75
    assert 1.1 * 2 * radius < prediction.view.side < max(64, 5 * 2 * radius)


@pytest.mark.parametrize("radius", [400, 700, 1200])
def test_an_object_larger_than_the_first_windows_is_found(
    predictor: Predictor, radius: int
) -> None:
    side = 3 * radius
    truth = disc(side // 2, side // 2, radius, (side, side))
    prediction = predictor.predict(picture(truth), [Click(side // 2, side // 2)])
    assert iou(truth, prediction.full_mask()) > 0.9


CONVERSIONS = {
    "bool": lambda a: a > 120,
    "uint16": lambda a: a.astype(np.uint16) * 200 + 1000,
    "int64": lambda a: a.astype(np.int64) * 10**12,
    "float16": lambda a: (a / 255).astype(np.float16),
    "float64": lambda a: a / 255 - 3,
    "rgb": lambda a: np.stack([a, a, a], -1),
    "rgba": lambda a: np.stack([a, a, a, np.full_like(a, 255)], -1),
    "two channels": lambda a: np.stack([a, np.full_like(a, 9)], -1),
    "two channels of floats": lambda a: np.stack([a / 1e6, np.full(a.shape, np.nan)], -1),
    "dask of 30 channels": lambda a: da.from_array(np.repeat(a[..., None], 30, -1)[..., :16]),
    "big-endian": lambda a: a.astype(">u2"),
    "five channels": lambda a: np.repeat(a[..., None], 5, -1),
    "dask": lambda a: da.from_array(a, chunks=64),
    "pyramid": lambda a: [a, a[::2, ::2]],
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_any_pixels(predictor: Predictor, kind: str) -> None:
    prediction = predictor.predict(CONVERSIONS[kind](IMAGE), [CLICK])
    assert prediction.image_shape == SHAPE
    assert iou(TRUTH, prediction.full_mask()) > 0.8


def test_nan_and_inf_are_survived(predictor: Predictor) -> None:
    image = IMAGE.astype(np.float32)
    image[:20] = np.nan
    image[-5:] = np.inf
    prediction = predictor.predict(image, [CLICK])
    assert np.isfinite(prediction.probability).all()
    assert iou(TRUTH, prediction.full_mask()) > 0.7


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0])
def test_nothing_to_see(predictor: Predictor, value: float) -> None:
    prediction = predictor.predict(np.full((40, 50), value), [Click(20, 20)])
    assert np.isfinite(prediction.probability).all()


def test_one_pixel(predictor: Predictor) -> None:
    assert predictor.predict(np.zeros((1, 1), np.uint8), [Click(0, 0)]).full_mask().shape == (1, 1)


def test_contrast_limits(predictor: Predictor) -> None:
    faint = (IMAGE / 100).astype(np.float32)
    faint[0, 0] = 1e6
    prediction = predictor.predict(faint, [CLICK], limits=(0.3, 2.2))
    assert iou(TRUTH, prediction.full_mask()) > 0.8


def test_chosen_channels(predictor: Predictor) -> None:
    image = np.zeros((*SHAPE, 4), np.uint8)
    image[..., 3] = IMAGE
    assert iou(TRUTH, predictor.predict(image, [CLICK], channels=[3]).full_mask()) > 0.85
    with pytest.raises(ValueError, match=r"channels \[4\] .* 0 to 3"):
        predictor.predict(image, [CLICK], channels=[4])


def test_of_many_channels_those_chosen_count(predictor: Predictor) -> None:
    image = np.random.default_rng(0).normal(0, 1e9, (*SHAPE, 30))
    image[..., 17] = IMAGE
    found = predictor.predict(image, [CLICK], channels=[17])
    alone = predictor.predict(IMAGE.astype(np.float64), [CLICK])
    assert np.array_equal(found.probability, alone.probability)


BAD = {
    "a stack": (
        np.zeros((60, 80, 512), np.uint8),
        [CLICK],
        ValueError,
        r"shape \(60, 80, 512\): 512 channels; take one slice of a stack",
    ),
    "dask of unknown shape": (
        da.from_array(IMAGE)[da.from_array(IMAGE[:, 0] > 0)],
        [CLICK],
        ValueError,
        r"shape \(nan, 240\), not all of it known: compute_chunk_sizes",
    ),
    "empty image": (np.zeros((0, 5)), [CLICK], ValueError, r"shape \(0, 5\): no pixels"),
    "5-D array": (np.zeros((2, 2, 2, 2, 2)), [CLICK], ValueError, "5 axes; allowed are"),
    "1-D array": (np.zeros(5), [CLICK], ValueError, "1 axes; allowed are"),
    "complex": (IMAGE * 1j, [CLICK], TypeError, "dtype complex128; allowed"),
    "no clicks": (IMAGE, [], ClickError, "at least one positive click"),
    "first click negative": (
        IMAGE,
        [Click(9, 9, positive=False)],
        ClickError,
        "y=9, x=9 is negative; the first click must be positive",
    ),
    "click outside": (
        IMAGE,
        [Click(10, 240)],
        ClickError,
        "x=240 lies outside .* x within 0 to 239",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input(predictor: Predictor, kind: str) -> None:
    image, clicks, error, message = BAD[kind]
    with pytest.raises(error, match=message):
        predictor.predict(image, clicks)


def test_what_does_not_belong_together(predictor: Predictor) -> None:
    other = predictor.predict(np.zeros((300, 300), np.uint8), [CLICK])
    with pytest.raises(ValueError, match=r"previous is of an image of shape \(300, 300\)"):
        predictor.predict(IMAGE, [CLICK], other)
    with pytest.raises(ClickError, match="is no Click"):
        predictor.predict(IMAGE, [(50, 45)])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="typical_side nan is not a positive"):
        predictor.predict(IMAGE, [CLICK], typical_side=float("nan"))
    with pytest.raises(ValueError, match="bias nan is not a finite number of log-odds"):
        predictor.predict(IMAGE, [CLICK], bias=float("nan"))
    with pytest.raises(ValueError, match="two finite numbers, the lower one first"):
        predictor.predict(IMAGE, [CLICK], limits=(5, 5))


def test_a_bias_adds_to_an_object_and_stays_its_own(predictor: Predictor) -> None:
    less, plain, more = (predictor.predict(IMAGE, [CLICK], bias=b) for b in (-1.5, 0.0, 1.5))
    areas = [int(each.full_mask().sum()) for each in (less, plain, more)]
    assert areas == sorted(areas) and areas[0] < areas[1] < areas[2]
    assert plain.bias == 0.0 == predictor.predict(IMAGE, [CLICK]).bias
    further = [CLICK, Click(CLICK.y + 2, CLICK.x + 2)]
    assert predictor.predict(IMAGE, further, more).bias == 1.5
    assert predictor.predict(IMAGE, further, more, bias=0.0).bias == 0.0


def test_napari_pyramids(predictor: Predictor) -> None:
    from napari.layers import Image

    layer = Image([IMAGE, IMAGE[::2, ::2]], multiscale=True)
    assert iou(TRUTH, predictor.predict(layer.data, [CLICK]).full_mask()) > 0.8


def test_a_mark_for_no_data_does_not_flatten_the_rest(predictor: Predictor) -> None:
    image = IMAGE.astype(np.float32)
    image[80, 100] = -3.4e38
    assert iou(TRUTH, predictor.predict(image, [CLICK]).full_mask()) > 0.8


def test_clicks_too_far_apart(predictor: Predictor) -> None:
    image = da.zeros((64, 9000), np.uint8, chunks=512)
    with pytest.raises(ClickError, match="8901 px apart; an object may span 8192 px at most"):
        predictor.predict(image, [Click(5, 50), Click(5, 8950)])
    far = predictor.predict(image, [Click(5, 50), Click(5, 5000)])
    assert all(far.view.contains(click) for click in far.clicks)


def test_changed_images_are_read_again(predictor: Predictor) -> None:
    import zarr

    image = zarr.array(IMAGE, chunks=(64, 64))
    first = predictor.predict(image, [CLICK])
    image[:] = IMAGE[::-1].copy()
    again = predictor.predict(image, [Click(110, 130)], first)
    fresh = predictor.predict(IMAGE[::-1], [Click(110, 130)], first)
    assert np.array_equal(again.probability, fresh.probability)


def test_narrow_images_are_not_blown_up() -> None:
    predictor = Predictor.from_weights("default", "cpu", window="whole")
    prediction = predictor.predict(np.zeros((4, 4000), np.uint8), [Click(2, 2000)])
    assert max(prediction.view.canvas) <= 512


def test_bad_threshold(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match=r"threshold 1\.5 is not within 0 to 1"):
        predictor.predict(IMAGE, [CLICK]).mask(1.5)


def test_no_such_device() -> None:
    with pytest.raises(DeviceError, match="no device 'cuda:9' here; there are: auto, cpu"):
        Predictor.from_weights("default", "cuda:9")


def test_only_windows_are_read(predictor: Predictor) -> None:
    read: list[int] = []

    def load(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        read.append(block.size)
        return block

    truth = disc(150, 170, 20, (6000, 6000))
    lazy = da.from_array(picture(truth[:512, :512]), chunks=256)
    lazy = da.pad(lazy, ((0, 6000 - 512), (0, 6000 - 512)), constant_values=60).rechunk(256)
    image = lazy.map_blocks(load, dtype=np.uint8, meta=np.zeros((0, 0), np.uint8))
    prediction = predictor.predict(image, [Click(150, 170)])
    assert iou(truth, prediction.full_mask()) > 0.8
    # The widest first try is 768 px a side, in chunks of 256: all is read once.
    assert 0 < sum(read) <= 1024**2
    before = sum(read)
    predictor.predict(image, [Click(150, 170), Click(155, 175)], prediction)
    assert sum(read) == before


@pytest.mark.parametrize("levels", [1, 3])
def test_windows_are_read_once(predictor: Predictor, levels: int) -> None:
    read: list[int] = []

    def load(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        read.append(block.size)
        return block

    truth = disc(500, 520, 150, (1500, 1500))
    pixels = picture(truth)
    pyramid = [
        da.from_array(pixels[:: 2**n, :: 2**n], chunks=256).map_blocks(
            load, dtype=np.uint8, meta=np.zeros((0, 0), np.uint8)
        )
        for n in range(levels)
    ]
    first = predictor.predict(pyramid, [Click(500, 520)])
    assert iou(truth, first.full_mask()) > 0.85
    before = len(read)
    # A list made anew of the same levels is the same image.
    second = predictor.predict(list(pyramid), [Click(500, 520), Click(560, 560)], first)
    assert second.view == first.view and len(read) == before
    assert first.block is not None and first.block.nbytes <= 1.4 * first.view.side**2


def test_later_clicks_keep_the_window(predictor: Predictor) -> None:
    first = predictor.predict(IMAGE, [CLICK])
    clicks = ClickSequence([CLICK, Click(70, 130), Click(40, 60, positive=False)])
    later = predictor.predict(IMAGE, clicks, first)
    assert later.view == first.view
    assert iou(TRUTH, later.full_mask()) > 0.85


def test_negative_click_takes_away(predictor: Predictor) -> None:
    truth = disc(90, 90, 25) | disc(90, 150, 25) | disc(90, 120, 12)
    image = picture(truth)
    both = predictor.predict(image, [Click(90, 90)])
    less = predictor.predict(image, [Click(90, 90), Click(90, 150, positive=False)], both)
    assert less.full_mask()[90, 90]
    assert not less.full_mask()[90, 150]


def test_integrity_keeps_what_was_clicked(predictor: Predictor) -> None:
    truth = disc(90, 90, 15) | disc(90, 140, 15)
    mask = predictor.predict(picture(truth), [Click(90, 90)]).full_mask()
    assert mask[90, 90] and not mask[90, 140]


def test_the_kept_mask_is_worked_out_once_and_guarded(predictor: Predictor) -> None:
    found = predictor.predict(picture(disc(90, 90, 15)), [Click(90, 90)])
    assert found.kept() is found.kept()
    with pytest.raises(ValueError, match="read-only"):
        found.kept().mask[0, 0] = True
    mask = found.mask()
    assert np.array_equal(mask, found.kept().mask)
    mask[:] = False  # one's own
    assert found.mask().any() and found.kept(0.4).mask.any()


def test_the_network_runs_in_whole_windows_when_asked() -> None:
    predictor = Predictor.from_weights("default", "cpu", window="whole")
    prediction = predictor.predict(IMAGE, [CLICK])
    assert prediction.window == (slice(0, 200), slice(0, 240))
    with pytest.raises(ValueError, match="window 'round' is neither"):
        Predictor.from_weights("default", "cpu", window="round")


def test_in_whole_windows_too_a_mask_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor.from_weights("default", "cpu", window="whole")
    first = predictor.predict(IMAGE, [CLICK])
    seen = runs_of(predictor, monkeypatch)
    predictor.predict(IMAGE, [CLICK, Click(95, 140)], first)
    assert seen == [(1, True)]


FULL = {
    "cuda": torch.cuda.OutOfMemoryError("CUDA out of memory"),
    "mps": RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
}


@pytest.mark.parametrize("device", FULL)
def test_out_of_memory_falls_back(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    predictor = Predictor.from_weights("default", "cpu")
    predictor.device = torch.device(device)
    calls: list[str] = []

    def once_full(compute: Any) -> Any:
        def computed(*given: Any) -> Any:
            calls.append(compute.__name__)
            if len(calls) == 1:
                raise FULL[device]
            return compute(*given)

        return computed

    for name in ("_described", "_forward"):
        monkeypatch.setattr(predictor, name, once_full(getattr(predictor, name)))
    with pytest.warns(RuntimeWarning, match="going on on the CPU"):
        prediction = predictor.predict(IMAGE, [CLICK])
    assert iou(TRUTH, prediction.full_mask()) > 0.85
    assert predictor.device.type == "cpu" and calls[:2] == ["_described", "_described"]


def test_memory_runs_out_while_another_thread_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor.from_weights("default", "cpu")
    predictor.device = torch.device("cuda")
    forward, changed = predictor._forward, []
    begun: list[int] = []

    def watched(*given: Any) -> Any:
        begun.append(len(begun))
        if len(begun) == 1:  # the other thread may try meanwhile
            time.sleep(0.2)
            raise FULL["cuda"]
        before = predictor.device
        time.sleep(0.2)
        changed.append(predictor.device != before)
        return forward(*given)

    monkeypatch.setattr(predictor, "_who_knows", lambda *_: None)
    monkeypatch.setattr(predictor, "_forward", watched)
    with ThreadPoolExecutor(2) as pool, pytest.warns(RuntimeWarning, match="on on the CPU"):
        both = list(pool.map(lambda _: predictor.predict(IMAGE, [CLICK]), range(2)))
    assert all(iou(TRUTH, each.full_mask()) > 0.85 for each in both)
    assert not any(changed)


def test_other_errors_of_a_device_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor.from_weights("default", "cpu")
    predictor.device = torch.device("cuda")

    def broken(*given: Any) -> Any:
        raise RuntimeError("an illegal memory access was encountered")

    for name in ("_described", "_forward"):
        monkeypatch.setattr(predictor, name, broken)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        predictor.predict(IMAGE, [CLICK])


def test_same_clicks_same_answer(predictor: Predictor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = (predictor.predict(IMAGE, [CLICK]) for _ in range(2))
    assert np.array_equal(one.probability, two.probability)


@pytest.mark.cuda
def test_cuda_agrees_with_the_cpu(predictor: Predictor) -> None:
    cuda = Predictor.from_weights("default", "cuda")
    clicks = [CLICK, Click(90, 157, positive=False), Click(70, 130)]
    found: list[Any] = [None, None]
    for count in range(1, len(clicks) + 1):  # later ones with a mask fed back, and close-ups
        found = [
            each.predict(IMAGE, clicks[:count], earlier)
            for each, earlier in zip((cuda, predictor), found, strict=True)
        ]
        assert iou(*(each.full_mask() for each in found)) > 0.98


def test_clicks_at_once_are_answered_one_after_the_other(predictor: Predictor) -> None:
    """The weights know how far clicks reach: the mask does not hang on how they came."""
    clicks = ClickSequence([CLICK, Click(90, 155, False), Click(70, 110), Click(110, 120)])
    now = None
    for count in range(1, 5):
        now = predictor.predict(IMAGE, ClickSequence(clicks[:count]), now)
    assert now is not None
    at_once = predictor.predict(IMAGE, clicks)
    assert np.array_equal(at_once.probability, now.probability) and at_once.view == now.view
    assert at_once.clicks == clicks


@pytest.mark.parametrize("knows", [True, False])
def test_which_network_answers(knows: bool) -> None:
    """Images that are not like those tuned on are left to the general network and its judge."""
    loaded = checkpoints.load_all("default")
    torch.manual_seed(0)
    tuned = FCANet(loaded.card.network)
    assert tuned.reach is not None  # one of its own
    ignorant = Recogniser(torch.zeros(128), torch.tensor(-1.0))
    recogniser = Recogniser(torch.zeros(128), torch.tensor(1.0 if knows else -1.0))
    specialists = [
        Specialist("nothing", FCANet(loaded.card.network), ignorant),
        Specialist("cells", deepcopy(tuned), recogniser),
    ]
    both = Predictor(loaded.network, loaded.card, torch.device("cpu"), specialists)
    general = checkpoints.load("default")[0]
    alone = Predictor(tuned if knows else general, loaded.card, torch.device("cpu"))
    first, expected = both.predict(IMAGE, [CLICK]), alone.predict(IMAGE, [CLICK])
    assert first.specialist == (1 if knows else -1) and expected.specialist is None
    assert np.array_equal(first.probability, expected.probability)
    # What was found out stays for the object's later clicks, and in the next slice.
    both._recognisers = [ignorant._replace(bias=torch.ones(()))] * 2
    clicks = [CLICK, Click(90, 157, positive=False)]
    second, wanted = both.predict(IMAGE, clicks, first), alone.predict(IMAGE, clicks, expected)
    assert second.specialist == first.specialist
    # One that other weights had, which have more of them, tells nothing.
    assert both.predict(IMAGE, clicks, replace(first, specialist=2)).specialist == 0
    assert np.array_equal(second.probability, wanted.probability)


def test_a_description_does_not_hang_on_the_clicks(predictor: Predictor) -> None:
    one = predictor.describe(IMAGE, CLICK)
    assert one.shape == (128,) and one.dtype == np.float32
    # Of a small image all is seen from anywhere.
    np.testing.assert_allclose(predictor.describe(IMAGE, Click(60, 100)), one, rtol=0.05, atol=0.05)
    with pytest.raises(ValueError, match="shape"):
        predictor.describe(np.zeros(5), CLICK)
