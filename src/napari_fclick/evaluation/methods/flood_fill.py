"""Flood fill, the magic wand of paint programs, by scikit-image."""

from __future__ import annotations

import numpy as np
from skimage.segmentation import flood

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.peaks import Pixel
from napari_fclick.evaluation.methods.peer import Peer
from napari_fclick.evaluation.methods.seeds import Seeds


class FloodFill(Peer):
    """Each click floods what is joined to it and of a colour like the clicked pixel's.

    In the clicks' order, a positive click adds its flood and a negative one takes it away, as
    paint programs do; thus a negative click on a colour like the object's takes the object away,
    but for the discs about positive clicks. It needs no background.
    """

    name = "flood-fill"
    border = "unknown"
    #: Greatest Euclidean difference in colour, as a part of that between black and white.
    tolerance: float = 0.15

    def segment(self, picture: FloatArray, seeds: Seeds) -> Mask:
        """Return the sum of the floods."""
        mask = np.zeros(seeds.inside.shape, bool)
        for pixel, positive in seeds.clicks:
            mask[self._flood(picture, pixel)] = positive
        for disc, positive in ((seeds.inside, True), (seeds.outside, False)):
            mask[disc] = positive
        return mask

    def _flood(self, picture: FloatArray, pixel: Pixel) -> Mask:
        difference = np.linalg.norm(picture - picture[pixel], axis=-1) / np.sqrt(3)
        return np.asarray(flood(difference, pixel, tolerance=self.tolerance))
