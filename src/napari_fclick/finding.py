"""Objects like those of a folder's labelled images, found in its other images.

Nobody has looked at what is found: it goes into session files, which the dock goes on in when the
image is opened, and not among the labels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.errors import one_line
from napari_fclick.core.files import read_image, write_labels
from napari_fclick.core.folders import (
    ImageFolder,
    ImagePair,
    find_images,
    label_files,
    load_pair,
    stem_of,
)
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.object_sets import IGNORE_LABEL, Plane
from napari_fclick.core.voxels import VoxelSize, voxel_size
from napari_fclick.core.window import image_shape
from napari_fclick.core.words import counted, size_of
from napari_fclick.predictor import Predictor
from napari_fclick.session import NumberedLabels, Session
from napari_fclick.session.accepting import accept_found
from napari_fclick.session.autosave import new_path, offers
from napari_fclick.session.journal import Journal, JournalError
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
from napari_fclick.session.signature import Signature, encodable
from napari_fclick.session.similar import LEAST, MOST, SURE, Found, Search
from napari_fclick.session.state import PredictionRequest, Settings
from napari_fclick.session.target import Target

#: So many labelled images are learned from at most, evenly among all.
IMAGES = 8
#: What is smaller is no example, in pixels.
SMALLEST = 12
#: Pixels whose channels differ by this part of the brightest are of a colour; an image with fewer
#: than this part of them has none.
COLOUR, COLOURED = 0.05, 0.01
#: So many of an image's likeliest places tell whether it is magnified as the labelled ones are: it
#: is where so many hold an object of which it is so sure. Else areas are tried that are so many
#: times larger.
PROBED, ENOUGH, CLEARLY, RATIOS = 16, 8, 0.8, (4.0, 16.0, 0.25)
#: What labels are called in the dock.
NAME = "objects"


class Written(NamedTuple):
    """An object that was found, as it was written.

    Attributes
    ----------
    label : int
    found : Found
    area : int
        Pixels that carry its number.
    """

    label: int
    found: Found
    area: int


@dataclass(frozen=True)
class ImageFound:
    """What was found in an image.

    Attributes
    ----------
    image : Path
    objects : tuple of Written
        In the order in which they were found.
    session : Path or None
        The session file that they are in; None where nothing was found.
    labels : Path or None
        The labels that were written; None where none were.
    left_out : str
        Why the image was not looked at; empty where it was.
    """

    image: Path
    objects: tuple[Written, ...] = ()
    session: Path | None = None
    labels: Path | None = None
    left_out: str = ""


class _Labelled(NamedTuple):
    """A labelled image, and its objects."""

    pair: ImagePair
    grey: bool
    masks: list[StoredMask]


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
        What was left out, and what is odd.
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
            If the labels hold too few objects, or nothing tells what lies about them.
        """
        made, images = cls(), find_images(folder)
        known: list[_Labelled] = []
        for pair in _spread(images):
            if len(known) < IMAGES and (labelled := made._read(pair)) is not None:
                known.append(labelled)
        for grey in (True, False):
            made._learn(grey, [each for each in known if each.grey == grey])
        if not made.looks:
            count = sum(len(each.masks) for each in known)
            notes = "".join(f"; {note}" for note in made.notes)
            raise ValueError(
                f"{images.labels} holds {counted(count or 'no', 'object')} of an "
                f"image: at least {LEAST} are needed, to look for others like them{notes}"
            )
        return made

    def _read(self, pair: ImagePair) -> _Labelled | None:
        """Return the objects of a labelled image; None, and a note, where they are of no use."""
        try:
            plane = load_pair(pair)
        except (ValueError, OSError) as error:
            self.notes.append(str(error))
            return None
        problem = _why_not(plane.image) or ("its labels are a stack" * (plane.labels.ndim > 2))
        if problem:
            self.notes.append(f"{pair.image.name}: left out: {problem}")
            return None
        labels = _apart(plane.labels)
        if labels is not plane.labels:
            self.notes.append(
                f"{pair.labels.name}: all objects have one number; each part is taken for one"
            )
        masks = _objects(labels)
        return _Labelled(pair, is_grey(plane.image), masks) if masks else None

    def _learn(self, grey: bool, known: Sequence[_Labelled]) -> None:
        every = [mask for each in known for mask in each.masks]
        if len(every) < LEAST:
            return
        radius = radius_of(every)
        look = learn(*(_sample(each, radius) for each in known))
        if not look.weights.any():
            raise ValueError(
                f"{known[0].pair.labels.parent}: the labels leave no background about their "
                f"objects ({IGNORE_LABEL} is none): nothing tells what is no such object"
            )
        self.looks[grey] = look
        self.objects, self.images = self.objects + len(every), self.images + len(known)


