"""Asks for the name of a file to write, and before one that is there is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_fclick.core.files import TIFF_SUFFIXES

Files = Callable[[Path], Sequence[Path]]


def alone(path: Path) -> Sequence[Path]:
    """Return the path of what is written into one file."""
    return [path]


def ask_to_save(
    parent: QWidget, title: str, suggested: str, suffix: str, files: Files = alone
) -> Path | None:
    """Return where something is to be written; None where it is not to be.

    Parameters
    ----------
    parent : QWidget
    title, suggested : str
    suffix : str
        Added to a name that lacks it, or for TIFF another one of its endings.
    files : callable
        Takes the path and returns all that will be written; by default that alone.
    """
    # The dialog would look at the name as typed, and knows nothing of a second file.
    unasked = QFileDialog.Option.DontConfirmOverwrite
    while True:
        name, _ = QFileDialog.getSaveFileName(parent, title, suggested, f"*{suffix}", "", unasked)
        if not name:
            return None
        path = Path(name)
        if path.suffix not in (TIFF_SUFFIXES if suffix in TIFF_SUFFIXES else (suffix,)):
            path = path.with_name(path.name + suffix)
        # Not Path.exists: it raises where a folder may not be entered.
        there = [each for each in files(path) if os.path.lexists(each)]
        if not there or _may_replace(parent, there):
            return path
        suggested = name


def _may_replace(parent: QWidget, paths: Sequence[Path]) -> bool:
    names = " and ".join(path.name for path in paths)
    several = len(paths) > 1
    answer = QMessageBox.question(
        parent,
        "Replace?",
        f"{names} {'are' if several else 'is'} in {paths[0].parent} already.\n\n"
        f"Replace {'them' if several else 'it'}?",
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
        QMessageBox.StandardButton.No,
    )
    return answer == QMessageBox.StandardButton.Yes
