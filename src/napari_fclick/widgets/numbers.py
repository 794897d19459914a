"""Numbers in forms: what a field allows, and scrolling past one without changing it."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy, QSpinBox, QWidget


def limits_of(info: FieldInfo) -> dict[str, Any]:
    """Return what a field allows, by pydantic's names: ge, gt, le and multiple_of."""
    return {
        name: getattr(part, name)
        for part in info.metadata
        for name in ("ge", "gt", "le", "multiple_of")
        if hasattr(part, name)
    }


def number_box(whole: bool) -> QSpinBox | QDoubleSpinBox:
    """Return a box for a number that changes when it is typed in full, not by scrolling past."""
    spin: QSpinBox | QDoubleSpinBox = QSpinBox() if whole else QDoubleSpinBox()
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.installEventFilter(WheelGuard(spin))
    spin.setKeyboardTracking(False)
    spin.setMinimumWidth(56)
    spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return spin


class WheelGuard(QObject):
    """Leaves the wheel to what scrolls, unless the widget it is installed on has the focus.

    Install it with ``installEventFilter`` on widgets that take no focus from the wheel.
    """

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Pass the wheel on."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QWidget) and watched.hasFocus():
            return False
        event.ignore()
        return True
