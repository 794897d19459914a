"""What happens while a prediction, weights or the counting of labels is awaited."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from tests.session.fakes import FakePredictor
from tests.widgets.steps import GRAY, accept_at


def test_the_newest_click_wins(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    predictor.gate = threading.Event()
    for x in range(10, 60, 5):
        widget.controller.click(20, x)
    predictor.gate.set()
    assert widget.wait_idle()
    assert len(predictor.asked) <= 2
    assert len(widget.controller.session.prediction.clicks) == 10


def test_accept_while_pending_and_clicks_after_it(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    predictor.gate = threading.Event()
    controller = widget.controller
    controller.click(20, 20)
    controller.accept()
    assert "as soon as" in widget.message.text()
    controller.click(40, 50)  # belongs to the next object
    assert controller.labels is None
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == [1]
    assert controller.labels.data[20, 20] == 1
    assert controller.labels.data[40, 50] == 0
    assert [c.pixel for c in controller.session.clicks] == [(40, 50)]
    assert controller.session.prediction is not None


def test_accept_while_pending_is_called_off_by_a_change(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    predictor.gate = threading.Event()
    controller = widget.controller
    controller.click(20, 20)
    controller.accept()
    controller.move(0, 30, 30)
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects
    assert controller.session.prediction is not None


def test_labels_that_are_removed_call_it_off_and_it_is_said_why(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    labels = controller.viewer.add_labels(np.zeros(GRAY.shape, np.uint8), name="mine")
    controller.annotated.choose_labels(labels)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.viewer.layers.remove(labels)
    assert controller.messages.text.startswith("labels layer 'mine' was removed")
    predictor.gate.set()
    assert widget.wait_idle()
    assert len(controller.session.clicks) == 1 and not controller.session.objects


def test_a_correction_does_not_go_into_a_new_layer(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    labels = np.zeros(GRAY.shape, np.int32)
    labels[20:40, 20:40] = 5
    layer = controller.viewer.add_labels(labels, name="mine")
    controller.annotated.choose_labels(layer)
    controller.objects.pick_up_at(30, 30)
    controller.click(30, 42)
    assert widget.wait_idle()
    controller.annotated.choose_labels(None)
    controller.accept()
    assert "choose the Labels layer that object 5 is in" in widget.message.text()
    assert len(controller.viewer.layers) == 4
    controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    controller.accept()
    assert labels[30, 45] == 5


def test_an_error_is_told_and_the_clicks_are_kept(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    predictor.error = RuntimeError("out of memory")
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    assert widget.message.text() == "no prediction: out of memory"
    assert "color" in widget.message.styleSheet()
    assert len(widget.controller.session.clicks) == 1
    widget.controller.accept()
    assert "out of memory" in widget.message.text()
    predictor.error = None
    widget.controller.click(24, 20)
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None


def test_weights_that_cannot_be_loaded(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()

    def load(weights: str, device: str) -> Any:
        raise ValueError(f"no such device: {device}")

    widget.controller._predicting._load = load
    widget.controller.weights.load("default", "cuda")
    assert widget.wait_idle()
    assert widget.message.text() == "no such device: cuda"
    assert widget.controller.weights.predictor is predictor
    widget.controller.click(24, 20)
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None


def test_clicks_without_weights_are_kept_and_told(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    predicting = widget.controller._predicting
    predicting.predictor, predicting._problem = None, "no weights named 'x'"
    widget.controller.click(20, 20)
    assert widget.message.text() == "no prediction: no weights named 'x'"
    assert len(widget.controller.session.clicks) == 1


def test_other_weights_predict_anew(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    asked = len(predictor.asked)
    widget.controller.weights.load("default", "cpu")
    assert widget.wait_idle()
    assert len(predictor.asked) == asked + 1
    assert "discs on cpu" in widget.sections["image"].text()


def test_turning_the_view_with_an_accept_pending_loses_nothing(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    viewer, controller = widget.controller.viewer, widget.controller
    viewer.dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    viewer.dims.order = (1, 0, 2)
    assert "not accepted" in widget.message.text()
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects
    viewer.dims.order = (0, 1, 2)
    assert widget.wait_idle()
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    assert controller.session.prediction is not None


class Counting:
    """Stands in for the counting of labels: it waits to be let on, and may fail."""

    def __init__(self, monkeypatch: Any) -> None:
        self.gate, self.problem = threading.Event(), ""
        self.threads: list[Any] = []
        monkeypatch.setattr("napari_fclick.widgets.targets.numbers_in", self)
        monkeypatch.setattr("napari_fclick.session.numbering.numbers_in", self)

    def __call__(self, labels: Any) -> Any:
        self.threads.append(threading.current_thread())
        assert self.gate.wait(10)
        if self.problem:
            raise OSError(self.problem)
        return np.unique(labels[:, :])[1:]


@pytest.mark.parametrize("problem", ["", "disk gone"])
def test_accepting_waits_for_the_labels_to_be_counted(
    problem: str, open_dock: Any, monkeypatch: Any
) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    counting = Counting(monkeypatch)
    data = np.zeros(GRAY.shape, int)
    data[50, 50] = 5
    labels = viewer.add_labels(data)
    controller.annotated.choose_labels(labels)
    controller.accept()
    assert "counted" in widget.message.text()
    assert not controller.session.objects
    labels.paint((40, 40), 8)  # while they are counted
    counting.problem = problem
    counting.gate.set()
    assert widget.wait_idle()
    assert threading.main_thread() not in counting.threads
    if problem:
        assert problem in widget.message.text()
        assert not controller.accepting
        assert len(controller.session.clicks) == 1
    else:
        assert list(controller.session.objects) == [9]


def test_undo_takes_the_clicks_that_wait_first(
    open_dock: Any, mouse: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    hand = mouse(controller.viewer)
    predictor.gate = threading.Event()
    hand.click((20, 20))
    controller.accept()
    hand.click((20, 20))  # on the marker: a click for the next object
    hand.click((40, 40))
    assert len(controller._accepting.clicks) == 2
    controller.undo()
    assert controller._accepting.clicks == [(20, 20, True)]
    controller.undo()
    assert controller.accepting
    controller.undo()
    assert not controller.accepting
    assert "not accepted" in widget.message.text()
    assert len(controller.session.clicks) == 1


def test_what_a_change_calls_off_is_told(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.click(40, 40)
    controller.move(0, 22, 22)
    assert "1 click made since was not added" in widget.message.text()


def test_clicks_that_are_lost_are_told_with_the_reason(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_at(widget, (20, 20))
    predictor.gate, predictor.radius = threading.Event(), 3
    controller.click(21, 20)  # all of it is the first object's
    controller.accept()
    controller.click(40, 40)
    controller.click(40, 50)
    predictor.gate.set()
    assert widget.wait_idle()
    assert widget.message.text() == (
        "nothing to write: all its pixels belong to object 1 (overlap policy 'keep'); 2 clicks "
        "made since were not added"
    )
    controller.clear()
    predictor.gate, predictor.error = threading.Event(), RuntimeError("out of memory")
    controller.click(40, 20)
    controller.accept()
    controller.click(40, 40)
    predictor.gate.set()
    assert widget.wait_idle()
    assert widget.message.text() == (
        "no prediction: out of memory; 1 click made since was not added"
    )


def test_objects_clicked_faster_than_they_are_predicted(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    predictor.gate = threading.Event()
    for point in ((10, 10), (30, 30), (50, 60)):
        controller.click(*point)
        controller.accept()
        controller.accept()  # pressed twice: there is nothing more to accept
    controller.click(10, 60)
    predictor.gate.set()
    assert widget.wait_idle()
    clicks = [record.clicks for record in controller.session.objects.values()]
    assert [[c.pixel for c in each] for each in clicks] == [[(10, 10)], [(30, 30)], [(50, 60)]]
    assert [c.pixel for c in controller.session.clicks] == [(10, 60)]


def test_what_waits_is_accepted_in_its_slice_wherever_one_has_scrolled(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.click(40, 40)  # of the next object
    dims.set_current_step(0, 3)
    assert not controller.accepting
    assert widget.unaccepted.text() == "unaccepted clicks in slice 1"
    controller.click(20, 60)
    predictor.gate.set()
    assert widget.wait_idle()
    session = controller.session
    assert list(session.objects) == [1]
    assert session.objects[1].place.index == (1,)
    assert np.count_nonzero(controller.labels.data[1]) == 81
    assert not controller.labels.data[3].any()
    assert dims.current_step[0] == 3
    assert [c.pixel for c in session.clicks] == [(20, 60)]
    assert session.prediction is not None
    assert widget.unaccepted.text() == "unaccepted clicks in slice 1"
    dims.set_current_step(0, 1)
    assert widget.wait_idle()
    assert widget.unaccepted.text() == "unaccepted clicks in slice 3"
    assert [c.pixel for c in session.clicks] == [(40, 40)]
    controller.accept()
    dims.set_current_step(0, 3)
    controller.accept()
    assert widget.wait_idle()
    assert widget.unaccepted.isHidden()
    assert [record.place.index for record in session.objects.values()] == [(1,), (1,), (3,)]


def test_undo_takes_back_what_waits_one_by_one(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    predictor.gate = threading.Event()
    for point in ((10, 10), (30, 30)):
        controller.click(*point)
        controller.accept()
    assert "2 objects are accepted as soon as" in widget.message.text()
    controller.undo()
    assert "no longer accepted" in widget.message.text()
    assert controller._accepting.clicks == [(30, 30, True)]
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == [1]
    assert [c.pixel for c in controller.session.clicks] == [(30, 30)]


@pytest.mark.parametrize("what", ["error", "weights", "undo"])
def test_what_becomes_of_an_object_that_waits_in_another_slice(
    what: str, open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    dims.set_current_step(0, 3)
    if what == "error":
        predictor.error = RuntimeError("out of memory")
    elif what == "weights":
        controller.weights.load("others", "cpu")
    else:
        controller.undo()  # that it is accepted
        controller.undo()  # the click there
        assert dims.current_step[0] == 1
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == ([1] if what == "weights" else [])
    if what == "error":
        assert widget.message.text() == "not accepted, the clicks are kept: out of memory"
        assert widget.unaccepted.text() == "unaccepted clicks in slice 1"


def test_no_prediction_is_no_longer_said_after_one(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    predictor.error = RuntimeError("out of memory")
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    assert "out of memory" in widget.message.text()
    predictor.error = None
    widget.controller.weights.load("default", "cpu")
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None
    assert widget.message.text() == ""


def test_what_waits_is_accepted_as_it_was_asked_for(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    session = controller.session
    session.classes.add("vessel", "#ff0000")
    session.classes.add("nucleus", "#00ff00")
    predictor.gate = threading.Event()
    session.set(class_name="vessel")
    controller.click(20, 20)
    controller.accept()
    session.set(class_name="nucleus")
    controller.click(40, 40)
    controller.accept()
    session.set(class_name="")
    predictor.gate.set()
    assert widget.wait_idle()
    names = [record.class_name for record in session.objects.values()]
    assert names == ["vessel", "nucleus"]
    assert session.settings.class_name == ""
    for _ in range(2):
        controller.undo()
    assert session.settings.class_name == ""


def test_undo_in_another_slice_takes_back_what_waits(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    dims.set_current_step(0, 3)
    controller.undo()
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects and dims.current_step[0] == 3
    dims.set_current_step(0, 1)
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]


def test_what_waits_is_not_written_into_other_labels(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    other = controller.viewer.add_labels(np.zeros(GRAY.shape, int), name="other")
    first = controller.viewer.add_labels(np.zeros(GRAY.shape, int), name="first")
    controller.annotated.choose_labels(first)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.annotated.choose_labels(other)
    predictor.gate.set()
    assert widget.wait_idle()
    assert not other.data.any() and not first.data.any()
    assert controller.session.clicks and not controller.session.objects


def test_where_answers_are_slow_none_is_asked_for_ahead(
    open_dock: Any, mouse: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    widget.controller._predicting.seconds = 0.6
    hand = mouse(widget.controller.viewer)
    hand.press((20, 20))
    assert widget.wait_idle() and not predictor.asked
    hand.release((20, 20))
    assert widget.wait_idle() and len(predictor.asked) == 1
