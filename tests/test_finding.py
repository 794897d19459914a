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

from napari_fclick import finding
from napari_fclick.core.files import read_image
from napari_fclick.core.folders import find_images
from napari_fclick.finding import IMAGES, Examples, Finder, unlabelled
from napari_fclick.propagation import Kind
from napari_fclick.replay import replay
from napari_fclick.session import Session, autosave, likeness
from napari_fclick.session.exporting import export
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.resuming import reopen
from napari_fclick.session.signature import Signature
from napari_fclick.session.similar import MOST
from napari_fclick.session.target import Target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "set")


def finder(folder: Path, out: Path | None = None, **options: Any) -> Finder:
    return Finder(BlobPredictor(), Examples.of(folder), out, **options)


# --- what is found -----------------------------------------------------------------------


def test_what_is_found_is_in_a_session_and_in_labels_of_its_own(folder: Path) -> None:
    b, c = unlabelled(find_images(folder))
    result = finder(folder, folder / "found").look_at(b)
    assert not result.left_out and len(result.objects) == len(OTHERS)
    assert result.labels == folder / "found/b.tif"
    written = read_image(result.labels)
    assert written.dtype == np.uint16
    for label, found, area in result.objects:
        assert written[found.click.pixel] == label
        assert np.count_nonzero(written == label) == area
    assert {int(written[y, x]) for y, x in OTHERS} == set(range(1, len(OTHERS) + 1))
    assert not written[~np.any([disc(y, x, 9) for y, x in OTHERS], axis=0)].any()
    assert [path.name for path in (folder / "labels").iterdir()] == ["a.tif"]
    assert finder(folder, folder / "found").look_at(c).objects == ()
    assert not (folder / "found/c.tif").exists()

    assert result.session is not None and result.session.parent == autosave.sessions_folder()
    journal = Journal.open(result.session, read_only=True)
    opened = reopen(journal)
    assert np.array_equal(opened.targets[0].labels, written)
    assert journal.weights == [("blobs", "abc")]
    for label, record in opened.restored.objects.items():
        (part,) = record.parts
        assert (part.kind, record.made, record.seconds) == (Kind.FOUND, 0, 0.0)
        assert part.certainty == pytest.approx(result.objects[label - 1].found.sure, abs=1e-4)
    journal.close()


