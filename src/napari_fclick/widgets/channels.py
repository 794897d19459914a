"""A checklist of the image layers that are looked at together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QMenu, QPushButton, QSizePolicy, QWidgetAction

from napari_fclick.core.channels import MAX_CHANNELS
from napari_fclick.widgets.covering import is_image
from napari_fclick.widgets.planes import fits_as_channel

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

ALONE, ALONE_FITS = "this image alone", "this image alone: no other fits"
NONE_FIT = "No other gray image of the same shape lies in the same place"
TIP = f"Other image layers that the network looks at together with the image, {MAX_CHANNELS} in all"


class ChannelChooser(QPushButton):
    """Chooses layers of the image's shape as further channels; its menu stays open for several.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self._named: list[Any] = []
        self._boxes: list[tuple[Any, QCheckBox]] = []
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(1)  # a long list of names does not widen the dock
        for emitter in self._emitters():
            emitter.connect(self._on_layers)
        self.show_channels()

    @property
    def boxes(self) -> dict[str, QCheckBox]:
        """The checklist by the names of the layers, as the menu shows it."""
        self._fill()
        return {layer.name: box for layer, box in self._boxes}

    def show_channels(self) -> None:
        """Show what is chosen, and whether there is anything to choose."""
        image, channels = self._controller.image, list(self._controller.channels)
        possible = bool(self._candidates())
        alone = ALONE if possible or image is None else ALONE_FITS
        names = [layer.name for layer in (image, *channels)] if channels else [alone]
        self.setText(" + ".join(names).replace("&", "&&"))
        self.setEnabled(possible)
        self.setToolTip(TIP if possible else NONE_FIT)
        self._follow_names([image, *channels] if channels else [])

    def close_links(self) -> None:
        """No longer follow the viewer."""
        for emitter in self._emitters():
            emitter.disconnect(self._on_layers)
        self._follow_names([])

    def _candidates(self) -> list[Any]:
        controller = self._controller
        image = controller.image
        if image is None:
            return []
        layers = [layer for layer in controller.viewer.layers if is_image(layer)]
        return [layer for layer in layers if fits_as_channel(layer, image)]

    def _fill(self) -> None:
        """List the layers there are now."""
        self._menu.clear()
        self._boxes = []
        for layer in self._candidates():
            box = QCheckBox(layer.name.replace("&", "&&"), self._menu)
            box.setChecked(layer in self._controller.channels)
            box.setStyleSheet("padding: 3px 8px")
            box.toggled.connect(lambda _: self._choose())
            action = QWidgetAction(self._menu)
            action.setDefaultWidget(box)
            self._menu.addAction(action)
            self._boxes.append((layer, box))
        self._allow()

    def _choose(self) -> None:
        self._allow()
        self._controller.annotated.choose_channels(
            [layer for layer, box in self._boxes if box.isChecked()]
        )

    def _allow(self) -> None:
        """Let no more be chosen than the network sees."""
        full = sum(box.isChecked() for _, box in self._boxes) >= MAX_CHANNELS - 1
        for _, box in self._boxes:
            box.setEnabled(box.isChecked() or not full)

    def _emitters(self) -> list[Any]:
        events = self._controller.viewer.layers.events
        return [events.inserted, events.removed]

    def _on_layers(self, event: Any = None) -> None:
        self.show_channels()

    def _follow_names(self, layers: list[Any]) -> None:
        for layer in self._named:
            layer.events.name.disconnect(self._on_layers)
        for layer in layers:
            layer.events.name.connect(self._on_layers)
        self._named = layers
