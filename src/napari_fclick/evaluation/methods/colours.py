"""Colour models of the object and of what is around it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2

from napari_fclick.core.arrays import Array, FloatArray

#: Gaussians of a mixture, as in GrabCut (Rother, Kolmogorov and Blake 2004).
COMPONENTS = 5
#: Added to variances: about three gray levels squared, so that flat colours have a spread.
LEAST_VARIANCE = 1e-4
#: Colours beyond this number are thinned out before the mixture is fitted.
MOST_COLOURS = 5000


class Mixture(NamedTuple):
    """A Gaussian mixture of colours.

    Attributes
    ----------
    shares : ndarray, shape (k,)
    means : ndarray, shape (k, 3)
    roots : ndarray, shape (k, 3, 3)
        Cholesky factors of the inverse covariances.
    """

    shares: Array
    means: Array
    roots: Array

    def log_density(self, picture: FloatArray) -> FloatArray:
        """Return the natural logarithm of the density at each pixel (h, w, 3)."""
        flat = picture.reshape(-1, 3)
        logs = np.empty((len(self.shares), len(flat)), np.float32)
        for i, (share, mean, root) in enumerate(zip(*self, strict=True)):
            deviation = (flat - mean.astype(np.float32)) @ root.astype(np.float32)
            scale = np.log(share) + np.log(np.diag(root)).sum() - 1.5 * np.log(2 * np.pi)
            logs[i] = scale - 0.5 * np.einsum("ij,ij->i", deviation, deviation)
        top = logs.max(0)
        summed: FloatArray = top + np.log(np.exp(logs - top).sum(0))
        return summed.reshape(picture.shape[:2])


def fit(colours: Array) -> Mixture:
    """Fit a mixture: k-means, then a Gaussian for each cluster, as GrabCut begins.

    Parameters
    ----------
    colours : ndarray, shape (n, 3)
        At least one.
    """
    step = max(1, len(colours) // MOST_COLOURS)
    known = colours[::step].astype(np.float64)
    distinct = len(np.unique(known, axis=0))
    count = min(COMPONENTS, distinct)
    if count > 1:
        _, member = kmeans2(known, count, minit="++", rng=0)
    else:
        member = np.zeros(len(known), int)
    groups = [known[member == i] for i in range(count)]
    groups = [g for g in groups if len(g)]
    shares = np.array([len(g) for g in groups]) / len(known)
    means = np.array([g.mean(0) for g in groups])
    roots = np.array([_root(g - m) for g, m in zip(groups, means, strict=True)])
    return Mixture(shares, means, roots)


def _root(deviation: Array) -> Array:
    covariance = deviation.T @ deviation / len(deviation) + LEAST_VARIANCE * np.eye(3)
    return np.linalg.cholesky(np.linalg.inv(covariance))
