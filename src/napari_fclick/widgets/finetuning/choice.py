"""Which images are learned from: pairs of layers, folders, session files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari.layers import Image, Labels

from napari_fclick.core.folders import is_labelled
from napari_fclick.core.words import size_of
from napari_fclick.finetuning.names import plain_name
from napari_fclick.widgets.finetuning.outcome import DataSummary
from napari_fclick.widgets.layers import IMAGE, PREVIEW, image_id, is_labels_of
from napari_fclick.widgets.planes import layer_shape, levels_of

if TYPE_CHECKING:
    from napari_fclick.finetuning.options import FineTuneOptions
    from napari_fclick.finetuning.request import Request
    from napari_fclick.finetuning.sources import LabelledData

#: What images and new weights are called unless the user says so.
NAME = "my-images"


class LayerPair(NamedTuple):
    """An image layer and a Labels layer of its shape."""

    image: Any
    labels: Any

    @property
    def name(self) -> str:
        """What it is called in lists."""
        return f"{self.image.name} + {self.labels.name}"


@dataclass(frozen=True)
class Choice:
    """What is learned from.

    Attributes
    ----------
    layers : tuple of LayerPair
    folders : tuple of Path
        With ``images/`` and ``labels/``.
    sessions : tuple of Path
    """

    layers: tuple[LayerPair, ...] = ()
    folders: tuple[Path, ...] = ()
    sessions: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.layers or self.folders or self.sessions)


def fitting_pairs(layers: Iterable[Any]) -> list[LayerPair]:
    """Return every image layer with every Labels layer of its shape."""
    images, labels = _sorted_out(layers)
    return [LayerPair(i, each) for i in images for each in labels if is_labels_of(each, i)]


def first_pairs(layers: Iterable[Any]) -> list[LayerPair]:
    """Return pairs that are surely meant, in which no layer occurs twice.

    Labels that First Click made know their image. Of others the shape tells which it is, unless
    several fit.
    """
    fitting = fitting_pairs(layers)
    found: list[LayerPair] = []
    for pair in fitting:
        made_for = pair.labels.metadata.get(IMAGE)
        if made_for == image_id(pair.image) and all(pair.image is not p.image for p in found):
            found.append(pair)
    with_labels = [id(pair.image) for pair in found]
    rest = [p for p in fitting if IMAGE not in p.labels.metadata and id(p.image) not in with_labels]
    often = Counter(id(layer) for pair in rest for layer in pair)
    return found + [p for p in rest if often[id(p.image)] == often[id(p.labels)] == 1]


def why_no_pairs(layers: Iterable[Any]) -> str:
    """Return why no layers can be learned from, and what to do."""
    images, labels = _sorted_out(layers)
    if not images:
        return "no image layer is open"
    if not labels:
        return "no Labels layer is open: annotate objects, or open labels, first"
    return (
        f"no shapes fit: images {_shapes(images)}, labels {_shapes(labels)}; labels need the "
        "shape of their image, colour channels not counted"
    )


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds no images and labels.

    Raises
    ------
    ValueError
        That says what is missing.
    """
    if not is_labelled(folder):
        missing = [part for part in ("images", "labels") if not (folder / part).is_dir()]
        needed = " and ".join(f"{part}/" for part in missing)
        raise ValueError(
            f"{folder.name} holds no {needed}: put image files into images/ and, under the same "
            "names, their label files into labels/"
        )


def arrays_of(pairs: Sequence[LayerPair]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, image and labels of pairs, at the finest level of pyramids; lazy as they are."""
    names = [pair.image.name for pair in pairs]
    for pair in pairs:
        name = pair.image.name if names.count(pair.image.name) == 1 else pair.name
        yield name, levels_of(pair.image)[0], levels_of(pair.labels)[0]


# --- in a thread: these import and read for seconds --------------------------------------


def summary_of(choice: Choice, name: str, weights: str) -> DataSummary:
    """Read what was chosen and return what is in it; which are held back is not stored.

    Parameters
    ----------
    choice : Choice
    name : str
        Of the images.
    weights : str
        A name: the weights to start from. What they have learned from is not held back.

    Raises
    ------
    ValueError, FileNotFoundError
        If it cannot be learned from.
    """
    from napari_fclick.finetuning.sessions import from_sessions
    from napari_fclick.finetuning.sources import combine, from_arrays, from_folder
    from napari_fclick.finetuning.summary import before_start

    parts: list[LabelledData] = [from_folder(folder) for folder in choice.folders]
    if choice.sessions:
        parts.append(from_sessions(choice.sessions, name))
    if choice.layers:
        parts.append(from_arrays(arrays_of(choice.layers), name))
    return DataSummary.model_validate(before_start(combine(parts), weights).as_json())


def make_request(choice: Choice, name: str, options: FineTuneOptions, folder: Path) -> Request:
    """Put layers into a folder and return what the process is asked.

    Parameters
    ----------
    choice : Choice
    name : str
        Of the images, and of the weights that come out.
    options : FineTuneOptions
    folder : Path
        Takes the layers, the weights and temporary files; the caller removes it.

    Raises
    ------
    OSError
        If the layers cannot be written there.
    """
    from napari_fclick.finetuning.request import Request, store_arrays

    return Request(
        name=name,
        folders=choice.folders,
        sessions=choice.sessions,
        arrays=store_arrays(folder / "layers", arrays_of(choice.layers)),
        options=options,
        out=folder / f"{plain_name(name, NAME)}.safetensors",
        scratch=folder,
    )


# --- helpers ----------------------------------------------------------------------------


def _sorted_out(layers: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """Return the image layers, our previews left out, and the Labels layers."""
    layers = list(layers)
    images = [e for e in layers if isinstance(e, Image) and PREVIEW not in e.metadata]
    return images, [e for e in layers if isinstance(e, Labels)]


def _shapes(layers: Sequence[Any]) -> str:
    shapes = dict.fromkeys(size_of(layer_shape(layer)) for layer in layers)
    return ", ".join(shapes)
