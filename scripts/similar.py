"""How well objects like those accepted are found.

    python scripts/similar.py FOLDER ... [--images 8] [--accepted 4] [--seed 0] [--elsewhere]
    python scripts/similar.py FOLDER ... --fit

Of each image of a folder of ``images/`` and ``labels/``, some objects are accepted as they are
labelled; `napari_fclick.session.similar` looks for the others. Prints a line of JSON for each
folder: how many of the others were found (IoU above 0.5), how many of what was written is an object
(above 0.5, 0.7 and 0.8), and seconds for each place that was tried. With ``--elsewhere`` nothing is
accepted in an image: its objects are to be like those of the image before. With ``--fit``, images
that the training of the weights holds back are looked at over and over, with other objects
accepted; all places are tried, and what judges them is learned from all folders but one, and told
for that one; in the end from all. Of volumes, four slices each are images.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from outlines import objects_in, scenes

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.core.window import image_shape
from napari_fclick.predictor import Predictor
from napari_fclick.session import similar
from napari_fclick.session.likeness import Look, Seen, learn, radius_of, region_of, sample
from napari_fclick.session.similar import Search, Signs
from napari_fclick.session.state import Answer, PredictionRequest, Settings

#: Images with fewer objects are left out; so many places are tried to learn from.
FEWEST, TRIED = 8, 40
#: From this IoU on an answer counts as the object, to learn from; one of which so much is to be
#: ignored tells nothing.
RIGHT, IGNORED = 0.6, 0.3
ANYWHERE = ClickSequence([Click(0.0, 0.0)])


class Scene(NamedTuple):
    """An image with some of its objects accepted.

    Attributes
    ----------
    search : Search
    labels : ndarray of int
    others : set of int
        The objects that were not accepted.
    look : Look
        What those accepted look like.
    """

    search: Search
    labels: Any
    others: set[int]
    look: Look

    @classmethod
    def of(
        cls, image: Any, labels: Any, predictor: Predictor, accepted: int, rng: Any
    ) -> Scene | None:
        """Accept some objects; None where there are few."""
        objects = objects_in(labels)
        if len(objects) < FEWEST:
            return None
        order = [int(k) for k in rng.permutation(objects)]
        chosen, others = order[:accepted], set(order[accepted:])
        examples = [StoredMask.pack(labels == k) for k in chosen]
        masks = [mask for mask in examples if mask is not None]
        side = float(np.median([mask.box.side for mask in masks]))
        asked = Answer(1, side)
        request = PredictionRequest(0, image, ANYWHERE, None, (asked,))
        radius, centre = radius_of(masks), masks[-1].box.centre
        region = region_of(image_shape(image), radius, centre)
        taken = np.isin(labels[region.slices], chosen)
        seen = Seen(image, None, radius, centre)
        look = learn(sample(seen, masks, taken))
        return cls(Search(request, predictor, Settings(), seen, look, taken), labels, others, look)

    def elsewhere(self, image: Any, labels: Any, predictor: Predictor) -> Scene | None:
        """Return another image, of which nothing was accepted; None where it has no objects."""
        others = set(objects_in(labels))
        if not others:
            return None
        middle = image.shape[0] / 2, image.shape[1] / 2
        seen = Seen(image, None, self.look.radius, middle)
        if seen.grey != self.look.grey:
            return None
        request = PredictionRequest(0, image, ANYWHERE)
        taken = np.zeros(seen.view.box.shape, bool)
        search = Search(request, predictor, Settings(), seen, self.look, taken)
        return Scene(search, labels, others, self.look)

    def truth(self, mask: StoredMask) -> tuple[float, int]:
        """See `best_of`."""
        return best_of(self.labels, self.others, mask)

    def ignores(self, mask: StoredMask) -> bool:
        """Whether nobody knows what is there."""
        inside = self.labels[mask.box.slices][mask.unpack()]
        return bool((inside == IGNORE_LABEL).mean() > IGNORED)


def best_of(labels: Any, objects: set[int], mask: StoredMask) -> tuple[float, int]:
    """Return the IoU with the object that a mask is, and which one that is; 0 for none."""
    inside = labels[mask.box.slices][mask.unpack()]
    best = (0.0, 0)
    for label, common in zip(*np.unique(inside, return_counts=True), strict=True):
        if label in objects:
            either = np.count_nonzero(labels == label) + inside.size - common
            best = max(best, (float(common / either), int(label)))
    return best


def measured(folder: Path, predictor: Predictor, args: argparse.Namespace) -> dict[str, Any]:
    """Look for objects in a folder's images."""
    rng = np.random.default_rng(args.seed)
    count = np.zeros(6, int)
    begun, tried = time.perf_counter(), 0
    images, before = 0, None
    for image, labels in scenes(folder, args.images, rng):
        scene = Scene.of(image, labels, predictor, args.accepted, rng)
        if args.elsewhere:
            accepted, scene = scene, before and before.elsewhere(image, labels, predictor)
            before = accepted or before
        if scene is None:
            continue
        images, hit = images + 1, set()
        for found in scene.search.run():
            tried += 1
            if found is None or scene.ignores(found.mask):
                continue
            iou, label = scene.truth(found.mask)
            hit |= {label} if iou > 0.5 else set()
            count += [0, 0, 1, iou > 0.5, iou > 0.7, iou > 0.8]
        count[:2] += [len(scene.others), len(hit)]
    others, hits, written = (int(n) for n in count[:3])
    told: dict[str, Any] = {"folder": folder.name, "images": images, "others": others}
    told["found"] = round(hits / max(others, 1), 3)
    told["written"] = written
    for column, name in zip(count[3:], ("right_50", "right_70", "right_80"), strict=True):
        told[name] = round(int(column) / max(written, 1), 3)
    told["seconds"] = round((time.perf_counter() - begun) / max(tried, 1), 3)
    return told


