"""The dock "First Click": a thin view of a `Controller`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import napari
from napari.layers import Labels
from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.core.words import counted
from napari_fclick.session import Session
from napari_fclick.widgets.channels import ChannelChooser
from napari_fclick.widgets.choosers import LayerChooser, narrow_combo
from napari_fclick.widgets.controller import Controller
from napari_fclick.widgets.covering import image_to_begin_with, is_image
from napari_fclick.widgets.docking import Docked, dock_of
from napari_fclick.widgets.folder_bar import FolderBar, FolderButton, beside
from napari_fclick.widgets.keys import Shortcuts
from napari_fclick.widgets.layers import is_labels_of
from napari_fclick.widgets.legend import Legend
from napari_fclick.widgets.loading import Choices, available_choices, load_predictor
from napari_fclick.widgets.mask_form import MaskForm
from napari_fclick.widgets.object_list import NARROW, ObjectList
from napari_fclick.widgets.sections import Scroller, Section, form_in
from napari_fclick.widgets.session_bar import LostBar, ResumeBar, SessionBar
from napari_fclick.widgets.stacks.panel import StackPanel
from napari_fclick.widgets.status import describe, describe_effort, describe_unaccepted
from napari_fclick.widgets.texts import TextLine
from napari_fclick.widgets.vertices import ForgetVertices


class FirstClickWidget(Docked):
    """Segment objects of an image by clicking on them.

    Parameters
    ----------
    viewer : napari.Viewer
    load : callable, optional
        Takes the names of weights and device, returns a predictor.
    discover : callable, optional
        Returns the `Choices` of weights and devices.

    Attributes
    ----------
    controller : Controller
        Does everything the dock can do, for scripts and demos.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        load: Callable[[str, str], Any] = load_predictor,
        discover: Callable[[], Choices] = available_choices,
    ) -> None:
        super().__init__()
        self.controller = controller = Controller(viewer, load, discover)
        self._shown: tuple[Any, Any] = (None, None)
        self._folded = False
        self.setWindowTitle("First Click")
        self._make_choosers()
        self._make_settings()
        self._make_status()
        self._make_objects()
        self.stack = StackPanel(controller)
        self._lay_out()
        controller.changed.connect(self._show_state)
        controller.stacks.changed.connect(self._show_state)
        controller.messages.reported.connect(self.message.tell)
        controller.weights.discovered.connect(self._show_choices)
        followers = (
            self.images,
            self.channels,
            self.labels,
            self.mask_form.classes,
            self.objects,
            self.stack,
            self.folder_bar,
            ForgetVertices(viewer),
        )
        self._make_shortcuts()
        closing = self._closing = Closing(controller, followers)
        # Where we are deleted with the window: what is said here holds no widget of ours.
        self.destroyed.connect(lambda: closing())
        controller.activate()
        controller.annotated.choose_image(image_to_begin_with(controller.viewer, self.images.layer))
        controller.weights.start()
        self._show_state()

    def close_all(self) -> None:
        """Leave the viewer as it was found; the objects stay."""
        self._closing()

    def wait_idle(self, timeout: float = 30.0) -> bool:
        """Run Qt's event loop until nothing is being loaded or predicted.

        Parameters
        ----------
        timeout : float
            Seconds.

        Returns
        -------
        bool
            False if time ran out.
        """
        end = time.monotonic() + timeout
        while not self.controller.idle:
            if time.monotonic() > end:
                return False
            QApplication.processEvents()
            time.sleep(0.002)
        QApplication.processEvents()
        return True

    # --- making -------------------------------------------------------------------------

    def _make_choosers(self) -> None:
        viewer, controller = self.controller.viewer, self.controller
        self.images = LayerChooser(viewer, is_image)
        self.images.setToolTip("The image that is annotated")
        self.images.chosen.connect(controller.annotated.choose_image)
        self.folder = FolderButton(controller.walk)
        self.channels = ChannelChooser(controller)
        self.labels = LayerChooser(
            viewer, self._fits, none_text="new layer", refuses=self._why_no_labels
        )
        self.labels.setToolTip("Where accepted objects are written: any Labels layer that fits")
        self.labels.chosen.connect(controller.annotated.choose_labels)
        self.weights, self.devices = narrow_combo("The network"), narrow_combo("Where it runs")
        self._show_choices(Choices())
        for combo in (self.weights, self.devices):
            combo.activated.connect(lambda _: self._load())

    def _make_settings(self) -> None:
        controller = self.controller
        self.limits = QCheckBox("use the layer's limits")
        self.limits.setToolTip(
            "Show the network the image as the layer's contrast limits do; "
            "otherwise it chooses by the window's pixels"
        )
        self.limits.toggled.connect(lambda on: controller.adjusting.use_layer_limits(bool(on)))
        self.mask_form = MaskForm(controller)
        self.buttons = {
            name: self._button(name, text)
            for name, text in (
                ("accept", "Accept"),
                ("clear", "Clear"),
                ("undo", "Undo"),
                ("redo", "Redo"),
            )
        }

    def _button(self, name: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setMinimumWidth(NARROW)
        button.clicked.connect(lambda: getattr(self.controller, name)())
        return button

    def _make_shortcuts(self) -> None:
        """Have the keys work too while the dock, not the canvas, has the focus."""
        buttons = {**self.buttons, **self.stack.buttons}
        hints: dict[str, QWidget] = {
            "toggle_integrity": self.mask_form.integrity,
            "toggle_outlines": self.mask_form.as_accepted,
            "find_similar": self.objects.find_button,
            "toggle_keys": self.legend.keys,
            "next_image": self.folder_bar.next,
            "previous_image": self.folder_bar.previous,
            **buttons,
        }
        self._shortcuts = Shortcuts(self, self.controller, hints)

    def _make_status(self) -> None:
        self.legend = Legend()
        self.legend.keys.clicked.connect(lambda: self.controller.key_table.toggle())
        self.status, self.message = TextLine(), TextLine()
        self.status.setStyleSheet("font-weight: bold")
        # Room for two lines: the dock does not jump when messages come and go.
        for line in (self.status, self.message):
            line.setMinimumHeight(2 * line.fontMetrics().lineSpacing() + 4)

        self.unaccepted = TextLine()
        self.unaccepted.setStyleSheet("color: gray")
        self.unaccepted.setToolTip(
            "Accept or clear them there; carrying an object through the stack takes them as its own"
        )

    def _make_objects(self) -> None:
        controller = self.controller
        self.objects = ObjectList(controller)
        self.session_bar, self.resume_bar = SessionBar(controller), ResumeBar(controller)
        self.lost_bar, self.folder_bar = LostBar(controller), FolderBar(controller.walk)
        self.effort = TextLine()
        self.effort.setToolTip(
            "Clicks and seconds for the object at hand, and the mean of the last objects"
        )
        self.effort.setStyleSheet("color: gray")
        self.effort.setWordWrap(False)
        self.effort.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def _lay_out(self) -> None:
        self.sections = {
            "image": Section("Image and network", self._image_part()),
            "mask": Section("Mask", self.mask_form),
            "stack": Section("Stack", self.stack),
            "objects": Section("Objects", self._objects_part()),
        }
        inside = QWidget()
        parts = QVBoxLayout(inside)
        parts.setContentsMargins(6, 4, 6, 4)
        for bar in (self.folder_bar, self.resume_bar, self.lost_bar):
            parts.addWidget(bar)
        for name in ("image", "mask"):
            parts.addWidget(self.sections[name])
        parts.addLayout(self._button_row())
        lines = (self.status, self.message, self.unaccepted)
        for widget in (self.legend, *lines, self.sections["stack"]):
            parts.addWidget(widget)
        parts.addWidget(self.sections["objects"], 1)
        # Takes the room that is left where the objects are folded away.
        parts.addStretch(0)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Scroller(inside))

    def _image_part(self) -> QWidget:
        return _form(
            ("Image", beside(self.images, self.folder)),
            ("Channels", self.channels),
            ("Labels", self.labels),
            ("Weights", self.weights),
            ("Device", self.devices),
            ("Contrast", self.limits),
        )

    def _objects_part(self) -> QWidget:
        part = QWidget()
        part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.objects, 1)
        column.addWidget(self.effort)
        column.addWidget(self.session_bar)
        return part

    def _button_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, button in self.buttons.items():
            row.addWidget(button, 2 if name == "accept" else 1)
        return row

    # --- showing ------------------------------------------------------------------------

    def _show_state(self) -> None:
        session = self.controller.session
        self.session_bar.show_state()
        self.resume_bar.show_offers(self.controller.journaling.offers)
        self.lost_bar.show_layers(self.controller.annotated.lost_labels)
        for name, possible in self._possible().items():
            self.buttons[name].setEnabled(possible)
        self._show_layers()
        self._show_stack()
        self._show_image_section(session)
        self.effort.setText("" if session is None else describe_effort(session))
        carried = self.controller.stacks.current
        line = None if carried is None else carried.line
        unaccepted = "" if session is None else describe_unaccepted(session, line)
        self.unaccepted.setText(unaccepted)
        self.unaccepted.setVisible(bool(unaccepted))
        if session is None:
            self.status.setText(self.controller.annotated.refused or "Open or choose an image")
            return
        stacks = self.controller.stacks
        stakes = self.controller.stakes.text if stacks.current is None else stacks.stakes
        said = stacks.text or describe(session, self.controller.image, stakes)
        annotated = self.controller.annotated
        seen = (annotated.apart, annotated.hidden)
        parts = (*seen, said, self._source(session), _outline(session))
        self.status.setText(" · ".join(part for part in parts if part))
        self.mask_form.show_settings(session.settings)
        blocked = QSignalBlocker(self.limits)
        self.limits.setChecked(self.controller.adjusting.uses_layer_limits)
        del blocked

    def _show_image_section(self, session: Session | None) -> None:
        """Fold what is set away with the first click, once: there is more to see by then."""
        image = self.controller.image
        parts = ["" if image is None else image.name, self._running()]
        self.sections["image"].tell(" · ".join(part for part in parts if part))
        if not self._folded and session is not None and session.clicks:
            self._folded = True
            self.sections["image"].collapse(animate=False)

    def _show_stack(self) -> None:
        stacks = self.controller.stacks
        # A 2-D image has none.
        self.sections["stack"].setVisible(bool(stacks.axes))
        whole = f"Accept object\nin {counted(stacks.count, 'slice')}" if stacks.count else "Accept"
        if self.buttons["accept"].text() != whole:
            self.buttons["accept"].setText(whole)

    def _show_layers(self) -> None:
        shown = (self.controller.image, self.controller.labels)
        # A layer that was refused is not left standing as the chosen one.
        if shown != self._shown or self.labels.layer is not self.controller.labels:
            self._shown = shown
            self.labels.show_layer(self.controller.labels)
        if self.images.layer is not self.controller.image and self.controller.image is not None:
            self.images.show_layer(self.controller.image)
        self.channels.show_channels()

    def _possible(self) -> dict[str, bool]:
        session = self.controller.session
        if session is None:
            return dict.fromkeys(self.buttons, False)
        begun = bool(session.clicks) or self.controller.stacks.current is not None
        return {
            "accept": begun,
            "clear": begun or session.draft.absent,
            "undo": session.can_undo,
            "redo": session.can_redo,
        }

    def _source(self, session: Session) -> str:
        """Return which network answered, where it is another one than that of the weights."""
        card = getattr(self.controller.weights.predictor, "card", None)
        answered = getattr(session.answers.latest, "specialist", None)
        return "" if card is None else str(card.source(answered))

    def _running(self) -> str:
        if self.controller.weights.loading:
            return "loading weights …"
        predictor = self.controller.weights.predictor
        return "" if predictor is None else f"{predictor.name} on {predictor.device}"

    def _show_choices(self, choices: Choices) -> None:
        chosen = self.controller.weights.chosen
        for combo, items, wanted in (
            (self.weights, choices.weights, chosen),
            (self.devices, choices.devices, ""),
        ):
            current = wanted or combo.currentText()
            combo.clear()
            combo.addItems(list(items))
            if current in items:
                combo.setCurrentText(current)

    # --- acting -------------------------------------------------------------------------

    def _load(self) -> None:
        self.controller.weights.load(self.weights.currentText(), self.devices.currentText())

    def _fits(self, layer: Any) -> bool:
        image = self.controller.image
        return image is not None and is_labels_of(layer, image)

    def _why_no_labels(self, layer: Any) -> str:
        image = self.controller.image
        if image is None or not isinstance(layer, Labels) or is_labels_of(layer, image):
            return ""
        return "has another shape"

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Take mouse and keys with the dock's first appearance."""
        super().showEvent(event)
        self.controller.activate()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802
        """Give mouse and keys back when the dock is closed, not when it lies behind a tab."""
        super().hideEvent(event)
        if not _is_open(self):
            self.controller.deactivate()


