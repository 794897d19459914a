"""Annotating one image: clicks, predictions, accepted objects, undo; without Qt or a viewer."""

from __future__ import annotations

from napari_fclick.session.history import History, Step
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.place import Place
from napari_fclick.session.session import Session
from napari_fclick.session.state import AcceptedObject, Draft, SessionError, Settings

__all__ = [
    "AcceptedObject",
    "Draft",
    "History",
    "NumberedLabels",
    "Place",
    "Session",
    "SessionError",
    "Settings",
    "Step",
]
