"""Folders, arrays and session files come out as one type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage import io
from tests.finetuning.scenes import folder, squares
from tests.session.making import SIZE, make, put
from tests.session.test_stacks import accepted, make_stack
from tests.test_replay import recording

from napari_fclick.core import folders
from napari_fclick.core.clicks import Click
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.finetuning import sources
from napari_fclick.finetuning.hashing import content_hash
from napari_fclick.finetuning.objects import objects_of, probes
from napari_fclick.finetuning.sessions import from_sessions
from napari_fclick.finetuning.sources import combine, from_array, from_arrays, from_folder
from napari_fclick.session import accepting, editing
from napari_fclick.session.accepting import accept_found
from napari_fclick.session.journal import JournalError
from napari_fclick.session.signature import Channels
from napari_fclick.session.similar import Found, Signs
from napari_fclick.session.state import Answer


def test_folder_and_arrays_agree(tmp_path: Path) -> None:
    read = from_folder(folder(tmp_path / "set", 2))
    taken = from_arrays([(f"image{n}", *squares(n)) for n in range(2)])
    assert read.name == "set"
    assert [(i.folder, i.file) for i in read.images] == [
        (tmp_path / "set", "image0"),
        (tmp_path / "set", "image1"),
    ]
    assert [i.digest for i in read.images] == [i.digest for i in taken.images]
    assert read.digest == taken.digest


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    folder(tmp_path, 1)
    image, labels = squares(1)
    tifffile.imwrite(tmp_path / "images/small.tif", image[:32])
    tifffile.imwrite(tmp_path / "labels/small.tif", labels)
    tifffile.imwrite(tmp_path / "images/soft.tif", image)
    tifffile.imwrite(tmp_path / "labels/soft.tif", np.linspace(0, 1, 4096, np.float32))
    tifffile.imwrite(tmp_path / "images/alone.tif", image)
    read = from_folder(tmp_path)
    assert [i.name for i in read.images] == ["image0"]
    assert "small.tif is 32 x 64 but its labels are 64 x 64" in read.notes[0]
    assert "soft.tif" in read.notes[1]
    assert read.notes[2:] == ("1 image (alone.tif) without labels that can be read: left out",)


def test_files_that_are_left_out_are_named(tmp_path: Path) -> None:
    folder(tmp_path, 1)
    image, labels = squares(1)
    for name in ("a.czi", "b.czi", "c.nd2", ".DS_Store", ".hidden.tif"):
        (tmp_path / "images" / name).write_text("x")
    (tmp_path / "images/d.zarr").mkdir()
    io.imsave(tmp_path / "images/image0.png", image, check_contrast=False)
    for name in "ab":
        tifffile.imwrite(tmp_path / f"labels/{name}.tif", labels)
    read = from_folder(tmp_path)
    assert [i.name for i in read.images] == ["image0"]
    assert read.notes == (
        "images/image0.png: left out, as image0.tif has its name",
        "4 files in images/ of a kind that cannot be read (.czi, .nd2, .zarr): left out",
        "2 label files (a.tif, b.tif) without an image that can be read: left out",
    )


def test_where_nothing_pairs_it_is_said_why(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    (tmp_path / "images/a.czi").write_text("x")
    tifffile.imwrite(tmp_path / "labels/a.tif", squares(0)[1])
    with pytest.raises(FileNotFoundError) as refused:
        from_folder(tmp_path)
    assert str(refused.value).endswith(
        "files need the same name in both and one of .tif, .tiff, .png, .jpg, .jpeg, .bmp, .npy; "
        "1 file in images/ of a kind that cannot be read (.czi): left out; "
        "1 label file (a.tif) without an image that can be read: left out"
    )


@pytest.mark.parametrize(
    ("image", "labels", "told"),
    [
        (np.zeros((8, 9)), np.full((8, 9), -1), "labels/a.npy holds no labels: their numbers are"),
        (np.zeros((8, 9)), np.zeros((2, 2, 8, 9), int), "2 to 3 axes, not 4: 2 x 2 x 8 x 9"),
        (np.zeros((8, 9)), np.zeros((8, 9, 3), int), "without colours, not 8 x 9 x 3"),
        (np.zeros((8, 9)), np.full((8, 9), 0.5), "one for each object, not float64"),
        (np.zeros((8, 9), complex), np.ones((8, 9), int), "images/a.npy holds no pixels that can"),
    ],
)
def test_each_kind_of_wrong_file_is_told_as_what_it_is(
    tmp_path: Path, image: Any, labels: Any, told: str
) -> None:
    folder(tmp_path, 1)
    np.save(tmp_path / "images/a.npy", image)
    np.save(tmp_path / "labels/a.npy", labels)
    (note,) = from_folder(tmp_path).notes
    assert told in note and note.endswith(": left out")


def test_labels_that_are_saved_over_stay_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAPPED_BYTES", 1000)
    (image,) = from_folder(folder(tmp_path, 1)).images
    before = image.planes[0].labels.copy()
    assert before.any()
    with (tmp_path / "labels/image0.tif").open("r+b") as file:
        file.seek(0)
        file.write(bytes((tmp_path / "labels/image0.tif").stat().st_size))
    assert np.array_equal(image.planes[0].labels, before)


def test_the_working_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder(tmp_path / "cells", 1))
    assert from_folder(Path()).name == "cells"


def test_volumes_and_channels() -> None:
    image, labels = squares(0)
    colour = np.stack([image] * 3, -1)
    stack = np.stack([labels, 0 * labels, labels])
    found = from_arrays([("c", colour, labels), ("z", np.stack([colour] * 3), stack)]).images
    assert found[0].planes[0].image.shape == (64, 64, 3)
    assert len(found[1].planes) == 2  # the plane without an object is left out
    assert found[1].planes[1].image.shape == (64, 64, 3)
    assert (found[0].slices, found[1].slices) == (((),), ((0,), (2,)))


class Lazy:
    """An array that tells which of its planes were read; never as a whole."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.read: list[Any] = []

    def __getitem__(self, index: Any) -> Any:
        self.read.append(index)
        return self._array[index]

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("read as a whole")


