from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.commands import Command
from tests.session.making import put
from tests.session.test_journal import recorded

from napari_fclick.core.files import read_image


def test_export_leaves_the_session_file_alone(command: Command, tmp_path: Path) -> None:
    path, out = tmp_path / "a.fclick", tmp_path / "a.tif"
    session, recorder = recorded(path)
    put(session, 20, 20)
    recorder.close()
    content = path.read_bytes()
    (tmp_path / "folder").mkdir()
    for itself in (path, tmp_path / "folder" / ".." / "a.fclick"):
        done = command("export", path, "--format", "coco", "--out", itself)
        (line,) = done.lines
        assert done.code == 2 and "is the session file itself" in line
        assert path.read_bytes() == content
    assert command("export", path, "--format", "tiff", "--out", out).code == 0
    assert np.array_equal(read_image(out), session.labels)
