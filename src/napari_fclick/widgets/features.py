"""What is known of objects, as features of the Labels layers that they are in; their colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from napari.utils.colormaps import DirectLabelColormap

from napari_fclick.core.labels import is_label
from napari_fclick.exchange import labels_of_rows
from napari_fclick.session import AcceptedObject, NumberedLabels, Session, Step
from napari_fclick.session.classes import UNCLASSIFIED, Classes
from napari_fclick.widgets.layers import MANY_PIXELS
from napari_fclick.widgets.planes import levels_of
from napari_fclick.widgets.timers import single_shot

#: Features are written so many milliseconds after a change: several in a row are one.
DELAY = 150
#: In large labels, and in those of more objects than this, so many objects to come are given
#: the colour of the class at hand: to colour all anew takes its time.
MANY_OBJECTS = 1000
EXPECTED = 200
COLUMNS = ("class", "clicks", "seconds", "area")

Records = Mapping[int, AcceptedObject | None]
T = TypeVar("T")
OfLayers = WeakKeyDictionary[Any, T]


class LabelFeatures:
    """Writes features into Labels layers a moment after objects change, until `close`.

    The columns are ``index`` (the label), ``class``, ``clicks`` (made), ``seconds`` and
    ``area`` (pixels). Other rows and columns of a layer stay as they are. On demand, objects
    are coloured by their class.
    """

    def __init__(self) -> None:
        # A layer that was removed is kept by what can still be undone in it, not by this.
        self._pending: OfLayers[dict[int, AcceptedObject | None]] = WeakKeyDictionary()
        self._found: OfLayers[dict[int, str]] = WeakKeyDictionary()
        self._classes: OfLayers[dict[int, str]] = WeakKeyDictionary()
        self._known: OfLayers[set[int]] = WeakKeyDictionary()
        self._session: Session | None = None
        self._names = Classes()
        self._by_class = False
        self._colormaps: OfLayers[tuple[Any, Any, dict[int, str]]] = WeakKeyDictionary()
        self._timer = single_shot(self.flush)

    def close(self) -> None:
        """Write what waits, and follow nothing any more."""
        with suppress(Exception):  # a layer may be gone by then
            self.flush()
        self._names.changed.disconnect(self._on_colours, missing_ok=True)

    @property
    def busy(self) -> bool:
        """Whether something waits to be written."""
        return self._timer.isActive()

    # --- what changes -------------------------------------------------------------------

    def follow(self, session: Session) -> None:
        """Write what becomes of a session's objects."""
        session.stepped.connect(partial(self._on_step, session))

    def take_up(self, session: Session) -> None:
        """Write all objects of a session that was resumed, each into the layer that it is in."""
        records: dict[Any, dict[int, AcceptedObject | None]] = {}
        for label, record in session.objects.items():
            layer = _layer_of(session.objects.owners[label])
            if layer is not None:
                records.setdefault(layer, {})[label] = record
        for layer, theirs in records.items():
            self._wait_for(layer, theirs)

    def use(self, session: Session | None, layer: Any) -> None:
        """Take the names and colours of a session, and the classes that a layer tells of.

        Parameters
        ----------
        session : Session or None
        layer : Labels or None
            What the session writes into.
        """
        self._session = session
        if session is None:
            self._use_names(Classes())
            return
        if session.classes is not self._names:
            self._use_names(session.classes)
            self._on_colours()
        if layer is None:
            return
        if layer not in self._found:
            self._meet(layer)
            session.classes.ensure(self._found[layer].values())

    def _use_names(self, names: Classes) -> None:
        self._names.changed.disconnect(self._on_colours, missing_ok=True)
        self._names = names
        names.changed.connect(self._on_colours)

    def _meet(self, layer: Any) -> None:
        found = self._found[layer] = _classes_in(layer)
        self._classes[layer], self._known[layer] = dict(found), set()

    def _wait_for(self, layer: Any, records: Records) -> None:
        if layer not in self._found:
            self._meet(layer)
        self._pending.setdefault(layer, {}).update(records)
        self._known[layer].update(records)
        self._timer.start(DELAY)

    def forget(self, layer: Any) -> None:
        """Let go of a layer that is gone."""
        stores: tuple[OfLayers[Any], ...] = (self._pending, self._found, self._classes)
        for store in (*stores, self._known, self._colormaps):
            store.pop(layer, None)

    def _on_step(self, session: Session, step: Step, how: str) -> None:
        if step.commit is None:
            return
        for change in step.commit.changes:
            record = change.before if how == "undo" else change.after
            # What is said of an object, such as a class, may be said of several in many layers.
            known = record is not None and change.label in session.objects
            owner = session.objects.owners[change.label] if known else step.commit.target
            layer = _layer_of(owner)
            if layer is not None:
                self._wait_for(layer, {change.label: record})

    def _on_colours(self) -> None:
        if self._by_class:
            self._timer.start(DELAY)

    # --- writing ------------------------------------------------------------------------

    def flush(self) -> None:
        """Write at once what waits to be written."""
        self._timer.stop()
        pending, self._pending = self._pending, WeakKeyDictionary()
        for layer, records in pending.items():
            if records:
                layer.features = merged_features(layer.features, records, self._found[layer])
            classes = self._classes[layer]
            for label, record in records.items():
                name = "" if record is None else _row(record, self._found[layer])[0]
                classes.pop(label, None)
                if name:
                    classes[label] = name
        for layer in self._classes if self._by_class else ():
            self._colour(layer)

    # --- colours ------------------------------------------------------------------------

    def colour_by_class(self, on: bool) -> None:
        """Give objects the colours of their classes, or the ones that they had before."""
        self._by_class = on
        self.flush()
        if not on:
            for layer, (ours, before, _) in self._colormaps.items():
                if layer.colormap is ours:  # unless the user has chosen another
                    layer.colormap = before
            self._colormaps.clear()

    def _colour(self, layer: Any) -> None:
        classes = self._classes[layer]
        numbers = self._known[layer] | classes.keys()
        colours = {n: self._names.colour(classes.get(n, "")) for n in numbers}
        ours, before, shown = self._colormaps.get(layer, (None, layer.colormap, {}))
        if layer.colormap is ours and colours.items() <= shown.items():
            return
        colours = self._expected(layer) | colours
        layer.colormap = class_colormap(colours)
        self._colormaps[layer] = (layer.colormap, before, colours)

    def _expected(self, layer: Any) -> dict[int, str]:
        """Return the colour of the next objects, where it takes long to colour all labels anew."""
        session = self._session
        few = _pixels(layer) <= MANY_PIXELS and len(self._known[layer]) <= MANY_OBJECTS
        if few or session is None or not session.objects.knows_next_label:
            return {}
        colour = self._names.colour(session.settings.class_name)
        first = session.objects.next_label
        return dict.fromkeys(range(first, first + EXPECTED), colour)


