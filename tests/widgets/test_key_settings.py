"""Which keys may be chosen, and where that is kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import napari.settings
import numpy as np
import pytest
import yaml
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points
from napari.viewer import Viewer
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest

from napari_fclick.core import places
from napari_fclick.widgets import key_settings, key_stores
from napari_fclick.widgets.actions import ACTIONS, DEFAULTS
from napari_fclick.widgets.key_names import KeyNameError, from_qt, join, parse, shown, to_qt
from napari_fclick.widgets.key_settings import KeySettings, resolve
from napari_fclick.widgets.key_stores import FileStore

MANIFEST = Path(key_stores.__file__).parents[1] / "napari.yaml"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of what napari binds as soon as there is a viewer."""
    monkeypatch.setattr(Image, "class_keymap", {"C": None})
    monkeypatch.setattr(ViewerModel, "class_keymap", {"Ctrl+R": None, "Alt+UpArrow": None})


@pytest.fixture
def settings(own_keys: Path, taken: None) -> KeySettings:
    return KeySettings([FileStore(own_keys)])


# --- names ------------------------------------------------------------------------------


def test_keys_as_people_and_qt_write_them() -> None:
    assert parse("n  ctrl+shift+z Alt-PgUp") == ("N", "Control-Shift-Z", "Alt-PageUp")
    assert parse("Shift+Ctrl+UpArrow") == ("Control-Shift-Up",)
    assert parse("") == ()
    assert shown("Control-Shift-Z") == "Ctrl+Shift+Z"
    for key in {key for keys in DEFAULTS.values() for key in keys} | {"Alt-PageUp", "Delete"}:
        assert not to_qt(key).isEmpty()
        assert from_qt(to_qt(key)) == key
    assert from_qt(QKeySequence("Ctrl+K, Ctrl+C")) == "Control-K"


@pytest.mark.parametrize("text", ["Nn", "Ctrl+", "Shift", "Hyper+N", "Shift+1", "§", "F13"])
def test_what_is_no_key_is_named(text: str) -> None:
    with pytest.raises(KeyNameError, match=text.replace("+", r"\+")):
        parse(text)


# --- what may be chosen -----------------------------------------------------------------


def test_our_own_keys_differ() -> None:
    count = Counter(key for keys in DEFAULTS.values() for key in keys)
    assert set(count.values()) == {1}
    assert resolve({}) == (DEFAULTS, ())


def test_a_chosen_key_is_kept(settings: KeySettings, own_keys: Path) -> None:
    told: list[bool] = []
    settings.changed.connect(lambda: told.append(True))
    settings.change("accept", "F5 n")
    assert settings.keys["accept"] == ("F5", "N") and told
    assert own_keys.read_text() == 'accept = "F5 N"\n'
    assert settings.hint("accept").endswith("(F5 or N)")
    again = KeySettings([FileStore(own_keys)])
    assert again.keys == settings.keys and not again.problems
    settings.change("accept", "")
    assert settings.hint("accept") == ACTIONS["accept"].text
    settings.reset()
    assert settings.keys == DEFAULTS and own_keys.read_text() == ""


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("U", "U is taken: undo the last click"),
        ("C", r"taken by napari \(Image\)"),
        ("Ctrl+R", r"taken by napari \(Viewer\)"),
        ("Alt+Up", "taken by napari"),
        ("NN", "no key"),
    ],
)
def test_a_key_that_is_taken_is_refused(
    keys: str, why: str, settings: KeySettings, own_keys: Path
) -> None:
    with pytest.raises(KeyNameError, match=why):
        settings.change("accept", keys)
    assert settings.keys == DEFAULTS and not own_keys.exists()


def test_a_file_written_by_hand(own_keys: Path, taken: None) -> None:
    own_keys.write_text(
        'take_positive = "K"\ntake_negative = "J"\naccept = "C"\nclear = "U"\nfly = "F2"\n'
    )
    settings = KeySettings([FileStore(own_keys)])
    # Two that change places are no clash; what is refused leaves the action its own key.
    assert settings.keys["take_positive"] == ("K",) and settings.keys["take_negative"] == ("J",)
    assert settings.keys["accept"] == ("N",) and settings.keys["clear"] == ("D",)
    problems = " / ".join(settings.problems)
    assert "accept: C is taken by napari" in problems
    assert "clear: U has another action too" in problems
    assert "fly: no such action" in problems


def test_a_refused_key_may_leave_another_without_its_own(taken: None) -> None:
    # J has gone to accept; take_positive's new key is napari's, so it keeps J: accept gives way.
    keys, problems = resolve({"take_positive": "C", "accept": "J"})
    assert keys == DEFAULTS and len(problems) == 2


def test_a_broken_file_is_told_and_not_lost(own_keys: Path) -> None:
    own_keys.write_text("accept = ")
    settings = KeySettings([FileStore(own_keys)])
    assert settings.keys == DEFAULTS and "cannot be read" in settings.problems[0]
    with pytest.raises(KeyNameError, match="cannot be read"):
        settings.change("accept", "F5")
    assert own_keys.read_text() == "accept = "


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = KeySettings([FileStore(tmp_path / "file" / "keys.toml")])
    with pytest.raises(KeyNameError, match="cannot be kept"):
        settings.change("accept", "F5")
    assert settings.keys == DEFAULTS


# --- napari's preferences ---------------------------------------------------------------


def test_the_manifest_has_a_key_for_each_action() -> None:
    section = yaml.safe_load(MANIFEST.read_text())["contributions"]["configurations"]["keys"]
    found = {name: row["default"] for name, row in section["properties"].items()}
    assert found == {name: join(keys) for name, keys in DEFAULTS.items()}
    texts = {name: row["description"] for name, row in section["properties"].items()}
    assert texts == {name: action.text for name, action in ACTIONS.items()}


