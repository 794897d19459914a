"""Clicks into masks with First Click Attention, for napari and headless."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from napari_fclick.core.clicks import Click, ClickSequence

if TYPE_CHECKING:
    from napari_fclick.predictor import Prediction, Predictor

try:
    __version__ = version("napari-fclick")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0"

__all__ = ["Click", "ClickSequence", "Prediction", "Predictor", "__version__"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import: only who predicts waits for it.
    if name in ("Prediction", "Predictor"):
        return getattr(import_module("napari_fclick.predictor"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