class Finder:
    """Looks for objects in images, one after the other, and writes down what it finds.

    Parameters
    ----------
    predictor : Predictor
    examples : Examples
        What is looked for.
    out : Path or None
        A folder for labels as TIFF; None for none. What is there already is not written over.
    least : float
        How sure it has to be that something is such an object, 0 to 1.
    again : bool
        Whether images are looked at in which objects were found before, and that nobody has
        touched since. Sessions of people are never looked past.
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
        """Find objects in an image; one that cannot be looked at is left out.

        Raises
        ------
        JournalError, OSError
            If what was found cannot be written.
        """
        image = image.absolute()
        try:
            pixels = read_image(image)
            signature = Signature.of(pixels, str(image), image.stem)
            problem = _why_not(pixels) or self._why_done(image, signature)
            if problem:
                return ImageFound(image, left_out=problem)
            grey = is_grey(pixels)
            look = self._examples.looks.get(grey)
            if look is None:
                colours = "no colours" if grey else "colours"
                return ImageFound(image, left_out=f"it has {colours}, and no labelled image is so")
            found = self.found_in(pixels, look)
        except (ValueError, TypeError, RuntimeError, MemoryError, OSError) as error:
            return ImageFound(image, left_out=one_line(error))
        return self._written(image, pixels, signature, found) if found else ImageFound(image)

    def found_in(self, pixels: NDArray[Any], look: Look) -> list[Found]:
        """Return what is found in all of a plane (H, W) or (H, W, C), wherever it is."""
        shape, look = image_shape(pixels), self._magnified(pixels, look)
        taken, every = np.zeros(shape, bool), list[Found]()
        for centre in centres_of(shape, look.radius):
            # No name for the search: what it looks at is let go of before the next is made.
            for found in self._search(centre, pixels, look, taken).run(self._least):
                if found is not None:
                    taken[found.mask.box.slices] |= found.mask.unpack()
                    every.append(found)
        return every

    def _search(
        self,
        centre: tuple[float, float],
        pixels: NDArray[Any],
        look: Look,
        taken: NDArray[np.bool_],
    ) -> Search:
        region = region_of(image_shape(pixels), look.radius, centre)
        seen = Seen(pixels, None, look.radius, centre, look.grey)
        nowhere = ClickSequence([Click(0.0, 0.0)])
        request = PredictionRequest(0, pixels, nowhere)
        return Search(request, self._predictor, Settings(), seen, look, taken[region.slices])

    def _magnified(self, pixels: NDArray[Any], look: Look) -> Look:
        """Return the look of objects as large as they are here.

        Images of a folder may be magnified otherwise than the labelled ones. Where the likeliest
        places hold objects that pass for those by their size, it is left as it is; else that of
        some magnifications is taken with which most of them do.
        """
        known = self._held(pixels, look)
        if known >= ENOUGH:
            return look
        best = look
        for ratio in RATIOS:
            other = look.magnified(ratio)
            held = self._held(pixels, other)
            if held > known:
                known, best = held, other
        return best

    def _held(self, pixels: NDArray[Any], look: Look) -> int:
        """Return how many of the likeliest places in the middle of a plane hold such an object."""
        shape = image_shape(pixels)
        search = self._search((shape[0] / 2, shape[1] / 2), pixels, look, np.zeros(shape, bool))
        held = 0
        for place in islice(search.places(), PROBED):
            found = search.tried(*place, CLEARLY)
            if found is not None:
                search.take(found.mask)
                held += 1
        return held

    def _why_done(self, image: Path, signature: Signature) -> str:
        """Return why an image is not to be looked at; empty where it is."""
        for offer in offers(signature):
            if offer.is_of(encodable(str(image))) and not (offer.found and self._again):
                return f"{counted(offer.objects, 'object')} in {offer.path.name}"
        out = self._file(image)
        if out is not None and out.exists():
            return f"{out.parent.name}/{out.name} is there: move it, or choose another --out"
        return ""

    def _file(self, image: Path) -> Path | None:
        return None if self._out is None else self._out / f"{image.stem}.tif"

    def _written(
        self, image: Path, pixels: NDArray[Any], signature: Signature, found: Sequence[Found]
    ) -> ImageFound:
        target = _target(image_shape(pixels), voxel_size(image))
        labels = NumberedLabels(target.empty(), highest=0)
        session = Session(pixels, labels)
        recorder = Recorder(session, lambda _: target)
        recorder.set_weights(self._predictor.name, self._predictor.card.sha256)
        out = self._file(image)
        # Elsewhere first: a file that holds but a part of it would be gone on in.
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal.create(Path(folder) / "found.fclick", signature)
            recorder.go_on_in(journal)
            problems: list[str] = []
            recorder.failed.connect(problems.append)
            try:
                objects = tuple(_accepted(session, found))
                if problems:
                    raise JournalError(problems[0])
                path = new_path(image.stem)
                path.parent.mkdir(parents=True, exist_ok=True)
                journal.copy_to(path).close()
            finally:
                recorder.close()
        try:
            if out is not None:
                out.parent.mkdir(parents=True, exist_ok=True)
                write_labels(out, labels.labels, target.spacing, target.unit)
        except BaseException:
            path.unlink()  # or the image would count as done
            raise
        return ImageFound(image, objects, path, out)


def unlabelled(folder: ImageFolder) -> list[Path]:
    """Return the images of a folder that have no labels."""
    known = label_files(folder.labels)
    return [image for image in folder.images if stem_of(image) not in known]


# --- helpers ----------------------------------------------------------------------------


def _spread(folder: ImageFolder) -> list[ImagePair]:
    """Return the labelled images: first some that are spread evenly, then the others."""
    known = label_files(folder.labels)
    stems = [(each, stem_of(each)) for each in folder.images]
    pairs = [ImagePair(each, known[stem]) for each, stem in stems if stem in known]
    if len(pairs) <= IMAGES:
        return pairs
    first = dict.fromkeys(int(at) for at in np.linspace(0, len(pairs) - 1, IMAGES))
    return [pairs[at] for at in (*first, *(n for n in range(len(pairs)) if n not in first))]


def _apart(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels in which the parts of a binary mask, of one number all, are objects."""
    numbers = [n for n in np.unique(labels) if n not in (0, IGNORE_LABEL)]
    if len(numbers) != 1:
        return labels
    parts, count = ndimage.label(labels == numbers[0], np.ones((3, 3)))
    if count < LEAST:
        return labels
    return np.where(labels == IGNORE_LABEL, IGNORE_LABEL, parts)


