from __future__ import annotations
import numpy as np
from napari_fclick.evaluation.methods import grid
from napari_fclick.evaluation.methods.peer import FloatArray, Peer
class GrowCut(Peer):
    name="growcut"
    frame="always"
    def segment(self, picture, seeds):
        use = self.frame == "always" or not seeds.outside.any()
        background = seeds.with_border() if use else seeds.outside
        edges = grid.join(picture.shape[:2])
        g = 1 - grid.differences(picture, edges)/np.sqrt(3)
        cost = -np.log(np.maximum(g, 1e-6))
        paths = grid.cheapest_paths(cost, edges, seeds.inside|background)
        return seeds.inside.ravel()[paths.source]
