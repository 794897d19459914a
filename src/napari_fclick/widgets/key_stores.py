"""Where the keys that the user has chosen are kept.

napari 0.9 and newer has a page in its Preferences for the manifest's ``configurations``;
its values are read and written through ``napari.settings.get_plugin_settings``. Older ones
have none: a file ``keys.toml`` in the user's configuration folder takes its place. Where both
have keys for an action the Preferences win.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from napari_fclick.core import places
from napari_fclick.core.paths import replacing
from napari_fclick.widgets.actions import ACTIONS, DEFAULTS
from napari_fclick.widgets.key_names import KeyNameError, join

PLUGIN, SECTION = "napari-fclick", "keys"


class Store(Protocol):
    """Where chosen keys are kept."""

    def read(self) -> dict[str, str]:
        """Return the keys of the actions that have other than their own; may raise KeyNameError."""

    def write(self, chosen: Mapping[str, str]) -> None:
        """Keep these, and no others; may raise OSError and KeyNameError."""

    def watch(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever what is kept changes elsewhere."""


class FileStore:
    """A TOML file: ``accept = "N"``.

    Parameters
    ----------
    path : Path
        Made when there is something to keep.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, str]:
        """Return what the file has; raises KeyNameError if it is no such file."""
        if not self.path.is_file():
            return {}
        try:
            found = tomllib.loads(self.path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise KeyNameError(f"{self.path} cannot be read: {error}") from None
        return {name: str(keys) for name, keys in found.items()}

    def write(self, chosen: Mapping[str, str]) -> None:
        """Write the file anew, at once or not at all; raises KeyNameError as `read` does."""
        if not chosen and not self.path.is_file():
            return
        self.read()  # a file that somebody wrote and that cannot be read is not lost
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{name} = {json.dumps(keys)}\n" for name, keys in chosen.items()]
        with replacing(self.path) as partial:
            partial.write_text("".join(lines), "utf-8")

    def watch(self, callback: Callable[[], None]) -> None:
        """Do nothing: the file is read once."""


class PreferencesStore:
    """The page in napari's Preferences.

    Parameters
    ----------
    section : napari.utils.events.EventedModel
        Has a string for every action.
    """

    def __init__(self, section: Any) -> None:
        self._section = section

    def read(self) -> dict[str, str]:
        """Return what differs from the manifest."""
        found = {name: str(getattr(self._section, name)) for name in self._names()}
        return {name: keys for name, keys in found.items() if keys != join(DEFAULTS[name])}

    def write(self, chosen: Mapping[str, str]) -> None:
        """Set all values; napari saves them."""
        for name in self._names():
            keys = chosen.get(name, join(DEFAULTS[name]))
            if getattr(self._section, name) != keys:
                setattr(self._section, name, keys)

    def watch(self, callback: Callable[[], None]) -> None:
        """Call back whenever a value is changed, such as on the page."""
        self._section.events.connect(lambda event: callback())

    def _names(self) -> list[str]:
        return [name for name in ACTIONS if hasattr(self._section, name)]


def user_stores() -> list[Store]:
    """Return where this user's keys are kept, the one that decides first."""
    stores: list[Store] = [FileStore(places.config_folder() / "keys.toml")]
    section = _preferences()
    return stores if section is None else [PreferencesStore(section), *stores]


def _preferences() -> Any:
    """Return our section of napari's Preferences; None where napari has none."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    # Disabled plugins have none either, and so has a dock made by a script without a manifest.
    with suppress(KeyError):
        return getattr(get_plugin_settings(PLUGIN), SECTION, None)
    return None