def _outline(session: Session) -> str:
    """Return whether the outline at hand is drawn elsewhere than the network has it."""
    trail = session.answers.trail(session.place)
    bias = trail[-1].bias if trail else 0.0
    if not bias:
        return ""
    return f"{'larger' if bias > 0 else 'smaller'}, as in objects accepted before"


def _is_open(widget: QWidget) -> bool:
    """Whether the dock around a widget is open, be it behind another tab."""
    parent = dock_of(widget)
    action = None if parent is None else parent.toggleViewAction()
    return action is not None and action.isChecked()


class Following(Protocol):
    """Part of the dock that follows the viewer or the controller."""

    def close_links(self) -> None:
        """No longer follow it."""


class Closing:
    """Ends a controller and what follows it, once."""

    def __init__(self, controller: Controller, followers: tuple[Following, ...]) -> None:
        self._controller, self._followers = controller, followers

    def __call__(self) -> None:
        """End them; once more does nothing."""
        followers, self._followers = self._followers, ()
        try:
            self._controller.close()
        except RuntimeError as error:
            # Where the interpreter ends with the window open, Qt's objects go in any order.
            if "has been deleted" not in str(error):
                raise
        for follower in followers:
            follower.close_links()


def _form(*rows: tuple[str, QWidget]) -> QWidget:
    part = QWidget()
    form = form_in(part)
    for name, widget in rows:
        form.addRow(name, widget)
    return part
