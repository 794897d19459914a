"""Files that take the place of others, at once or not at all, and paths to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_fclick.core.paths import replacing, same_file


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_what_is_not_all_written_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def write() -> None:
        with replacing(path) as partial:
            partial.write_text("half of")
            raise error

    path = tmp_path / "a.txt"
    path.write_text("as it was")
    with pytest.raises(type(error)):
        write()
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "as it was"


def test_a_file_that_cannot_be_begun_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught, replacing(path) as partial:
        partial.write_text("half of")
    assert str(caught.value).endswith(f"'{path}'")


def test_a_file_that_a_full_disk_ends_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match=f"full: '{path}'"), replacing(path):
        raise OSError(28, "full")  # as writing tells it, which knows of no name
    with pytest.raises(OSError, match=f"full: '{path}'"), replacing(path) as partial:
        raise OSError(28, "full", "source.txt", None, str(partial))  # as copying tells it
    with pytest.raises(OSError, match="full: 'other"), replacing(path):
        raise OSError(28, "full", "other.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with replacing(pipe) as given:
        assert given == pipe
    assert pipe.is_fifo()


@pytest.mark.parametrize("through", [False, True])
def test_a_link_is_replaced_or_followed(tmp_path: Path, through: bool) -> None:
    there, link = tmp_path / "there.txt", tmp_path / "link.txt"
    there.write_text("before")
    link.symlink_to(there)
    with replacing(link, through=through) as partial:
        partial.write_text("after")
    assert link.is_symlink() == through
    assert link.read_text() == "after"
    assert there.read_text() == ("after" if through else "before")


def test_an_error_before_anything_is_written_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space left"), replacing(tmp_path / "a.txt"):
        raise OSError("no space left")


def test_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert not same_file(path, path)  # it is not there
    path.write_text("")
    (tmp_path / "folder").mkdir()
    assert same_file(path, tmp_path / "folder" / ".." / "a.txt")
    assert not same_file(path, tmp_path / "b.txt")
    assert not same_file(tmp_path / "b.txt", path)
