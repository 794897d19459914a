"""The session's file in the dock: what can be resumed, where it is saved, what it becomes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from napari_fclick.core.words import counted
from napari_fclick.session.autosave import Offer, sessions_folder
from napari_fclick.session.journal import SUFFIX
from napari_fclick.session.resuming import INSISTING
from napari_fclick.widgets.saving import Files, alone, ask_to_save

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

FILTER = f"Sessions (*{SUFFIX})"
#: What can be exported: the menu's words, the format, the file's ending.
EXPORTS = (
    ("COCO (JSON) …", "coco", ".json"),
    ("Labels (TIFF) …", "tiff", ".tif"),
    ("Objects and clicks (CSV) …", "csv", ".csv"),
)


class _Offering(QFrame):
    """A text in a frame, and the buttons beside it.

    Parameters
    ----------
    buttons : sequence of QWidget
    """

    def __init__(self, *buttons: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.text = QLabel()
        self.text.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.addWidget(self.text, 1)
        for button in buttons:
            row.addWidget(button)


class ResumeBar(_Offering):
    """Offers an earlier session of the image, see `autosave.offers`; hidden where there is none.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        self.resume, self.dismiss = QPushButton("Resume"), QToolButton()
        self.others = QPushButton()
        super().__init__(self.resume, self.others, self.dismiss)
        self._controller = controller
        self._offers: list[Offer] = []
        self._menu = QMenu(self.others)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill)
        self.others.setMenu(self._menu)
        self.others.setToolTip("Other earlier sessions of this image")
        self.dismiss.setText("✕")
        self.dismiss.setToolTip("Begin anew; the earlier session stays on disk")
        self.resume.setToolTip("Go on where the earlier session of this image ended")
        self.resume.clicked.connect(self._on_resume)
        self.dismiss.clicked.connect(lambda: controller.journaling.dismiss())
        self.show_offers([])

    def show_offers(self, offers: list[Offer]) -> None:
        """Show the first of them, and how many others there are."""
        self._offers = offers
        self.setVisible(bool(offers))
        self.others.setVisible(len(offers) > 1)
        self.others.setText(f"{len(offers) - 1} more")
        if offers:
            self.text.setText(f"Earlier session of this image: {describe_offer(offers[0])}")
            self.text.setToolTip(str(offers[0].path))

    def _fill(self) -> None:
        list_offers(self._menu, self._offers[1:], self._controller, self)

    def _on_resume(self) -> None:
        if self._offers:
            open_session(self._controller, self, self._offers[0].path)


def describe_offer(offer: Offer) -> str:
    """Return in a few words what an earlier session holds, and when it was written last."""
    when = time.strftime("%d %b %H:%M", time.localtime(offer.time))
    return f"{counted(f'{offer.objects:,}', 'object')}, {when}"


def list_offers(
    menu: QMenu, offers: Sequence[Offer], controller: Controller, parent: QWidget
) -> None:
    """Fill a menu with earlier sessions, each of which it resumes."""
    menu.clear()
    for offer in offers:
        action = QAction(describe_offer(offer), menu)
        action.setToolTip(str(offer.path))
        action.triggered.connect(
            lambda _=False, path=offer.path: open_session(controller, parent, path)
        )
        menu.addAction(action)


class LostBar(_Offering):
    """Brings Labels layers back that were removed with objects in them; hidden where none were.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        self.back = QPushButton("Bring back")
        super().__init__(self.back)
        self.back.setToolTip("Show the labels again, with the objects in them")
        self.back.clicked.connect(lambda: controller.annotated.bring_back_labels())
        self.show_layers([])

    def show_layers(self, layers: Sequence[Any]) -> None:
        """Name the layers."""
        self.setVisible(bool(layers))
        names = ", ".join(repr(layer.name) for layer in layers)
        self.text.setText(f"Removed with objects in it: labels layer {names}")


class SessionBar(QWidget):
    """Names the session's file; its menu saves it elsewhere, opens another and exports.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self.name = QLabel()
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton("Session")
        self.button.setToolTip("Save the session elsewhere, open another, export")
        menu = QMenu(self.button)
        self.save_as, self.open = QAction("Save as …", self), QAction("Open …", self)
        menu.addActions([self.save_as, self.open])
        self.earlier = QMenu("Earlier sessions of this image", menu)
        self.earlier.setToolTipsVisible(True)
        self.earlier.aboutToShow.connect(self._list_earlier)
        menu.addMenu(self.earlier)
        menu.addSeparator()
        self.exports: dict[str, QAction] = {}
        for text, kind, suffix in EXPORTS:
            action = QAction(f"Export {text}", self)
            menu.addAction(action)
            action.triggered.connect(lambda _=False, k=kind, s=suffix: self._on_export(k, s))
            self.exports[kind] = action
        self.button.setMenu(menu)
        self.save_as.triggered.connect(self._on_save_as)
        self.open.triggered.connect(self._on_open)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.name, 1)
        row.addWidget(self.button)
        self.show_state()

    def show_state(self) -> None:
        """Show the file as it is now."""
        journaling = self._controller.journaling
        path, waiting = journaling.path, journaling.waiting
        if waiting:
            self.name.setText(f"not saved: {counted(waiting, 'step')}")
            self.name.setStyleSheet("color: #d55e00; font-weight: bold")
        else:
            self.name.setText("saved as you go" if path is None else f"saved: {path.name}")
            self.name.setStyleSheet("color: gray")
        self.name.setToolTip("" if path is None else str(path))
        self.earlier.setEnabled(bool(journaling.earlier))
        self.save_as.setEnabled(path is not None or bool(waiting))
        for action in self.exports.values():
            action.setEnabled(path is not None)

    def _list_earlier(self) -> None:
        list_offers(self.earlier, self._controller.journaling.earlier, self._controller, self)

    def _on_save_as(self) -> None:
        path = self._ask_to_save("Save the session as", SUFFIX)
        if path is not None:
            self._controller.journaling.save_as(path)

    def _on_export(self, kind: str, suffix: str) -> None:
        exporting = self._controller.exporting
        path = self._ask_to_save("Export", suffix, partial(exporting.files_of, kind))
        if path is not None:
            exporting.export(kind, path)

    def _on_open(self) -> None:
        folder = str(sessions_folder())
        name, _ = QFileDialog.getOpenFileName(self, "Open a session", folder, FILTER)
        if name:
            open_session(self._controller, self, Path(name))

    def _ask_to_save(self, title: str, suffix: str, files: Files = alone) -> Path | None:
        image = self._controller.image
        suggested = f"{'session' if image is None else image.name}{suffix}"
        return ask_to_save(self, title, suggested, suffix, files)


def open_session(
    controller: Controller, parent: QWidget, path: Path, *, insist: bool = False
) -> None:
    """Resume a session file; ask where it belongs to another image, say what goes wrong."""
    try:
        controller.resuming.resume(path, insist)
    except ValueError as error:
        if not insist and INSISTING in str(error) and _insists(parent, str(error)):
            open_session(controller, parent, path, insist=True)
        else:
            controller.say(str(error), "error")


def _insists(parent: QWidget, problem: str) -> bool:
    answer = QMessageBox.question(parent, "Another image", f"{problem}.\n\nOpen it all the same?")
    return answer == QMessageBox.StandardButton.Yes
