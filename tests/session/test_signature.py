"""An image is known again, in memory or lazy."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from tests.session.fakes import bare_target
from tests.session.making import make, put
from tests.session.test_journal import reopened

from napari_fclick.session.autosave import offers
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.resuming import check_image
from napari_fclick.session.signature import Signature, encodable, file_name, sampled_hash

IMAGE = np.random.default_rng(0).integers(0, 2**16, (300, 400)).astype(np.uint16)


def lazy(image: Any) -> Any:
    return da.from_array(image, chunks=64)


def in_zarr(image: Any) -> Any:
    return zarr.array(image, chunks=(64, 64))


def changed_between_blocks() -> Any:
    """Return another image that differs nowhere but on the grid of arrays in memory."""
    other = IMAGE.copy()
    blocks = sampled_hash(lazy(IMAGE))
    for y, x in np.ndindex(100, 100):
        other[2 * y, 3 * x] ^= 1
        if sampled_hash(lazy(other)) == blocks:
            return other
        other[2 * y, 3 * x] ^= 1
    raise AssertionError("the blocks are everywhere")


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (IMAGE[1:], f"its shape is {IMAGE.shape}, not {IMAGE[1:].shape}"),
        (IMAGE.astype(float), f"its dtype is {IMAGE.dtype}, not float64"),
    ],
)
def test_what_differs_is_told_of_the_image_that_is_known(other: Any, problem: str) -> None:
    assert Signature.of(IMAGE).problem(Signature.of(other)) == problem


@pytest.mark.parametrize("one", [np.asarray, lazy, in_zarr])
@pytest.mark.parametrize("other", [np.asarray, lazy, in_zarr])
def test_the_same_pixels_are_the_same_image(one: Any, other: Any) -> None:
    assert Signature.of(one(IMAGE)).problem(Signature.of(other(IMAGE))) == ""
    wrong = Signature.of(other(IMAGE + 1))
    assert Signature.of(one(IMAGE)).problem(wrong) == "its pixels are not the same"


def test_names_that_no_file_can_hold_are_made_fit() -> None:
    # What Python makes of the bytes "M\xfcller.tif", which are no UTF-8.
    signature = Signature.of(IMAGE, "/data/M\udcfcller.tif", "M\udcfcller", sample=False)
    assert (signature.source, signature.name) == ("/data/M?ller.tif", "M?ller")
    assert Signature.model_validate_json(signature.model_dump_json()) == signature
    assert encodable("Müller 細胞") == "Müller 細胞"


def test_in_memory_more_is_looked_at() -> None:
    other = changed_between_blocks()
    assert Signature.of(IMAGE).problem(Signature.of(other)) == "its pixels are not the same"
    assert Signature.of(IMAGE).problem(Signature.of(lazy(other))) == ""


def saved(path: Path, objects: int, image: Any = IMAGE) -> Recorder:
    """A session of an image, with a click more than objects."""
    session = make()
    recorder = Recorder(session, bare_target())
    recorder.begin_at(lambda: Journal.create(path, Signature.of(image)))
    for number in range(objects):
        put(session, 10, 5 + 20 * number)
    session.add(40, 40)
    return recorder


def test_a_session_that_went_on_elsewhere_is_offered_there(tmp_path: Path) -> None:
    own, mine = tmp_path / "own.fclick", tmp_path / "elsewhere" / "mine.fclick"
    mine.parent.mkdir()
    recorder = saved(own, 1)
    recorder.save_as(mine)
    recorder.session.clear()
    put(recorder.session, 50, 50)
    recorder.close()
    found = Signature.of(IMAGE)
    assert [(offer.path, offer.objects) for offer in offers(found, tmp_path)] == [(mine, 2)]
    assert [offer.path for offer in offers(found, mine.parent)] == [mine]
    # Back where it was: two files that tell of each other are not followed for ever.
    with closing(Journal.open(mine)) as journal:
        journal.set_about("moved", str(own))
    assert [offer.path for offer in offers(found, tmp_path)] == [mine]
    mine.unlink()
    assert [(offer.path, offer.objects) for offer in offers(found, tmp_path)] == [(own, 1)]


def test_a_session_that_is_gone_on_with_all_the_same_is_offered(tmp_path: Path) -> None:
    own, mine = tmp_path / "own.fclick", tmp_path / "mine.fclick"
    recorder = saved(own, 1)
    recorder.save_as(mine)
    recorder.close()
    session, journal = reopened(own)
    again = Recorder(session, bare_target())
    again.go_on_in(journal)
    assert [offer.path for offer in offers(Signature.of(IMAGE), tmp_path)] == [mine]
    session.clear()
    put(session, 50, 50)
    again.close()
    assert {offer.path for offer in offers(Signature.of(IMAGE), tmp_path)} == {own, mine}


def test_a_stray_click_does_not_hide_a_session_with_objects(tmp_path: Path) -> None:
    saved(tmp_path / "real.fclick", 2).close()
    saved(tmp_path / "stray.fclick", 0).close()
    found = offers(Signature.of(IMAGE), tmp_path)
    assert [(offer.path.stem, offer.objects) for offer in found] == [("real", 2), ("stray", 0)]


def test_a_file_that_leads_nowhere_hides_no_session(tmp_path: Path) -> None:
    saved(tmp_path / "a.fclick", 1).close()
    (tmp_path / "b.fclick").symlink_to(tmp_path / "nowhere")
    assert [offer.path.stem for offer in offers(Signature.of(IMAGE), tmp_path)] == ["a"]


def test_files_of_other_images_are_not_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "a.fclick", 1).close()
    saved(tmp_path / "b.fclick", 1, IMAGE + 1).close()
    opened: list[str] = []
    whole = Journal.open

    def counting(path: Path, **options: Any) -> Journal:
        opened.append(path.stem)
        return whole(path, **options)

    monkeypatch.setattr(Journal, "open", counting)
    assert [offer.path.stem for offer in offers(Signature.of(IMAGE), tmp_path)] == ["a"]
    assert opened == ["a"]


@pytest.mark.parametrize(("begun", "opened"), [(lazy, np.asarray), (np.asarray, lazy)])
def test_a_session_is_offered_and_goes_on(tmp_path: Path, begun: Any, opened: Any) -> None:
    session = make()
    recorder = Recorder(session, bare_target())
    path = tmp_path / "a.fclick"
    recorder.begin_at(lambda: Journal.create(path, Signature.of(begun(IMAGE))))
    session.add(5, 5)
    recorder.close()
    found = Signature.of(opened(IMAGE))
    assert [offer.path for offer in offers(found, tmp_path)] == [path]
    journal = Journal.open(path, read_only=True)
    check_image(journal, found)
    other = Signature.of(opened(IMAGE + 1))
    assert offers(other, tmp_path) == []
    with pytest.raises(JournalError, match="pixels are not the same"):
        check_image(journal, other)
    journal.close()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/data/cells.tif", "cells.tif"),
        (r"C:\data\cells.tif", "cells.tif"),
        ("C:/data/cells.tif", "cells.tif"),
        (r"\\server\data\cells.tif", "cells.tif"),
        ("/data/a:b.tif", "a:b.tif"),
        ("", ""),
    ],
)
def test_a_file_is_called_the_same_on_any_system(source: str, name: str) -> None:
    assert file_name(source) == name
