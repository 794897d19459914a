"""Figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.evaluation.metrics import iou, mean_curve, number_of_clicks


def test_iou_and_ignored_pixels() -> None:
    truth = np.array([[1, 1, 1, 0]], bool)
    guess = np.array([[1, 0, 1, 1]], bool)
    assert iou(truth, guess) == 2 / 4
    assert iou(truth, guess, ignore=np.array([[0, 1, 0, 0]], bool)) == 2 / 3
    assert iou(truth & False, guess & False) == 1


def test_number_of_clicks() -> None:
    assert number_of_clicks([0.5, 0.86, 0.8], 0.85) == 2
    assert number_of_clicks([0.5, 0.6], 0.85) == 20
    assert number_of_clicks([0.5, 0.6, 0.9], 0.85, most=2) == 2
    assert number_of_clicks([0.85], 0.85) == 1


def test_mean_curve_keeps_the_last_value() -> None:
    assert mean_curve([[0.5, 0.9], [0.7]], most=3) == pytest.approx([0.6, 0.8, 0.8])
