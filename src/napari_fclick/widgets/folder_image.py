"""The image of a folder that is open: its layers, and the file that its labels are written to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_fclick.core.voxels import VoxelSize
from napari_fclick.session import Step
from napari_fclick.session.autosave import Offer, same_source
from napari_fclick.widgets.folder_reading import ImageRead
from napari_fclick.widgets.inputs import source_of
from napari_fclick.widgets.layers import FILE, IMAGE, image_id, labels_with, sizes_of
from napari_fclick.widgets.planes import levels_of

if TYPE_CHECKING:
    from napari_fclick.widgets.annotation import Annotation
    from napari_fclick.widgets.controller import Controller


def _measure(image: Image, voxel: VoxelSize) -> None:
    """Have a layer know how large its pixels are, along its last axes."""
    known = min(image.ndim, 3)
    others = image.ndim - known
    image.scale = (*(1.0,) * others, *voxel.spacing[-known:])
    if voxel.unit:
        with suppress(ValueError, AttributeError):  # a unit that napari does not know
            image.units = (*("pixel",) * others, *(voxel.unit,) * known)


class FolderImage:
    """An image layer that was read from a folder, and its labels.

    Parameters
    ----------
    controller : Controller
    read : ImageRead

    Attributes
    ----------
    path : Path
    file : LabelsFile
    image : Image
        Its layer, which is not in the viewer yet.
    fresh : bool
        Whether its session may still be resumed.

    Raises
    ------
    ValueError
        And whatever else napari says to pixels of this kind.
    """

    def __init__(self, controller: Controller, read: ImageRead) -> None:
        self._controller = controller
        self.path, self.file = read.path, read.file
        colours = read.pixels.ndim == 3 and read.pixels.shape[-1] in (3, 4)
        if read.labels is not None:
            colours = read.labels.ndim < read.pixels.ndim
        metadata = {FILE: str(read.path)}
        self.image = Image(read.pixels, name=read.path.stem, rgb=colours, metadata=metadata)
        if read.voxel is not None:
            _measure(self.image, read.voxel)
        self.fresh = True
        # The layer that the file of its labels was read into, or written from; what is in the file.
        self._labels: Any = None
        self._known: NDArray[Any] | None = None
        self._unseen: Step | None = None

    @property
    def is_current(self) -> bool:
        """Whether it is the image that is annotated."""
        return self._controller.image is self.image

    @property
    def annotation(self) -> Annotation | None:
        """What belongs to its layer; None where that was removed."""
        every = self._controller.annotated.all
        return next((each for each in every if each.image is self.image), None)

    def show_labels(self, labels: NDArray[Any]) -> None:
        """Open the labels that were read, and write objects into them."""
        layers, layer = self._controller.viewer.layers, labels_with(self.image, labels)
        layer.metadata[FILE] = str(self.file.found)
        layers.append(layer)
        layers.selection.active = self.image
        self._labels, self._known = layer, labels
        self._controller.annotated.choose_labels(layer)

    def note_unseen(self, last: Step | None) -> None:
        """Note the last step of a session in which nobody did anything to what was found."""
        self._unseen = last

    def has_session(self, offer: Offer) -> bool:
        """Whether a session is its own, and the labels of both are the same."""
        if not offer.is_of(source_of(self.image)):
            return False
        if self._labels is not None:
            own = source_of(self._labels)
            return all(same_source(labels, own) for labels in offer.labels)
        return self.file.found is None or not offer.labels

    def write(self, *, closing: bool = False) -> bool:
        """Write the labels, and tell whether there was anything to be written.

        Parameters
        ----------
        closing : bool
            Whether nobody asked for it: objects that were found stay in the session alone then, as
            long as nothing was done to them.

        Raises
        ------
        OSError, ValueError
            If they cannot be written, or something would be lost.
        """
        layer = self._layer_to_write()
        if layer is None:
            return False
        pixels = np.asarray(levels_of(layer)[0])
        own, known = layer is self._labels, self._known
        if own and known is not None and np.array_equal(pixels, known):
            return False
        annotation = self.annotation
        done = None if annotation is None else annotation.session.history.last_done
        if closing and done is not None and done is self._unseen:
            return False
        self.file.check(whole=own)
        self.file.write(pixels, *sizes_of(layer))
        self._labels, self._known = layer, pixels.copy()
        layer.metadata[FILE] = str(self.file.path)
        if self.annotation is not None:
            self._controller.journaling.note_labels(self.annotation)
        return True

    def close(self) -> None:
        """Take its layers away; its labels are written."""
        layers = self._controller.viewer.layers
        if self.annotation is not None:
            self.annotation.hide()  # at once: its layers' names are those of the next image
        # The image first: without it nobody misses its labels.
        for layer in (self.image, self._labels, *self._made_for_it()):
            if layer in layers:
                layers.remove(layer)

    def _layer_to_write(self) -> Any:
        """Return the layer with all objects of the image; None where there is none.

        Raises
        ------
        ValueError
            If they are in several layers.
        """
        layers, annotation = self._controller.viewer.layers, self.annotation
        found = [self._labels, *self._made_for_it()]
        if annotation is not None:
            owners = dict.fromkeys(annotation.session.objects.owners.values())
            found += [annotation.labels, *(getattr(o.labels, "layer", None) for o in owners)]
        there = [layer for layer in dict.fromkeys(found) if layer is not None and layer in layers]
        full = [layer for layer in there if np.any(levels_of(layer)[0])]
        if len(full) > 1:
            names = " and ".join(repr(layer.name) for layer in full)
            raise ValueError(
                f"its objects are in the labels layers {names}, and {self.file.name} holds one: "
                "remove the others; the session keeps what was accepted in them"
            )
        if full:
            return full[0]
        return self._labels if self._labels in there else None  # its objects were deleted

    def _made_for_it(self) -> list[Any]:
        """Return the Labels layers that were made for the image."""
        return [
            layer
            for layer in self._controller.viewer.layers
            if isinstance(layer, Labels) and layer.metadata.get(IMAGE) == image_id(self.image)
        ]
