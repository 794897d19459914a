"""Minimum cuts of images (Boykov and Jolly 2001), by PyMaxflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_fclick.core.arrays import Array, FloatArray, Mask
from napari_fclick.evaluation.methods import colours, grid
from napari_fclick.evaluation.methods.grid import Edges
from napari_fclick.evaluation.methods.peer import load_library
from napari_fclick.evaluation.methods.seeds import Seeds

#: For each pixel, what it costs to be inside, and what it costs to be outside.
Costs = tuple[FloatArray, FloatArray]

#: A capacity that no minimum cut goes through.
NEVER = 1e9


def colour_costs(picture: FloatArray, seeds: Seeds) -> Costs:
    """Return minus the log density of each pixel's colour among either side's seeds.

    Parameters
    ----------
    picture : ndarray of float32, shape (h, w, 3)
    seeds : Seeds

    Returns
    -------
    tuple of ndarray, shape (h, w)
        Costs of inside and of outside; the lesser one is zero, as only their difference
        matters to a cut.
    """
    inside, outside = (
        -colours.fit(picture[known]).log_density(picture) for known in (seeds.inside, seeds.outside)
    )
    least = np.minimum(inside, outside)
    return inside - least, outside - least


def contrast(picture: FloatArray, edges: Edges) -> FloatArray:
    """Return what it costs to part neighbours: exp(-d^2 / (2 <d^2>)) / length.

    d is the neighbours' difference in colour, and <d^2> its mean square over the image.
    """
    squares = grid.differences(picture, edges) ** 2
    mean = float(squares.mean())
    falling = np.exp(-squares / (2 * mean)) if mean > 0 else np.ones_like(squares)
    return np.asarray(falling / edges.length, np.float32)


def minimum_cut(
    seeds: Seeds,
    costs: Costs,
    edges: Edges,
    capacity: FloatArray,
    needs: tuple[Array, Array] | None = None,
) -> Mask:
    """Return the cheapest division that respects the seeds.

    Parameters
    ----------
    seeds : Seeds
    costs : tuple of ndarray, shape (h, w)
        Not negative.
    edges : Edges
    capacity : ndarray, shape (n,)
        What it costs to part the two ends of each edge.
    needs : tuple of ndarray of int, optional
        Flat indices of pixels, and of pixels that are inside if those are.
    """
    maxflow = load_library("maxflow", "a minimum cut")
    graph = maxflow.GraphFloat(seeds.inside.size, edges.first.size)
    nodes = graph.add_grid_nodes(seeds.inside.shape)
    if_inside, if_outside = costs
    source = np.where(seeds.inside, NEVER, np.where(seeds.outside, 0, if_outside))
    sink = np.where(seeds.outside, NEVER, np.where(seeds.inside, 0, if_inside))
    graph.add_grid_tedges(nodes, source.astype(np.float64), sink.astype(np.float64))
    _add_edges(graph, edges.first, edges.second, capacity, capacity)
    if needs is not None:
        pixels, needed = needs
        _add_edges(graph, pixels, needed, np.full(len(pixels), NEVER), np.zeros(len(pixels)))
    graph.maxflow()
    return ~np.asarray(graph.get_grid_segments(nodes))


def _add_edges(graph: Any, first: Array, second: Array, there: Array, back: Array) -> None:
    graph.add_edges(
        first.astype(np.int64),
        second.astype(np.int64),
        there.astype(np.float64),
        back.astype(np.float64),
    )
