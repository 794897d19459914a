"""Minimum cuts of images, by PyMaxflow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.evaluation.methods import colours, grid
from napari_fclick.evaluation.methods.grid import Edges
from napari_fclick.evaluation.methods.peer import FloatArray, load_library

Array = NDArray[Any]
Mask = NDArray[np.bool_]

#: Capacity that no cut goes through.
NEVER = 1e9


def contrast(picture: FloatArray, edges: Edges) -> FloatArray:
    squares = grid.differences(picture, edges) ** 2
    mean = float(squares.mean())
    falling = np.exp(-squares / (2 * mean)) if mean > 0 else np.ones_like(squares)
    return falling / edges.length


def minimum_cut(maxflow, inside_costs, outside_costs, inside, outside, edges, capacity, extra=None) -> Mask:
    shape = inside.shape
    graph = maxflow.GraphFloat(inside.size, edges.first.size)
    nodes = graph.add_grid_nodes(shape)
    source = np.where(inside, NEVER, np.where(outside, 0, outside_costs))
    sink = np.where(outside, NEVER, np.where(inside, 0, inside_costs))
    graph.add_grid_tedges(nodes, source.astype(np.float64), sink.astype(np.float64))
    c = capacity.astype(np.float64)
    graph.add_edges(edges.first.astype(np.int64), edges.second.astype(np.int64), c, c)
    if extra is not None:
        a, b = extra
        graph.add_edges(a.astype(np.int64), b.astype(np.int64), np.full(a.size, NEVER), np.zeros(a.size))
    graph.maxflow()
    return ~graph.get_grid_segments(nodes)
