"""Labels that take the memory of what was written into them."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.session.making import SIZE, put
from tests.session.test_journal import recorded

from napari_fclick.session import NumberedLabels
from napari_fclick.session.journal import Journal
from napari_fclick.session.restoring import write_labels
from napari_fclick.session.resuming import reopen
from napari_fclick.session.sparse import SparseLabels


@pytest.mark.parametrize("shape", [(700, 900), (90, 70, 80), (9, 40, 30, 50)])
def test_it_holds_what_an_array_would(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    plain, sparse = np.zeros(shape, np.int32), SparseLabels(shape, np.int32)
    for number in range(1, 30):
        where: list[slice | int] = []
        for n in shape:
            start, stop = np.sort(rng.integers(0, n + 1, 2)).tolist()
            where.append(min(start, n - 1) if rng.random() < 0.3 else slice(start, stop))
        index = tuple(where)
        assert np.array_equal(sparse[index], plain[index])
        value: Any = number
        if rng.random() < 0.5:
            value = rng.integers(0, 9, plain[index].shape)
        plain[index] = sparse[index] = value
    whole = (slice(None),) * len(shape)
    assert np.array_equal(sparse[whole], plain)
    copy = sparse.copy()
    copy[whole] = 0
    assert np.array_equal(sparse[whole], plain)


def test_an_index_outside_is_refused() -> None:
    with pytest.raises(IndexError, match="7 is not within 0 to 4"):
        SparseLabels((5, 6), np.uint8)[7, slice(0, 2)]


def test_resuming_takes_the_memory_of_the_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.fclick"
    session, recorder = recorded(path)
    put(session, 20, 20)
    put(session, 40, 40)
    recorder.close()
    with closing(Journal.open(path)) as journal:
        commits = journal.restore([NumberedLabels(None)]).commits
    huge = SparseLabels((10_000_000, 10_000_000), np.int32)
    target = NumberedLabels(huge)
    for commit in commits:
        object.__setattr__(commit, "target", target)
    tracemalloc.start()
    assert write_labels(commits) == 0
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(huge[:SIZE, :SIZE], session.labels)
    assert taken < 2**20


def test_a_file_can_be_read_into_them(tmp_path: Path) -> None:
    path = tmp_path / "a.fclick"
    session, recorder = recorded(path)
    put(session, 20, 20)
    recorder.close()
    with closing(Journal.open(path)) as journal:
        labels = SparseLabels((SIZE, SIZE), np.int32)
        reopen(journal, [labels], [0])
    assert np.array_equal(labels[:, :], session.labels)
