"""The objects of labelled images: to learn from, drawn at random; to test, in a fixed order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import numpy as np

from napari_fclick.core.object_sets import ObjectRef, Plane, objects_2d
from napari_fclick.finetuning.sources import Correction, LabelledImage

#: Objects of fewer pixels are neither learned from nor tested.
MIN_AREA = 24
#: One of so many held-back objects is watched in training; the others judge what came of it.
WATCHED_ONE_IN = 3
#: Of fewer held-back objects all judge, and none is watched.
FEW = 40
#: Further clicks beyond so many do not make an object weigh more.
MOST_FURTHER = 4


def objects_of(image: LabelledImage, number: int = 0) -> list[ObjectRef]:
    """Return the objects of an image, of all its planes.

    Parameters
    ----------
    image : LabelledImage
    number : int
        Of the image among others; each object's `pair`. Its `index` is its plane.
    """
    found = []
    for index, plane in enumerate(image.planes):
        found += objects_2d(plane.labels, number, 0, index, MIN_AREA)
    return found


# --- to learn from ----------------------------------------------------------------------


class LearningSet:
    """Objects to train on (see `napari_fclick.training.dataset.ObjectSet`).

    Images are drawn by the square root of how many objects they have; an object on which a
    person needed further clicks is drawn more often.

    Parameters
    ----------
    name : str
    images : sequence of LabelledImage
    corrections : float
        What each further click adds to an object's weight, which is 1 without.
    real_clicks : float in [0, 1]
        How often such an object comes with the person's own clicks.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[LabelledImage],
        corrections: float = 0.0,
        real_clicks: float = 0.0,
    ) -> None:
        self.name, self._real_clicks = name, real_clicks
        self._planes = [image.planes for image in images]
        self._by_image = [objects_of(image, number) for number, image in enumerate(images)]
        self.objects = [ref for objects in self._by_image for ref in objects]
        known = [_known(image.corrections) for image in images]
        self._clicks = {
            ref: clicks
            for ref in self.objects
            if (clicks := known[ref.pair].get((ref.index, ref.label)))
        }
        self._image_chances = _chances([len(objects) ** 0.5 for objects in self._by_image])
        self._chances = [
            _chances([1 + corrections * self._further(ref) for ref in objects])
            for objects in self._by_image
        ]

    def plane(self, ref: ObjectRef) -> Plane:
        """Return the plane that an object lies in."""
        return self._planes[ref.pair][ref.index]

    def draw(self, rng: np.random.Generator) -> ObjectRef:
        """Draw an object; where a person's clicks are known, at times with the first few."""
        image = int(rng.choice(len(self._by_image), p=self._image_chances))
        chances = self._chances[image]
        ref = self._by_image[image][int(rng.choice(len(chances), p=chances))]
        clicks = self._clicks.get(ref, ())
        if clicks and rng.random() < self._real_clicks:
            return replace(ref, clicks=clicks[: int(rng.integers(1, len(clicks) + 1))])
        return ref

    def _further(self, ref: ObjectRef) -> int:
        return min(max(len(self._clicks.get(ref, ())) - 1, 0), MOST_FURTHER)


def _known(
    corrections: Sequence[Correction],
) -> dict[tuple[int, int], tuple[tuple[float, float, bool], ...]]:
    return {(c.plane, c.label): c.clicks for c in corrections}


def _chances(weights: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.array(weights, np.float64)
    return found / found.sum() if found.sum() else found


# --- to test ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Probe:
    """An object that is tested.

    Attributes
    ----------
    key : str
        Names it, the same in all runs.
    image : str
        The image's name.
    plane : Plane
    ref : ObjectRef
    """

    key: str
    image: str
    plane: Plane
    ref: ObjectRef


def probes(images: Sequence[LabelledImage]) -> list[Probe]:
    """Return the objects of images in the order in which they are tested.

    It is fixed by the images' content: as many as time allows are taken from the beginning,
    one of each image in turn. Of an object that goes through a volume, the largest plane.
    """
    unique = {image.digest: image for image in images}
    queues = [_probes_of(unique[digest]) for digest in sorted(unique)]
    turns = chain.from_iterable(zip_longest(*queues))
    return [probe for probe in turns if probe is not None]


def parted(found: Sequence[Probe]) -> tuple[list[Probe], list[Probe]]:
    """Part objects into those that are watched in training and those that judge.

    What chooses must not judge: the best of many states is better by chance on the objects
    it was chosen on. Where there are few objects, all judge: without them nothing is proved.
    """
    if len(found) < FEW:
        return [], list(found)
    watched = [p for p in found if int(_order(p.key)[:8], 16) % WATCHED_ONE_IN == 0]
    return watched, [p for p in found if p not in watched]


def _probes_of(image: LabelledImage) -> list[Probe]:
    refs = objects_of(image)
    if image.linked:
        largest: dict[int, ObjectRef] = {}
        for ref in refs:
            if ref.label not in largest or ref.area > largest[ref.label].area:
                largest[ref.label] = ref
        refs = list(largest.values())
    named = [
        Probe(
            f"{image.digest[:16]}/{ref.index}/{ref.label}",
            image.name,
            image.planes[ref.index],
            ref,
        )
        for ref in refs
    ]
    return sorted(named, key=lambda probe: _order(probe.key))


def _order(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
