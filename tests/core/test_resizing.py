from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.resizing import resize


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("before", [(1, 1), (2, 3), (37, 100), (256, 256), (701, 333)])
@pytest.mark.parametrize("after", [(1, 1), (37, 100), (160, 160)])
def test_constant_stays_constant(
    before: tuple[int, int], after: tuple[int, int], antialias: bool
) -> None:
    resized = resize(np.full((*before, 2), 3.5, np.float32), after, antialias)
    assert resized.shape == (*after, 2)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, 3.5, rtol=1e-6)


def test_same_size_is_exact() -> None:
    pixels = np.random.default_rng(0).random((20, 30, 3), np.float32)
    np.testing.assert_array_equal(resize(pixels, (20, 30)), pixels)


def test_by_hand() -> None:
    pixels = np.array([0, 4], np.float32).reshape(1, 2, 1)
    # Centres of four pixels over two: -0.25, 0.25, 0.75, 1.25; beyond the outer centres
    # the outer pixels go on.
    assert resize(pixels, (1, 4))[0, :, 0].tolist() == [0, 1, 3, 4]
    shrunk = np.array([0, 0, 8, 0, 0, 0], np.float32).reshape(1, 6, 1)
    # One in three, the triangle three pixels wide to each side: weights 3 2 1 about the
    # centres 1 and 4; the first has no pixel at -1 (1/3 of the height), so 2/3 of 8 / (8/3).
    np.testing.assert_allclose(resize(shrunk, (1, 2))[0, :, 0], [2.0, 1.0], rtol=1e-6)
    assert resize(shrunk, (1, 2), antialias=False)[0, :, 0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("before", "after", "tolerance"),
    [(64, 160, 1e-4), (300, 100, 1e-4), (50, 51, 1e-4), (160, 64, 0.02), (101, 100, 0.02)],
)
def test_ramps_stay_ramps(before: int, after: int, tolerance: float) -> None:
    """Off by no more than a fiftieth of a pixel; exact to enlarge or at whole ratios."""
    ramp = np.arange(before, dtype=np.float32)
    pixels = np.stack(np.meshgrid(ramp, ramp, indexing="ij"), -1)
    rows, columns = np.moveaxis(resize(pixels, (after, after)), -1, 0)
    centres = (np.arange(after) + 0.5) * before / after - 0.5
    reach = max(1, before / after)
    inner = (centres >= reach - 1) & (centres <= before - reach)
    kept = np.ix_(inner, inner)
    assert inner.sum() >= after - 4
    exact = np.meshgrid(centres, centres, indexing="ij")
    np.testing.assert_allclose(rows[kept], exact[0][kept], atol=tolerance)
    np.testing.assert_allclose(columns[kept], exact[1][kept], atol=tolerance)
