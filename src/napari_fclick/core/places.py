"""The folders of a user in which files are kept that no other place was chosen for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path

#: The environment variable that names a folder for all of them.
HOME = "NAPARI_FCLICK_HOME"


def data_folder() -> Path:
    """Return the folder of weights, sessions and splits."""
    return _folder("data", user_data_path)


def cache_folder() -> Path:
    """Return the folder of what can be made again."""
    return _folder("cache", user_cache_path)


def config_folder() -> Path:
    """Return the folder of settings."""
    return _folder("config", user_config_path)


def rescue_folder() -> Path:
    """Return the folder of what could not be saved in the others: where a user looks first."""
    home = os.environ.get(HOME)
    return Path(home, "rescued") if home else Path.home() / "napari-fclick"


def _folder(name: str, usual: Callable[..., Path]) -> Path:
    home = os.environ.get(HOME)
    return Path(home, name) if home else usual("napari-fclick", appauthor=False)
