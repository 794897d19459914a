"""Sessions: clicks, predictions, objects, undo, planes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.session.making import SIZE, Clock, answer, make, put

from napari_fclick.core.clicks import ClickError
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.session import Place, Session, SessionError, accepting


def test_a_negative_first_click_is_refused() -> None:
    session = make()
    with pytest.raises(ClickError, match="first click"):
        session.add(5, 5, positive=False)
    with pytest.raises(ClickError, match="outside the image"):
        session.add(5, SIZE)
    assert not session.can_undo


def test_undo_of_an_accepted_object_brings_its_clicks_back() -> None:
    session = make()
    put(session, 20, 20)
    session.undo()
    assert not session.labels.any()
    assert len(session.clicks) == 1
    assert session.prediction is not None
    assert not session.objects
    assert session.objects.typical_side is None
    session.redo()
    assert np.count_nonzero(session.labels == 1) == 81
    assert session.objects.typical_side == 11
    assert not session.clicks


def test_undo_keeps_what_a_brush_has_changed_since() -> None:
    session = make()
    put(session, 20, 20)
    said: list[str] = []
    session.reported.connect(said.append)
    session.labels[20, 20:22] = 7
    session.undo()
    assert np.count_nonzero(session.labels) == 2
    assert said == ["2 px had been changed otherwise and stay as they are"]
    session.redo()
    assert np.count_nonzero(session.labels == 1) == 79
    assert np.count_nonzero(session.labels == 7) == 2


def test_redo_does_not_write_again_what_a_brush_erased() -> None:
    session = make()
    put(session, 20, 20)
    session.labels[20, 18:22] = 0
    corrected = session.labels.copy()
    for _ in range(3):
        session.undo()
        assert not session.labels.any()
        session.redo()
        assert np.array_equal(session.labels, corrected)


def test_settings_are_undone_and_need_no_prediction() -> None:
    session = make()
    session.add(20, 20)
    answer(session)
    generation = session.answers.generation
    for threshold in (0.4, 0.3, 0.2):
        session.set(threshold=threshold)
    session.set(integrity=False)
    assert session.answers.generation == generation
    session.undo()
    assert session.settings.integrity
    assert session.settings.threshold == 0.2
    session.undo()  # the slider's moves are one step
    assert session.settings.threshold == 0.5
    with pytest.raises(SessionError, match="within 0 to 1"):
        session.set(threshold=1.5)


def test_only_the_moves_of_a_slider_are_one_step() -> None:
    clock = Clock()
    session = Session(np.zeros((SIZE, SIZE)), clock=clock)
    session.set(integrity=False)
    session.set(integrity=True)
    session.undo()
    assert not session.settings.integrity
    session.undo()
    session.set(threshold=0.4)
    clock.now += 5
    session.set(threshold=0.3)
    session.undo()
    assert session.settings.threshold == 0.4
    session.undo()
    session.set(threshold=0.4)
    session.set(threshold=0.5)  # back where it was: nothing to undo
    assert not session.can_undo


# --- planes -----------------------------------------------------------------------------


def stack() -> tuple[Session, Any, Any]:
    image = np.zeros((4, SIZE, SIZE), np.uint16)
    labels = np.zeros(image.shape, np.uint16)
    return Session(image[1], labels, Place((1, 2), (1,))), image, labels


def test_each_plane_has_its_draft_and_its_place_in_the_labels() -> None:
    session, image, labels = stack()
    session.add(10, 10)
    session.show(Place((1, 2), (3,)), image[3])
    assert not session.clicks
    put(session, 30, 30)
    assert np.unique(np.nonzero(labels)[0]).tolist() == [3]
    session.show(Place((1, 2), (1,)), image[1])
    assert len(session.clicks) == 1
    answer(session)
    accepting.accept(session)
    assert np.count_nonzero(labels[1] == 2) == 81


def test_undo_finds_the_plane_again() -> None:
    session, image, labels = stack()
    put(session, 10, 10)
    session.show(Place((1, 2), (2,)), image[2])
    moved: list[Place] = []
    session.place_changed.connect(moved.append)
    session.undo()
    assert not labels.any()
    assert moved == [Place((1, 2), (1,))]
    assert not session.clicks
    session.show(moved[0], image[1])
    assert len(session.clicks) == 1


def test_undo_writes_into_the_labels_of_then() -> None:
    session = make()
    first = session.labels
    put(session, 20, 20)
    session.set_labels(np.zeros((SIZE, SIZE), np.uint8))
    put(session, 40, 40)
    session.undo()
    session.undo()
    session.undo()
    assert not first.any()


def test_places() -> None:
    place = Place((0, 2), (5,))
    assert place.where(slice(1, 2), slice(3, 4)) == (slice(1, 2), 5, slice(3, 4))
    assert place.point(1, 2) == (1, 5, 2)
    assert place.plane_shape((7, 8, 9)) == (7, 9)
    assert place.within((7, 8, 9))
    assert not place.within((7, 5, 9))
    assert not place.within((7, 8))
    with pytest.raises(ValueError, match="increasing"):
        Place((1, 0))


# --- anything ---------------------------------------------------------------------------

spot = st.integers(0, SIZE - 1)
action = st.one_of(
    st.tuples(st.just("add"), spot, spot, st.booleans()),
    st.tuples(st.just("remove"), st.integers(0, 5)),
    st.tuples(st.just("move"), st.integers(0, 5), spot, spot),
    st.tuples(st.just("promote"), st.integers(0, 5)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("accept")),
    st.tuples(st.just("policy"), st.sampled_from(list(OverlapPolicy))),
    st.tuples(st.just("plane"), st.integers(0, 3)),
)


def act(session: Session, image: Any, name: str, *values: Any) -> None:
    try:
        if name == "policy":
            session.set(policy=values[0])
        elif name == "plane":
            session.show(Place((1, 2), (values[0],)), image[values[0]])
        elif name == "accept":
            if session.answers.pending:
                answer(session)
            accepting.accept(session)
        else:
            getattr(session, name)(*values)
    except (ClickError, SessionError):
        pass


def state(session: Session, labels: Any) -> Any:
    drafts = {place: session.drafts.at(place).clicks for place in session.drafts.clicked}
    return drafts, session.settings, dict(session.objects), labels.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(action, max_size=30))
def test_undo_and_redo_retrace_every_step(actions: list[Any]) -> None:
    session, image, labels = stack()
    states = [state(session, labels)]
    session.stepped.connect(
        lambda _, how: states.append(state(session, labels)) if how == "do" else None
    )
    for each in actions:
        act(session, image, *each)
    last = state(session, labels)
    while session.can_undo:
        session.undo()
    assert state(session, labels)[0] == {}
    assert not labels.any()
    assert not session.objects
    while session.can_redo:
        session.redo()
        assert state(session, labels) in states
    assert state(session, labels) == last


def test_hundreds_of_levels() -> None:
    session = make()
    for i in range(400):
        session.add(i % SIZE, (i * 7) % SIZE)
    for _ in range(400):
        session.undo()
    assert not session.clicks
    assert not session.can_undo


def test_a_click_does_not_contradict_another() -> None:
    session = make()
    session.add(20, 20)
    session.add(30, 30, positive=False)
    for change in (lambda: session.add(20, 20, positive=False), lambda: session.move(1, 20, 20)):
        with pytest.raises(ClickError, match="as on the object and as not on it"):
            change()
    assert [click.pixel for click in session.clicks] == [(20, 20), (30, 30)]
