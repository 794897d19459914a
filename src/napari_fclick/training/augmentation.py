"""Augmentation of a window: random changes that leave its labels true.

A transform is a deterministic function of its parameters; `augment` samples them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatImage = NDArray[np.float32]
Rng = np.random.Generator


def gamma(image: FloatImage, power: float) -> FloatImage:
    """Raise intensities in [0, 1] to a power."""
    return np.power(np.clip(image, 0, 1), np.float32(power))


def invert(image: FloatImage) -> FloatImage:
    """Swap bright and dark in [0, 1]."""
    inverted: FloatImage = np.float32(1) - image
    return inverted


def mix_channels(image: FloatImage, order: tuple[int, int, int], gains: FloatImage) -> FloatImage:
    """Reorder the three channels and scale each."""
    mixed: FloatImage = np.clip(image[..., list(order)] * gains, 0, 1)
    return mixed


def to_gray(image: FloatImage, weights: FloatImage) -> FloatImage:
    """Replace the three channels by their weighted mean."""
    gray = image @ (weights / weights.sum())
    return np.repeat(gray[..., None], 3, -1)


def blur(image: FloatImage, sigma: float) -> FloatImage:
    """Blur with a Gaussian of ``sigma`` pixels."""
    out: FloatImage = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    return out


def add_noise(image: FloatImage, sigma: float, rng: Rng) -> FloatImage:
    """Add Gaussian noise; gray images stay gray."""
    channels = 1 if np.ptp(image, axis=-1).max() == 0 else 3
    noise = rng.standard_normal((*image.shape[:2], channels), dtype=np.float32)
    return np.clip(image + np.float32(sigma) * noise, 0, 1)


def shade(image: FloatImage, slope: tuple[float, float]) -> FloatImage:
    """Multiply with a linear gradient, as uneven illumination does."""
    height, width = image.shape[:2]
    rows = np.linspace(-slope[0], slope[0], height, dtype=np.float32)[:, None]
    columns = np.linspace(-slope[1], slope[1], width, dtype=np.float32)[None]
    return np.clip(image * (1 + rows + columns)[..., None], 0, 1)


def augment(image: FloatImage, rng: Rng) -> FloatImage:
    """Apply a random choice of the transforms to (h, w, 3) in [0, 1]."""
    colour = np.ptp(image, axis=-1).max() > 0
    if colour and rng.random() < 0.12:
        image = to_gray(image, rng.uniform(0.1, 1, 3).astype(np.float32))
    elif colour and rng.random() < 0.4:
        order = tuple(rng.permutation(3)) if rng.random() < 0.15 else (0, 1, 2)
        image = mix_channels(image, order, rng.uniform(0.75, 1.2, 3).astype(np.float32))
    elif not colour and rng.random() < 0.1:
        image = mix_channels(image, (0, 1, 2), rng.uniform(0.3, 1, 3).astype(np.float32))
    if rng.random() < 0.12:
        image = invert(image)
    if rng.random() < 0.5:
        image = gamma(image, float(np.exp(rng.uniform(-0.7, 0.7))))
    if rng.random() < 0.15:
        image = shade(image, (float(rng.uniform(-0.4, 0.4)), float(rng.uniform(-0.4, 0.4))))
    if rng.random() < 0.15:
        image = blur(image, float(rng.uniform(0.4, 1.5)))
    if rng.random() < 0.2:
        image = add_noise(image, float(rng.uniform(0.01, 0.1)), rng)
    return image
