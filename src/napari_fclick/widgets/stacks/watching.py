"""Watches what else the masks of a stack, and what is told of them, depend on."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

from napari_fclick.session import Session
from napari_fclick.widgets.timers import single_shot

#: The events of an image layer that tell that its pixels have another size.
SIZES = ("scale", "rotate", "shear", "affine", "units")


class Watch:
    """Watches the pixels' size of an image layer, and what is written into labels.

    Parameters
    ----------
    changed : callable
        Told when the size is another one, or something else than a session has written.

    Attributes
    ----------
    written : int
        Grows with whatever is written into the labels.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._watched: tuple[Any, ...] = ()
        self._links: list[tuple[Any, Callable[..., None]]] = []
        self.written = 0
        # napari tells of what is not a stroke, such as a fill, just before it writes it.
        self._soon = single_shot(self._on_others)

    def follow(self, image: Any, labels: Any, session: Session | None) -> None:
        """Watch these, and no others; any of them may be None."""
        wanted = (image, labels, session)
        if len(self._watched) == len(wanted) and all(map(is_, self._watched, wanted)):
            return
        self.close()
        self._watched = wanted
        self.written += 1
        if image is not None:
            self._links += [(getattr(image.events, name), self._on_size) for name in SIZES]
        if labels is not None:
            self._links += [(labels.events.paint, self._on_paint)]
            self._links += [(labels.events.data, self._on_paint)]
        if session is not None:
            self._links += [(session.labels_changed, self._on_written)]
        for emitter, callback in self._links:
            emitter.connect(callback)

    def close(self) -> None:
        """Watch nothing any more."""
        self._soon.stop()
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        self._links.clear()
        self._watched = ()

    def _on_size(self, event: Any = None) -> None:
        self._changed()

    def _on_paint(self, event: Any = None) -> None:
        self._soon.start()
        self._on_others()

    def _on_others(self) -> None:
        self.written += 1
        self._changed()

    def _on_written(self) -> None:
        self.written += 1  # the session itself tells that it has changed
