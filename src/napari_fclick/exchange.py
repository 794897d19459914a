"""What napari reads and writes through the plugin: session files, COCO."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fclick.core.labels import is_label
from napari_fclick.core.paths import replacing
from napari_fclick.core.units import FRAME
from napari_fclick.session.coco import coco_of_labels
from napari_fclick.session.journal import SUFFIX, Journal, JournalError
from napari_fclick.session.restoring import accepted_only
from napari_fclick.session.resuming import reopen
from napari_fclick.session.target import Target

LayerData = tuple[Any, dict[str, Any], str]

#: In a Labels layer's metadata: the session file that its objects are in.
SESSION = "napari-fclick session"
#: There, too: the layer was read from that file, and nothing that is painted in it goes there.
READ = "napari-fclick read"


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return what reads a session file; None for what is none (napari's reader protocol)."""
    first = path[0] if isinstance(path, list) else path
    return read_session if str(first).lower().endswith(SUFFIX) else None


def read_session(path: str | list[str]) -> list[LayerData]:
    """Read the labels of session files as Labels layers.

    The dock goes on in such a file by *Session > Open*.

    Raises
    ------
    JournalError
        If a file cannot be read, or nothing was accepted in it.
    """
    paths = path if isinstance(path, list) else [path]
    return [layer for each in paths for layer in _labels_in(Path(each))]


def write_session(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a copy of the session file in which a Labels layer's objects are.

    Raises
    ------
    JournalError
        If the layer's objects are in none, or it was read from one and painted in since.
    """
    source = attributes.get("metadata", {}).get(SESSION)
    if not source:
        raise JournalError(
            f"layer {attributes.get('name', '')!r} belongs to no session; "
            "only objects that were accepted with First Click do"
        )
    if attributes["metadata"].get(READ):
        _check_unpainted(Path(source), np.asarray(data))
    with closing(Journal.open(Path(source), read_only=True)) as journal:
        journal.copy_to(Path(path)).close()
    return [path]


def write_coco(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a Labels layer as COCO JSON, one annotation an object and plane.

    The layer's feature ``class``, where it has one, becomes the category; a class that is not set
    is none. Without a feature ``index``, its rows are of labels from 0.
    """
    finest = data[0] if attributes.get("multiscale") else data
    features = attributes.get("features")
    classes: dict[int, str] = {}
    if features is not None and "class" in features:
        rows = zip(labels_of_rows(features), features["class"], strict=True)
        classes = {int(label): str(name) for label, name in rows if is_label(label) and _set(name)}
    found = coco_of_labels(np.asarray(finest), str(attributes.get("name", "labels")), classes)
    with replacing(Path(path)) as partial:
        partial.write_text(json.dumps(found) + "\n", "utf-8")
    return [path]


def labels_of_rows(features: Any) -> Iterable[Any]:
    """Return which label each row of a Labels layer's features is of, as napari takes them."""
    return features["index"] if "index" in features else range(len(features))


def _set(name: Any) -> bool:
    """Whether a cell of a table holds anything: nothing is None, NaN or NA, or no text."""
    return not pd.isna(name) and bool(name)


def _check_unpainted(source: Path, data: NDArray[Any]) -> None:
    known = [labels for labels, _, _ in _labels_in(source)]
    changed = [int(np.count_nonzero(data != each)) for each in known if each.shape == data.shape]
    if 0 not in changed:
        pixels = f"{min(changed)} pixels" if changed else "its shape"
        raise JournalError(
            f"{pixels} of the layer were changed since it was read from {source}: a session holds "
            "what was accepted from clicks, not what was painted; save the layer as TIFF"
        )


def _units(known: Target) -> str | list[str]:
    """Return the units of labels as napari takes them."""
    if " " not in known.unit:
        return known.unit
    return ["pixel" if unit == FRAME else unit for unit in known.units]


def _labels_in(path: Path) -> list[LayerData]:
    with closing(Journal.open(path, read_only=True)) as journal:
        opened = reopen(journal)
        used = {id(commit.target) for commit in opened.restored.commits}
        layers: list[LayerData] = []
        for target, known in zip(opened.targets, journal.targets, strict=True):
            if id(target) in used:
                attributes: dict[str, Any] = {
                    "name": known.name,
                    "metadata": {SESSION: str(path), READ: True},
                }
                if known.spacing:
                    attributes["scale"] = known.spacing
                if known.unit:
                    attributes["units"] = _units(known)
                labels = accepted_only(opened.restored, target)
                layers.append((labels, attributes, "labels"))
        if not layers:
            raise JournalError(f"{path} holds no accepted object")
        return layers
