"""Held-back images: the same in all runs, whatever is added."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.finetuning.scenes import data, folder, squares

from napari_fclick.core.folders import SPLIT_FILE
from napari_fclick.finetuning import split
from napari_fclick.finetuning.sources import combine, from_arrays, from_folder
from napari_fclick.finetuning.split import split_of, wanted


@pytest.mark.parametrize(
    ("images", "held"),
    [(1, 0), (2, 0), (3, 1), (4, 2), (6, 2), (8, 3), (10, 4), (12, 4), (16, 4), (40, 10)],
)
def test_a_third_or_a_quarter_is_held_back(images: int, held: int) -> None:
    assert wanted(images) == held
    found = split_of(data(images))
    assert len(found.validation) == held
    assert len(found.training) == images - held
    assert not set(found.training) & set(found.validation)


def test_nothing_can_be_proved_by_two_images() -> None:
    assert "nothing can be proved" in split_of(data(2)).messages[0]
    assert "only one image is held back" in split_of(data(3)).messages[0]
    assert not split_of(from_arrays([("empty", *squares(0, objects=0))])).messages
    assert not split_of(data(4)).messages


def test_images_stay_on_their_side_as_data_grow(tmp_path: Path) -> None:
    before = split_of(from_folder(folder(tmp_path, 1)))
    for images in range(2, 14):
        folder(tmp_path, images)
        found = split_of(from_folder(tmp_path))
        assert set(before.validation) <= set(found.validation)
        assert set(before.training) <= set(found.training)
        assert len(found.validation) == wanted(images)
        before = found
    assert (tmp_path / SPLIT_FILE).is_file()


def test_names_and_order_do_not_matter() -> None:
    images = [squares(n) for n in range(8)]
    one = from_arrays([(f"a{n}", *each) for n, each in enumerate(images)], "one")
    other = from_arrays([(f"b{n}", *each) for n, each in enumerate(reversed(images))], "other")
    assert set(split_of(one).validation) == set(split_of(other).validation)
    assert one.digest == other.digest


def test_held_back_images_stay_so_beside_another_folder_and_as_layers(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", 4), folder(tmp_path / "other", 6, first=10)
    held = split_of(from_folder(other)).validation
    together = split_of(combine([from_folder(one), from_folder(other)]))
    assert set(held) <= set(together.validation)
    layers = from_arrays([(f"layer{n}", *squares(n)) for n in range(10, 16)])
    assert set(split_of(layers).validation) == set(held)


def test_each_folder_keeps_its_own_and_all_of_them_are_read(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", 4), folder(tmp_path / "other", 6, first=10)
    split_of(from_folder(other))
    theirs = json.loads((other / SPLIT_FILE).read_text())
    (split.user_folder() / split.ELSEWHERE).unlink()  # of another user, say
    both = combine([from_folder(one), from_folder(other)])
    found = split_of(both)
    held = {digest for digest, side in theirs["sides"].items() if side}
    assert held <= set(found.validation)
    for each, images in ((one, range(4)), (other, range(10, 16))):
        kept = json.loads((each / SPLIT_FILE).read_text())
        assert kept["sides"].keys() == {i.digest for i in from_folder(each).images}
        assert kept["names"].keys() == {f"image{n}" for n in images}


def test_where_folders_differ_an_image_is_held_back(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", 5), folder(tmp_path / "other", 5)
    digests = split_of(from_folder(one)).training
    split_of(from_folder(other))
    path = other / SPLIT_FILE
    kept = json.loads(path.read_text())
    kept["sides"][digests[0]] = True
    path.write_text(json.dumps(kept))
    for pair in ((one, other), (other, one)):
        found = split_of(combine([from_folder(each) for each in pair]), store=False)
        assert digests[0] in found.validation


def test_duplicates_are_on_one_side() -> None:
    twice = combine([data(6), from_arrays([(f"copy{n}", *squares(n)) for n in range(6)])])
    found = split_of(twice)
    assert len(found.validation) == 2
    for side in (found.training, found.validation):
        names = [image.name for image in found.choose(twice, side)]
        assert sorted(n.replace("copy", "image") for n in names) == sorted(
            [f"image{n[-1]}" for n in names]
        )
        assert len(names) == 2 * len(side)


def test_a_changed_file_is_noticed_and_stays_on_its_side(tmp_path: Path) -> None:
    folder(tmp_path, 6)
    before = split_of(from_folder(tmp_path))
    held = before.choose(from_folder(tmp_path), before.validation)[0].name
    path = tmp_path / f"images/{held}.tif"
    tifffile.imwrite(path, 255 - tifffile.imread(path))
    found = split_of(from_folder(tmp_path))
    assert f"{held} is not the image it was" in found.messages[0]
    assert held in [i.name for i in found.choose(from_folder(tmp_path), found.validation)]
    assert not split_of(from_folder(tmp_path)).messages  # said once


@pytest.mark.parametrize(("gone", "told"), [(1, "1 image that"), (2, "2 images that")])
def test_others_take_the_place_of_held_back_images_that_are_gone(
    tmp_path: Path, gone: int, told: str
) -> None:
    folder(tmp_path, 6)
    before = split_of(from_folder(tmp_path))
    for image in before.choose(from_folder(tmp_path), before.validation[:gone]):
        (tmp_path / f"images/{image.name}.tif").unlink()
    found = split_of(from_folder(tmp_path))
    assert len(found.validation) == 2
    assert told in found.messages[0] and "cannot be compared" in found.messages[0]


def test_as_long_as_two_are_held_back_no_image_changes_sides() -> None:
    images = data(8)
    before = split_of(images)
    gone = set(before.validation[:1])
    found = split_of(
        replace(images, images=tuple(i for i in images.images if i.digest not in gone))
    )
    assert (found.training, found.validation) == (before.training, before.validation[1:])
    assert not found.messages


def test_images_without_objects_are_not_held_back() -> None:
    empty = from_arrays([(f"e{n}", squares(n + 50)[0], squares(n, objects=0)[1]) for n in range(9)])
    found = split_of(combine([data(4), empty]))
    assert len(found.validation) == 2
    assert len(found.training) == 2


def test_data_of_one_name_do_not_collide() -> None:
    """Layers are called alike in all projects; an image is what it holds."""
    first, other = data(8, "my-images"), data(8, "my-images", first=50)
    before = split_of(first)
    renamed = from_arrays(  # other pixels under the names that the first ones had
        [(f"image{n}", *squares(n + 50)) for n in range(8)], "my-images"
    )
    for found in (split_of(other), split_of(renamed)):
        assert not found.messages
        assert len(found.validation) == 3
    assert split_of(other) == split_of(renamed)
    assert split_of(data(8, "another name")) == before


def test_layers_are_not_taken_for_files_of_their_name(tmp_path: Path) -> None:
    read = from_folder(folder(tmp_path / "set", 6))
    split_of(read)
    more = from_folder(folder(tmp_path / "more", 3, first=20))
    (tmp_path / "more/images/image20.tif").rename(tmp_path / "more/images/image0.tif")
    (tmp_path / "more/labels/image20.tif").rename(tmp_path / "more/labels/image0.tif")
    more = from_folder(tmp_path / "more")
    layers = from_arrays([("image1", *squares(31))])
    found = split_of(combine([read, more, layers]))
    assert not found.messages
    again = split_of(read)
    assert not again.messages and set(again.validation) <= set(found.validation)


def test_something_is_left_to_learn_from() -> None:
    six = data(6)
    before = split_of(six)
    held = [six.images.index(i) for i in before.choose(six, before.validation)]
    only = from_arrays([("b", *squares(n)) for n in held])
    found = split_of(only)
    assert len(found.training) == 2 and not found.validation
    assert "cannot be compared" in found.messages[0]


def test_two_that_choose_at_once_choose_alike(tmp_path: Path) -> None:
    """The second waits for the first, and knows what it held back."""
    one, other = data(8), data(8, first=4)
    with ThreadPoolExecutor() as pool, split._alone():
        waiting = pool.submit(split_of, other)
        assert wait([waiting], 0.3).not_done
        first = split._split_of(one, store=True)
    second = waiting.result(20)
    assert not set(first.training) & set(second.validation)
    assert set(first.validation) & set(second.validation)


def test_where_nothing_can_be_locked_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError("no locks on this file system")

    monkeypatch.setattr(split.FileLock, "acquire", refuse)
    assert len(split_of(data(8)).validation) == 3
    assert "no locks on this file system" in caplog.text


def test_what_the_base_weights_learned_does_not_judge() -> None:
    found = split_of(data(8))
    fair = found.without([found.validation[0][:16], found.training[0][:16]])
    assert fair.validation == found.validation[1:]
    assert fair.training == found.training
    assert "1 held-back image cannot judge" in fair.messages[0]
    assert found.without(["0" * 16]) is found


def test_read_only_folders_have_it_in_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = split._put

    def refuse(path: Path, text: str) -> None:
        if path.name == SPLIT_FILE:
            raise PermissionError(path)
        put(path, text)

    monkeypatch.setattr(split, "_put", refuse)
    folder(tmp_path / "set", 5)
    found = split_of(from_folder(tmp_path / "set"))
    assert not (tmp_path / "set" / SPLIT_FILE).exists()
    assert len(list(split.user_folder().glob("set-*.json"))) == 1
    folder(tmp_path / "set", 9)
    assert set(found.validation) <= set(split_of(from_folder(tmp_path / "set")).validation)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    folder(tmp_path, 4)
    split_of(from_folder(tmp_path), store=False)
    assert not (tmp_path / SPLIT_FILE).exists()


def test_a_damaged_file_is_not_passed_over(tmp_path: Path) -> None:
    folder(tmp_path, 4)
    (tmp_path / SPLIT_FILE).write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        split_of(from_folder(tmp_path))


def test_a_volume_is_one_image() -> None:
    image, labels = squares(0)
    volume = from_arrays([("stack", np.stack([image] * 5), np.stack([labels] * 5))])
    assert len(volume.images[0].planes) == 5
    assert split_of(volume).validation == ()