def test_the_page_on_keys_has_them_all(root: Path) -> None:
    rows = {
        f"| {', '.join(f'`{shown(key)}`' for key in action.keys)} | {action.text} | `{name}` |"
        for name, action in ACTIONS.items()
    }
    assert rows <= set((root / "docs/keyboard.md").read_text().splitlines())


@pytest.fixture
def preferences(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Our section of napari's preferences, and the stores as a user has them."""
    if not hasattr(napari.settings, "get_plugin_settings"):
        pytest.skip("this napari has no preferences of plugins")
    from npe2 import PluginManifest

    request.getfixturevalue("plugin_settings")
    request.getfixturevalue("npe2pm").register(PluginManifest.from_file(MANIFEST))
    return napari.settings.get_plugin_settings("napari-fclick").keys


def test_preferences_are_used_and_kept(preferences: Any, taken: None, tmp_path: Path) -> None:
    stores = key_stores.user_stores()
    assert len(stores) == 2
    settings = KeySettings(stores)
    assert settings.keys == DEFAULTS
    preferences.clear = "Alt+D"
    assert settings.keys["clear"] == ("Alt-D",)
    preferences.clear = "C"
    assert settings.keys["clear"] == ("D",)
    assert settings.problems == ("key for clear: C is taken by napari (Image)",)
    settings.change("accept", "F5")
    assert preferences.accept == "F5" and preferences.clear == "D"
    assert "accept: F5" in (tmp_path / "napari-fclick.yaml").read_text()
    assert not places.config_folder().exists()
    settings.reset()
    assert preferences.accept == "N"


def test_keys_of_an_older_napari_are_not_lost(preferences: Any, tmp_path: Path) -> None:
    file = FileStore(places.config_folder() / "keys.toml")
    file.write({"accept": "F5", "clear": "F6"})
    preferences.clear = "F7"
    settings = KeySettings(key_stores.user_stores())
    assert settings.keys["accept"] == ("F5",) and settings.keys["clear"] == ("F7",)
    settings.change("suggest", "F8")
    assert preferences.accept == "F5" and file.read() == {}


# --- in use -----------------------------------------------------------------------------


def test_another_key_is_bound_at_once(open_dock: Any) -> None:
    widget = open_dock(np.zeros((60, 80), np.uint8))
    viewer = widget.controller.viewer
    used = key_settings.key_settings()
    for key in ("C", "B", "P", "Alt+Up", "Ctrl+R", "Ctrl+O"):
        with pytest.raises(KeyNameError, match=r"taken by (napari|a menu)"):
            used.change("accept", key)
    # Ours in part: the undo of Labels stays theirs with a brush in hand, and the arrows are
    # napari's as long as there is no suggestion to move.
    both = sorted(_napari_keys() & set(map(shown, _ours())))
    assert both == ["Ctrl+Shift+Z", "Ctrl+Z", "Left", "Right"]
    assert "Left" not in {str(key) for key in viewer.keymap}
    widget.controller.suggesting.suggest()
    assert "Left" in {str(key) for key in viewer.keymap}
    widget.controller.suggesting.withdraw()
    assert "Left" not in {str(key) for key in viewer.keymap}
    used.change("accept", "F5")
    bound = {str(key) for key in viewer.keymap}
    assert "F5" in bound and "N" not in bound
    assert widget.buttons["accept"].toolTip().endswith("(F5)")
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    viewer.keymap[next(key for key in viewer.keymap if str(key) == "F5")](viewer)
    assert list(widget.controller.session.objects) == [1]
    widget.controller.close()
    used.change("accept", "F6")
    assert not {str(key) for key in viewer.keymap} & {"F5", "F6"}


def test_the_table_of_keys(open_dock: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    widget = open_dock(np.zeros((60, 80), np.uint8))
    opener = widget.controller.key_table
    opener.toggle()
    table = opener.table
    assert table.isVisible() and set(table.cells) == set(ACTIONS)
    cell = table.cells["accept"]
    assert cell.button.text() == "N"
    cell.button.click()
    QTest.keyClick(cell.edit, Qt.Key.Key_F5, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: cell.button.text() == "Shift+F5", timeout=3000)
    for wrong, why in ((Qt.Key.Key_U, "U is taken"), (Qt.Key.Key_C, "napari"), (0x3A3, "no key")):
        cell.button.click()
        cell.edit.setKeySequence(QKeySequence(wrong))
        assert why in table.message.text()
        assert cell.button.text() == "Shift+F5"
    cell.button.click()
    QTest.keyClick(cell.edit, Qt.Key.Key_Escape)
    assert cell.currentWidget() is cell.button and cell.button.text() == "Shift+F5"
    assert table.isVisible()
    cell.button.click()
    QTest.keyClick(cell.edit, Qt.Key.Key_Backspace)
    assert cell.button.text() == "none"
    table.reset.click()
    assert cell.button.text() == "N"
    QTest.keyClick(table, Qt.Key.Key_Escape)
    assert not table.isVisible()
    opener.toggle()
    opener.toggle()
    assert not table.isVisible()
    widget.controller.close()
    assert opener.table is None
    widget.deleteLater()
    qtbot.wait(20)
    key_settings.key_settings().change("accept", "F5")  # nobody is there to show it


def _ours() -> set[str]:
    return {key for keys in DEFAULTS.values() for key in keys}


def _napari_keys() -> set[str]:
    """Return what napari binds."""
    owners = [kind for owner in (Viewer, Image, Points, Labels) for kind in owner.__mro__]
    return {str(key) for owner in owners for key in getattr(owner, "class_keymap", {})}