def _layer_of(owner: NumberedLabels) -> Any:
    """Return the Labels layer that stands behind labels; None where there is none."""
    return getattr(owner.labels, "layer", None)


def merged_features(features: Any, records: Records, found: Mapping[int, str]) -> Any:
    """Return a layer's features with those of some objects.

    Parameters
    ----------
    features : DataFrame
        Rows of ``index`` (labels) or, where there is no such column, of labels from 0.
    records : mapping of int to AcceptedObject or None
        None takes the row away.
    found : mapping of int to str
        Classes that the features told of at first: one is not lost when its object is
        corrected here without being given another.

    Returns
    -------
    DataFrame
    """
    table = features.assign(index=labels_of_rows(features))
    table = table.drop_duplicates("index").set_index("index")
    table = table.drop([n for n in records if n in table.index and records[n] is None])
    rows = {n: _row(record, found) for n, record in records.items() if record is not None}
    if rows:
        new = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS), dtype=object)
        table = table.reindex(table.index.union(new.index))
        for name in COLUMNS:
            known = table[name] if name in table else pd.Series(index=table.index)
            column = known.astype(object)
            column[new.index] = new[name]
            table[name] = column.infer_objects()
    return table.rename_axis("index").reset_index()


def class_colormap(colours: Mapping[int, str]) -> Any:
    """Return a colormap of labels; those not named are gray."""
    colormap = DirectLabelColormap(color_dict={None: UNCLASSIFIED, 0: "transparent"})
    # Set one by one, napari would take 40 ms to read ten thousand colour names.
    shades = {colour: _rgba(colour) for colour in set(colours.values())}
    colormap.color_dict.update({label: shades[colour] for label, colour in colours.items()})
    return colormap


def _pixels(layer: Any) -> int:
    return math.prod(levels_of(layer)[0].shape[-2:])


def _row(record: AcceptedObject, found: Mapping[int, str]) -> tuple[str, int, float, int]:
    name = record.class_name or found.get(record.label, "")
    return name, record.made, round(record.seconds, 1), record.area


def _rgba(colour: str) -> Any:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.array([*parts, 1.0], np.float32)


def _classes_in(layer: Any) -> dict[int, str]:
    """Return the classes that a layer's features tell of, by label."""
    features = layer.features
    if "class" not in features or not len(features):
        return {}
    pairs = zip(labels_of_rows(features), features["class"], strict=True)
    return {int(n): name for n, name in pairs if is_label(n) and isinstance(name, str) and name}
