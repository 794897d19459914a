"""Objects like those accepted: where they are looked for, and what is taken for one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.session.blobs import DISCS, SHAPE, BlobPredictor, blobs, disc, labels_of

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import Kind
from napari_fclick.session import Place, Session, SessionError, similar
from napari_fclick.session.accepting import accept_found
from napari_fclick.session.likeness import (
    CLEAR,
    Likeness,
    Seen,
    learn,
    radius_of,
    region_of,
    sample,
)
from napari_fclick.session.similar import Found, Search, Signs
from napari_fclick.session.state import Answer, PredictionRequest, Settings

ASKED = Answer(1, 15.0)


def stored(y: float, x: float, radius: float = 7, shape: tuple[int, int] = SHAPE) -> StoredMask:
    mask = StoredMask.pack(disc(y, x, radius, shape))
    assert mask is not None
    return mask


def examples(count: int = 4) -> list[StoredMask]:
    return [stored(*at) for at in DISCS[:count]]


def seen_in(image: Any, masks: list[StoredMask], limits: Any = None) -> Seen:
    return Seen(image, limits, radius_of(masks), masks[-1].box.centre)


def likeness(image: Any, masks: list[StoredMask], taken: Any) -> Likeness:
    seen = seen_in(image, masks)
    return Likeness(seen, learn(sample(seen, masks, taken)))


def search(
    image: Any = None, predictor: Any = None, count: int = 4, settings: Settings | None = None
) -> Search:
    image = blobs() if image is None else image
    clicks = ClickSequence([Click(0, 0)])
    request = PredictionRequest(0, image, clicks, None, (ASKED,))
    taken = np.isin(labels_of(), range(1, count + 1))
    predictor = predictor or BlobPredictor()
    seen = seen_in(image, examples(count))
    look = learn(sample(seen, examples(count), taken))
    return Search(request, predictor, settings or Settings(), seen, look, taken)


# --- what pixels look like ---------------------------------------------------------------


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_what_looks_like_the_examples_scores_above_what_is_about_them(
    invert: bool, colour: bool
) -> None:
    image = 255 - blobs() if invert else blobs()
    if colour:
        image = np.stack([image, 255 - image, np.full_like(image, 90)], axis=-1)
    like = likeness(image, examples(), np.isin(labels_of(), range(1, 5)))
    assert like.region == (0, 0, *SHAPE)
    mask = labels_of() > 4
    small = like.score.shape
    rows = ((np.arange(small[0]) + 0.5) * SHAPE[0] / small[0]).astype(int)
    columns = ((np.arange(small[1]) + 0.5) * SHAPE[1] / small[1]).astype(int)
    inside = mask[np.ix_(rows, columns)]
    assert like.score[inside].mean() > 0 > like.score[~inside].mean()
    places = like.places()
    near = [min(np.hypot(y - a, x - b) for a, b in DISCS) for y, x in places]
    assert len(places) >= len(DISCS)
    assert max(near[: len(DISCS)]) <= 4
    assert like.contrast(stored(*DISCS[9])) > 3 * abs(like.contrast(stored(40, 40)))
    assert 0.5 < like.contrast(stored(*DISCS[9])) <= CLEAR


def test_large_objects_are_looked_at_small_and_large_planes_in_part() -> None:
    large = [stored(300, 300, 60, (700, 900))]
    image = np.zeros((700, 900), np.uint8)
    image[disc(300, 300, 60, (700, 900))] = 200
    like = likeness(image, large, np.zeros(image.shape, bool))
    assert like.score.shape == (70, 90)
    y, x = like.places()[0]
    assert abs(y - 300) < 40 and abs(x - 300) < 40


def test_a_plane_too_large_is_looked_at_in_part() -> None:
    far = StoredMask.pack(np.ones((12, 12), bool), 50_000, 400)
    assert far is not None
    region = region_of((100_000, 900), 7.0, far.box.centre)
    assert region.shape[0] < 3_000 and region.shape[1] == 900
    assert region.holds(far.box)
    edge = StoredMask.pack(np.ones((12, 12), bool), 99_980, 400)
    assert edge is not None
    assert region_of((100_000, 900), 7.0, edge.box.centre).bottom == 100_000


def test_nothing_about_the_examples_tells_nothing() -> None:
    like = likeness(blobs(), examples(), np.ones(SHAPE, bool))
    assert not like.score.any() and not like.places()


def test_a_lazy_pyramid_is_read_as_an_array_is() -> None:
    dask = pytest.importorskip("dask.array")
    image = blobs()
    levels = [dask.from_array(image, chunks=64), dask.from_array(image[::2, ::2], chunks=64)]
    taken = np.isin(labels_of(), range(1, 5))
    whole = likeness(image, examples(), taken)
    lazy = likeness(levels, examples(), taken)
    np.testing.assert_allclose(lazy.score, whole.score)


def test_what_objects_look_like_holds_in_another_plane() -> None:
    here = seen_in(blobs(), examples())
    look = learn(sample(here, examples(), np.isin(labels_of(), range(1, 5))))
    discs = [(y + 11, x - 9) for y, x in DISCS[:15]]
    there = Likeness(Seen(blobs(discs, seed=5), None, look.radius, (80, 100)), look)
    places = there.places()[: len(discs)]
    assert max(min(np.hypot(y - a, x - b) for a, b in discs) for y, x in places) <= 4
    colours = Seen(np.dstack([blobs(), 255 - blobs(), blobs()]), None, look.radius, (80, 100))
    with pytest.raises(ValueError, match="one image has colours, the other has none"):
        Likeness(colours, look)


# --- what is taken for an object ---------------------------------------------------------


def test_all_others_are_found_each_once_with_one_click() -> None:
    predictor = BlobPredictor()
    found = [each for each in search(predictor=predictor).run() if each is not None]
    assert len(found) == len(DISCS) - 4
    for each in found:
        y, x = each.click.pixel
        at = min(DISCS[4:], key=lambda d: np.hypot(d[0] - y, d[1] - x))
        truth = disc(*at)
        mask = each.mask.within(stored(80, 100, 300).box)
        assert (mask & truth).sum() / (mask | truth).sum() > 0.8
        assert similar.SURE <= each.sure <= 1 and each.asked == ASKED
    assert len({each.mask.box for each in found}) == len(found)
    assert {side for _, side, _ in predictor.asked} == {15.0}


def test_answers_that_the_network_is_not_sure_of_are_none() -> None:
    assert not any(search(predictor=BlobPredictor(confidence=0.62)).run())


def test_it_gives_up_after_places_in_a_row_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "PATIENCE", 3)
    predictor = BlobPredictor(confidence=0.62)
    assert list(search(predictor=predictor).run()) == [None] * 3
    assert len(predictor.asked) == 2 * 3


@pytest.mark.parametrize("radius", [4, 11])
def test_what_is_much_smaller_or_larger_is_none(radius: int) -> None:
    image = blobs()
    image[(labels_of() == 10)] = 40
    image[disc(*DISCS[9], radius)] = 170
    found = [each for each in search(image).run() if each is not None]
    assert len(found) == len(DISCS) - 5
    assert not any(each.mask.meets(stored(*DISCS[9], radius)) for each in found)


def test_what_others_have_is_not_found_again() -> None:
    one = search()
    one.take(stored(*DISCS[10]))
    found = [each for each in one.run() if each is not None]
    assert not any(each.mask.meets(stored(*DISCS[10])) for each in found)
    assert one.tried(*DISCS[11]) is None  # by now it is taken
    assert one.tried(*DISCS[0]) is None


def test_signs_are_weighed() -> None:
    good = Signs(0.95, 1.0)
    assert good.sure(similar.USUAL) > 0.7
    for name, less in (("confidence", 0.7), ("contrast", -1.0)):
        assert good._replace(**{name: less}).sure(similar.USUAL) < good.sure(similar.USUAL)
    assert good.sure(0.2) < good.sure(similar.USUAL) < good.sure(0.9)


def test_where_few_places_hold_an_object_more_is_asked_of_each() -> None:
    one, other = search(predictor=BlobPredictor(confidence=0.88)), search()
    before = one.tried(*DISCS[8], least=0.0)
    for at in [(40, 40), (40, 80), (80, 40), (80, 80), (120, 40), (120, 80)]:
        assert one.tried(*at) is None or other.tried(*at) is None  # nothing is there
    after = one.tried(*DISCS[8], least=0.0)
    assert before is not None and after is not None
    assert after.signs == before.signs and after.sure < before.sure


# --- writing -----------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def session(**settings: Any) -> tuple[Session, Clock]:
    clock = Clock()
    made = Session(blobs(), np.zeros(SHAPE, np.uint8), clock=clock)
    made.set(**settings)
    return made, clock


def found(y: float = 20, x: float = 20) -> Found:
    return Found(Click(y, x), stored(y, x), Signs(0.95, 1.0), 0.9, ASKED)


def test_what_was_found_is_written_and_nobodys_work() -> None:
    made, clock = session(class_name="cell", policy="replace")
    made.add(100, 100)
    clock.now += 5
    assert accept_found(made, made.place, found(), made.settings)
    record = made.objects[1]
    np.testing.assert_array_equal(made.labels == 1, disc(20, 20))
    assert (record.made, record.seconds, record.class_name) == (0, 0.0, "cell")
    part = record.parts[0]
    assert part.kind is Kind.FOUND and not part.by_person and part.derived(part.clicks.first)
    assert part.answers == (ASKED,) and part.settings.policy is OverlapPolicy.KEEP
    # What is being clicked stays, and so does the time spent on it.
    assert len(made.clicks) == 1 and not made.stopwatch.paused
    clock.now += 2
    made.add(104, 100)
    assert made.draft.seconds == 7
    made.undo()
    made.undo()
    assert not made.labels.any() and not made.objects


def test_others_keep_their_pixels_or_nothing_is_written() -> None:
    made, _ = session(policy="replace")
    made.labels[disc(20, 26, 4)] = 9
    assert accept_found(made, made.place, found(), made.settings)
    assert (made.labels == 9).sum() == disc(20, 26, 4).sum()
    assert not accept_found(made, made.place, found(21, 21), made.settings)
    assert set(np.unique(made.labels)) == {0, 9, 10}


def test_what_is_being_clicked_is_left_to_the_person() -> None:
    made, _ = session()
    predictor: Any = BlobPredictor()
    made.add(20, 20)
    assert not accept_found(made, made.place, found(), made.settings)  # before it is answered
    request = made.answers.request()
    assert request is not None
    assert made.answers.receive(made.place, request, request.run(predictor))
    assert not accept_found(made, made.place, found(15, 26), made.settings)
    assert not made.labels.any()
    assert accept_found(made, made.place, found(60, 60), made.settings)


def test_what_was_carried_to_the_plane_is_left_to_the_person() -> None:
    made, _ = session()
    carried = found(20, 20).mask
    assert not accept_found(made, made.place, found(22, 22), made.settings, carried)
    assert accept_found(made, made.place, found(60, 60), made.settings, carried)


def test_full_labels_are_told() -> None:
    made, _ = session()
    made.labels.flat[:255] = np.arange(1, 256)
    made.target.forget()  # type: ignore[union-attr]
    with pytest.raises(SessionError, match="not within 1 to 255"):
        accept_found(made, made.place, found(60, 60), made.settings)


def test_another_plane_may_be_on_show() -> None:
    image = np.stack([blobs()] * 3)
    made = Session(image[1], np.zeros(image.shape, np.uint8), Place((1, 2), (1,)))
    assert accept_found(made, Place((1, 2), (2,)), found(), made.settings)
    assert made.labels[2].any() and not made.labels[:2].any()


def test_new_objects_are_asked_for_as_if_nothing_were_clicked() -> None:
    made, _ = session()
    made.add(100, 100)
    request = made.answers.request_new(made.image, ClickSequence([Click(3, 4)]))
    assert request.previous is None and request.clicks.first.pixel == (3, 4)
    assert request.trail == (Answer(1, None, None, 0.0),)
