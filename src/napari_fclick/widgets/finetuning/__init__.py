"""The panel "First Click: fine-tune": weights that learn a lab's own images."""

from __future__ import annotations

from napari_fclick.widgets.finetuning.panel import FineTunePanel

__all__ = ["FineTunePanel"]
