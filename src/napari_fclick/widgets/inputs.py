"""What an image is looked at with, as a session file knows it: channels and limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fclick.core.intensity import Limits
from napari_fclick.session.journal import Journal
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import encodable
from napari_fclick.widgets.covering import is_image
from napari_fclick.widgets.layers import FILE
from napari_fclick.widgets.planes import fits_as_channel, limits_of

if TYPE_CHECKING:
    from napari_fclick.widgets.annotation import Annotation
    from napari_fclick.widgets.controller import Controller

#: What a file tells of its last step: the names of the channels, the limits of the image alone.
NAMES, LIMITS = "channel names", "limits"


def source_of(layer: Any) -> str:
    """Return the file that a layer came from, as session files know it; empty for none."""
    return encodable(lasting(str(layer.metadata.get(FILE) or layer.source.path or "")))


def lasting(source: str) -> str:
    """Return a file's path that is good wherever it is read; what is no path stays as it is."""
    return source if not source or "://" in source else str(Path(source).absolute())


def note_look(recorder: Recorder, annotation: Annotation) -> None:
    """Note what channels are called and which limits are used, for when the session is resumed."""
    names = [encodable(layer.name) for layer in annotation.channels]
    recorder.note_about(NAMES, json.dumps(names))
    recorder.note_about(LIMITS, json.dumps(None if names else annotation.limits))


def look_as_before(controller: Controller, annotation: Annotation, journal: Journal) -> list[str]:
    """Choose the channels and limits that a session was last made with.

    Returns
    -------
    list of str
        What could not be had.
    """
    seen, problems = journal.last_circumstances.channels, []
    names = json.loads(journal.about(NAMES, "[]"))
    if len(names) != len(seen.sources):  # they were chosen anew after the last step
        names = [""] * len(seen.sources)
    found = [
        _found(controller, annotation, *each) for each in zip(seen.sources, names, strict=True)
    ]
    if None in found:
        lost = [
            name or source or "without a name"
            for name, source, layer in zip(names, seen.sources, found, strict=True)
            if layer is None
        ]
        found = []
        problems = [f"without its channels: {', '.join(lost)} {_not_open(len(lost))}"]
    limits = seen.limits if seen.sources else _limits_alone(journal)
    if [*annotation.channels] != found:
        controller.annotated.choose_channels(found)
    _use_limits(controller, [annotation.image, *found], limits)
    return problems


def _not_open(count: int) -> str:
    return "is not open" if count == 1 else "are not open"


def _found(controller: Controller, annotation: Annotation, source: str, name: str) -> Any:
    """Return the layer that was a channel; None where it is not open."""
    image = annotation.image
    layers = [
        layer
        for layer in controller.viewer.layers
        if is_image(layer) and fits_as_channel(layer, image)
    ]
    same = [layer for layer in layers if source_of(layer) == source]
    named = [layer for layer in same if encodable(layer.name) == name]
    # A file may hold several channels; what came from none is known by its name alone.
    found = named or (same if source and len(same) == 1 else [])
    return found[0] if found else None


def _limits_alone(journal: Journal) -> list[Limits] | None:
    """Return the limits of an image that was looked at alone."""
    known = json.loads(journal.about(LIMITS, "null"))
    return None if known is None else [(float(known[0]), float(known[1]))]


def _use_limits(controller: Controller, layers: Sequence[Any], limits: list[Limits] | None) -> None:
    for layer, wanted in zip(layers, limits or [], strict=False):
        if limits_of(layer) not in (None, wanted):
            layer.contrast_limits = wanted
    if controller.adjusting.uses_layer_limits != (limits is not None):
        controller.adjusting.use_layer_limits(limits is not None)
