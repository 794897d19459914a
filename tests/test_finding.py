"""Objects like those labelled in some images of a folder, found in its others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage import io
from tests.session.blobs import (
    DISCS,
    OTHERS,
    SHAPE,
    BlobPredictor,
    blobs,
    disc,
    labels_of,
    write_folder,
)

from napari_fclick.core.files import read_image
from napari_fclick.core.folders import find_images
from napari_fclick.finding import IMAGES, Examples, Finder, unlabelled
from napari_fclick.propagation import Kind
from napari_fclick.session import autosave, likeness
from napari_fclick.session.exporting import export
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import reopen
from napari_fclick.session.similar import MOST


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "set")


def finder(folder: Path, out: Path | None = None, **options: Any) -> Finder:
    return Finder(BlobPredictor(), Examples.of(folder), out, **options)


# --- what is found -----------------------------------------------------------------------


def test_what_is_found_is_in_a_session_and_in_labels_of_its_own(folder: Path) -> None:
    b, c = unlabelled(find_images(folder))
    result = finder(folder, folder / "found").look_at(b)
    assert not result.left_out and len(result.found) == len(OTHERS)
    assert result.labels == folder / "found/b.tif"
    written = read_image(result.labels)
    assert written.dtype == np.uint16
    for label, each in enumerate(result.found, 1):
        assert written[each.click.pixel] == label
    assert {int(written[y, x]) for y, x in OTHERS} == set(range(1, len(OTHERS) + 1))
    assert not written[~np.any([disc(y, x, 9) for y, x in OTHERS], axis=0)].any()
    assert [path.name for path in (folder / "labels").iterdir()] == ["a.tif"]
    assert finder(folder, folder / "found").look_at(c).found == ()
    assert not (folder / "found/c.tif").exists()

    assert result.session is not None and result.session.parent == autosave.sessions_folder()
    journal = Journal.open(result.session, read_only=True)
    opened = reopen(journal)
    assert np.array_equal(opened.targets[0].labels, written)
    assert journal.weights == [("blobs", "abc")]
    for label, record in opened.restored.objects.items():
        (part,) = record.parts
        assert (part.kind, record.made, record.seconds) == (Kind.FOUND, 0, 0.0)
        assert part.certainty == pytest.approx(result.found[label - 1].sure, abs=1e-4)
    journal.close()


def test_the_table_tells_how_certain_each_is(folder: Path, tmp_path: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    result = finder(folder).look_at(b)
    assert result.labels is None and result.session is not None
    export(result.session, "csv", tmp_path / "a.csv")
    header, *rows = (tmp_path / "a.csv").read_text().splitlines()
    assert header.split(",")[-1] == "certainty"
    told = [float(row.split(",")[-1]) for row in rows]
    assert told == pytest.approx([each.sure for each in result.found], abs=1e-4)


def test_only_what_is_certain_enough_is_taken(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    assert len(finder(folder, least=0.5).look_at(b).found) == len(OTHERS)
    assert finder(folder, least=1.0).look_at(b).found == ()


def test_all_of_a_large_image_is_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (b, _) = unlabelled(find_images(folder))
    examples = Examples.of(folder)
    monkeypatch.setattr(likeness, "LOOKED_AT", 70)
    assert len(likeness.centres_of(SHAPE, 7.0)) > 4
    found = Finder(BlobPredictor(), examples).look_at(b).found
    assert len(found) == len(OTHERS)
    hit = {
        min(OTHERS, key=lambda at: np.hypot(at[0] - f.click.y, at[1] - f.click.x)) for f in found
    }
    assert hit == set(OTHERS)


@pytest.mark.parametrize("shape", [(50, 60), (300, 90), (3000, 5000)])
def test_regions_cover_an_image(shape: tuple[int, int]) -> None:
    radius = 20.0
    seen = np.zeros(shape, bool)
    for centre in likeness.centres_of(shape, radius):
        seen[likeness.region_of(shape, radius, centre).slices] = True
    assert seen.all()


# --- what is learned from ----------------------------------------------------------------


def test_objects_of_several_images_are_learned_from_together(folder: Path) -> None:
    io.imsave(folder / "images/d.png", blobs(OTHERS, seed=7), check_contrast=False)
    tifffile.imwrite(folder / "labels/d.tif", labels_of(OTHERS))
    examples = Examples.of(folder)
    assert (examples.objects, examples.images) == (4 + len(OTHERS), 2)
    one = Examples.of(folder).looks[True]
    assert one.areas[0] <= one.areas[1] and one.radius == pytest.approx(7, abs=0.5)


def test_colours_and_grey_are_told_apart(folder: Path) -> None:
    colours = np.dstack([blobs(), 255 - blobs(), blobs()])
    io.imsave(folder / "images/d.png", colours, check_contrast=False)
    result = finder(folder).look_at(folder / "images/d.png")
    assert result.left_out == "it has colours, and no labelled image is so"
    tifffile.imwrite(folder / "labels/d.tif", labels_of(DISCS[:5]))
    examples = Examples.of(folder)
    assert set(examples.looks) == {True, False}
    assert (examples.objects, examples.images) == (9, 2)


def test_many_labels_and_images_are_learned_from_evenly(folder: Path) -> None:
    discs = [(y, x) for y in range(5, 155, 10) for x in range(5, 195, 10)]
    labels = np.zeros(SHAPE, np.uint16)
    for number, (y, x) in enumerate(discs, 1):
        labels[y - 2 : y + 3, x - 2 : x + 3] = number
    for number in range(IMAGES + 4):
        io.imsave(folder / f"images/e{number}.png", blobs(), check_contrast=False)
        tifffile.imwrite(folder / f"labels/e{number}.tif", labels)
    examples = Examples.of(folder)
    assert examples.images == IMAGES
    assert examples.objects <= IMAGES * MOST


@pytest.mark.parametrize(("count", "told"), [(0, "no objects"), (2, "2 objects")])
def test_some_are_to_be_labelled_first(folder: Path, count: int, told: str) -> None:
    tifffile.imwrite(folder / "labels/a.tif", labels_of(DISCS[:count]))
    with pytest.raises(ValueError, match=f"holds {told} of an image: at least 3 are needed"):
        Examples.of(folder)


def test_labels_of_no_use_are_told(folder: Path) -> None:
    (folder / "labels/b.tif").write_text("no labels")
    (folder / "labels/c.tif").write_bytes(b"")
    examples = Examples.of(folder)
    assert examples.objects == 4 and len(examples.notes) == 2
    assert all(name in note for name, note in zip(("b.tif", "c.tif"), examples.notes, strict=True))


# --- what is left out --------------------------------------------------------------------


def test_an_image_with_objects_in_a_session_is_left_out(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    first = finder(folder).look_at(b)
    assert first.session is not None
    again = finder(folder).look_at(b)
    assert again.left_out == f"15 objects in {first.session.name}"
    assert again.found == () and again.session is None
    anew = finder(folder, again=True).look_at(b)
    assert anew.session not in (None, first.session) and len(anew.found) == 15


def test_what_is_no_plane_is_left_out(folder: Path) -> None:
    stack = folder / "images/s.tif"
    tifffile.imwrite(stack, np.zeros((5, *SHAPE), np.uint8), metadata={"axes": "ZYX"})
    assert finder(folder).look_at(stack).left_out.startswith("it is a stack, or has other channels")
    broken = folder / "images/x.png"
    broken.write_text("no image")
    assert "cannot be read as an image" in finder(folder).look_at(broken).left_out


def test_a_session_that_cannot_be_written_is_told_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Journal, *_: Any) -> None:
        raise JournalError("database or disk is full")

    (b, _) = unlabelled(find_images(folder))
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "record", full)
        with pytest.raises(JournalError, match="disk is full"):
            finder(folder, folder / "found").look_at(b)
    assert not list(autosave.sessions_folder().glob("*.fclick"))
    assert not (folder / "found").exists()
    assert finder(folder).look_at(b).session is not None


def test_sessions_of_an_image_are_found_among_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (b, _) = unlabelled(find_images(folder))
    first = finder(folder).look_at(b)
    monkeypatch.setattr(autosave, "SEARCHED", 2)
    for number in range(4):
        (autosave.sessions_folder() / f"z-{number}.fclick").write_text("another")
    assert finder(folder).look_at(b).left_out.endswith(f"in {first.session.name}")  # type: ignore[union-attr]
