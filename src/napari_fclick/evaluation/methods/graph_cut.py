from __future__ import annotations
import numpy as np
from napari_fclick.evaluation.methods import colours, grid
from napari_fclick.evaluation.methods.cut import contrast, minimum_cut
from napari_fclick.evaluation.methods.peer import FloatArray, Peer, load_library


class GraphCut(Peer):
    name = "graph-cut"
    smoothness = 50.0
    hard = True   # is the border a hard seed
    frame = "always"
    regional = True
    star = False
    gg = 0.7
    mix = 0.0
    post = False

    def __init__(self, longest=640):
        super().__init__(longest)
        self._maxflow = load_library("maxflow", self.name)

    def segment(self, picture, seeds):
        use = self.frame == "always" or not seeds.outside.any()
        background = seeds.with_border() if use else seeds.outside
        edges = grid.join(picture.shape[:2])
        if self.regional:
            i, o = colours.fit(picture[seeds.inside]), colours.fit(picture[background])
            a, b = i.log_density(picture), o.log_density(picture)
            if self.post:
                p = 1/(1+np.exp(np.clip(b-a,-50,50)))
                p = self.mix*.5+(1-self.mix)*p
                a, b = np.log(p+1e-9), np.log(1-p+1e-9)
            least = np.minimum(-a, -b)
            ci, co = -a - least, -b - least
        else:
            ci = co = np.zeros(picture.shape[:2])
        extra = None
        if self.star:
            cost = np.sqrt((1-self.gg)*edges.length**2*self.unit**2 + self.gg*grid.differences(picture, edges)**2)
            paths = grid.cheapest_paths(cost, edges, seeds.inside)
            q = paths.before.ravel(); p = np.flatnonzero(q >= 0)
            extra = (p, q[p])
        return minimum_cut(self._maxflow, ci, co, seeds.inside, background if self.hard else seeds.outside, edges,
                           self.smoothness*contrast(picture, edges), extra)
