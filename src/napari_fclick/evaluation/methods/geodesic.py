from __future__ import annotations
import numpy as np
from napari_fclick.evaluation.methods import grid, colours
from napari_fclick.evaluation.methods.peer import FloatArray, Peer
class Geodesic(Peer):
    name="geodesic"
    frame="always"
    eps=0.0
    def segment(self, picture, seeds):
        use = self.frame == "always" or not seeds.outside.any()
        background = seeds.with_border() if use else seeds.outside
        edges = grid.join(picture.shape[:2])
        p = colours.object_likelihood(picture, colours.fit(picture[seeds.inside]), colours.fit(picture[background]))
        cost = grid.differences(p[...,None], edges) + self.eps*edges.length
        f = grid.cheapest_paths(cost, edges, seeds.inside).cost
        b = grid.cheapest_paths(cost, edges, background).cost
        return b/(f+b+1e-12)