def stack_of(numbers: list[int], depth: int) -> tuple[Any, Any]:
    """Return a stack of squares in the slices of these numbers, and nothing in the others."""
    image, labels = squares(0)
    stack = np.zeros((depth, *labels.shape), labels.dtype)
    stack[numbers] = labels
    return np.stack([image + np.uint8(n) for n in range(depth)]), stack


def test_of_lazy_images_planes_with_objects_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    image, labels = stack_of([2, 3, 7], 9)
    whole = from_array("z", image, labels)
    assert not from_array("z", *stack_of([2, 7], 9)).linked  # no neighbours
    read: list[Any] = []
    monkeypatch.setattr(sources, "content_hash", lambda given: read.extend(given.read) or "")
    found = from_array("z", Lazy(image), Lazy(labels))
    assert read == [(2,), (3,), (7,)]
    assert found.slices == whole.slices == ((2,), (3,), (7,))
    assert found.linked and whole.linked
    assert whole.digest == content_hash(image) == content_hash(Lazy(image))
    for plane, other in zip(found.planes, whole.planes, strict=True):
        assert np.array_equal(plane.image, other.image)
        assert np.array_equal(plane.labels, other.labels)


def test_layers_that_are_too_large_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    image, labels = stack_of([2, 3, 7], 9)
    monkeypatch.setattr(sources, "MOST_BYTES", 3 * 64 * 64 * 3)  # three planes, 8 and 16 bits
    assert len(from_array("z", image, labels).planes) == 3
    monkeypatch.setattr(sources, "MOST_BYTES", 3 * 64 * 64 * 3 - 1)
    with pytest.raises(ValueError, match="z: its planes with objects take more than"):
        from_array("z", image, labels)
    monkeypatch.setattr(sources, "MOST_BYTES", 64)
    lazy = Lazy(labels[2])
    with pytest.raises(ValueError, match="crop it"):
        from_array("z", image[2], lazy)
    assert not lazy.read


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        (np.zeros((8, 9)), np.zeros((8, 8), int)),
        (np.zeros((8, 8)), np.zeros((8, 8), float)),
        (np.zeros((8, 8, 3, 2)), np.zeros((8, 8), int)),
        (np.zeros(8), np.zeros(8, int)),
        (np.zeros((0, 8)), np.zeros((0, 8), int)),
        (np.zeros((8, 8)), np.full((8, 8), -1)),
        (np.zeros((8, 8), complex), np.zeros((8, 8), int)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(image: object, labels: object) -> None:
    with pytest.raises(ValueError, match="photo: "):
        from_arrays([("photo", image, labels)])  # type: ignore[list-item]


def test_sessions_give_labels_and_clicks(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8)
    io.imsave(tmp_path / "image.png", pixels)
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "image.png")
    put(session, 10, 10)
    put(session, 30, 30)
    recorder.close()
    found = from_sessions([tmp_path / "a.fclick"])
    assert [i.name for i in found.images] == ["image"]
    plane = found.images[0].planes[0]
    assert np.array_equal(plane.image, pixels)
    assert np.array_equal(plane.labels, session.labels)
    first, second = found.images[0].corrections
    assert (first.plane, first.clicks) == (0, ((10.0, 10.0, True),))
    assert plane.labels[30, 30] == second.label
    assert not found.notes
    with pytest.raises(JournalError, match=r"no file .*none\.fclick"):
        from_sessions([tmp_path / "a.fclick", tmp_path / "none.fclick"])
    content = (tmp_path / "a.fclick").read_bytes()
    (tmp_path / "cut.fclick").write_bytes(content[: len(content) // 3])
    found = from_sessions([tmp_path / "cut.fclick", tmp_path / "a.fclick"])
    assert [i.name for i in found.images] == ["image"]
    (note,) = found.notes
    assert "cut.fclick" in note and note.endswith(": left out")
    (tmp_path / "image.png").unlink()
    gone = from_sessions([tmp_path / "a.fclick"])
    assert not gone.images and gone.notes[0].endswith("image.png is not there: left out")


def test_a_session_of_another_image_is_left_out(tmp_path: Path) -> None:
    """What could be done about it elsewhere is not told: here it cannot."""
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8)
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "image.png")
    put(session, 10, 10)
    recorder.close()
    io.imsave(tmp_path / "image.png", 255 - pixels)
    (note,) = from_sessions([tmp_path / "a.fclick"]).notes
    assert note.endswith("belongs to another image: its pixels are not the same: left out")


