from __future__ import annotations
import numpy as np
from skimage.segmentation import flood
from napari_fclick.evaluation.methods.peer import FloatArray, Peer
class FloodFill(Peer):
    name="flood-fill"
    tol=0.15
    def segment(self, picture, seeds):
        mask=seeds.inside.copy()
        for pt,pos in seeds.points:
            d=np.linalg.norm(picture-picture[pt],axis=-1)/np.sqrt(3)
            f=flood(d, pt, tolerance=self.tol)
            mask = mask|f if pos else mask&~f
        return (mask&~seeds.outside)|seeds.inside