def test_the_table_tells_how_certain_each_is(folder: Path, tmp_path: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    result = finder(folder).look_at(b)
    assert result.labels is None and result.session is not None
    export(result.session, "csv", tmp_path / "a.csv")
    header, *rows = (tmp_path / "a.csv").read_text().splitlines()
    assert header.split(",")[-1] == "certainty"
    told = [float(row.split(",")[-1]) for row in rows]
    assert told == pytest.approx([each.found.sure for each in result.objects], abs=1e-4)


def test_only_what_is_certain_enough_is_taken(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    assert len(finder(folder, least=0.5).look_at(b).objects) == len(OTHERS)
    assert finder(folder, least=1.0).look_at(b).objects == ()


def test_all_of_a_large_image_is_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (b, _) = unlabelled(find_images(folder))
    examples = Examples.of(folder)
    monkeypatch.setattr(likeness, "LOOKED_AT", 70)
    assert len(likeness.centres_of(SHAPE, 7.0)) > 4
    objects = Finder(BlobPredictor(), examples).look_at(b).objects
    found = [each.found for each in objects]
    assert len(found) == len(OTHERS)
    hit = {
        min(OTHERS, key=lambda at: np.hypot(at[0] - f.click.y, at[1] - f.click.x)) for f in found
    }
    assert hit == set(OTHERS)


@pytest.mark.parametrize(("radius", "count"), [(7, 15), (12, 15), (3, 15)])
def test_an_image_may_be_magnified_otherwise(folder: Path, radius: int, count: int) -> None:
    labels = np.zeros(SHAPE, np.uint16)
    for number, (y, x) in enumerate(OTHERS, 1):
        labels[disc(y, x, radius)] = number
    noise = np.random.default_rng(3).normal(0, 4, SHAPE)
    image = np.clip(40 + 150 * (labels > 0) + noise, 0, 255).astype(np.uint8)
    io.imsave(folder / "images/b.png", image, check_contrast=False)
    assert len(finder(folder).look_at(folder / "images/b.png").objects) == count


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


def test_a_mask_of_one_number_is_of_many_objects(folder: Path) -> None:
    tifffile.imwrite(folder / "labels/a.tif", np.uint8(255) * (labels_of(DISCS[:6]) > 0))
    examples = Examples.of(folder)
    assert examples.objects == 6
    assert examples.notes == ["a.tif: all objects have one number; each part is taken for one"]


def test_labels_without_background_are_told(folder: Path) -> None:
    labels = labels_of(DISCS[:4])
    tifffile.imwrite(folder / "labels/a.tif", np.where(labels, labels, np.uint16(65535)))
    with pytest.raises(ValueError, match="leave no background about their objects"):
        Examples.of(folder)


def test_images_without_objects_do_not_keep_others_from_being_learned_from(folder: Path) -> None:
    for number in range(IMAGES + 4):
        io.imsave(folder / f"images/{number}.png", blobs(), check_contrast=False)
        tifffile.imwrite(folder / f"labels/{number}.tif", np.zeros(SHAPE, np.uint8))
    assert Examples.of(folder).objects == 4


def test_slivers_and_heaps_do_not_tell_how_large_objects_are(folder: Path) -> None:
    labels = labels_of()
    labels[0:2, 0:8], labels[115:125, 0:200] = 98, 99
    tifffile.imwrite(folder / "labels/a.tif", labels)
    smallest, largest = Examples.of(folder).looks[True].areas
    assert 90 < smallest <= largest < 230


# --- what is left out --------------------------------------------------------------------


def test_an_image_with_a_session_is_left_out(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    first = finder(folder).look_at(b)
    assert first.session is not None
    again = finder(folder).look_at(b)
    assert again.left_out == f"15 objects in {first.session.name}"
    assert again.objects == () and again.session is None
    anew = finder(folder, again=True).look_at(b)
    assert anew.session not in (None, first.session) and len(anew.objects) == 15


def test_a_session_of_a_person_is_never_looked_past(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    pixels = read_image(b)
    session = Session(pixels, np.zeros(SHAPE, np.uint16))
    recorder = Recorder(session, lambda _: Target("objects", "", SHAPE, "uint16"))
    signature = Signature.of(pixels, str(b), b.stem)
    recorder.begin_at(lambda: Journal.create(autosave.new_path("b"), signature))
    session.add(20, 20)  # a click that is not accepted yet
    recorder.close()
    for again in (False, True):
        assert finder(folder, again=again).look_at(b).left_out.startswith("0 objects in b-")


def test_what_was_rejected_is_not_found_again(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    result = finder(folder).look_at(b)
    assert result.session is not None
    journal = Journal.open(result.session)
    opened = reopen(journal)
    session = Session(read_image(b), opened.targets[0])
    session.take_over(opened.restored)
    recorder = Recorder(session, lambda _: journal.targets[0])
    recorder.go_on_in(journal)
    while session.can_undo:
        session.undo()
    recorder.close()
    assert finder(folder, again=True).look_at(b).left_out.startswith("0 objects in b-")


def test_another_file_with_the_same_pixels_is_another_image(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    copy = b.with_name("b2.png")
    copy.write_bytes(b.read_bytes())
    for image in (b, copy):
        assert len(finder(folder).look_at(image).objects) == 15
    moved = b.rename(folder / b.name)
    assert "15 objects in b-" in finder(folder).look_at(moved).left_out


def test_however_a_folder_is_spelled_its_images_are_the_same(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    finder(folder).look_at(b)
    (folder / "labels/deep").mkdir()
    (folder.parent / "link").symlink_to(folder)
    for spelled in (folder / "labels" / "..", folder.parent / "link"):
        (same, _) = unlabelled(find_images(spelled))
        assert "15 objects" in finder(folder).look_at(same).left_out


def test_what_is_in_the_folder_for_labels_stays(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    (folder / "found").mkdir()
    (folder / "found/b.tif").write_text("a person's")
    result = finder(folder, folder / "found").look_at(b)
    assert result.left_out == "found/b.tif is there: move it, or choose another --out"
    assert (folder / "found/b.tif").read_text() == "a person's"


def test_what_is_no_plane_is_left_out(folder: Path) -> None:
    stack = folder / "images/s.tif"
    tifffile.imwrite(stack, np.zeros((5, *SHAPE), np.uint8), metadata={"axes": "ZYX"})
    assert finder(folder).look_at(stack).left_out.startswith("it is a stack, or has other channels")
    broken = folder / "images/x.png"
    broken.write_text("no image")
    assert "cannot be read as an image" in finder(folder).look_at(broken).left_out


def test_whatever_goes_wrong_with_an_image_does_not_end_it(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    failing = Finder(BlobPredictor(error=MemoryError("cannot allocate")), Examples.of(folder))
    assert failing.look_at(b).left_out == "cannot allocate"
    assert len(finder(folder).look_at(b).objects) == 15


def test_few_coloured_pixels_are_no_colours(folder: Path) -> None:
    image = np.dstack([blobs(OTHERS, seed=4)] * 3)
    image[150:153, 150:195] = 255, 0, 0  # a scale bar
    io.imsave(folder / "images/d.png", image, check_contrast=False)
    assert len(finder(folder).look_at(folder / "images/d.png").objects) >= 14


@pytest.mark.parametrize("what", ["session", "labels"])
def test_what_cannot_be_written_is_told_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise JournalError("database or disk is full")

    (b, _) = unlabelled(find_images(folder))
    where = (Journal, "record") if what == "session" else (finding, "write_labels")
    with monkeypatch.context() as patched:
        patched.setattr(*where, full)
        with pytest.raises(JournalError, match="disk is full"):
            finder(folder, folder / "found").look_at(b)
    assert not list(autosave.sessions_folder().glob("*.fclick"))
    assert not (folder / "found/b.tif").exists()
    assert finder(folder, folder / "found").look_at(b).session is not None


@pytest.mark.parametrize("name", ["b", "a long name of many images that begin alike " * 2])
def test_sessions_of_an_image_are_found_among_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (b, _) = unlabelled(find_images(folder))
    image = b.rename(b.with_stem(f"{name}-1"))
    first = finder(folder).look_at(image)
    monkeypatch.setattr(autosave, "SEARCHED", 2)
    for number in range(4):
        (autosave.sessions_folder() / f"z-{number}.fclick").write_text("another")
    assert first.session is not None
    assert finder(folder).look_at(image).left_out.endswith(f"in {first.session.name}")


def test_a_session_of_what_was_found_is_made_again(folder: Path) -> None:
    (b, _) = unlabelled(find_images(folder))
    result = finder(folder).look_at(b)
    assert result.session is not None
    journal = Journal.open(result.session, read_only=True)
    again = replay(journal, read_image(b), BlobPredictor())
    assert (again.found, again.masks, again.differing) == (15, [], 0)
    journal.close()
