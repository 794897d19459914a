"""What looks wrong with data is said in plain words."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
from tests.finetuning.scenes import data, squares

from napari_fclick.finetuning.sources import combine, from_arrays
from napari_fclick.finetuning.split import split_of
from napari_fclick.finetuning.summary import summarise


def said(image: Any, labels: Any) -> str:
    found = summarise(from_arrays([("photo", image, labels)]))
    return " | ".join(message.text for message in found.messages)


def test_counts() -> None:
    both = data(8)
    found = summarise(both, split_of(both))
    assert (found.images, found.objects) == (8, 32)
    assert (found.training_images, found.training_objects) == (5, 20)
    assert (found.validation_images, found.validation_objects) == (3, 12)
    assert found.messages == () and found.usable
    assert found.as_json()["messages"] == []


def test_images_that_may_not_judge_are_on_neither_side() -> None:
    found = split_of(data(8))
    fair = found.without([found.validation[0][:16]])
    summary = summarise(data(8), fair)
    assert (summary.images, summary.training_images, summary.validation_images) == (8, 5, 2)
    assert (summary.objects, summary.training_objects, summary.validation_objects) == (32, 20, 8)


def test_good_data_get_no_warning() -> None:
    assert said(*squares(0)) == ""


def test_nothing_labelled() -> None:
    image, labels = squares(0, objects=0)
    found = summarise(from_arrays([("photo", image, labels)]))
    assert not found.usable
    assert [m.level for m in found.messages] == ["warning", "error"]


def test_a_giant_object() -> None:
    image, labels = squares(0)
    labels[:, :60] = 1
    assert "more than half of the image" in said(image, labels)


def test_specks() -> None:
    image, labels = squares(0)
    labels[0, 0] = 9
    text = said(image, labels)
    assert "less than 8 pixels across" in text
    assert "less than 24 pixels are not used" in text


def test_a_mask_of_classes() -> None:
    image, labels = squares(0)
    assert "look like classes" in said(image, (labels > 0).astype(np.uint8))
    assert "look like classes" not in said(image, labels)


def test_a_region_without_objects() -> None:
    labels = np.zeros((100, 100), int)
    for number in range(20):
        row, column = divmod(number, 10)
        labels[row * 10 : row * 10 + 8, column * 10 : column * 10 + 8] = number + 1
    image = np.random.default_rng(0).random((100, 100))
    assert "a large part of the image has no object" in said(image, labels)
    labels[50:60, 10:90:2] = 65535  # it is said that nothing is known there
    labels[80:90, 10:90:2] = 65535
    assert "a large part" not in said(image, labels)


def test_an_empty_image() -> None:
    _, labels = squares(0)
    assert "one single value" in said(np.zeros((64, 64)), labels)


def test_duplicates_and_notes() -> None:
    twice = combine([data(1), from_arrays([("copy", *squares(0))])])
    assert "image0, copy are the same image" in summarise(twice).messages[0].text


def test_names_are_counted() -> None:
    empty = from_arrays([(f"e{n}", *squares(n, objects=0)) for n in range(7)])
    assert (
        summarise(combine([data(1), empty]))
        .messages[0]
        .text.startswith("e0, e1, e2, e3 and 3 more: nothing is labelled")
    )


def test_pixels_of_any_kind() -> None:
    image, labels = squares(0)
    assert said(image > 80, labels) == ""
    assert "one single value" in said(np.ones(labels.shape, bool), labels)
    holes = image.astype(np.float32)
    holes[3, 3] = np.nan
    assert "no finite numbers" in said(holes, labels)


def test_little_memory_is_needed_beside_a_large_image() -> None:
    labels = np.kron(np.arange(40 * 40).reshape(40, 40), np.ones((50, 50), int)).astype(np.uint16)
    large = from_arrays([("photo", labels, labels)])
    tracemalloc.start()
    try:
        summarise(large)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * labels.size


def test_the_gap_of_a_large_image_is_found_on_a_coarse_map(monkeypatch: Any) -> None:
    full = np.zeros((90, 90), np.uint16)
    for number in range(25):
        row, column = divmod(number, 5)
        full[5 + 18 * row : 11 + 18 * row, 5 + 18 * column : 11 + 18 * column] = number + 1
    half = full * (np.arange(90) < 40)[:, None].astype(np.uint16)
    half[0:3, 0:90:8] = 40 + np.arange(12, dtype=np.uint16)
    image = np.arange(8100.0).reshape(90, 90)
    for most in (1024, 30):
        monkeypatch.setattr("napari_fclick.finetuning.summary.COARSE", most)
        assert "a large part" in said(image, half)
        assert "a large part" not in said(image, full)