def _objects(labels: NDArray[Any]) -> list[StoredMask]:
    """Return objects of labels, evenly among all where there are many."""
    numbers, areas = np.unique(labels, return_counts=True)
    there = numbers[(areas >= SMALLEST) & (numbers != 0) & (numbers != IGNORE_LABEL)]
    if len(there) > MOST:
        there = there[np.linspace(0, len(there) - 1, MOST).astype(int)]
    masks = (StoredMask.pack(labels == number) for number in there)
    return [mask for mask in masks if mask is not None]


def _sample(labelled: _Labelled, radius: float) -> Sampled:
    plane: Plane = load_pair(labelled.pair)
    centre = labelled.masks[len(labelled.masks) // 2].box.centre
    seen = Seen(plane.image, None, radius, centre, labelled.grey)
    region = region_of(image_shape(plane.image), radius, centre)
    return sample(seen, labelled.masks, plane.labels[region.slices] != 0)


def is_grey(pixels: NDArray[Any]) -> bool:
    """Whether an image has no colours, or so few that they are but a scale bar."""
    if pixels.ndim == 2:
        return True
    channels = np.nan_to_num(pixels[..., :3].astype(np.float32))
    spread = channels.max(-1) - channels.min(-1)
    return bool((spread > COLOUR * float(channels.max(initial=0))).mean() < COLOURED)


def _why_not(pixels: NDArray[Any]) -> str:
    """Return why an image cannot be looked at; empty where it can."""
    if pixels.dtype.kind not in "buif" or not pixels.size or pixels.ndim < 2:
        return f"it holds no image: shape {pixels.shape}, {pixels.dtype}"
    if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] in (3, 4)):
        return ""
    return f"it is a stack, or has other channels: {size_of(pixels.shape)}"


def _accepted(session: Session, found: Sequence[Found]) -> Iterator[Written]:
    for each in found:
        if accept_found(session, session.place, each, session.settings):
            label, record = next(reversed(session.objects.records.items()))
            yield Written(label, each, record.area)


def _target(shape: tuple[int, int], voxel: VoxelSize | None) -> Target:
    sizes, unit = ((), "") if voxel is None else (voxel.spacing[1:], voxel.unit)
    return Target(NAME, "", shape, "uint16", sizes, unit)
