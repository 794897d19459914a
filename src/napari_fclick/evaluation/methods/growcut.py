"""GrowCut (Vezhnevets and Konouchine 2005)."""

from __future__ import annotations

import numpy as np

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.evaluation.methods import grid
from napari_fclick.evaluation.methods.peer import Peer
from napari_fclick.evaluation.methods.seeds import Seeds


class GrowCut(Peer):
    """A cellular automaton in which seeds conquer their neighbours.

    A cell takes a neighbour over if its strength, times 1 - difference / greatest difference,
    exceeds the neighbour's. Where the automaton comes to rest, each pixel belongs to the seed
    from which the product of those factors along a path is greatest; that is the path that is
    shortest in minus their logarithms, so that Dijkstra's algorithm finds the automaton's
    rest directly. Cells have eight neighbours.
    """

    name = "growcut"

    def segment(self, picture: FloatArray, seeds: Seeds) -> Mask:
        """Return the cells of positive seeds."""
        edges = grid.join(seeds.inside.shape)
        factors = 1 - grid.differences(picture, edges) / np.sqrt(3)
        costs = -np.log(np.maximum(factors, 1e-6))
        paths = grid.cheapest_paths(costs, edges, seeds.inside | seeds.outside)
        return np.asarray(seeds.inside.ravel()[paths.source])
