"""A real window and real key events, no mouse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from tests.widgets import test_real_window
from tests.widgets.test_real_window import Window

from napari_fclick.widgets import keys
from napari_fclick.widgets.moved import camera_of

pytestmark = test_real_window.pytestmark
window = test_real_window.window

KEY = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
BOTH = SHIFT | Qt.KeyboardModifier.ControlModifier
ARROWS = {
    KEY.Key_Up: (-1, 0),
    KEY.Key_Down: (1, 0),
    KEY.Key_Left: (0, -1),
    KEY.Key_Right: (0, 1),
}


def test_the_keys_reach_us_whichever_layer_is_active(window: Window) -> None:
    controller, layers = window.widget.controller, window.viewer.layers
    session, suggesting = controller.session, controller.suggesting
    assert session is not None
    window.key(KEY.Key_G)
    window.key(KEY.Key_Up)
    window.key(KEY.Key_J)
    window.key(KEY.Key_N)
    assert list(session.objects) == [1]
    window.key(KEY.Key_G)
    window.key(KEY.Key_J)
    for name in ("image", "objects", "clicks"):
        layers.selection.active = layers[name]
        count, selected = len(session.clicks), set(layers.selection)
        window.key(KEY.Key_G)
        ghost = suggesting.ghost
        assert ghost is not None, name
        far = max(2, round(10 / camera_of(window.viewer).zoom))
        for key, (dy, dx) in ARROWS.items():
            window.key(key, BOTH)
            moved = suggesting.ghost
            assert moved is not None
            assert (moved.y - ghost.y, moved.x - ghost.x) == (dy, dx), (name, key)
            window.key(key)
            moved = suggesting.ghost
            assert moved is not None
            assert (moved.y - ghost.y, moved.x - ghost.x) == (dy * (1 + far), dx * (1 + far))
            suggesting._show(session, ghost)
        window.key(KEY.Key_G, SHIFT)
        assert suggesting.ghost is None and len(session.clicks) == count
        assert set(layers.selection) == selected
        window.key(KEY.Key_Right, BOTH)
        assert session.can_undo
        window.key(KEY.Key_U)
        threshold = session.settings.threshold
        window.key(KEY.Key_K, SHIFT)
        window.key(KEY.Key_J, SHIFT)
        window.key(KEY.Key_J, SHIFT)
        assert session.settings.threshold == pytest.approx(threshold - 0.05)
        window.key(KEY.Key_K, SHIFT)


def test_a_key_that_is_held_goes_on(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    suggesting = window.widget.controller.suggesting
    window.key(KEY.Key_G)
    before = suggesting.ghost
    assert before is not None
    monkeypatch.setattr(QApplication, "queryKeyboardModifiers", lambda: BOTH)
    QTest.keyPress(window.canvas, KEY.Key_Left, BOTH)
    window.qtbot.wait(keys.FIRST_PAUSE + 4 * keys.PAUSE)
    QTest.keyRelease(window.canvas, KEY.Key_Left, BOTH)
    held = suggesting.ghost
    assert held is not None and before.x - held.x > 1
    window.qtbot.wait(keys.FIRST_PAUSE + keys.PAUSE)
    assert suggesting.ghost == held
    # The focus goes elsewhere, and the release with it.
    QTest.keyPress(window.canvas, KEY.Key_Left, BOTH)
    monkeypatch.setattr(
        QApplication, "queryKeyboardModifiers", lambda: Qt.KeyboardModifier.NoModifier
    )
    window.qtbot.wait(keys.FIRST_PAUSE + 4 * keys.PAUSE)
    assert suggesting.ghost is not None and suggesting.ghost.x == held.x - 1


def test_what_is_suggested_out_of_sight_is_brought_into_view(window: Window) -> None:
    camera = camera_of(window.viewer)
    camera.zoom, camera.center = 20, (0, 30, 30)
    window.qtbot.wait(50)
    window.key(KEY.Key_G)
    ghost = window.widget.controller.suggesting.ghost
    assert ghost is not None and (ghost.y, ghost.x) == (30, 30)
    window.key(KEY.Key_J)
    camera.center = (0, 150, 150)
    window.qtbot.wait(50)
    window.key(KEY.Key_G)
    ghost = window.widget.controller.suggesting.ghost
    assert ghost is not None
    np.testing.assert_allclose(camera.center[-2:], (ghost.y, ghost.x))


def test_the_table_opens_and_closes_by_its_key(window: Window) -> None:
    opener = window.widget.controller.key_table
    window.key(KEY.Key_T)
    table = opener.table
    assert table is not None and table.isVisible()
    QTest.keyClick(table, KEY.Key_T)
    assert not table.isVisible()
    window.key(KEY.Key_T)
    assert table.isVisible()
    QTest.keyClick(table, KEY.Key_Escape)
    assert not table.isVisible()
