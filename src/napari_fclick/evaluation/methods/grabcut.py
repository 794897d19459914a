from __future__ import annotations
import numpy as np
from napari_fclick.evaluation.methods.peer import FloatArray, Peer, load_library
class GrabCut(Peer):
    name="grabcut"
    reach=0.15
    rounds=5
    frame="always"
    def __init__(self, longest=640):
        super().__init__(longest)
        self._cv2 = load_library("cv2", self.name)
    def segment(self, picture, seeds):
        cv2=self._cv2
        shape=picture.shape[:2]
        mask=np.full(shape, cv2.GC_PR_BGD, np.uint8)
        rows, columns = np.ogrid[:shape[0],:shape[1]]
        for (r,c),pos in seeds.points:
            if pos: mask[np.hypot(rows-r,columns-c)<=self.reach*min(shape)] = cv2.GC_PR_FGD
        use = self.frame == "always" or not seeds.outside.any()
        mask[seeds.with_border() if use else seeds.outside]=cv2.GC_BGD
        mask[seeds.inside]=cv2.GC_FGD
        cv2.setRNGSeed(0)
        pixels=np.ascontiguousarray((picture*255).round().astype(np.uint8))
        cv2.grabCut(pixels, mask, None, np.zeros((1,65)), np.zeros((1,65)), self.rounds, cv2.GC_INIT_WITH_MASK)
        return (mask==cv2.GC_FGD)|(mask==cv2.GC_PR_FGD)
