"""Tiny folders in every layout that is known read back the objects that were put in."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import skimage.io
from numpy.typing import NDArray
from PIL import Image
from tests.evaluation.fakes import write_folder

from napari_fclick.core.published import read_list, read_names
from napari_fclick.evaluation.benchmark import choose_items
from napari_fclick.evaluation.datasets import LAYOUTS, DataSet, Item, open_dataset
from napari_fclick.evaluation.protocol import Protocol

HEIGHT, WIDTH = 12, 16
#: What each set is made of: an object of 4 x 5 pixels, and one of 2 x 3 where there may be two.
FIRST = (slice(2, 6), slice(3, 8))
SECOND = (slice(8, 10), slice(10, 13))
DAVIS_MASKS = "Annotations/480p/a"


def plane(first: int, second: int = 0) -> NDArray[np.uint8]:
    numbers = np.zeros((HEIGHT, WIDTH), np.uint8)
    numbers[FIRST], numbers[SECOND] = first, second
    return numbers


def photograph(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    skimage.io.imsave(path, np.full((HEIGHT, WIDTH, 3), 90, np.uint8), check_contrast=False)


def grey(path: Path, numbers: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(numbers).save(path)


def indexed(path: Path, numbers: NDArray[np.uint8]) -> None:
    """Write numbers as a palette whose colours are of no use as numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(numbers).convert("P")
    image.putdata(numbers.ravel().tolist())
    image.putpalette([value for k in range(256) for value in (k * 37 % 256, k * 91 % 256, 128)])
    image.save(path)


def objects(dataset: DataSet) -> dict[str, list[Item]]:
    return {image: list(dataset.items(image)) for image in dataset.images()}


def check_first(dataset: DataSet, item: Item) -> None:
    scene = dataset.scene(item)
    assert scene.image.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(scene.truth, plane(1) == 1)


def test_grabcut(tmp_path: Path) -> None:
    photograph(tmp_path / "data_GT/Banana1.JPG")
    numbers = plane(255, 64)  # 64 is known not to be the object
    numbers[1, 3:8] = 128
    grey(tmp_path / "boundary_GT/banana1.bmp", numbers)
    dataset = open_dataset(tmp_path)
    assert dataset.title == "GrabCut"
    (item,) = objects(dataset)["banana1"]
    assert (item.key, item.area) == ("banana1/1", 20)
    check_first(dataset, item)
    ignore = dataset.scene(item).ignore
    assert ignore is not None and np.array_equal(ignore, numbers == 128)


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for name, folders in (("gt", ("img", "gt")), ("davis", ("JPEGImages/480p/a", DAVIS_MASKS))):
        images, masks = (tmp_path / name / folder for folder in folders)
        photograph(images / "1.jpg")
        grey(masks / "1.png", plane(255))
        for hidden in (images / "._1.jpg", masks / "._1.png"):  # as other systems leave them
            hidden.write_bytes(b"no image")
        assert list(open_dataset(tmp_path / name).images()) == [f"{'a/' * (name == 'davis')}1"]


def test_berkeley(tmp_path: Path) -> None:
    for name in ("12.jpg", "34.jpg"):
        photograph(tmp_path / "images" / name)
    for name in ("12.png", "34.png", "34a.png", "34_2.png", "99.png"):
        grey(tmp_path / "masks" / name, plane(255))
    dataset = open_dataset(tmp_path)
    assert dataset.title == "Berkeley"
    assert list(dataset.images()) == ["12", "34", "34_2", "34a"]  # 99 has no image
    for (item,) in objects(dataset).values():
        check_first(dataset, item)
        assert dataset.scene(item).ignore is None


def test_masks_that_hold_numbers_are_refused(tmp_path: Path) -> None:
    photograph(tmp_path / "images/a.jpg")
    grey(tmp_path / "masks/a.png", plane(3, 7))
    with pytest.raises(ValueError, match=r"a\.png has 7 as its lightest grey: Berkeley paints"):
        open_dataset(tmp_path).items("a")


def test_davis_frames(tmp_path: Path) -> None:
    photograph(tmp_path / "img/bear_1.jpg")
    grey(tmp_path / "gt/bear_1.png", plane(255))
    dataset = open_dataset(tmp_path)
    assert dataset.title == "DAVIS frames"
    check_first(dataset, objects(dataset)["bear_1"][0])


