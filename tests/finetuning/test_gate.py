"""The gate lets in what is better beyond chance and has not forgotten; nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.finetuning.fakes import comparison
from tests.finetuning.scenes import data

from napari_fclick.finetuning.gate import judge
from napari_fclick.finetuning.objects import probes
from napari_fclick.finetuning.scoring import Score, compare

SAME = comparison(2.0, 2.0, 0.2)


def test_better_weights_are_promoted() -> None:
    verdict = judge(comparison(4, 2, 0.5), SAME)
    assert verdict.promoted and verdict.outcome == "better"
    assert "4.00 -> 2.00 clicks an object, the geometric mean" in verdict.reasons[0]
    assert "interval -2.50 to -1.50" in verdict.reasons[0]


@pytest.mark.parametrize(("after", "half"), [(3.6, 0.5), (4.0, 0.1), (5.0, 0.5), (3.5, 0.5)])
def test_what_may_be_chance_is_not(after: float, half: float) -> None:
    verdict = judge(comparison(4, after, half), SAME)
    assert not verdict.promoted and verdict.outcome == "not better"


def test_worse_is_called_worse() -> None:
    assert judge(comparison(4, 5, 0.5), SAME).reasons[0].startswith("worse")


@pytest.mark.parametrize("others", [{"NoC_90": 0.3}, {"IoU_1": -0.2}])
def test_one_figure_is_not_bought_with_another(others: dict[str, float]) -> None:
    verdict = judge(comparison(4, 2, 0.5, **others), SAME)
    assert not verdict.promoted
    assert f"worse in {next(iter(others)).replace('_', '@')}" in verdict.reasons[0]


def test_more_clicks_in_all_are_never_better() -> None:
    """Fewer for most objects, and many more for a few: the geometric mean alone would pass."""
    few = comparison(4, 2, 0.5, NoC_90=2.5)
    figures = [f if f.name != "NoC@90" else replace(f, low=-1.0, high=6.0) for f in few.figures]
    verdict = judge(replace(few, figures=tuple(figures)), SAME)
    assert verdict.outcome == "not better" and "worse in NoC@90" in verdict.reasons[0]


def test_forgetting() -> None:
    assert judge(comparison(), comparison(2, 2.1, 0.2)).promoted  # 5 % are allowed
    verdict = judge(comparison(), comparison(2, 2.12, 0.2))
    assert not verdict.promoted and verdict.outcome == "forgets"
    assert "+6.0%" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("validation", "general"),
    [
        (None, SAME),
        (comparison(objects=5), SAME),
        (comparison(), None),
        (comparison(), comparison(2, 2, objects=11)),
    ],
)
def test_too_little_proves_nothing(validation: object, general: object) -> None:
    verdict = judge(validation, general)  # type: ignore[arg-type]
    assert not verdict.promoted and verdict.outcome == "cannot be proved"


def test_what_to_do_is_said_by_what_was_missing() -> None:
    (short,) = judge(comparison(objects=4), SAME, there=33).reasons
    assert "there was time for 4 of 33; give it more minutes" in short
    assert "more images" not in short
    (none,) = judge(None, SAME, there=33).reasons
    assert "there was time for fewer than 2 of 33" in none
    (few,) = judge(comparison(objects=4), SAME, there=4).reasons
    assert few.endswith("there are 4; label more images")


def test_a_general_set_that_is_too_small_is_said_to_be() -> None:
    (small,) = judge(comparison(), comparison(objects=5), there=33, general_there=5).reasons
    assert "at least 12 objects that were not learned from are needed, there are 5" in small
    assert "minutes" not in small
    (none,) = judge(comparison(), None, there=33, general_there=0).reasons
    assert "there are 0; choose a larger set" in none
    (short,) = judge(comparison(), comparison(objects=5), there=33, general_there=40).reasons
    assert "at least 12 objects must be tested, there was time for 5 of 40" in short


def test_weights_that_learned_shuffled_labels_do_not_pass() -> None:
    """Changes that have nothing to do with the objects pass once in forty times at most."""
    assert promoted_of(60, alike=0.0) <= 4


def test_nor_do_they_where_the_objects_of_an_image_fare_alike() -> None:
    """An interval that takes each object to be of an image of its own lets them in more often."""
    assert promoted_of(200, alike=0.1) <= 10


def promoted_of(draws: int, alike: float) -> int:
    """Return how often changes are taken for a gain that are none, of 40 objects in few images.

    ``alike`` is the part of the variance that the objects of an image have in common.
    """
    found = probes(data(12).images)[:40]
    images = [probe.key.partition("/")[0] for probe in found]
    promoted = 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        sides = []
        for _ in range(2):  # before and after could be exchanged
            own = {image: rng.normal() for image in dict.fromkeys(images)}
            shared = np.array([own[image] for image in images])
            noise = np.sqrt(alike) * shared + np.sqrt(1 - alike) * rng.normal(size=len(found))
            sides.append(np.clip(np.rint(9 + 2 * noise), 1, 19).astype(int))
        before, after = (
            [Score(p, (*[0.1] * (n - 1), 0.95), "") for p, n in zip(found, row, strict=True)]
            for row in sides
        )
        promoted += judge(compare(before, after), SAME).promoted
    return promoted
