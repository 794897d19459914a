"""Accepting the object being clicked: what is written, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tests.session.making import SIZE, answer, make, put

from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.session import Session, SessionError, accepting


def test_accept_writes_the_mask_and_starts_the_next_object() -> None:
    session = make()
    record = put(session, 20, 30)
    assert record.label == 1
    assert record.box[:2] == (15, 25)
    assert record.side == 11
    assert record.area == np.count_nonzero(session.labels == 1) == 81
    assert record.seconds > 0
    assert not session.clicks
    assert session.objects.next_label == 2
    assert put(session, 40, 40).label == 2


def test_nothing_to_accept() -> None:
    session = make()
    with pytest.raises(SessionError, match="click on an object first"):
        accepting.accept(session)
    session.add(5, 5)
    with pytest.raises(SessionError, match="still being predicted"):
        accepting.accept(session)
    request = session.answers.request()
    assert request is not None
    session.answers.fail(request.generation, "out of memory")
    with pytest.raises(SessionError, match="out of memory"):
        accepting.accept(session)
    assert len(session.clicks) == 1
    assert not session.labels.any()


def test_an_empty_mask_is_refused() -> None:
    session = make()
    session.add(5, 5)
    answer(session)
    session.set(threshold=0.95)
    with pytest.raises(SessionError, match=r"empty at threshold 0\.95"):
        accepting.accept(session)


def test_no_labels_to_write_into() -> None:
    session = Session(np.zeros((SIZE, SIZE)))
    session.add(5, 5)
    answer(session)
    with pytest.raises(SessionError, match="choose a Labels layer"):
        accepting.accept(session)


@pytest.mark.parametrize("policy", list(OverlapPolicy))
def test_overlap_policies(policy: OverlapPolicy) -> None:
    session = make()
    said: list[str] = []
    session.reported.connect(said.append)
    session.set(policy=policy)
    put(session, 20, 20)
    before = session.labels.copy()
    put(session, 20, 26)
    replaced = np.count_nonzero((before == 1) & (session.labels == 2))
    assert bool(replaced) == (policy is OverlapPolicy.REPLACE)
    verb = "overwrote" if replaced else "kept"
    assert f"{verb} " in said[-1]
    assert said[-1].endswith("px of 1")
    for label, record in session.objects.items():
        assert record.area == np.count_nonzero(session.labels == label)
    session.undo()
    assert np.array_equal(session.labels, before)
    assert session.objects[1].area == 81


def test_a_mask_that_lies_in_another_object_is_not_lost() -> None:
    session = make()
    put(session, 20, 20, radius=9)
    session.add(21, 20)
    answer(session, radius=3)
    with pytest.raises(SessionError, match="belong to object 1"):
        accepting.accept(session)
    assert len(session.clicks) == 1


def test_numbers_in_use_are_not_used_again() -> None:
    session = make()
    session.labels[60, 60] = 41
    assert put(session, 20, 20).label == 42


def test_a_number_that_appeared_meanwhile_is_found() -> None:
    session = make(highest=0)
    session.labels[20, 20] = 1  # nobody told
    record = put(session, 20, 20)
    assert record.label == 2
    assert session.labels[20, 20] == 1
    session.target.saw(9)
    assert session.objects.next_label == 10


def test_numbers_beyond_the_dtype() -> None:
    session = make(np.uint8)
    session.labels[56:60].flat[:255] = np.arange(1, 256)  # all that there are
    session.add(20, 20)
    answer(session)
    with pytest.raises(SessionError, match=r"label 256 is not within 1 to 255.*wider dtype"):
        accepting.accept(session)
    assert len(session.clicks) == 1


def test_labels_that_cannot_be_written_change_nothing() -> None:
    session = make()
    put(session, 20, 20)
    session.add(40, 40)
    answer(session)
    session.labels.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        accepting.accept(session)
    assert len(session.clicks) == 1
    assert list(session.objects) == [1]
    session.undo()
    with pytest.raises(ValueError, match="read-only"):
        session.undo()
    assert list(session.objects) == [1]
    session.labels.flags.writeable = True
    session.undo()
    assert not session.labels.any()


def test_what_a_commit_would_do_is_foreseen_without_doing_it() -> None:
    session = make()
    assert accepting.foresee(session) is None  # nothing at hand
    put(session, 20, 20)
    session.add(20, 26)
    assert accepting.foresee(session) is None  # still to be predicted
    answer(session)
    before = session.labels.copy()
    foresee = accepting.foresee(session)
    assert foresee is not None
    kept = foresee().withheld
    assert set(kept) == {1}
    session.set(policy="replace")
    foresee = accepting.foresee(session)
    assert foresee is not None
    assert foresee().overwritten == kept == accepting.plan(session).overwritten
    assert (session.labels == before).all()


def test_foreseeing_counts_no_labels() -> None:
    """Where the next number is not known, all of the labels would have to be read."""
    session = make()
    session.set_labels(session.labels)
    session.add(20, 26)
    answer(session)
    assert accepting.foresee(session) is None
    assert not session.objects.knows_next_label
