"""Objects are drawn by weight and tested in a fixed order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from tests.finetuning.scenes import data, squares

from napari_fclick.finetuning.objects import LearningSet, objects_of, parted, probes
from napari_fclick.finetuning.sources import Correction, LabelledImage, from_arrays

CLICKS = ((8.0, 8.0, True), (20.0, 20.0, False), (9.0, 12.0, True))


def corrected() -> LabelledImage:
    return replace(data(1).images[0], corrections=(Correction(0, 1, CLICKS),))


def test_corrected_objects_are_drawn_more_often() -> None:
    learning = LearningSet("own", [corrected()], corrections=1.0)
    rng = np.random.default_rng(0)
    counts = Counter(learning.draw(rng).label for _ in range(3000))
    # Two further clicks: a weight of 3 beside three objects of weight 1.
    assert abs(counts[1] / 3000 - 3 / 6) < 0.03
    assert set(counts) == {1, 2, 3, 4}


def test_real_clicks_come_as_they_were() -> None:
    learning = LearningSet("own", [corrected()], real_clicks=0.5)
    rng = np.random.default_rng(0)
    drawn = [ref.clicks for _ in range(2000) if (ref := learning.draw(rng)).label == 1]
    given = [clicks for clicks in drawn if clicks]
    assert abs(len(given) / len(drawn) - 0.5) < 0.08
    assert set(given) == {CLICKS[:1], CLICKS[:2], CLICKS}
    assert not any(ref.clicks for ref in learning.objects)


def test_planes_of_objects() -> None:
    image, labels = squares(0)
    stack = from_arrays([("z", np.stack([image, 255 - image]), np.stack([labels, labels]))])
    learning = LearningSet("own", stack.images)
    second = next(ref for ref in learning.objects if ref.index == 1)
    assert np.array_equal(learning.plane(second).image, 255 - image)


def test_tested_objects_are_the_same_in_any_order() -> None:
    images = data(4).images
    keys = [probe.key for probe in probes(images)]
    assert len(keys) == len(set(keys)) == 16
    assert keys == [probe.key for probe in probes(images[::-1])]
    assert keys == [probe.key for probe in probes([*images, images[0]])]
    # One of each image in turn, so that the first few are of all images.
    assert len({key.partition("/")[0] for key in keys[:4]}) == 4


def test_an_object_through_a_volume_is_tested_once() -> None:
    image, labels = squares(0)
    smaller = np.where(np.indices(labels.shape)[0] % 16 < 12, labels, 0)
    volume = from_arrays([("z", np.stack([image] * 2), np.stack([smaller, labels]))]).images[0]
    assert volume.linked
    assert len(objects_of(volume)) == 8
    found = probes([volume])
    assert sorted(p.ref.label for p in found) == [1, 2, 3, 4]
    assert all(p.ref.index == 1 for p in found)


def test_what_chooses_does_not_judge() -> None:
    found = probes(data(12).images)
    watched, judging = parted(found)
    assert len(watched) + len(judging) == len(found)
    assert not {p.key for p in watched} & {p.key for p in judging}
    assert 0.2 < len(watched) / len(found) < 0.5
    more = parted(probes(data(14).images))[0]
    assert {p.key for p in watched} <= {p.key for p in more}  # for good
    again = parted(probes(data(6).images))[0]
    assert again == []  # too few: all judge
    assert len(parted(probes(data(6).images))[1]) == 24
