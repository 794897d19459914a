"""Graph cut (Boykov and Jolly 2001) with colour mixtures."""

from __future__ import annotations

from napari_fclick.evaluation.methods import grid
from napari_fclick.evaluation.methods.cut import colour_costs, contrast, minimum_cut
from napari_fclick.evaluation.methods.peer import LONGEST, FloatArray, Mask, Peer, load_library
from napari_fclick.evaluation.methods.seeds import Seeds


class GraphCut(Peer):
    """The cheapest boundary between the seeds, in colour and in contrast.

    Parameters
    ----------
    longest : int
        Pixels of the longer side at most.

    Raises
    ------
    MissingPeerError
        If PyMaxflow is not installed.
    """

    name = "graph-cut"
    #: Weight of the boundary: GrabCut's (Rother, Kolmogorov and Blake 2004).
    smoothness: float = 50.0

    def __init__(self, longest: int = LONGEST) -> None:
        super().__init__(longest)
        self._maxflow = load_library("maxflow", self.name)

    def segment(self, picture: FloatArray, seeds: Seeds) -> Mask:
        """Return the cut."""
        edges = grid.join(seeds.inside.shape)
        capacity = self.smoothness * contrast(picture, edges)
        costs = colour_costs(picture, seeds)
        return minimum_cut(self._maxflow, seeds, costs, edges, capacity)
