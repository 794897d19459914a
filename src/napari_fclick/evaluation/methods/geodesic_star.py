from napari_fclick.evaluation.methods.graph_cut import GraphCut
class GeodesicStar(GraphCut):
    name="geodesic-star"
    star=True
    unit=0.01