def test_davis(tmp_path: Path) -> None:
    for sequence in ("bear", "dance"):
        for frame in ("00000", "00001"):
            photograph(tmp_path / f"JPEGImages/480p/{sequence}/{frame}.jpg")
    grey(tmp_path / "Annotations/480p/bear/00000.png", plane(255, 255))  # 2016: one object
    indexed(tmp_path / "Annotations/480p/dance/00001.png", plane(1, 2))  # 2017: several
    dataset = open_dataset(tmp_path)
    assert dataset.title == "DAVIS"
    found = {k: [(i.label, i.area) for i in v] for k, v in objects(dataset).items()}
    assert found == {"bear/00000": [(1, 26)], "dance/00001": [(1, 20), (2, 6)]}
    check_first(dataset, dataset.items("dance/00001")[0])


@pytest.mark.parametrize("inner", ["", "VOC2012", "VOCdevkit/VOC2012"])
def test_voc(tmp_path: Path, inner: str) -> None:
    root = tmp_path / inner
    numbers = plane(1, 2)
    numbers[0] = 255
    for name in ("2007_1", "2007_2"):
        photograph(root / f"JPEGImages/{name}.jpg")
        indexed(root / f"SegmentationObject/{name}.png", numbers)
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("2007_2\n")
    dataset = open_dataset(tmp_path)
    assert dataset.title == "PASCAL VOC 2012"
    assert dataset.name == tmp_path.name
    assert {k: [(i.label, i.area) for i in v] for k, v in objects(dataset).items()} == {
        "2007_2": [(1, 20), (2, 6)]
    }
    item = dataset.items("2007_2")[0]
    check_first(dataset, item)
    ignore = dataset.scene(item).ignore
    assert ignore is not None and ignore[0].all() and not ignore[1:].any()


def test_sbd(tmp_path: Path) -> None:
    root = tmp_path / "benchmark_RELEASE/dataset"
    photograph(root / "img/2008_1.jpg")
    (root / "inst").mkdir()
    content = {"Boundaries": np.zeros(2), "Segmentation": plane(1, 2), "Categories": [[5], [7]]}
    scipy.io.savemat(root / "inst/2008_1.mat", {"GTinst": content})
    (root / "val.txt").write_text("2008_1\n")
    dataset = open_dataset(tmp_path)
    assert dataset.title == "SBD"
    assert [(i.label, i.area) for i in dataset.items("2008_1")] == [(1, 20), (2, 6)]
    check_first(dataset, dataset.items("2008_1")[0])
    scipy.io.savemat(root / "inst/2008_1.mat", {"other": 1})
    with pytest.raises(ValueError, match="holds no GTinst"):
        dataset.items("2008_1")