def collected(folder: Path, predictor: Predictor, args: argparse.Namespace) -> Any:
    """Return the signs of answers in a folder's images, and whether each was right: (n, 4)."""
    rng, rows = np.random.default_rng(args.seed + 1), list[tuple[float, ...]]()
    images = cycle(list(scenes(folder, args.images, rng, held_back=True)))
    for image, labels in islice(images, args.images):
        scene = Scene.of(image, labels, predictor, int(rng.choice([3, 4, 6])), rng)
        if scene is None:
            continue
        search, begun = scene.search, len(rows)
        for place in search.places():
            if len(rows) - begun >= TRIED:
                break
            found = search.tried(*place, least=0.0)
            if found is None or scene.ignores(found.mask):
                continue
            iou, _ = scene.truth(found.mask)
            rows.append((*found.signs, float(iou > RIGHT)))
            if iou > 0.5:
                search.take(found.mask)
    return np.array(rows).reshape(-1, len(Signs._fields) + 1)


def fitted(rows: Any, weights: Any) -> Any:
    """Return constant and weights of a logistic regression, by Newton's method."""
    signs, right = rows[:, :-1], rows[:, -1]
    middle, spread = signs.mean(0), signs.std(0) + 1e-6
    x = np.c_[np.ones(len(signs)), (signs - middle) / spread]
    found, ridge = np.zeros(x.shape[1]), np.diag([0.0] + [1.0] * signs.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ found))
        slope = x.T @ (weights * (p - right)) + ridge @ found
        curve = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge
        found -= np.linalg.solve(curve, slope)
    slopes = found[1:] / spread
    return np.r_[found[0] - slopes @ middle, slopes]


def fit(folders: list[Path], predictor: Predictor, args: argparse.Namespace) -> None:
    """Learn what judges, and print what it is worth on folders that it did not learn from."""
    known = {folder.name: collected(folder, predictor, args) for folder in folders}
    known = {name: rows for name, rows in known.items() if len(rows)}

    def learned(names: list[str]) -> Any:
        # Large folders count more than small ones, but not as much more as they are larger.
        weights = np.concatenate([np.full(len(known[n]), len(known[n]) ** -0.5) for n in names])
        return fitted(np.concatenate([known[n] for n in names]), weights / weights.mean())

    for name, rows in known.items():
        judge = learned([other for other in known if other != name])
        sure = 1 / (1 + np.exp(-(judge[0] + rows[:, :-1] @ judge[1:])))
        taken, right = sure >= similar.SURE, rows[:, -1]
        told = {
            "left_out": name,
            "answers": len(rows),
            "right": round(float(right.mean()), 3),
            "taken": int(taken.sum()),
            "right_of_taken": round(float(right[taken].mean()), 3) if taken.any() else None,
            "taken_of_right": round(float(taken[right > 0].mean()), 3) if right.any() else None,
        }
        print(json.dumps(told), flush=True)
    shares = np.sqrt([len(rows) for rows in known.values()])
    usual = float(np.average([rows[:, -1].mean() for rows in known.values()], weights=shares))
    told = {"usual": round(usual, 3), "judge": np.round(learned(list(known)), 4).tolist()}
    print(json.dumps(told))


def main() -> None:
    """Look for objects, or learn what tells them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--accepted", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--elsewhere", action="store_true", help="accepted in the image before")
    args = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor.from_weights("default")
    if args.fit:
        fit(args.folders, predictor, args)
        return
    for folder in args.folders:
        print(json.dumps(measured(folder, predictor, args)), flush=True)


if __name__ == "__main__":
    main()
