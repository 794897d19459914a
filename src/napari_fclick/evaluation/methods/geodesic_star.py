"""Geodesic star convexity (Gulshan et al. 2010): a cut whose objects are stars."""

from __future__ import annotations

import numpy as np

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.evaluation.methods import grid
from napari_fclick.evaluation.methods.cut import colour_costs, contrast, minimum_cut
from napari_fclick.evaluation.methods.graph_cut import GraphCut
from napari_fclick.evaluation.methods.seeds import Seeds


class GeodesicStar(GraphCut):
    """Graph cut, where each pixel of the object brings its path to the nearest positive seed.

    Paths are geodesic: a step costs sqrt((1 - g) length^2 + g contrast^2), with the contrast
    in units of its root mean square over the image, so that both terms are of one size.
    """

    name = "geodesic-star"
    #: g: 0 makes the paths straight (Euclidean stars), 1 takes the contrast alone.
    geodesic: float = 0.7

    def segment(self, picture: FloatArray, seeds: Seeds) -> Mask:
        """Return the cut."""
        edges = grid.join(seeds.inside.shape)
        squares = grid.differences(picture, edges) ** 2
        relative = squares / max(float(squares.mean()), 1e-12)
        steps = np.sqrt((1 - self.geodesic) * edges.length**2 + self.geodesic * relative)
        before = grid.cheapest_paths(steps, edges, seeds.inside).before.ravel()
        pixels = np.flatnonzero(before >= 0)
        capacity = self.smoothness * contrast(picture, edges)
        costs = colour_costs(picture, seeds)
        needs = (pixels, before[pixels])
        return minimum_cut(seeds, costs, edges, capacity, needs)
