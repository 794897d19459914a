"""A long stack of lazy planes: one at a time, windows only, and each about once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
from tests.propagation.fakes import OFF, PLAIN, Bright, LazyStack, boxes, disc, mark, stored

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.prediction import Prediction
from napari_fclick.propagation import Propagation, Stack

LENGTH = 2000
SHAPE = (64, 64)
DISC = disc((30, 30), 4, SHAPE)


class Staying(Bright):
    """Reads the window that it is given once."""

    def predict(
        self, image: Any, clicks: ClickSequence, previous: Any = None, **_: Any
    ) -> Prediction:
        self.views.append(previous.view)
        return replace(previous, probability=image[previous.view.slices], clicks=clicks)


@pytest.mark.slow
def test_two_thousand_slices() -> None:
    lazy = LazyStack(lambda index: DISC)
    predictor = Staying()
    made = Propagation(Stack(lazy.read, LENGTH), predictor, OFF, PLAIN)
    mark(made, LENGTH // 2, stored(DISC > 0))
    came = sum(1 for _ in made.run())
    assert came == LENGTH - 1 and len(made.slices) == LENGTH
    # The one at work, the one read ahead, and for a moment the one before.
    assert lazy.most_held <= 3
    assert max(lazy.opened[index] for index in range(LENGTH) if index != LENGTH // 2) == 1
    assert {view.side for view in predictor.views} == {32}  # a quarter of the plane
    sizes = [lazy.reads[index] for index in range(LENGTH) if index != LENGTH // 2]
    assert sum(map(len, sizes)) <= 1.01 * LENGTH
    assert max(size for reads in sizes for size in reads) == 32 * 32


def test_what_moves_is_read_in_windows_too() -> None:
    def plane(index: int) -> Any:
        return disc((30 + 60 * np.sin(index / 40) ** 2, 100 + index / 4), 8, (128, 256))

    lazy = LazyStack(plane)
    made = Propagation(Stack(lazy.read, 80), Bright(), OFF, PLAIN)
    mark(made, 0, stored(plane(0) > 0))
    for _ in made.run():
        pass
    assert boxes(made).keys() == set(range(80))
    read = [sum(lazy.reads[index]) for index in range(1, 80)]
    assert np.mean(read) < 2 * 64 * 64  # of 32,768 pixels
    assert max(lazy.opened.values()) <= 2 and lazy.most_held <= 3


def test_dask() -> None:
    computed: list[int] = []

    def block(pixels: Any, block_info: Any = None) -> Any:
        if pixels.size:
            computed.append(block_info[0]["chunk-location"][0])
        return pixels

    volume = da.from_array(np.repeat(DISC[None], 12, 0), chunks=(1, 64, 64)).map_blocks(
        block, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32)
    )
    made = Propagation(Stack(lambda index: volume[index], 12), Bright(), OFF, PLAIN)
    mark(made, 5, stored(DISC > 0))
    computed.clear()
    for _ in made.run():
        pass
    assert boxes(made).keys() == set(range(12))
    counts = np.bincount(computed, minlength=12)
    # Nothing was read ahead of the first ones.
    assert (np.delete(counts, (4, 5, 6)) == 1).all()


def test_a_range_reads_no_more_than_a_slice_beyond_it() -> None:
    lazy = LazyStack(lambda index: DISC)
    rules = OFF.model_copy(update={"first": 40, "last": 60})
    made = Propagation(Stack(lazy.read, 100), Bright(), rules, PLAIN)
    mark(made, 50, stored(DISC > 0))
    for _ in made.run():
        pass
    assert boxes(made).keys() == set(range(40, 61))
    assert set(lazy.opened) <= set(range(39, 62))
