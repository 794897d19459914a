"""GrabCut (Rother, Kolmogorov and Blake 2004), by OpenCV."""

from __future__ import annotations

import numpy as np

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.evaluation.methods.peer import Peer, load_library
from napari_fclick.evaluation.methods.seeds import Seeds, distance_to


class GrabCut(Peer):
    """Graph cuts that learn the colours of either side from the cut before.

    GrabCut begins from a box; here it begins from wide discs about the positive clicks, whose
    pixels are probably the object's, as all others are probably not. Seeds are definite. Each
    click begins anew.
    """

    name = "grabcut"
    library = "cv2"
    #: Radius of the wide discs, as a part of the shorter side.
    reach: float = 0.15
    #: Cuts a click.
    rounds: int = 5

    def segment(self, picture: FloatArray, seeds: Seeds) -> Mask:
        """Return what is the object's, probably or surely."""
        cv2 = load_library(self.library, self.name)
        shape = seeds.inside.shape
        marks = np.full(shape, cv2.GC_PR_BGD, np.uint8)
        for pixel, positive in seeds.clicks:
            if positive:
                marks[distance_to(pixel, shape) <= self.reach * min(shape)] = cv2.GC_PR_FGD
        marks[seeds.outside] = cv2.GC_BGD
        marks[seeds.inside] = cv2.GC_FGD
        pixels = np.ascontiguousarray((picture * 255).round().astype(np.uint8))
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.setRNGSeed(0)  # its k-means draws from OpenCV's generator
        cv2.grabCut(pixels, marks, None, *models, self.rounds, cv2.GC_INIT_WITH_MASK)
        return np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
