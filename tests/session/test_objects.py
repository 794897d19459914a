"""Accepted objects and the labels they are in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.session.making import SIZE, answer, check_object_1_is_refused, make, put

from napari_fclick.session import NumberedLabels, Session, SessionError, accepting, editing
from napari_fclick.session.classes import rename_class


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((SIZE, SIZE + 1), int), "do not fit"),
        (np.zeros((2, SIZE, SIZE), int), "do not fit"),
        (np.zeros((SIZE, SIZE)), "no whole numbers"),
    ],
)
def test_labels_that_do_not_fit(labels: Any, message: str) -> None:
    with pytest.raises(SessionError, match=message):
        make().set_labels(labels)


def test_two_images_in_one_labels_layer() -> None:
    target = NumberedLabels(np.zeros((SIZE, SIZE), int))
    first, second = (Session(np.zeros((SIZE, SIZE)), target) for _ in range(2))
    assert put(first, 10, 10).label == 1
    assert put(second, 30, 30).label == 2
    assert first.objects.next_label == second.objects.next_label == 3
    first.undo()
    second.undo()
    assert put(second, 30, 30).label == 1
    with pytest.raises(SessionError, match="number 1 was given to another object"):
        first.redo()
    assert not first.objects
    second.undo()
    first.redo()
    assert list(first.objects) == [1]


def test_an_object_of_another_image_is_not_taken_over_while_that_is_open() -> None:
    target = NumberedLabels(np.zeros((SIZE, SIZE), int))
    first, second = (Session(np.zeros((SIZE, SIZE)), target) for _ in range(2))
    put(first, 10, 10)
    put(second, 30, 30)
    message = "object 1 was accepted for another image"
    check_object_1_is_refused(second, (10, 10), (2, 1), message)
    first.objects.let_go()
    editing.pick_up(second, 10, 10)
    accepting.accept(second)
    assert list(second.objects) == [2, 1]
    second.undo()
    assert second.objects.next_label == 3


def test_the_labels_change_their_shape() -> None:
    labels = SimpleNamespace(data=np.zeros((SIZE, SIZE), int))

    class Exchanged:
        dtype = labels.data.dtype
        shape = property(lambda _: labels.data.shape)

        def __getitem__(self, index: Any) -> Any:
            return labels.data[index]

        def __setitem__(self, index: Any, value: Any) -> None:
            labels.data[index] = value

    session = Session(np.zeros((SIZE, SIZE)), Exchanged())
    put(session, 40, 40)
    labels.data = np.zeros((9, 9), int)
    with pytest.raises(SessionError, match="labels' shape changed"):
        session.undo()
    assert list(session.objects) == [1]
    session.add(5, 5)
    answer(session)
    with pytest.raises(SessionError, match="labels' shape changed"):
        accepting.accept(session)


def test_an_object_gets_a_number_below_the_largest_one() -> None:
    session = make(np.uint8)
    session.labels[:4] = 255
    session.set_labels(session.labels)
    assert put(session, 30, 30).label == 1
    assert put(session, 30, 50).label == 2
    assert (session.labels[:4] == 255).all()


def test_full_labels_take_an_object_when_another_is_gone() -> None:
    session = make(np.uint8)
    session.labels.flat[:255] = np.arange(1, 256)
    session.set_labels(session.labels)
    assert not session.objects.full  # nobody has counted yet
    with pytest.raises(SessionError, match="256 is not within 1 to 255"):
        put(session, 30, 30)
    assert session.objects.full
    editing.delete(session, 7)
    assert accepting.accept(session).label == 7


def test_pixels_to_be_ignored_are_not_given_to_an_object() -> None:
    session = make(np.int32)
    session.labels[:4] = 65535
    session.set_labels(session.labels)
    assert put(session, 30, 30).label == 1
    with pytest.raises(SessionError, match="65535 is taken"):
        editing.renumber(session, 1, 65535)


def test_an_object_that_gets_a_class_was_not_accepted_anew() -> None:
    session = make()
    for at, radius in ((10, 3), (30, 5), (50, 8)):
        put(session, at, at, radius)
    editing.classify(session, [2, 1], "cell")
    rename_class(session, "cell", "nucleus")
    assert list(session.objects) == [1, 2, 3]
    session.undo()
    assert list(session.objects) == [1, 2, 3]
    editing.pick_up(session, 10, 10)
    session.add(10, 12)
    answer(session, 4)
    accepting.accept(session)
    assert list(session.objects) == [2, 3, 1]
