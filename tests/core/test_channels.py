from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_fclick.core.channels import ChannelStack, stack_channels
from napari_fclick.core.window import image_shape, levels, read_window, square_window

RNG = np.random.default_rng(0)
DAPI = RNG.integers(0, 4000, (40, 50), np.uint16)
GFP = RNG.integers(0, 900, (40, 50), np.uint16)


class Reads:
    """An array that remembers what was read of it."""

    def __init__(self, data: Any) -> None:
        self.data, self.shape, self.dtype = data, data.shape, data.dtype
        self.read: list[tuple[int, ...]] = []

    def __getitem__(self, index: Any) -> Any:
        found = self.data[index]
        self.read.append(found.shape)
        return found


def test_only_the_window_is_read_of_each() -> None:
    planes = [Reads(DAPI), Reads(GFP)]
    stack = ChannelStack(planes)
    assert (stack.shape, stack.ndim, stack.dtype) == ((40, 50, 2), 3, np.uint16)
    assert not planes[0].read
    np.testing.assert_array_equal(stack[3:9, 5:8], np.stack([DAPI, GFP], -1)[3:9, 5:8])
    assert planes[0].read == planes[1].read == [(6, 3)]


def test_a_channel_that_is_not_asked_for_is_not_read() -> None:
    planes = [Reads(DAPI), Reads(GFP)]
    stack = ChannelStack(planes)
    np.testing.assert_array_equal(stack[:, 2:4, 1], GFP[:, 2:4])
    np.testing.assert_array_equal(stack[::2, :, -1:], GFP[::2, :, None])
    assert not planes[0].read


@pytest.mark.parametrize("make", [da.from_array, zarr.array, Reads, np.asarray])
def test_lazy_arrays(make: Any) -> None:
    stack = ChannelStack([make(DAPI), make(GFP)])
    found = np.asarray(stack[10:20, 5:15])
    np.testing.assert_array_equal(found, np.stack([DAPI, GFP], -1)[10:20, 5:15])
    assert np.asarray(stack).shape == (40, 50, 2)


def test_mixed_dtypes_are_brought_to_float_each_on_its_own() -> None:
    real = RNG.normal(1e9, 1, (40, 50))
    real[0, 0] = np.nan
    stack = ChannelStack([DAPI, real, DAPI > 2000])
    assert stack.dtype == np.float32
    found = stack[:, :]
    assert found.dtype == np.float32 and np.isfinite(found).all()
    np.testing.assert_array_equal(found[..., 0], DAPI)
    np.testing.assert_array_equal(found[..., 2], DAPI > 2000)
    # A small contrast on a large offset is still there.
    order = np.corrcoef(found[1:, :, 1].ravel(), real[1:].ravel())[0, 1]
    assert order > 0.99


def test_each_channel_has_its_own_limits() -> None:
    stack = ChannelStack([DAPI, GFP], limits=[(0, 4000), (100, 500)])
    found = stack[:, :]
    np.testing.assert_allclose(found[..., 0], DAPI / 4000, rtol=1e-6)
    np.testing.assert_allclose(found[..., 1], np.clip((GFP - 100.0) / 400, 0, 1), rtol=1e-5)


@pytest.mark.parametrize(
    ("planes", "part"),
    [
        ([], "0 channels"),
        ([DAPI] * 4, "4 channels"),
        ([DAPI, GFP[1:]], "(39, 50)"),
        ([np.zeros((4, 4, 3))], "(4, 4, 3)"),
    ],
)
def test_what_does_not_fit_is_refused(planes: Any, part: str) -> None:
    with pytest.raises(ValueError, match=part.replace("(", r"\(").replace(")", r"\)")):
        ChannelStack(planes)


def test_as_many_limits_as_channels() -> None:
    with pytest.raises(ValueError, match="1 pairs of limits given for 2"):
        ChannelStack([DAPI, GFP], limits=[(0, 1)])


@pytest.mark.parametrize("index", [3, (slice(None), 4), (..., 0), (slice(None),) * 4])
def test_other_indices_are_refused(index: Any) -> None:
    with pytest.raises(IndexError):
        ChannelStack([DAPI])[index]


def test_a_window_is_read_as_of_any_image() -> None:
    stack = ChannelStack([DAPI, GFP])
    assert image_shape(stack) == (40, 50)
    assert levels(stack) == [stack]
    window = square_window((20, 20), 32, (40, 50), 256)
    pixels = read_window(stack, window)
    np.testing.assert_array_equal(pixels, np.stack([DAPI, GFP], -1)[window.slices])


class TestPyramids:
    def test_levels_of_the_same_shapes_stay_a_pyramid(self) -> None:
        found = stack_channels([[DAPI, DAPI[::2, ::2]], [GFP, GFP[::2, ::2]]])
        assert [level.shape for level in found] == [(40, 50, 2), (20, 25, 2)]
        np.testing.assert_array_equal(found[1][:, :, 1], GFP[::2, ::2])

    @pytest.mark.parametrize("other", [GFP, [GFP], [GFP, GFP[::4, ::4]]])
    def test_otherwise_the_finest_counts(self, other: Any) -> None:
        found = stack_channels([[DAPI, DAPI[::2, ::2]], other])
        assert isinstance(found, ChannelStack)
        assert found.shape == (40, 50, 2)

    def test_plain_arrays(self) -> None:
        assert stack_channels([DAPI, GFP]).shape == (40, 50, 2)