def coco_folder(folder: Path) -> Path:
    """Write an object thrice: as a polygon, as run lengths, as compressed run lengths."""
    mask = pytest.importorskip("pycocotools.mask")
    numbers = plane(1)
    photograph(folder / "val2017/000000000007.jpg")
    # Corners of pixels: a polygon from 3 to 8 and from 2 to 6 covers columns 3 to 7, rows 2 to 5.
    polygon = [3, 2, 8, 2, 8, 6, 3, 6]
    # By columns: 3 columns of 12 and 2 pixels before the first 4, then 8 between, 5 times.
    counts = [38, 4, 8, 4, 8, 4, 8, 4, 8, 4, HEIGHT * WIDTH - 38 - 5 * 4 - 4 * 8]
    packed = mask.encode(np.asfortranarray(numbers))
    size = [HEIGHT, WIDTH]
    shapes: list[Any] = [
        [polygon],
        {"counts": counts, "size": size},
        {"counts": packed["counts"].decode(), "size": size},
        {"counts": [HEIGHT * WIDTH], "size": size},  # of no pixel
    ]
    marks = [
        {"id": 10 + k, "image_id": 7, "segmentation": s, "category_id": (18, 18, 22, 18)[k]}
        for k, s in enumerate(shapes)
    ]
    crowd = {"id": 99, "image_id": 7, "segmentation": shapes[1], "iscrowd": 1}
    content = {
        "images": [
            {"id": 7, "file_name": "000000000007.jpg", "height": HEIGHT, "width": WIDTH},
            {"id": 5, "file_name": "none.jpg", "height": HEIGHT, "width": WIDTH},
        ],
        "annotations": [*marks[::-1], crowd],
        "categories": [{"id": 18, "name": "dog"}, {"id": 22, "name": "elephant"}],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations/instances_train2017.json").write_text("{}")
    (folder / "annotations/instances_val2017.json").write_text(json.dumps(content))
    return folder


def test_coco(tmp_path: Path) -> None:
    dataset = open_dataset(coco_folder(tmp_path))
    assert dataset.title == "COCO"
    found = objects(dataset)
    assert {k: [(i.label, i.area) for i in v] for k, v in found.items()} == {
        "7": [(10, 20), (11, 20), (12, 20)]
    }
    for item in found["7"]:  # they overlap wholly, and yet each is an object
        check_first(dataset, item)


@pytest.mark.parametrize(("part", "labels"), [("seen", [10, 11]), ("unseen", [12])])
def test_categories_that_voc_has_and_others(tmp_path: Path, part: str, labels: list[int]) -> None:
    folder = coco_folder(tmp_path)
    dataset = open_dataset(folder.with_name(f"{folder.name}:{part}"))
    assert dataset.name == f"{folder.name}:{part}"
    assert [item.label for item in objects(dataset)["7"]] == labels


def test_parts_that_are_not_there(tmp_path: Path) -> None:
    folder = coco_folder(tmp_path / "coco")
    with pytest.raises(ValueError, match="no part 'rare'; allowed are seen and unseen"):
        open_dataset(folder.with_name("coco:rare"))
    write_folder(tmp_path / "cells", [plane(3)])
    with pytest.raises(ValueError, match="folders, which has no parts"):
        open_dataset(tmp_path / "cells:seen")
    with pytest.raises(ValueError, match="cells: names no part after its colon"):
        open_dataset(tmp_path / "cells:")


def test_coco_without_its_images(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_val2017.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="no folder of images"):
        open_dataset(tmp_path)
    (tmp_path / "val2017").mkdir()
    with pytest.raises(ValueError, match="no COCO instances file"):
        open_dataset(tmp_path)


def changed(part: str, number: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes an entry of the file; None takes a value away."""

    def change(content: dict[str, Any]) -> None:
        entry = content[part][number]
        for name, value in values.items():
            entry[name] = value
            if value is None:
                del entry[name]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("images", 0, file_name=None), "image 7 has no file_name"),
        (changed("images", 0, height=None), "image 7 has no height"),
        (changed("images", 0, id="a"), "image a: its id 'a' is no number"),
        (changed("annotations", 0, id=None), "annotation has no id"),
        (changed("annotations", 0, id="b"), "annotation b: its id 'b' is no number"),
        (lambda content: content.pop("annotations"), "is no COCO instances file: no 'annotations'"),
    ],
)
def test_coco_that_lacks_something(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    file = coco_folder(tmp_path) / "annotations/instances_val2017.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        look_at_all(tmp_path)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"size": [3, 4]}, "KeyError('counts')"),
        ({"size": [3, 4], "counts": [5, 7]}, "ValueError('it is of size [3, 4], its image of [12,"),
        ({"size": [12], "counts": "52"}, "ValueError('it is of size [12], its image of [12, 16]"),
        ({"size": [12, 16], "counts": None}, "TypeError('its counts are None')"),
        ([["a"] * 6], ""),
        ([[1, 2, 3, 4, 5, float("nan")]], "ValueError('a corner lies far outside of its image of"),
        (
            [[1, 2, 3, 4, 5, 1e300]],
            "ValueError('a corner lies far outside of its image of [12, 16]",
        ),
    ],
)
def test_an_annotation_that_cannot_be_read_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, shape: Any, message: str
) -> None:
    file = coco_folder(tmp_path) / "annotations/instances_val2017.json"
    content = json.loads(file.read_text())
    changed("annotations", 1, segmentation=shape)(content)
    file.write_text(json.dumps(content))
    assert [item.label for item in choose_items(open_dataset(tmp_path), Protocol())] == [10, 11]
    told = "annotation 12 has a segmentation that cannot be read: "
    assert caplog.messages[0].startswith(f"{file}: {told}{message}")
    assert len(caplog.messages) == 1


def test_lists_of_names(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    with pytest.raises(FileNotFoundError, match=r"no file .*names\.txt, a list of images' names"):
        read_list(file)
    file.write_bytes(b"\xff\xfec\x00")
    with pytest.raises(ValueError, match=r"names\.txt is no list .* no UTF-8 text"):
        read_list(file)
    file.write_text("# no good\n cell 1 # blurred\n\ncell#2\t# 3\n  # all\n2007_1  -1\n")
    assert read_names(file) == ["cell 1", "cell#2", "2007_1  -1"]
    file.write_text("cell 1\n", "utf-8-sig")  # as editors on Windows save it
    assert read_names(file) == ["cell 1"]
    file.write_text("# train\n2007_1  -1\n2007_2# blurred\n")
    assert read_list(file) == ["2007_1", "2007_2"]


def test_folders_and_their_slices(tmp_path: Path) -> None:
    linked = np.zeros((4, 20, 20), np.uint16)
    for z, side in enumerate((4, 8, 12, 6)):
        linked[z, :side, :side] = 5
    loose = linked * np.arange(1, 5, dtype=np.uint16)[:, None, None]
    flat = plane(3, 8)
    dataset = open_dataset(write_folder(tmp_path, [linked, loose, flat]))
    assert dataset.title == "folders"
    found = {k: [(i.key, i.area) for i in v] for k, v in objects(dataset).items()}
    assert found == {
        "0": [("0[2]/5", 144)],  # linked through the slices: where it is largest
        "1": [("1[0]/5", 16), ("1[1]/10", 64), ("1[2]/15", 144), ("1[3]/20", 36)],
        "2": [("2/3", 20), ("2/8", 6)],
    }
    scene = dataset.scene(dataset.items("0")[0])
    assert np.array_equal(scene.image, linked[2])  # greys are labels
    assert scene.truth.sum() == 144


def voc(root: Path) -> Path:
    for name in ("a", "b"):
        photograph(root / f"JPEGImages/{name}.jpg")
        indexed(root / f"SegmentationObject/{name}.png", plane(1, 2))
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("a\nb\n")
    return root / "SegmentationObject/a.png"


def sbd(root: Path) -> Path:
    (root / "inst").mkdir(parents=True)
    for name in ("a", "b"):
        photograph(root / f"img/{name}.jpg")
        content = {"GTinst": {"Segmentation": plane(1, 2)}}
        scipy.io.savemat(root / f"inst/{name}.mat", content)
    (root / "val.txt").write_text("a\nb\n")
    return root / "inst/a.mat"


def of_photographs(images: str, masks: str, kind: str) -> Callable[[Path], Path]:
    """Return what writes a set with one object an image."""

    def write(root: Path) -> Path:
        for name in ("a", "b"):
            photograph(root / images / f"{name}.jpg")
            grey(root / masks / f"{name}{kind}", plane(255))
        return root / masks / f"a{kind}"

    return write


@pytest.mark.parametrize(
    "write",
    [
        voc,
        sbd,
        of_photographs("data_GT", "boundary_GT", ".bmp"),
        of_photographs("images", "masks", ".png"),
        of_photographs("img", "gt", ".png"),
        of_photographs("JPEGImages/480p/s", "Annotations/480p/s", ".png"),
    ],
)
@pytest.mark.parametrize("kept", [0, 60])
def test_what_is_damaged_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, write: Callable[[Path], Path], kept: int
) -> None:
    damaged = write(tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:kept])
    with caplog.at_level(logging.WARNING):
        items = choose_items(open_dataset(tmp_path), Protocol())
    assert {Path(item.image).name for item in items} == {"b"}
    (told,) = caplog.messages
    assert told.startswith(str(damaged)) and told.endswith(": skipped")


def test_what_lies_in_no_known_layout(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        open_dataset(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="has no layout that is known") as caught:
        open_dataset(tmp_path)
    assert all(layout.looks_like in str(caught.value) for layout in LAYOUTS)


def voc_without_list(root: Path) -> None:
    (root / "SegmentationObject").mkdir()


def no_pairs(root: Path) -> None:
    grey(root / "masks/a.png", plane(255))
    (root / "images").mkdir()


def sizes_differ(root: Path) -> None:
    photograph(root / "images/a.jpg")
    grey(root / "masks/a.png", plane(255)[:-1])


def look_at_all(folder: Path) -> None:
    dataset = open_dataset(folder)
    for items in objects(dataset).values():
        dataset.scene(items[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (voc_without_list, r"no file .*val\.txt"),
        (no_pairs, "no mask has an image"),
        (sizes_differ, r"the image has shape \(12, 16, 3\), its labels \(11, 16\)"),
    ],
)
def test_broken_sets(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path)
    with pytest.raises((ValueError, OSError), match=message):
        look_at_all(tmp_path)
