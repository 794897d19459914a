"""The dock widget and the layers it keeps in a napari viewer."""

from __future__ import annotations

from napari_fclick.widgets.dock import FirstClickWidget

__all__ = ["FirstClickWidget"]
