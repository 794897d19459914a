"""Choosing one of the clicks at hand by key."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.widgets.steps import pixels

from napari_fclick.widgets.drawing import CHOSEN_SIZE

GRAY = np.zeros((60, 80), np.uint8)


def three_clicks(open_dock: Any) -> Any:
    """Open a dock with a first, a positive and a negative click."""
    widget = open_dock(GRAY)
    for y, x, positive in ((30, 40, True), (20, 40, True), (10, 10, False)):
        widget.controller.click(y, x, positive)
    assert widget.wait_idle()
    return widget


def enlarged(widget: Any) -> list[int]:
    """Return which markers are larger than they would be."""
    layers = widget.controller.current.layers
    now = np.array(layers.clicks.size)
    layers.mark(None)
    plain = np.array(layers.clicks.size)
    layers.mark(widget.controller.choosing.chosen)
    return np.flatnonzero(np.isclose(now, plain * CHOSEN_SIZE)).tolist()


def test_one_after_the_other_and_then_none(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    choosing = widget.controller.choosing
    assert choosing.chosen is None and enlarged(widget) == []
    seen = []
    for _ in range(5):
        choosing.step()
        seen.append((choosing.chosen, enlarged(widget)))
    # markers begin with the ring about the first click
    assert seen == [(2, [3]), (1, [2]), (0, [1]), (None, []), (2, [3])]


def test_it_says_what_keys_do_with_it(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    choosing, text = widget.controller.choosing, widget.message.text
    choosing.step()
    assert text().startswith("click 3 of 3 (negative) is chosen: ")
    assert text().endswith("Ctrl+Shift+Right move it, Ctrl+Shift+K removes it")
    choosing.step()
    assert text().endswith("Ctrl+Shift+K removes it, Q makes it the first")
    choosing.step()
    assert "(first)" in text() and not text().endswith("the first")


def test_it_is_moved_and_stays_chosen(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    controller = widget.controller
    controller.choosing.step()
    controller.choosing.step()
    controller.suggesting.nudge("down")
    controller.suggesting.nudge("down")
    assert widget.wait_idle()
    assert pixels(widget) == [(30, 40), (22, 40), (10, 10)]
    assert controller.choosing.chosen == 1 and enlarged(widget) == [2]
    controller.suggesting.nudge("left")
    assert widget.wait_idle()
    assert pixels(widget)[1] == (22, 39)


def test_it_is_removed(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    controller = widget.controller
    controller.choosing.step()
    controller.choosing.step()
    controller.choosing.remove()
    assert pixels(widget) == [(30, 40), (10, 10)]
    assert controller.choosing.chosen is None and enlarged(widget) == []
    controller.choosing.remove()  # none is chosen: the last
    assert pixels(widget) == [(30, 40)]
    controller.undo()
    controller.undo()
    assert pixels(widget) == [(30, 40), (20, 40), (10, 10)]


def test_a_move_that_waits_is_not_lost_by_removing(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    controller = widget.controller
    controller.suggesting.nudge("up")
    controller.choosing.remove()
    controller.undo()
    assert pixels(widget)[2] == (9, 10)


def test_it_is_made_the_first(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    controller = widget.controller
    controller.choosing.step()
    controller.promote_at_cursor()
    assert "positive" in widget.message.text() and pixels(widget)[0] == (30, 40)
    controller.choosing.step()
    controller.promote_at_cursor()
    assert pixels(widget) == [(20, 40), (30, 40), (10, 10)]


def test_without_clicks_there_is_none_to_choose(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    widget.controller.choosing.step()
    assert "no click to choose" in widget.message.text()
    widget.controller.choosing.remove()
    assert "no click to remove" in widget.message.text()


def test_a_click_more_and_none_is_chosen(open_dock: Any) -> None:
    widget = three_clicks(open_dock)
    widget.controller.choosing.step()
    widget.controller.click(40, 40)
    assert widget.controller.choosing.chosen is None and enlarged(widget) == []
