from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest

from napari_fclick.core.channels import ChannelStack
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.core.window import Window, square_window
from napari_fclick.reading import WindowReader
from napari_fclick.session import Place
from napari_fclick.widgets.planes import LazyPlane

RNG = np.random.default_rng(0)
SHAPE = (90, 120)
BRIGHT = RNG.integers(20_000, 60_000, SHAPE).astype(np.uint16)
DIM = RNG.integers(100, 140, SHAPE).astype(np.uint16)
CLICKS = ClickSequence([Click(40, 50)])
WINDOW: Window = square_window((40, 50), 64, SHAPE, 64)


def read(image: Any, limits: Any = None, scaling: Any = "stretch") -> Any:
    reader = WindowReader(image, SHAPE, CLICKS, None, limits)
    return reader.read(WINDOW, Preprocessing(scaling=scaling))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int64])
def test_channels_are_stretched_each_on_its_own(dtype: Any) -> None:
    dim = DIM.astype(dtype)
    found = read(ChannelStack([BRIGHT, dim, DIM]))
    for channel, plane in enumerate((BRIGHT, dim, DIM)):
        np.testing.assert_allclose(found[..., channel], read(plane)[..., 0], atol=2e-3)


def test_of_two_channels_the_dim_one_counts_as_much() -> None:
    found = read(ChannelStack([BRIGHT, DIM]))
    np.testing.assert_allclose(found[..., 2], found[..., :2].mean(-1), atol=1e-6)
    assert found[..., 1].max() == 1
    # As RGB the dim one would be all but black.
    assert read(np.stack([BRIGHT, DIM, DIM], -1))[..., 1].max() < 0.01


def test_channels_with_limits_of_their_own_are_taken_as_they_are() -> None:
    found = read(ChannelStack([BRIGHT, DIM], limits=[(0, 65_535), (0, 200)]), limits=(0, 1))
    rows, columns = WINDOW.slices
    np.testing.assert_allclose(found[..., 0], BRIGHT[rows, columns] / 65_535, atol=1e-6)
    np.testing.assert_allclose(found[..., 1], DIM[rows, columns] / 200, atol=1e-6)


def test_8_bit_channels_reach_a_network_of_8_bit_pixels_unchanged() -> None:
    planes = [(BRIGHT // 256).astype(np.uint8), DIM.astype(np.uint8)]
    found = read(ChannelStack(planes), scaling="unit")
    rows, columns = WINDOW.slices
    np.testing.assert_allclose(found[..., 1], planes[1][rows, columns] / 255, atol=1e-6)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_dask_is_read_once_for_all_clicks_of_an_object(stacked: bool, lazy: bool) -> None:
    computed: list[int] = []

    def block(block_info: Any = None) -> Any:
        computed.append(1)
        return np.zeros((1, *SHAPE), np.uint8)

    chunks = ((1, 1), (SHAPE[0],), (SHAPE[1],))
    stack = da.map_blocks(block, dtype=np.uint8, chunks=chunks, meta=np.zeros((0,) * 3, np.uint8))
    plane = LazyPlane(stack if lazy else np.zeros((2, *SHAPE), np.uint8), Place((1, 2), (1,)))
    image: Any = ChannelStack([plane, plane]) if stacked else plane
    first = WindowReader(image, SHAPE, CLICKS, None, None)
    first.read(WINDOW, Preprocessing())
    once = len(computed)
    assert once == lazy * (1 + stacked)
    second = WindowReader(image, SHAPE, CLICKS, None, None)
    second.remember(first.kept(WINDOW))
    second.read(WINDOW, Preprocessing())
    assert len(computed) == once
    # What is not dask may have been written to: it is read again.
    kept = [reader.kept(WINDOW).regions[0].pixels for reader in (first, second)]  # type: ignore
    assert (kept[0] is kept[1]) is lazy
