"""Random walker (Grady 2006), by scikit-image."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import random_walker

from napari_fclick.evaluation.methods.peer import FloatArray, Peer
from napari_fclick.evaluation.methods.seeds import Seeds


class RandomWalker(Peer):
    name = "random-walker"
    beta = 130.0
    tolerance = 1e-3
    frame = "always"

    def segment(self, picture: FloatArray, seeds: Seeds) -> NDArray[Any]:
        """Return the probability that a walker reaches a positive seed first."""
        labels = np.zeros(picture.shape[:2], np.int32)
        use = self.frame == "always" or not seeds.outside.any()
        labels[seeds.with_border() if use else seeds.outside] = 2
        labels[seeds.inside] = 1
        if not (labels==2).any() or (labels!=0).all():
            return labels==1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = random_walker(picture.astype(np.float64), labels, beta=self.beta, mode="cg_j", tol=self.tolerance,
                return_full_prob=True, channel_axis=-1)
        return np.asarray(found[0])
