"""Drawn scenes: a small general set that comes along, and others to be learned from with it.

Nobody's images are needed for them. They are the same on every machine: blobs with texture,
apart or touching, bright or dark, of low contrast, in colour.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries

from napari_fclick.finetuning.sources import LabelledData, from_arrays
from napari_fclick.samples import coins, coins_truth

SIDE = 256


class Look(NamedTuple):
    """What a scene looks like.

    Attributes
    ----------
    name : str
    objects : int
        Wanted; fewer where there is no room.
    radius : (float, float)
        In pixels, smallest and largest.
    contrast : float
        Of the objects to the background; negative for dark ones. Images span about 0 to 1.
    apart : float
        Least distance of two middles, in sums of their radii; below 1 they touch.
    rim, core : float
        What is added to the objects' outlines and to their middles.
    texture, noise : float
        Standard deviations.
    colour : bool
    """

    name: str
    objects: int
    radius: tuple[float, float]
    contrast: float
    apart: float
    rim: float = 0.0
    core: float = 0.0
    texture: float = 0.06
    noise: float = 0.03
    colour: bool = False


#: What is tested ..
TESTED = (
    Look("bright", 9, (12, 26), 0.45, 1.15),
    Look("membranes", 12, (24, 36), 0.1, 0.6, rim=0.3, texture=0.03),
    Look("faint", 7, (16, 34), 0.1, 1.2, texture=0.05, noise=0.05),
    Look("stained", 30, (14, 24), -0.3, 0.6, core=-0.2, texture=0.1, colour=True),
    Look("noisy", 8, (14, 30), 0.2, 1.0, texture=0.1, noise=0.25),
    Look("phase", 12, (16, 30), 0.02, 0.9, rim=0.25, texture=0.12),
    Look("crowded", 36, (14, 22), 0.25, 0.55, texture=0.08),
)
#: .. and what is learned from: of other looks, or nothing would be tested but what was learned.
LEARNED = (
    Look("touching", 30, (16, 24), 0.3, 0.6, texture=0.1),
    Look("nucleated", 10, (22, 34), 0.25, 0.8, core=0.2, texture=0.06),
    Look("dark", 9, (12, 26), -0.3, 1.0, rim=0.05, texture=0.12, noise=0.05),
    Look("small", 40, (5, 10), 0.35, 0.9, texture=0.06, noise=0.05),
    Look("tissue", 24, (10, 20), -0.2, 0.7, core=-0.1, texture=0.14, colour=True),
    Look("large", 3, (40, 60), 0.2, 0.8, rim=0.1, texture=0.15, noise=0.05),
)
#: Scenes that are learned from, of each look.
EACH = 4


def general_set() -> LabelledData:
    """Return what is tested: scenes, and the coins."""
    drawn = [(look.name, *draw(look, seed)) for seed, look in enumerate(TESTED)]
    return from_arrays([*drawn, ("coins", coins()[0][0], coins_truth())], "general")


def replayed_set(seed: int) -> LabelledData:
    """Return scenes to be mixed in against forgetting, others with each seed."""
    seeds = np.random.SeedSequence(seed).generate_state(EACH * len(LEARNED))
    looks = [look for look in LEARNED for _ in range(EACH)]
    drawn = [(f"{k.name} {n}", *draw(k, int(n))) for k, n in zip(looks, seeds, strict=True)]
    return from_arrays(drawn, "drawn scenes")


def draw(look: Look, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Draw a scene.

    Returns
    -------
    image : uint8 (H, W), or (H, W, 3) of a scene in colour
    labels : uint16 (H, W)
    """
    rng = np.random.default_rng(seed)
    labels = _blobs(look, rng)
    depth = _depth(labels)
    inside = ndimage.gaussian_filter((labels > 0).astype(np.float64), 0.8)
    strengths = np.append(0, rng.uniform(0.75, 1.25, int(labels.max())))
    own = ndimage.gaussian_filter(strengths[labels], 0.8)
    image = 0.5 - look.contrast / 2 + look.contrast * own
    image += look.rim * ndimage.gaussian_filter(((depth > 0) & (depth <= 2.5)) * 1.0, 0.7)
    image += look.core * ndimage.gaussian_filter((depth > 9) * 1.0, 1.5)
    image += look.texture * (0.5 * _smooth(rng, 12) + (0.4 + 0.6 * inside) * _smooth(rng, 2))
    image *= np.linspace(0.8, 1.2, SIDE)  # uneven light
    if look.colour:
        tint = np.array([0.25, 1.0, 0.35])
        background = np.array([0.95, 0.88, 0.93])
        image = background + (image - 0.5 + look.contrast / 2)[..., None] * tint
    image = image + look.noise * rng.standard_normal(image.shape)
    return (255 * np.clip(image, 0, 1)).astype(np.uint8), labels


def _blobs(look: Look, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Draw rounded shapes; a pixel in reach of several belongs to the nearest."""
    centres: list[tuple[float, float, float]] = []
    for _ in range(60 * look.objects):
        if len(centres) == look.objects:
            break
        radius = float(rng.uniform(*look.radius))
        y, x = rng.uniform(radius, SIDE - radius, 2)
        if all(np.hypot(y - b, x - a) > look.apart * (radius + r) for b, a, r in centres):
            centres.append((float(y), float(x), radius))
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    rows += 4 * _smooth(rng, 8)  # waves in their outlines
    columns += 4 * _smooth(rng, 8)
    nearest = np.full((SIDE, SIDE), 1.0)
    labels = np.zeros((SIDE, SIDE), np.uint16)
    for number, centre in enumerate(centres, start=1):
        distance = _distance(rows, columns, centre, rng)
        mine = distance < nearest
        nearest[mine], labels[mine] = distance[mine], number
    return labels


def _depth(labels: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return how far inside of its object each pixel lies; 0 in the background."""
    edges = find_boundaries(labels, connectivity=1, mode="thick")
    distance = ndimage.distance_transform_edt(~edges & (labels > 0)) + edges * 0.5
    return np.where(labels > 0, distance, 0.0)


def _distance(
    rows: Any, columns: Any, centre: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the distance from an ellipse's middle, 1 on its outline."""
    y, x, radius = centre
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.35)
    along = (rows - y) * np.cos(angle) + (columns - x) * np.sin(angle)
    across = (columns - x) * np.cos(angle) - (rows - y) * np.sin(angle)
    return np.asarray(np.hypot(along / (radius * stretch), across / (radius / stretch)))


def _smooth(rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    """Return smooth noise of mean 0 and standard deviation 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), sigma, mode="reflect")
    return np.asarray((noise - noise.mean()) / noise.std())
