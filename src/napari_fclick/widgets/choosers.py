"""A list of layers to choose from, kept as the viewer has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from psygnal import Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QSizePolicy


class LayerChooser(QComboBox):
    """Chooses one of a viewer's layers; it follows additions, removals, moves and renames.

    Parameters
    ----------
    viewer : napari.Viewer
    accepts : callable
        Takes a layer, returns whether it is listed.
    none_text : str, optional
        What stands for no layer, where that may be chosen.
    refuses : callable, optional
        Takes a layer that is not accepted, returns why it cannot be chosen; it is then named with
        that below the others. An empty text leaves it out.

    Attributes
    ----------
    chosen : Signal(object)
        The layer that the user, or a removal, made the current one; or None.
    """

    chosen = Signal(object)

    def __init__(
        self,
        viewer: Any,
        accepts: Callable[[Any], bool],
        none_text: str | None = None,
        refuses: Callable[[Any], str] = lambda layer: "",
    ) -> None:
        super().__init__()
        self._refuses = refuses
        self._viewer, self._accepts, self._none_text = viewer, accepts, none_text
        self._listed: list[Any] = []
        self._named: list[Any] = []
        keep_narrow(self)
        self.activated.connect(lambda _: self.chosen.emit(self.layer))
        for emitter in self._emitters():
            emitter.connect(self._on_layers)
        self._list(None)

    @property
    def layer(self) -> Any:
        """The current layer, or None."""
        index = self.currentIndex()
        return self._listed[index] if 0 <= index < len(self._listed) else None

    def show_layer(self, layer: Any) -> None:
        """List the layers anew and make ``layer``, or None, the current one."""
        self._list(layer)

    def _list(self, current: Any) -> None:
        layers = [layer for layer in self._viewer.layers if self._accepts(layer)]
        self._listed = layers if self._none_text is None else [None, *layers]
        self.blockSignals(True)
        self.clear()
        for layer in self._listed:
            self.addItem(str(self._none_text) if layer is None else layer.name)
        refused = [layer for layer in self._viewer.layers if self._refuses(layer)]
        for layer in refused:
            self.addItem(f"{layer.name} ({self._refuses(layer)})")
            item = cast(QStandardItemModel, self.model()).item(self.count() - 1)
            if item is not None:
                item.setEnabled(False)
        if current in self._listed:
            self.setCurrentIndex(self._listed.index(current))
        self.blockSignals(False)
        self._follow_names([*layers, *refused])

    def close_links(self) -> None:
        """No longer follow the viewer."""
        for emitter in self._emitters():
            emitter.disconnect(self._on_layers)
        self._follow_names([])

    def _on_layers(self, event: Any = None) -> None:
        before = self.layer
        self._list(self.layer)
        if self.layer is not before:
            self.chosen.emit(self.layer)

    def _emitters(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed, events.reordered]

    def _follow_names(self, layers: list[Any]) -> None:
        for layer in self._named:
            layer.events.name.disconnect(self._on_name)
        for layer in layers:
            layer.events.name.connect(self._on_name)
        self._named = layers

    def _on_name(self, event: Any = None) -> None:
        self._list(self.layer)


def narrow_combo(tip: str) -> QComboBox:
    """Return a list to choose from that does not widen its dock."""
    combo = QComboBox()
    combo.setToolTip(tip)
    keep_narrow(combo)
    return combo


def keep_narrow(combo: QComboBox) -> None:
    """Let a long name be cut off rather than widen the dock."""
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(10)
