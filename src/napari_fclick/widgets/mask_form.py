"""The settings of the mask at hand, as the dock shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox, QWidget
from superqt import QLabeledDoubleSlider

from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.core.threshold import THRESHOLD
from napari_fclick.session.state import Settings
from napari_fclick.widgets.adjusting import LEAST, MOST, STEP
from napari_fclick.widgets.choosers import narrow_combo
from napari_fclick.widgets.classes import ClassBar
from napari_fclick.widgets.sections import form_in

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

POLICIES = {
    OverlapPolicy.KEEP: "keep other objects",
    OverlapPolicy.REPLACE: "replace them",
    OverlapPolicy.BACKGROUND: "only background",
}


class MaskForm(QWidget):
    """Threshold, integrity, outline, overlap policy and class of the object at hand.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        adjusting = controller.adjusting
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(LEAST, MOST)
        self.threshold.setSingleStep(STEP)  # type: ignore[arg-type]
        self.threshold.setDecimals(2)
        self.threshold.setValue(THRESHOLD)
        self.threshold.setToolTip("Probability above which a pixel belongs to the object")
        self.threshold.valueChanged.connect(lambda v: adjusting.set(threshold=float(v)))
        self.integrity = QCheckBox("only parts with clicks")
        self.integrity.setChecked(True)
        self.integrity.toggled.connect(lambda on: adjusting.set(integrity=bool(on)))
        self.as_accepted = QCheckBox("as accepted before")
        self.as_accepted.setChecked(True)
        self.as_accepted.setToolTip(
            "Once three objects tell that the first answers are too small or too large, those to "
            f"the next objects are larger or smaller, at a threshold of {THRESHOLD:.2f}"
        )
        self.as_accepted.toggled.connect(lambda on: adjusting.set(as_accepted=bool(on)))
        self.policy = narrow_combo("What happens where the object meets others")
        for policy, text in POLICIES.items():
            self.policy.addItem(text, policy.value)
        self.policy.activated.connect(lambda _: adjusting.set(policy=self.policy.currentData()))
        self.classes = ClassBar(controller)
        form = form_in(self)
        form.addRow("Threshold", self.threshold)
        form.addRow("Integrity", self.integrity)
        form.addRow("Outline", self.as_accepted)
        form.addRow("Overlap", self.policy)
        form.addRow("Class", self.classes)

    def show_settings(self, settings: Settings) -> None:
        """Show settings as they are; the classes follow them by themselves."""
        shown = (self.threshold, self.integrity, self.as_accepted, self.policy)
        blocked = [QSignalBlocker(widget) for widget in shown]
        if abs(self.threshold.value() - settings.threshold) > 1e-6:
            self.threshold.setValue(settings.threshold)
        self.integrity.setChecked(settings.integrity)
        self.as_accepted.setChecked(settings.as_accepted)
        self.policy.setCurrentIndex(self.policy.findData(settings.policy.value))
        del blocked
