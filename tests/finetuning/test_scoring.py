"""The same objects before and after, and how sure the difference is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.finetuning.fakes import Threshold
from tests.finetuning.scenes import data

from napari_fclick.evaluation.games import unpack_mask
from napari_fclick.finetuning import scoring
from napari_fclick.finetuning.objects import probes
from napari_fclick.finetuning.scoring import Score, compare, curve, mean, most_changed, play

PROBES = probes(data(2).images)


def score(number: int, *ious: float) -> Score:
    return Score(PROBES[number], ious, "")


def test_figures_by_hand() -> None:
    *figures, early = score(0, 0.5, 0.83, 0.86, 0.95).figures
    assert figures == [3, 4, 0.5, 0.86, 0.95, pytest.approx(12**0.5)] and early == 3
    # Never reached: 20 clicks; done early: the last IoU stays.
    assert score(0, 0.5, 0.6).figures == (20, 20, 0.5, 0.6, 0.6, 20, 10)
    assert score(0, *[0.1] * 12, 0.95).figures[-1] == 10


def test_a_good_method_scores_well() -> None:
    good = play(Threshold(9), PROBES)
    assert len(good) == 8
    assert mean(good)["NoC@85"] < 2
    assert mean(play(Threshold(2), PROBES))["NoC@85"] > 3
    assert mean([]) == {}
    assert len(curve(good)) == scoring.MOST and curve([]) == []


def test_the_first_mask_is_kept() -> None:
    first = play(Threshold(9), PROBES[:1])[0]
    mask = unpack_mask(first.first, (64, 64))
    truth = PROBES[0].plane.labels == PROBES[0].ref.label
    assert np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth) == pytest.approx(
        first.ious[0]
    )


def test_only_what_surrounds_an_object_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "SURROUNDINGS", 12)
    seen = []

    class Watching(Threshold):
        def predict(self, image, clicks, previous=None, *, typical_side=None):  # type: ignore[no-untyped-def]
            seen.append(image.shape)
            return super().predict(image, clicks, previous)

    found = play(Watching(9), PROBES[:1])[0]
    assert max(seen[0]) < 64
    assert found.ious == play(Threshold(9), PROBES[:1])[0].ious


def test_time_is_bounded_and_it_can_be_stopped() -> None:
    assert play(Threshold(9), PROBES, seconds=0) == []
    told: list[int] = []
    assert len(play(Threshold(9), PROBES[:3], played=lambda: told.append(1))) == len(told) == 3
    asked = iter([False, False, True])
    assert len(play(Threshold(9), PROBES, stop=lambda: next(asked))) == 2


def test_no_object_is_begun_that_would_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(scoring.time, "monotonic", lambda: now[0])

    class Slow(Threshold):
        def predict(self, image, clicks, previous=None, *, typical_side=None):  # type: ignore[no-untyped-def]
            now[0] += 10 / scoring.MOST  # 10 s an object: it is never reached
            return super().predict(image, clicks, previous)

    # After two objects 20 s are gone; a third one would end at 30.
    assert len(play(Slow(0), PROBES, seconds=29)) == 2


def test_paired_intervals() -> None:
    before = [score(n, 0.1, 0.2, 0.3, 0.95) for n in range(8)]
    after = [score(n, 0.1, 0.95) for n in range(8)]
    found = compare(before, after)
    assert found is not None
    noc = found.figure("NoC@85")
    # Each object needs two clicks fewer: nothing is left to chance.
    assert (noc.before, noc.after, noc.change, noc.low, noc.high) == (4, 2, -2, -2, -2)
    assert (found.objects, found.images) == (8, 2)
    json.dumps(found.as_json())
    both = found.figure("NoC")
    assert (both.before, both.after) == (pytest.approx(4), pytest.approx(2))
    assert (both.low, both.high) == (pytest.approx(-2), pytest.approx(-2))
    mixed = [score(n, 0.1, 0.95) if n % 2 else score(n, *[0.1] * 5, 0.95) for n in range(8)]
    unsure = compare(before, mixed)
    assert unsure is not None
    assert unsure.figure("NoC@85").low < 0 < unsure.figure("NoC@85").high


def test_one_hard_object_does_not_outweigh_the_others() -> None:
    """The geometric mean tells by which part clicks shrink: half of them, but for one object."""
    before = [score(n, *[0.1] * (3 if n else 9), 0.95) for n in range(8)]
    after = [score(n, *[0.1] * (1 if n else 19), 0.95) for n in range(8)]
    found = compare(before, after)
    assert found is not None
    both, plain = found.figure("NoC"), found.figure("NoC@85")
    assert both.before == pytest.approx((4**7 * 10) ** (1 / 8))
    assert both.after == pytest.approx((2**7 * 20) ** (1 / 8))
    assert mean(after)["NoC"] == pytest.approx(both.after, abs=1e-4)
    assert (plain.before, plain.after) == (38 / 8, 34 / 8)
    assert both.high < 0.5 < plain.high


def test_only_common_objects_are_compared() -> None:
    before = [score(n, 0.95) for n in range(8)]
    assert compare(before, before[:1]) is None
    found = compare(before, before[3:6])
    assert found is not None and found.objects == 3


def test_what_changed_most_comes_first() -> None:
    before = [score(0, 0.95), score(1, 0.2, 0.3, 0.95), score(2, 0.9)]
    after = [score(0, 0.95), score(1, 0.95), score(2, 0.95)]
    rows = most_changed(before, after, most=2)
    assert [row["label"] for row in rows] == [PROBES[1].ref.label, PROBES[2].ref.label]
    digests = {image.digest[:16] for image in data(2).images}
    assert digests >= {row["digest"] for row in rows}
    assert (rows[0]["noc_before"], rows[0]["noc_after"]) == (3, 1)
    json.dumps(rows)
