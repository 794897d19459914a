"""The objects that judge and those that are watched."""

from __future__ import annotations

import pytest
from tests.finetuning.fakes import Threshold
from tests.finetuning.scenes import data

from napari_fclick.finetuning.bench import LEAST_WATCHED, Bench

INFINITE = float("inf")


def test_later_scores_are_of_the_same_objects() -> None:
    told: list[int] = []
    bench = Bench(data(10).images, 40, lambda: told.append(1))
    bench.judge_base(Threshold(5), INFINITE)
    bench.watch_base(Threshold(5), INFINITE)
    assert bench.there == len(bench.judging)
    assert len(bench.judging) + len(bench.watched) == len(told) == 40
    for before, after in (
        (bench.judging, bench.test(Threshold(9), INFINITE)),
        (bench.watched, bench.look(Threshold(9))),
    ):
        assert [s.probe.key for s in before] == [s.probe.key for s in after]
    assert len(told) == 80


@pytest.mark.parametrize(("time_for", "watched"), [(LEAST_WATCHED, LEAST_WATCHED), (3, 0)])
def test_of_very_few_watched_objects_none_is(time_for: int, watched: int) -> None:
    played: list[int] = []
    images = data(10).images
    bench = Bench(images, 40, lambda: played.append(1), lambda: len(played) >= time_for)
    assert bench.watch_base(Threshold(5), INFINITE) > 0
    assert len(played) == time_for
    assert len(bench.watched) == watched
    assert (bench.watched_seconds > 0) == bool(watched)
