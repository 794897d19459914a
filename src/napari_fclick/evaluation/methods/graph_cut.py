"""Graph cut (Boykov and Jolly 2001) with colour mixtures."""

from __future__ import annotations

from napari_fclick.evaluation.methods import grid
from napari_fclick.evaluation.methods.cut import colour_costs, contrast, minimum_cut
from napari_fclick.evaluation.methods.peer import FloatArray, Mask, Peer
from napari_fclick.evaluation.methods.seeds import Seeds


class GraphCut(Peer):
    """The cheapest boundary between the seeds, in colour and in contrast."""

    name = "graph-cut"
    library = "maxflow"
    #: Weight of the boundary: GrabCut's (Rother, Kolmogorov and Blake 2004).
    smoothness: float = 50.0

    def segment(self, picture: FloatArray, seeds: Seeds) -> Mask:
        """Return the cut."""
        edges = grid.join(seeds.inside.shape)
        capacity = self.smoothness * contrast(picture, edges)
        costs = colour_costs(picture, seeds)
        return minimum_cut(seeds, costs, edges, capacity)
