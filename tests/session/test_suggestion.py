"""Suggestions on probabilities made by hand."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from napari_fclick.core.clicks import Click
from napari_fclick.session.suggestion import APART, start, suggest, uncertainty

WINDOW = (slice(100, 160), slice(200, 280))


def scene(**blobs: Any) -> tuple[Any, Any]:
    """Return probability and mask of a sure square, rows and columns 20 to 40, and blobs."""
    probability = np.zeros((60, 80))
    probability[20:40, 20:40] = 1.0
    for rows, columns, value in blobs.values():
        probability[rows, columns] = value
    return probability, probability > 0.5


def test_the_middle_of_the_largest_uncertain_region_comes_first() -> None:
    probability, mask = scene(
        large=(slice(10, 21), slice(50, 61), 0.45), small=(slice(45, 52), slice(50, 57), 0.45)
    )
    found = suggest(probability, WINDOW, mask, [Click(130, 230)])
    assert [(s.y, s.x, s.why) for s in found[:2]] == [
        (115.0, 255.0, "uncertain"),
        (148.0, 253.0, "uncertain"),
    ]
    assert {s.why for s in found[2:]} == {"boundary"}


def test_uncertainty_weighs_more_than_size() -> None:
    probability, mask = scene(
        vague=(slice(10, 21), slice(50, 60), 0.26), torn=(slice(44, 53), slice(50, 59), 0.5)
    )
    # Without their rims, 72 pixels of 0.52 weigh 37 and 49 pixels of 1 weigh 49.
    first = suggest(probability, WINDOW, mask, [Click(130, 230)])[0]
    assert first.why == "uncertain" and (first.y, first.x) == (148.0, 254.0)


def test_uncertainty_is_relative_to_the_threshold() -> None:
    values = uncertainty(np.array([0.0, 0.1, 0.2, 0.6, 1.0, np.nan]), 0.2)
    assert values == pytest.approx([0, 0.5, 1, 0.5, 0, 0])
    probability, mask = scene(low=(slice(10, 21), slice(50, 61), 0.2))
    clicks = [Click(130, 230)]
    assert suggest(probability, WINDOW, mask, clicks, 0.2)[0].why == "uncertain"
    assert suggest(probability, WINDOW, mask, clicks, 0.8)[0].why == "boundary"


def test_a_blurred_rim_is_no_region_but_what_hangs_on_it_is() -> None:
    probability, _ = scene(blob=(slice(25, 36), slice(42, 53), 0.6))
    probability[18:20, 18:42] = probability[40:42, 18:42] = 0.5
    probability[18:42, 18:20] = probability[18:42, 40:42] = 0.5
    found = suggest(probability, WINDOW, probability > 0.5, [Click(130, 230)])
    regions = [s for s in found if s.why == "uncertain"]
    assert len(regions) == 1
    assert abs(regions[0].y - 130) <= 1 and 245 <= regions[0].x <= 248


def test_without_uncertainty_the_boundary_farthest_from_clicks() -> None:
    probability, mask = scene()
    found = suggest(probability, WINDOW, mask, [Click(121, 221)])
    assert (found[0].y, found[0].x, found[0].why) == (139.0, 239.0, "boundary")
    # The next ones are far from the first one too: the other two corners.
    assert {(s.y, s.x) for s in found[1:3]} == {(120.0, 239.0), (139.0, 220.0)}
    assert len(set(found)) == len(found)


def test_never_on_a_click_or_right_beside_one() -> None:
    probability, mask = scene(blob=(slice(10, 21), slice(50, 61), 0.5))
    clicks = [Click(130, 230)]
    for _ in range(12):
        found = suggest(probability, WINDOW, mask, clicks)
        for s in found:
            assert min(np.hypot(s.y - c.y, s.x - c.x) for c in clicks) > APART
        if not found:
            break
        clicks.append(Click(found[0].y, found[0].x, positive=False))
    assert len(clicks) > 6


def test_where_the_window_cuts_the_mask_is_no_boundary() -> None:
    mask = np.zeros((60, 80), bool)
    mask[:, :30] = True
    found = suggest(mask.astype(float), WINDOW, mask, [Click(101, 201)])
    assert found and all(s.x == 229 for s in found)


def test_nothing_to_suggest() -> None:
    empty = np.zeros((60, 80))
    assert suggest(empty, WINDOW, empty > 0.5, [Click(130, 230)]) == ()
    full = np.ones((60, 80))
    assert suggest(full, WINDOW, full > 0.5, [Click(130, 230)]) == ()
    with pytest.raises(ValueError, match="differ in shape"):
        suggest(empty, WINDOW, empty[1:] > 0.5, [])


def test_a_large_window_is_thinned_out_and_quick() -> None:
    probability = np.zeros((3000, 2000), np.float32)
    probability[900:1200, 400:700] = 1.0
    probability[1500:2100, 1000:1600] = 0.5
    begin = time.perf_counter()
    found = suggest(probability, (slice(50, 3050), slice(7, 2007)), probability > 0.5, [])
    assert time.perf_counter() - begin < 1.0
    assert abs(found[0].y - 1849) < 20 and abs(found[0].x - 1306) < 20


def test_where_to_begin() -> None:
    assert (start((61, 81)).y, start((61, 81)).x, start((61, 81)).why) == (30.0, 40.0, "start")
    seen = start((60, 80), (12.4, 70.6))
    assert (seen.y, seen.x) == (12.0, 71.0)
    outside = start((60, 80), (12.4, 80.0))
    assert (outside.y, outside.x) == (29.0, 39.0)
    assert (start((1, 1)).y, start((1, 1)).x) == (0.0, 0.0)
