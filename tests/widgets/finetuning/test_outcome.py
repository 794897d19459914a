"""The result in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.widgets.finetuning.fakes import changed, result

from napari_fclick.widgets.finetuning.outcome import (
    ChangedObject,
    DataSummary,
    FigureRow,
    Outcome,
)


@pytest.mark.parametrize(
    ("name", "low", "high", "direction", "label"),
    [
        ("NoC@85", -3.0, -1.0, 1, "Clicks to 85 %"),
        ("NoC@90", 0.5, 2.0, -1, "Clicks to 90 %"),
        ("NoC@85", -3.0, 0.1, 0, "Clicks to 85 %"),
        ("NoC", -3.0, -1.0, 1, "Mean of both"),
        ("NoC10", -3.0, -1.0, 1, "Ten at most"),
        ("IoU@1", 0.1, 0.2, 1, "IoU, 1 click"),
        ("IoU@5", -0.2, -0.1, -1, "IoU, 5 clicks"),
    ],
)
def test_fewer_clicks_and_more_overlap_are_better(
    name: str, low: float, high: float, direction: int, label: str
) -> None:
    row = FigureRow(name=name, before=1, after=2, low=low, high=high)
    assert row.direction == direction
    assert row.label == label


@pytest.mark.parametrize("word", ["better", "not better", "forgets", "cannot be proved"])
def test_each_verdict_has_a_headline(word: str) -> None:
    outcome = Outcome.model_validate(result(Path("x"), outcome=word))
    assert outcome.headline.endswith(".")
    assert ("stay" in outcome.headline) == (word != "better")


def test_what_was_not_compared_is_said() -> None:
    better = Outcome.model_validate(result(Path("x")))
    assert better.headline_beside("cells") == (
        "Better than default; not compared with cells, which is in use."
    )
    assert better.headline_beside("default") == better.headline_beside(None) == better.headline
    refused = Outcome.model_validate(result(Path("x"), promoted=False))
    assert refused.headline_beside("cells") == refused.headline


def test_the_summary_says_what_is_learned_from() -> None:
    some = DataSummary(images=8, objects=1234, training_images=6, validation_images=2)
    assert some.text == (
        "8 images, 1,234 objects: 6 are learned from, 2 are held back to judge by."
    )
    one = DataSummary(images=1, objects=1, training_images=1, validation_images=0)
    assert one.text == "1 image, 1 object: 1 is learned from, none held back."
    assert one.usable
    assert not one.model_copy(update={"messages": (("error", "nothing"),)}).usable


def test_objects_that_are_as_they_were_are_told_apart() -> None:
    told = changed()
    assert ChangedObject.model_validate(told).differs
    same = {"mask_after": told["mask_before"], "ious_after": told["ious_before"]}
    assert not ChangedObject.model_validate(told | same).differs
