"""Images as graphs: each pixel is joined to its eight neighbours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from napari_fclick.core.arrays import Array, FloatArray, Mask

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


class Edges(NamedTuple):
    """Pairs of neighbours, each pair once.

    Attributes
    ----------
    first, second : ndarray of int32, shape (n,)
        Flat indices of pixels.
    length : ndarray of float32, shape (n,)
        1 or the square root of 2.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    length: FloatArray


def join(shape: tuple[int, int]) -> Edges:
    """Return the edges of the eight-connected grid of a shape."""
    index = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    height, width = shape
    pairs = []
    for down, right in _STEPS:
        left = max(0, -right)
        one = index[: height - down, left : width - max(0, right)]
        other = index[down:, max(0, right) : width - left]
        pairs.append((one.ravel(), other.ravel(), np.hypot(down, right)))
    return Edges(
        np.concatenate([p[0] for p in pairs]),
        np.concatenate([p[1] for p in pairs]),
        np.concatenate([np.full(p[0].size, p[2], np.float32) for p in pairs]),
    )


def differences(values: Array, edges: Edges) -> FloatArray:
    """Return the Euclidean distance of the values (h, w, C) at both ends of each edge."""
    flat = values.reshape(-1, values.shape[-1]).astype(np.float32, copy=False)
    squares = np.zeros(edges.first.size, np.float32)
    for channel in flat.T:
        squares += (channel[edges.first] - channel[edges.second]) ** 2
    return np.sqrt(squares)


class Paths(NamedTuple):
    """Cheapest paths from sources to each pixel.

    Attributes
    ----------
    cost : ndarray of float64, shape (h, w)
        Infinite where there is no source.
    before : ndarray of int32, shape (h, w)
        Flat index of the pixel before it on its path; negative at the sources.
    source : ndarray of int32, shape (h, w)
        Flat index of the source that its path begins at.
    """

    cost: NDArray[np.float64]
    before: NDArray[np.int32]
    source: NDArray[np.int32]


def cheapest_paths(costs: Array, edges: Edges, sources: Mask) -> Paths:
    """Find the cheapest path from any source to each pixel, by Dijkstra's algorithm.

    Parameters
    ----------
    costs : ndarray, shape (n,)
        Of each edge, in both directions; not negative.
    edges : Edges
    sources : ndarray of bool, shape (h, w)
    """
    shape, size = sources.shape, sources.size
    # A step costs something, however little: an exact zero would be no edge.
    values = np.maximum(costs, 1e-9).astype(np.float64)
    graph = sparse.csr_array(
        (
            np.concatenate([values, values]),
            (
                np.concatenate([edges.first, edges.second]),
                np.concatenate([edges.second, edges.first]),
            ),
        ),
        shape=(size, size),
    )
    indices = np.flatnonzero(sources)
    if not indices.size:
        nowhere = np.full(shape, -1, np.int32)
        return Paths(np.full(shape, np.inf), nowhere, nowhere)
    cost, before, source = csgraph.dijkstra(
        graph, indices=indices, return_predecessors=True, min_only=True
    )
    return Paths(cost.reshape(shape), before.reshape(shape), source.reshape(shape))
