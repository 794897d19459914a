"""Geodesic segmentation and matting (Bai and Sapiro 2007)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import FloatArray
from napari_fclick.evaluation.methods import colours, grid
from napari_fclick.evaluation.methods.peer import Peer
from napari_fclick.evaluation.methods.seeds import Seeds


class Geodesic(Peer):
    """Each pixel goes to the seeds that are nearer on paths along which the colours agree.

    The likelihood that a colour is the object's comes from Gaussian mixtures of the colours
    of either side's seeds; a path's length is the sum of the likelihood's changes along it.
    The probability is D_B / (D_F + D_B), of the distances to object and background.
    """

    name = "geodesic"

    def segment(self, picture: FloatArray, seeds: Seeds) -> NDArray[np.float64]:
        """Return how near the object is, beside how near the background is."""
        inside, outside = (
            colours.fit(picture[known]).log_density(picture)
            for known in (seeds.inside, seeds.outside)
        )
        likelihood = 1 / (1 + np.exp(np.clip(outside - inside, -50, 50)))
        edges = grid.join(seeds.inside.shape)
        steps = grid.differences(likelihood[..., None], edges)
        to_object = grid.cheapest_paths(steps, edges, seeds.inside).cost
        to_background = grid.cheapest_paths(steps, edges, seeds.outside).cost
        return np.asarray(to_background / (to_object + to_background))
