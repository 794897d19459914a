"""In the dock, more objects like those accepted are found, written and looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest
from tests.session.blobs import DISCS, OTHERS, SHAPE, BlobPredictor, blobs, disc, labels_of
from tests.widgets.steps import accept_at, until

from napari_fclick.propagation import Kind
from napari_fclick.replay import acceptances, replay
from napari_fclick.session import NumberedLabels
from napari_fclick.session.journal import Journal
from napari_fclick.widgets import finding
from napari_fclick.widgets.painting import LabelsPainter


@pytest.fixture
def predictor() -> BlobPredictor:
    return BlobPredictor()


@pytest.fixture
def dock(open_dock: Any) -> Any:
    """A dock in which three of the discs are accepted."""
    widget = open_dock(blobs())
    accept_at(widget, *DISCS[:3])
    return widget


def find(widget: Any) -> None:
    widget.controller.finding.begin()
    assert widget.wait_idle()


def told(widget: Any) -> str:
    return str(widget.controller.messages.text)


def numbers(widget: Any) -> list[int]:
    return [int(n) for n in np.unique(widget.controller.labels.data) if n]


def test_the_others_are_found_by_the_button(dock: Any) -> None:
    button = dock.objects.find_button
    assert button.text() == "Find similar" and button.toolTip().endswith("(Shift+F)")
    button.click()
    assert button.text() == "Stop (0 found)"
    assert dock.wait_idle()
    assert button.text() == "Find similar"
    assert told(dock).startswith(f"found {len(DISCS) - 3} objects like the 3 accepted · Shift+W")
    labels = dock.controller.labels.data
    for y, x in DISCS:
        inside = labels[disc(y, x, 5)]
        assert inside.min() == inside.max() > 0
    assert len(numbers(dock)) == len(DISCS)
    assert (labels[labels_of() == 0] > 0).mean() < 0.01
    assert dock.effort.text().startswith("20 objects, 17 found · 1.0 clicks · ")
    kinds = [record.parts[0].kind for record in dock.controller.session.objects.values()]
    assert kinds == [Kind.KEYFRAME] * 3 + [Kind.FOUND] * (len(DISCS) - 3)


def test_undo_takes_all_back_and_redo_brings_them_back(dock: Any) -> None:
    find(dock)
    labels = dock.controller.labels.data.copy()
    dock.controller.undo()
    assert told(dock) == f"took back {len(DISCS) - 3} objects that were found"
    assert numbers(dock) == [1, 2, 3]
    dock.controller.redo()
    assert told(dock) == f"brought back {len(DISCS) - 3} objects that were found"
    np.testing.assert_array_equal(dock.controller.labels.data, labels)
    # What is done since is undone by itself.
    dock.controller.objects.delete([5])
    dock.controller.undo()
    np.testing.assert_array_equal(dock.controller.labels.data, labels)
    dock.controller.undo()
    dock.controller.undo()
    assert len(numbers(dock)) < 3


def test_what_is_gone_is_not_counted_among_what_is_to_be_looked_at(dock: Any) -> None:
    find(dock)
    controller = dock.controller
    controller.objects.delete(list(controller.session.objects)[5:])
    controller.stacks.worst_next()
    assert told(dock).endswith("1 more")
    controller.stacks.worst_next()
    assert told(dock).endswith("the last one")


@pytest.mark.parametrize("what", ["undo", "redo", "delete", "merge"])
def test_many_objects_are_drawn_and_saved_at_once(
    dock: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(dock)
    controller = dock.controller
    labels = list(controller.session.objects)
    if what == "redo":
        controller.undo()
    times = {"drawn": 0, "saved": 0, "shown": 0}

    def count(name: str) -> None:
        times[name] += 1

    monkeypatch.setattr(LabelsPainter, "_refresh", lambda _: count("drawn"))
    monkeypatch.setattr(Journal, "_fold", lambda _: count("saved"))
    controller.changed.connect(lambda: count("shown"))
    {
        "undo": controller.undo,
        "redo": controller.redo,
        "delete": lambda: controller.objects.delete(labels[:10]),
        "merge": lambda: controller.objects.merge(labels[:10]),
    }[what]()
    assert times["drawn"] == times["saved"] == 1 and times["shown"] <= 2
    with closing(Journal.open(controller.journaling.path, read_only=True)) as journal:
        restored = journal.restore([NumberedLabels(None)])
        assert list(restored.objects) == list(controller.session.objects)


def test_each_search_is_taken_back_by_itself(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor, found=2):
        dock.controller.finding.stop()
    first = len(numbers(dock)) - 3
    find(dock)
    find(dock)  # which finds nothing more
    for count in (len(DISCS) - 3 - first, first):
        dock.controller.undo()
        assert told(dock) == f"took back {count} objects that were found"
    assert numbers(dock) == [1, 2, 3]
    dock.controller.redo()
    assert told(dock) == f"brought back {first} objects that were found"


def test_what_was_found_before_in_another_image_is_still_known(dock: Any) -> None:
    find(dock)
    image, viewer = dock.controller.image, dock.controller.viewer
    dock.controller.annotated.choose_image(viewer.add_image(blobs(OTHERS, seed=4), name="other"))
    assert dock.wait_idle()
    find(dock)
    dock.controller.annotated.choose_image(image)
    assert dock.objects.worst_button.isEnabled()
    dock.objects.worst_button.click()
    assert told(dock).endswith(f"{len(DISCS) - 4} more")
    dock.controller.undo()
    assert told(dock) == f"took back {len(DISCS) - 3} objects that were found"
    assert numbers(dock) == [1, 2, 3]


def test_undo_amid_it_ends_it(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor):
        dock.controller.undo()
    assert numbers(dock) == [1, 2, 3]
    assert told(dock).startswith("took back")


def test_a_person_goes_on_meanwhile(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor):
        predictor.on_ask = lambda: None  # the click is answered; the search waits at its next place
        dock.controller.click(*DISCS[-1])
        until(lambda: dock.controller.session.prediction is not None)
    assert len(dock.controller.session.clicks) == 1  # it is at hand still
    dock.controller.undo()  # of the click or, where it found more since, of what was found
    assert dock.wait_idle()
    assert len(numbers(dock)) >= 3


def test_the_object_at_hand_is_not_written_as_found(dock: Any) -> None:
    dock.controller.click(*DISCS[5])
    assert dock.wait_idle()
    find(dock)
    assert told(dock).startswith(f"found {len(DISCS) - 4} objects")
    dock.controller.accept()
    assert dock.wait_idle()
    label = int(dock.controller.labels.data[DISCS[5]])
    assert dock.controller.session.objects[label].parts[0].by_person
    assert len(numbers(dock)) == len(DISCS)


def test_stopping_keeps_what_was_found(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor, found=2):
        dock.objects.find_button.click()
    assert 4 < len(numbers(dock)) < len(DISCS)
    assert "like the 3 accepted" in told(dock)


def test_objects_of_the_class_that_is_set_are_what_others_are_like(open_dock: Any) -> None:
    widget = open_dock(blobs())
    accept_at(widget, *DISCS[:2])
    widget.controller.session.set(class_name="cell")
    accept_at(widget, DISCS[2])
    find(widget)
    assert told(widget) == (
        "accept 3 objects of the class 'cell' in this plane first: others like them are looked "
        "for then (1 by now)"
    )
    accept_at(widget, *DISCS[3:5])
    find(widget)
    classes = [record.class_name for record in widget.controller.session.objects.values()]
    assert classes == ["", "", *["cell"] * (len(DISCS) - 2)]


def test_what_was_found_is_no_example_until_it_is_taken_in_hand(dock: Any) -> None:
    find(dock)
    dock.controller.objects.delete([1])
    find(dock)  # two are left, and what was learned from three
    assert told(dock).startswith("found 1 object like those found before")
    y, x = DISCS[7]
    dock.controller.objects.pick_up_at(y, x)
    dock.controller.accept()
    assert dock.wait_idle()
    find(dock)
    assert told(dock) == "found no objects like the 3 accepted"


def test_objects_like_those_found_before_are_found_in_other_images(
    dock: Any, predictor: BlobPredictor
) -> None:
    find(dock)
    discs = [(y + 9, x - 8) for y, x in DISCS[:15]]
    viewer = dock.controller.viewer
    other = viewer.add_image(blobs(discs, seed=4), name="other")
    dock.controller.annotated.choose_image(other)
    assert dock.wait_idle()
    predictor.asked.clear()
    find(dock)
    assert told(dock).startswith("found 15 objects like those found before")
    labels = dock.controller.labels.data
    assert all(labels[disc(y, x, 5)].min() > 0 for y, x in discs)
    (side,) = {side for _, side, _ in predictor.asked}
    assert side == pytest.approx(12, abs=2)
    dock.controller.session.set(class_name="cell")
    find(dock)
    assert told(dock).startswith("accept 3 objects of the class 'cell'")


@pytest.mark.parametrize("count", [0, 2])
def test_some_are_to_be_accepted_first(open_dock: Any, count: int) -> None:
    widget = open_dock(blobs())
    accept_at(widget, *DISCS[:count])
    find(widget)
    assert told(widget) == (
        "accept 3 objects in this plane first: others like them are looked for then "
        f"({count} by now)"
    )


def test_without_an_image_it_says_so(open_dock: Any) -> None:
    widget = open_dock()
    assert not widget.objects.find_button.isEnabled()
    find(widget)
    assert told(widget) == "open or choose an image first"


def test_the_least_certain_are_looked_at_first(dock: Any) -> None:
    button = dock.objects.worst_button
    assert not button.isEnabled()
    find(dock)
    assert button.isEnabled()
    count = len(DISCS) - 3
    seen = []
    for left in range(count - 1, -1, -1):
        button.click()
        text = told(dock)
        assert text.endswith(f"{left} more" if left else "the last one")
        seen.append(float(text.split("certainty ")[1].split()[0]))
        label = int(text.split(":")[0].removeprefix("object "))
        assert dock.controller.labels.selected_label == label
    assert seen == sorted(seen)
    assert not button.isEnabled()


def test_where_none_is_left_there_is_no_worst(dock: Any) -> None:
    find(dock)
    controller, count = dock.controller, len(DISCS) - 3
    buttons = (dock.objects.worst_button, dock.stack.buttons["worst_next"])
    controller.objects.delete(list(controller.session.objects)[3:])
    assert not any(button.isEnabled() for button in buttons)
    controller.stacks.worst_next()
    assert told(dock) == "nothing was carried or found that is to be looked at"
    controller.undo()
    assert all(button.isEnabled() for button in buttons)
    controller.stacks.worst_next()
    assert told(dock).endswith(f"{count - 1} more")


def test_those_left_of_two_searches_are_looked_at(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor, found=2):
        dock.controller.finding.stop()
    find(dock)
    dock.controller.stacks.worst_next()
    assert told(dock).endswith(f"{len(DISCS) - 4} more")


def test_what_a_person_corrected_is_not_shown_again(dock: Any) -> None:
    find(dock)
    for y, x in DISCS[3:]:
        dock.controller.objects.pick_up_at(y, x)
        dock.controller.accept()
        assert dock.wait_idle()
    assert not dock.objects.worst_button.isEnabled()


def test_one_object_may_be_as_uncertain_in_two_slices(open_dock: Any) -> None:
    widget = open_dock(np.stack([blobs()] * 2))
    accept_at(widget, *DISCS[:3])
    find(widget)
    widget.controller.viewer.dims.set_current_step(0, 1)
    find(widget)
    objects, session = widget.controller.objects, widget.controller.session
    alike: dict[float, list[int]] = {}
    for label, record in session.objects.items():
        alike.setdefault(record.parts[0].certainty, []).append(label)
    one, *_, other = next(labels for labels in alike.values() if len(labels) > 1)
    objects.merge([one, other])
    assert widget.controller.doubts.take_up(session) == 2 * len(DISCS) - 3


def test_a_network_that_fails_is_told(dock: Any, predictor: BlobPredictor) -> None:
    predictor.error = RuntimeError("no memory left")
    find(dock)
    assert told(dock).startswith("objects could not be looked for: no memory left")
    assert numbers(dock) == [1, 2, 3]


def test_labels_that_cannot_be_written_are_told(dock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bool:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(finding, "accept_found", fail)
    find(dock)
    assert told(dock) == "the disk is full; found no objects like the 3 accepted"
    assert numbers(dock) == [1, 2, 3]


def test_objects_that_are_gone_are_told(dock: Any) -> None:
    dock.controller.labels.data[:] = 0
    find(dock)
    assert "the accepted objects are no longer in the labels" in told(dock)


def test_other_labels_or_another_image_end_it(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor):
        mine = dock.controller.labels
        other = dock.controller.viewer.add_labels(np.zeros(SHAPE, np.uint8), name="other")
        dock.controller.annotated.choose_labels(other)
    assert told(dock).startswith("weights, image or labels were changed; found")
    assert not other.data.any() and len(np.unique(mine.data)) > 4


def test_what_ended_it_is_not_told_once_it_is_mended(dock: Any, predictor: BlobPredictor) -> None:
    with amid_search(dock, predictor):
        dock.controller.viewer.layers.remove(dock.controller.labels)
    assert told(dock).startswith("weights, image or labels were changed; found")
    dock.lost_bar.back.click()
    assert told(dock) == ""


def test_it_ends_with_the_dock(dock: Any, predictor: BlobPredictor) -> None:
    going = hold(predictor, after=6)
    dock.controller.finding.begin()
    dock.controller.close()
    going.set()
    assert not dock.controller.finding.busy


def test_the_session_file_makes_them_again(dock: Any, predictor: BlobPredictor) -> None:
    find(dock)
    with closing(Journal.open(dock.controller.journaling.path, read_only=True)) as journal:
        again = replay(journal, blobs(), predictor)
        assert again.differing == 0
        np.testing.assert_array_equal(again.labels[0], dock.controller.labels.data)
        # A person made three of them.
        assert len(again.masks) == len(list(acceptances(journal, blobs()))) == 3


# --- helpers -----------------------------------------------------------------------------


@contextmanager
def amid_search(dock: Any, predictor: BlobPredictor, found: int = 1) -> Iterator[None]:
    """Begin a search; it waits where so many were found, until what is done then is done."""
    going = hold(predictor, after=6)
    dock.controller.finding.begin()
    until(lambda: dock.controller.finding.count >= found)
    yield
    going.set()
    assert dock.wait_idle()


def hold(predictor: BlobPredictor, after: int) -> threading.Event:
    """Have the predictor wait after some answers."""
    going, asked = threading.Event(), [0]

    def wait() -> None:
        asked[0] += 1
        if asked[0] > after:
            assert going.wait(20)

    predictor.on_ask = wait
    return going
