"""Objects like those of a folder's labelled images, found in its other images.

Nobody has looked at what is found: it goes into session files, which the dock goes on in when the
image is opened, and not among the labels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.files import read_image, write_labels
from napari_fclick.core.folders import (
    IGNORE_LABEL,
    ImageFolder,
    ImagePair,
    find_images,
    label_files,
    load_pair,
)
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.voxels import VoxelSize, voxel_size
from napari_fclick.core.window import image_shape
from napari_fclick.predictor import Predictor
from napari_fclick.session import NumberedLabels, Session
from napari_fclick.session.accepting import accept_found
from napari_fclick.session.autosave import new_path, offers
from napari_fclick.session.journal import Journal, JournalError, Target
from napari_fclick.session.likeness import (
    Look,
    Sampled,
    Seen,
    centres_of,
    learn,
    radius_of,
    region_of,
    sample,
)
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Signature
from napari_fclick.session.similar import LEAST, MOST, SURE, Found, Search
from napari_fclick.session.state import Answer, PredictionRequest, Settings

#: So many labelled images are learned from at most, evenly among all.
IMAGES = 8
#: What is smaller is no example, in pixels.
SMALLEST = 12
#: What labels are called in the dock.
NAME = "objects"


@dataclass(frozen=True)
class ImageFound:
    """What was found in an image.

    Attributes
    ----------
    image : Path
    found : tuple of Found
        In the order in which they were found; their numbers in the labels are 1, 2, and so on.
    session : Path or None
        The session file that they are in; None where nothing was found.
    labels : Path or None
        The labels that were written; None where none were.
    left_out : str
        Why the image was not looked at; empty where it was.
    """

    image: Path
    found: tuple[Found, ...] = ()
    session: Path | None = None
    labels: Path | None = None
    left_out: str = ""


@dataclass
class Examples:
    """What objects look like in labelled images, with colours and without.

    Attributes
    ----------
    objects, images : int
        How many were learned from.
    looks : dict of bool to Look
        By whether an image has no colours.
    notes : list of str
        What was left out.
    """

    objects: int = 0
    images: int = 0
    looks: dict[bool, Look] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> Examples:
        """Learn from the labelled images of a folder.

        Parameters
        ----------
        folder : Path
            With ``images/``, or images that lie in it, and ``labels/``.

        Raises
        ------
        FileNotFoundError
            If there is no such folder, or no image in it.
        ValueError
            If the labels hold too few objects.
        """
        made = cls()
        known = list(made._read(_labelled(find_images(folder))))
        for grey in (True, False):
            made._learn(grey, [each for each in known if _is_grey(each[1]) == grey])
        if not made.looks:
            count = sum(len(masks) for *_, masks in known)
            notes = "".join(f"; {note}" for note in made.notes)
            raise ValueError(
                f"{folder / 'labels'} holds {count or 'no'} object{'s' * (count != 1)} of an "
                f"image: at least {LEAST} are needed, to look for others like them{notes}"
            )
        return made

    def _read(
        self, pairs: Iterable[ImagePair]
    ) -> Iterable[tuple[ImagePair, NDArray[Any], list[StoredMask]]]:
        for pair in pairs:
            try:
                plane = load_pair(pair)
            except (ValueError, OSError) as error:
                self.notes.append(str(error))
                continue
            if plane.labels.ndim > 2:
                self.notes.append(f"{pair.image.name} is a stack: left out")
                continue
            yield pair, plane.image, _objects(plane.labels)

    def _learn(
        self, grey: bool, known: Sequence[tuple[ImagePair, NDArray[Any], list[StoredMask]]]
    ) -> None:
        every = [mask for *_, masks in known for mask in masks]
        if len(every) < LEAST:
            return
        radius = radius_of(every)
        samples = [_sample(*each, radius) for each in known if each[2]]
        self.looks[grey] = learn(*samples)
        self.objects, self.images = self.objects + len(every), self.images + len(samples)


class Finder:
    """Looks for objects in images, one after the other, and writes down what it finds.

    Parameters
    ----------
    predictor : Predictor
    examples : Examples
        What is looked for.
    out : Path or None
        A folder for labels as TIFF; None for none.
    least : float
        How sure it has to be that something is such an object, 0 to 1.
    again : bool
        Whether images are looked at in which there are objects already, in a session.
    """

    def __init__(
        self,
        predictor: Predictor,
        examples: Examples,
        out: Path | None = None,
        least: float = SURE,
        again: bool = False,
    ) -> None:
        self._predictor, self._examples, self._out = predictor, examples, out
        self._least, self._again = least, again

    def look_at(self, image: Path) -> ImageFound:
        """Find objects in an image.

        Raises
        ------
        JournalError, OSError
            If what was found cannot be written.
        """
        try:
            pixels = read_image(image)
        except (ValueError, OSError) as error:
            return ImageFound(image, left_out=str(error))
        if problem := _why_not(pixels):
            return ImageFound(image, left_out=problem)
        signature = Signature.of(pixels, str(image.absolute()), image.stem)
        earlier = [offer for offer in offers(signature) if offer.objects]
        if earlier and not self._again:
            count = earlier[0].objects
            return ImageFound(
                image, left_out=f"{count} object{'s' * (count != 1)} in {earlier[0].path.name}"
            )
        look = self._examples.looks.get(_is_grey(pixels))
        if look is None:
            colours = "no colours" if _is_grey(pixels) else "colours"
            return ImageFound(image, left_out=f"it has {colours}, and no labelled image is so")
        found = tuple(self.found_in(pixels, look))
        return self._written(image, pixels, signature, found) if found else ImageFound(image)

    def found_in(self, pixels: NDArray[Any], look: Look) -> list[Found]:
        """Return what is found in all of a plane (H, W) or (H, W, C), wherever it is."""
        shape, settings = image_shape(pixels), Settings()
        request = PredictionRequest(0, pixels, ClickSequence([Click(0.0, 0.0)]), trail=(Answer(1),))
        taken, every = np.zeros(shape, bool), list[Found]()
        for centre in centres_of(shape, look.radius):
            region = region_of(shape, look.radius, centre)
            seen = Seen(pixels, None, look.radius, centre)
            search = Search(request, self._predictor, settings, seen, look, taken[region.slices])
            for found in search.run(self._least):
                if found is not None:
                    taken[found.mask.box.slices] |= found.mask.unpack()
                    every.append(found)
        return every

    def _written(
        self,
        image: Path,
        pixels: NDArray[Any],
        signature: Signature,
        found: tuple[Found, ...],
    ) -> ImageFound:
        voxel = voxel_size(image)
        labels = NumberedLabels(np.zeros(image_shape(pixels), np.uint16), highest=0)
        session = Session(pixels, labels)
        recorder = Recorder(session, lambda _: _target(labels, voxel))
        recorder.set_weights(self._predictor.name, self._predictor.card.sha256)
        # Elsewhere first: a file that holds but a part of it would be gone on in.
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal.create(Path(folder) / "found.fclick", signature)
            recorder.go_on_in(journal)
            problems: list[str] = []
            recorder.failed.connect(problems.append)
            try:
                found = tuple(
                    each
                    for each in found
                    if accept_found(session, session.place, each, session.settings)
                )
                if problems:
                    raise JournalError(problems[0])
                path = new_path(image.stem)
                path.parent.mkdir(parents=True, exist_ok=True)
                journal.copy_to(path).close()
            finally:
                recorder.close()
        out = None if self._out is None else self._out / f"{image.stem}.tif"
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            target = _target(labels, voxel)
            write_labels(out, labels.labels, target.spacing, target.unit)
        return ImageFound(image, found, path, out)


def unlabelled(folder: ImageFolder) -> list[Path]:
    """Return the images of a folder that have no labels."""
    known = label_files(folder.labels)
    return [image for image in folder.images if image.stem not in known]


# --- helpers ----------------------------------------------------------------------------


def _labelled(folder: ImageFolder) -> list[ImagePair]:
    known = label_files(folder.labels)
    pairs = [ImagePair(each, known[each.stem]) for each in folder.images if each.stem in known]
    if len(pairs) <= IMAGES:
        return pairs
    return [pairs[int(at)] for at in np.linspace(0, len(pairs) - 1, IMAGES)]


def _objects(labels: NDArray[Any]) -> list[StoredMask]:
    """Return objects of labels, evenly among all where there are many."""
    numbers, areas = np.unique(labels, return_counts=True)
    there = numbers[(areas >= SMALLEST) & (numbers != 0) & (numbers != IGNORE_LABEL)]
    if len(there) > MOST:
        there = there[np.linspace(0, len(there) - 1, MOST).astype(int)]
    masks = (StoredMask.pack(labels == number) for number in there)
    return [mask for mask in masks if mask is not None]


def _sample(
    pair: ImagePair, image: NDArray[Any], masks: Sequence[StoredMask], radius: float
) -> Sampled:
    centre = masks[len(masks) // 2].box.centre
    seen = Seen(image, None, radius, centre)
    region = region_of(image_shape(image), radius, centre)
    return sample(seen, masks, load_pair(pair).labels[region.slices] != 0)


def _is_grey(pixels: NDArray[Any]) -> bool:
    return pixels.ndim == 2 or bool((pixels[..., :3] == pixels[..., :1]).all())


def _why_not(pixels: NDArray[Any]) -> str:
    """Return why an image cannot be looked at; empty where it can."""
    if pixels.dtype.kind not in "buif" or not pixels.size:
        return f"it holds no pixels that can be looked at: {pixels.shape}, {pixels.dtype}"
    if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] in (3, 4)):
        return ""
    return f"it is a stack, or has other channels: {' x '.join(map(str, pixels.shape))}"


def _target(labels: NumberedLabels, voxel: VoxelSize | None) -> Target:
    sizes = () if voxel is None else voxel.spacing[1:]
    return Target(
        NAME, "", labels.shape, str(labels.labels.dtype), sizes, voxel.unit if voxel else ""
    )
