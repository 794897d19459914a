from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.session.making import put
from tests.session.test_journal import recorded

from napari_fclick.cli import main
from napari_fclick.core.files import read_image


def export(*arguments: str | Path, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["napari-fclick", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_export_leaves_the_session_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "a.fclick", tmp_path / "a.tif"
    session, recorder = recorded(path)
    put(session, 20, 20)
    recorder.close()
    content = path.read_bytes()
    (tmp_path / "folder").mkdir()
    for itself in (path, tmp_path / "folder" / ".." / "a.fclick"):
        code = export(path, "--format", "coco", "--out", itself, monkeypatch=monkeypatch)
        (line,) = capsys.readouterr().err.splitlines()
        assert code == 2 and "is the session file itself" in line
        assert path.read_bytes() == content
    assert export(path, "--format", "tiff", "--out", out, monkeypatch=monkeypatch) == 0
    assert np.array_equal(read_image(out), session.labels)
