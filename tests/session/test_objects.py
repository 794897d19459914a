"""Accepted objects and the labels they are in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.session.making import SIZE, answer, check_object_1_is_refused, make, put

from napari_fclick.session import NumberedLabels, Session, SessionError, accepting, editing


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
