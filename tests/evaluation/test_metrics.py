"""Figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fclick.evaluation.metrics import (
    area_under,
    boundary_f,
    centralities,
    dice_of_iou,
    gains,
    interval,
    iou,
    is_failure,
    mean_curve,
    number_of_clicks,
)


def box(top: int, left: int, bottom: int, right: int) -> NDArray[np.bool_]:
    """Return a box in 30 x 40 pixels: their diagonal is 50, 0.8 % of it 0.4, rounded up 1."""
    mask = np.zeros((30, 40), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_iou_and_ignored_pixels() -> None:
    truth = np.array([[1, 1, 1, 0]], bool)
    guess = np.array([[1, 0, 1, 1]], bool)
    assert iou(truth, guess) == 2 / 4
    assert iou(truth, guess, ignore=np.array([[0, 1, 0, 0]], bool)) == 2 / 3
    assert iou(truth & False, guess & False) == 1


def test_dice() -> None:
    truth = np.array([[1, 1, 1, 0]], bool)
    guess = np.array([[1, 0, 1, 1]], bool)
    assert dice_of_iou(iou(truth, guess)) == pytest.approx(2 * 2 / (3 + 3))
    assert list(dice_of_iou(np.array([0.0, 2 / 3, 1.0]))) == pytest.approx([0, 4 / 5, 1])


def test_number_of_clicks() -> None:
    assert number_of_clicks([0.5, 0.86, 0.8], 0.85) == 2
    assert number_of_clicks([0.5, 0.6], 0.85) == 20
    assert number_of_clicks([0.5, 0.6, 0.9], 0.85, most=2) == 2
    assert number_of_clicks([0.85], 0.85) == 1


def test_failures_are_told_from_the_last_click() -> None:
    # Both count as two clicks, but one of them got there.
    assert not is_failure([0.5, 0.9], 0.85, most=2)
    assert is_failure([0.5, 0.6], 0.85, most=2)
    assert is_failure([0.5, 0.6, 0.9], 0.85, most=2)
    assert not is_failure([0.9, 0.1], 0.85, most=2)  # it is enough to have been there


def test_mean_curve_keeps_the_last_value() -> None:
    assert mean_curve([[0.5, 0.9], [0.7]], most=3) == pytest.approx([0.6, 0.8, 0.8])


def test_area_under_a_curve() -> None:
    # Trapezoids (0.2 + 0.6) / 2 + (0.6 + 0.8) / 2 = 1.1 over two steps.
    assert area_under([0.2, 0.6, 0.8]) == pytest.approx(0.55)
    assert area_under([1.0] * 20) == pytest.approx(1)
    assert area_under([0.7]) == 0.7


def test_boundaries_a_pixel_apart_agree() -> None:
    truth = box(10, 10, 20, 20)
    assert boundary_f(truth, box(10, 11, 20, 21)) == 1
    assert boundary_f(truth, truth) == 1


def test_boundary_f_of_a_shifted_square() -> None:
    # Squares of 10 px, 36 of them on the boundary, 3 columns apart. Of the upper side 7 pixels
    # lie on the other's and 1 beside it: 8, and 8 of the lower; of the side within the other,
    # rows 11 and 18 lie beside its upper and lower sides: 2. Of the far side none is near but
    # its corners, which were counted. 18 / 36 both ways.
    assert boundary_f(box(10, 10, 20, 20), box(10, 13, 20, 23)) == pytest.approx(0.5)


def test_boundary_f_tells_precision_from_recall() -> None:
    # The truth has a second square, far away: precision 1, recall 1 / 2, F = 2 / 3.
    square = box(2, 2, 12, 12)
    assert boundary_f(square | box(18, 25, 28, 35), square) == pytest.approx(2 / 3)


def test_the_edge_of_the_image_is_no_boundary() -> None:
    # Of an object in the corner, 5 x 5, only 5 + 5 - 1 pixels touch what is not the object.
    corner, cut = box(0, 0, 5, 5), box(0, 0, 5, 4)
    assert boundary_f(corner, corner) == boundary_f(corner, cut) == 1
    whole = box(0, 0, 30, 40)
    assert boundary_f(whole, whole) == 1
    assert boundary_f(whole, corner) == 0


def test_boundary_f_of_nothing_and_of_a_pixel() -> None:
    nothing, pixel = box(0, 0, 0, 0), box(7, 7, 8, 8)
    assert boundary_f(nothing, nothing) == 1
    assert boundary_f(pixel, nothing) == boundary_f(nothing, pixel) == 0
    assert boundary_f(pixel, pixel) == boundary_f(pixel, box(7, 8, 8, 9)) == 1
    assert boundary_f(pixel, box(8, 8, 9, 9)) == 0  # the diagonal neighbour is 1.41 px away


def test_boundaries_in_ignored_pixels_agree() -> None:
    truth, guess = box(10, 10, 20, 20), box(10, 10, 20, 26)
    assert boundary_f(truth, guess) < 1
    assert boundary_f(truth, guess, ignore=box(10, 20, 20, 26)) == 1


def test_gains() -> None:
    assert gains([0.5, 0.8, 0.75]) == pytest.approx([0.5, 0.3, -0.05])


def test_centrality() -> None:
    # A square of 5 px: its middle is 3 px from what is not the object, its corner 1 px.
    truth = box(10, 10, 15, 15)
    pixels = [(12, 12), (10, 10), (11, 12), (9, 12)]
    assert centralities(truth, pixels) == pytest.approx([1, 1 / 3, 2 / 3, 0])


def test_centrality_at_the_border_and_of_a_pixel() -> None:
    # What lies outside of the image is not the object.
    assert centralities(np.ones((5, 5), bool), [(2, 2), (0, 0)]) == pytest.approx([1, 1 / 3])
    assert centralities(box(29, 39, 30, 40), [(29, 39), (28, 39)]) == [1, 0]
    with pytest.raises(ValueError, match="no middle"):
        centralities(box(0, 0, 0, 0), [])


def test_interval_of_two_objects() -> None:
    # The mean of a draw is 0, 0.5 or 1 with chances 1/4, 1/2, 1/4: both tails are longer
    # than 2.5 %.
    assert interval([0.0, 1.0]) == [(0.0, 1.0)]


def test_interval_of_a_rare_success() -> None:
    # One of ten: a draw has k successes by the binomial of 10 and 0.1. None: 35 %, at most 2:
    # 93.0 %, at most 3: 98.7 %. The 97.5th percentile is 3 of 10.
    assert interval([1.0] + [0.0] * 9) == [(0.0, pytest.approx(0.3))]


def test_intervals_of_several_figures_and_of_one_object() -> None:
    assert interval(np.array([[0.0, 5.0], [1.0, 5.0]])) == [(0.0, 1.0), (5.0, 5.0)]
    assert interval([0.5]) is None
    many = np.random.default_rng(1).random(60)
    assert interval(many) == interval(many)