def test_a_session_of_several_channels(tmp_path: Path) -> None:
    """They are no colours: each is stretched; and the image is the one that it is alone."""
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8)
    paths = [tmp_path / f"{name}.png" for name in ("image", "dim", "dark")]
    for path, part in zip(paths, (pixels, pixels // 20, 255 - pixels), strict=True):
        io.imsave(path, part, check_contrast=False)
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, pixels, paths[0])
    recorder.set_channels(Channels(sources=tuple(map(str, paths[1:]))))
    put(session, 10, 10)
    recorder.close()
    found = from_sessions([tmp_path / "a.fclick"])
    assert not found.notes
    (image,) = found.images
    assert image.digest == content_hash(pixels)
    plane = image.planes[0].image
    assert plane.shape == (SIZE, SIZE, 3)
    for channel in range(3):
        assert plane[..., channel].min() == 0 and plane[..., channel].max() == 1
    assert np.array_equal(plane[..., 2] > 0.5, plane[..., 0] < 0.5)


def test_of_objects_that_were_there_before_a_session_knows_a_part(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8)
    io.imsave(tmp_path / "image.png", pixels)
    session = make()
    session.labels[20:50, 34:60] = 50  # another tool's, within the box of the next one
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "image.png")
    record = put(session, 30, 30, radius=8)
    recorder.close()
    (image,) = from_sessions([tmp_path / "a.fclick"]).images
    assert set(np.unique(image.planes[0].labels)) == {0, record.label, IGNORE_LABEL}
    assert [ref.label for ref in objects_of(image)] == [record.label]


def test_what_was_carried_is_one_object_and_no_persons_clicks(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (9, SIZE, SIZE), np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", pixels)
    session = make_stack()
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "stack.tif")
    accepted(session)
    recorder.close()
    (image,) = from_sessions([tmp_path / "a.fclick"]).images
    assert len(image.planes) == 5
    assert len(image.corrections) == 1  # of the slice that was clicked
    assert sorted(image.slices) == [(n,) for n in range(2, 7)]
    assert len(probes([image])) == 1


def test_what_was_found_is_left_out_until_a_person_takes_it_in_hand(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8)
    io.imsave(tmp_path / "image.png", pixels)
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "image.png")
    record = put(session, 10, 10)
    for at in (30, 50):
        inside = np.hypot(*np.mgrid[-4:5, -4:5]) <= 4
        mask = StoredMask.pack(inside, at - 4, at - 4)
        assert mask is not None
        found = Found(Click(at, at), mask, Signs(0.9, 1.0), 0.9, Answer(1))
        assert accept_found(session, session.place, found, session.settings)
    editing.pick_up(session, 50, 50)
    taken = accepting.accept(session)
    recorder.close()
    (image,) = from_sessions([tmp_path / "a.fclick"]).images
    labels = image.planes[0].labels
    assert labels[30, 30] == IGNORE_LABEL
    assert [ref.label for ref in objects_of(image)] == [record.label, taken.label]
    assert [each.label for each in image.corrections] == [record.label]


def test_together(tmp_path: Path) -> None:
    arrays = from_arrays([("a", *squares(5))])
    read = from_folder(folder(tmp_path, 2))
    both = combine([arrays, read])
    assert [image.folder for image in both.images] == [None, tmp_path, tmp_path]
    with pytest.raises(ValueError, match="nothing to learn from"):
        combine([])
