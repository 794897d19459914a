"""The Labels layers that objects are written into, and the counting of their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_fclick.core.pyramids import write_levels
from napari_fclick.session import NumberedLabels
from napari_fclick.session.numbering import numbers_in
from napari_fclick.widgets.painting import LabelsPainter
from napari_fclick.widgets.planes import levels_of
from napari_fclick.widgets.workers import Job, Worker


class LabelsTarget:
    """A Labels layer as an array: writing to it also shows what was written.

    It follows the layer when its data are exchanged. Of a pyramid it is the finest level, and
    what is written goes into all levels.

    Parameters
    ----------
    viewer : napari.Viewer
    layer : Labels
    """

    def __init__(self, viewer: Any, layer: Labels) -> None:
        self.layer = layer
        self._painter = LabelsPainter(viewer, layer)
        self._unshown: list[Any] | None = None

    @property
    def levels(self) -> list[Any]:
        """The layer's arrays, finest first; one where it is no pyramid."""
        return levels_of(self.layer)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data."""
        return tuple(int(n) for n in self.levels[0].shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the data."""
        dtype: np.dtype[Any] = np.dtype(self.levels[0].dtype)
        return dtype

    @property
    def chunks(self) -> Any:
        """Chunks of the data, where they have any."""
        return getattr(self.levels[0], "chunks", None)

    def renew(self) -> None:
        """Have napari's own tools see what was written."""
        self._painter.renew()

    @contextmanager
    def shown_at_once(self) -> Iterator[None]:
        """Show what is written when all of it is, not bit by bit."""
        unshown = self._unshown = []
        try:
            yield
        finally:
            self._unshown = None
            self._painter.show_all(unshown)

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self.levels[0][index])

    def __setitem__(self, index: Any, value: Any) -> None:
        levels = self.levels
        if len(levels) == 1:
            levels[0][index] = value
        else:
            write_levels(levels, index, value)
        self._forget_strokes()
        if self._unshown is None:
            self._painter.show(index)
        else:
            self._unshown.append(index)

    def _forget_strokes(self) -> None:
        """Have napari take back no brush stroke from before: it would write over what is there."""
        for name in ("_undo_history", "_redo_history"):  # there is no public way
            strokes = getattr(self.layer, name, None)
            if strokes is not None:
                strokes.clear()


class Targets:
    """One target for each Labels layer, whatever images share it, until `close`.

    Parameters
    ----------
    viewer : napari.Viewer
    worker : Worker
        Where labels are counted.

    Attributes
    ----------
    counted : Signal(NumberedLabels)
        The numbers of a target are known.
    failed : Signal(NumberedLabels, str)
        They could not be counted, and why.
    """

    counted = Signal(object)
    failed = Signal(object, str)

    def __init__(self, viewer: Any, worker: Worker) -> None:
        self._viewer, self._worker = viewer, worker
        self._targets: dict[Any, NumberedLabels] = {}
        # Those whose objects a session can still undo: it is they that keep the layer.
        self._gone: WeakValueDictionary[int, NumberedLabels] = WeakValueDictionary()
        self._counting: set[tuple[NumberedLabels, int]] = set()

    def of(self, layer: Labels, highest: int | None = None) -> NumberedLabels:
        """Return the target of a layer.

        Parameters
        ----------
        layer : Labels
        highest : int, optional
            Its highest object number, where it is known.
        """
        if layer not in self._targets:
            target = self._gone.pop(id(layer), None)  # objects of one that comes back are known
            if target is None:
                target = NumberedLabels(LabelsTarget(self._viewer, layer), highest)
            else:
                target.forget()
            self._targets[layer] = target
            layer.events.paint.connect(self._on_paint)
            layer.events.mode.connect(self._on_mode)
            layer.events.data.connect(self._on_data)
        return self._targets[layer]

    def drop(self, layer: Any) -> None:
        """Forget a layer; what was written into it can still be undone."""
        target = self._targets.pop(layer, None)
        if target is not None:
            self._gone[id(layer)] = target
            layer.events.paint.disconnect(self._on_paint)
            layer.events.mode.disconnect(self._on_mode)
            layer.events.data.disconnect(self._on_data)

    def close(self) -> None:
        """Forget all layers."""
        for layer in list(self._targets):
            self.drop(layer)

    def count(self, target: NumberedLabels) -> None:
        """Find the object numbers off the GUI thread, unless that is done already."""
        version = target.version
        if target.known or (target, version) in self._counting:
            return
        self._counting.add((target, version))

        def done(numbers: NDArray[Any]) -> None:
            self._counting.discard((target, version))
            target.found(numbers, version)
            if version == target.version:
                self.counted.emit(target)

        def failed(problem: str) -> None:
            self._counting.discard((target, version))
            if version == target.version:
                self.failed.emit(target, problem)

        job = Job(lambda: numbers_in(target.labels), done, failed)
        self._worker.submit(f"count {id(target)}", job)

    def _on_paint(self, event: Any) -> None:
        """Leave numbers that a brush has used to the brush."""
        for number in {int(n) for *_, new in event.value for n in np.unique(new)}:
            self._targets[event.source].saw(number)

    def _on_mode(self, event: Any) -> None:
        """Prepare the layer for the tool that was taken in hand."""
        self._targets[event.source].labels.renew()

    def _on_data(self, event: Any) -> None:
        target = self._targets[event.source]
        target.forget()
        self.count(target)
