from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.session.making import put
from tests.session.test_journal import recorded

from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import reopen


@pytest.mark.parametrize("blob", [b"", b"garbage", zlib.compress(b"too short")])
@pytest.mark.parametrize("given", [False, True])
def test_a_damaged_patch_is_told_of(tmp_path: Path, blob: bytes, given: bool) -> None:
    path = tmp_path / "a.fclick"
    session, recorder = recorded(path)
    put(session, 20, 20)
    put(session, 40, 40)
    recorder.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE patches SET after = ? WHERE step = 4", (blob,))
        assert connection.total_changes == 1
    labels = np.zeros_like(session.labels)
    with (
        closing(Journal.open(path, read_only=True)) as journal,
        pytest.raises(JournalError, match=r"a\.fclick is damaged: "),
    ):
        reopen(journal, [labels] if given else None)
    assert not labels.any()
