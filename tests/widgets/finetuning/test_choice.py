"""Which layers, folders and sessions are learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from skimage import io

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.widgets.finetuning.choice import (
    Choice,
    LayerPair,
    arrays_of,
    check_folder,
    first_pairs,
    fitting_pairs,
    make_request,
    summary_of,
    why_no_pairs,
)
from napari_fclick.widgets.layers import PREVIEW, new_labels


def image(name: str, *shape: int, **kwargs: Any) -> Image:
    return Image(np.zeros(shape, np.uint8), name=name, **kwargs)


def labels(name: str, *shape: int) -> Labels:
    return Labels(np.zeros(shape, np.uint8), name=name)


def test_layers_pair_by_their_shapes() -> None:
    gray, red = image("gray", 20, 30), image("red", 20, 30, 3, rgb=True)
    objects, others = labels("objects", 20, 30), labels("others", 10, 30)
    preview = image("preview", 20, 30, metadata={PREVIEW: True})
    layers = [preview, gray, red, objects, others]
    assert fitting_pairs(layers) == [LayerPair(gray, objects), LayerPair(red, objects)]
    assert first_pairs(layers) == []  # which of the two is meant is not known
    assert first_pairs([gray, objects, others]) == [LayerPair(gray, objects)]
    assert first_pairs([gray, objects, labels("more", 20, 30)]) == []


def test_labels_that_were_made_for_an_image_are_its_labels() -> None:
    first, second, third = (image(name, 20, 30) for name in ("a", "b", "c"))
    of_second, of_first = new_labels(second), new_labels(first)
    first.name = "renamed"
    loaded = labels("loaded", 20, 30)
    layers = [first, second, of_second, of_first]
    assert first_pairs(layers) == [LayerPair(first, of_first), LayerPair(second, of_second)]
    # The one that is left has the labels that are left.
    assert first_pairs([*layers, third, loaded])[2:] == [LayerPair(third, loaded)]
    assert first_pairs([third, of_first]) == []  # its image is closed
    assert first_pairs([first, of_first, new_labels(first)]) == [LayerPair(first, of_first)]


def test_why_no_layers_can_be_learned_from() -> None:
    gray = image("gray", 20, 30)
    assert why_no_pairs([]) == "no image layer is open"
    assert "no Labels layer" in why_no_pairs([gray])
    problem = why_no_pairs([gray, labels("objects", 20, 31)])
    assert "images 20 x 30, labels 20 x 31" in problem


def test_images_of_one_name_are_told_apart() -> None:
    pyramid = Image(
        [np.zeros((20, 30)), np.zeros((10, 15))], multiscale=True, contrast_limits=(0, 1), name="a"
    )
    pairs = (
        LayerPair(pyramid, labels("x", 20, 30)),
        LayerPair(image("a", 5, 5), labels("y", 5, 5)),
        LayerPair(image("b", 5, 5), labels("z", 5, 5)),
    )
    found = list(arrays_of(pairs))
    assert [name for name, _, _ in found] == ["a + x", "a + y", "b"]
    assert found[0][1].shape == (20, 30)


def test_a_folder_without_labels_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(ValueError, match=r"holds no labels/: put"):
        check_folder(tmp_path)
    (tmp_path / "labels").mkdir()
    check_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Mäuse 3/4", "Mäuse-3-4"),
        ("..", "my-images"),
        ("a.b", "a.b"),
        ("a.safetensors", "a"),
        ("a.safetensors.", "a"),
    ],
)
def test_names_become_file_names(name: str, plain: str, tmp_path: Path) -> None:
    request = make_request(Choice(), name, FineTuneOptions(), tmp_path)
    assert request.out.name == f"{plain}.safetensors"


def test_one_image_proves_nothing_and_says_so(cells: Any) -> None:
    pixels, objects = cells
    pair = LayerPair(Image(pixels, name="cells"), Labels(objects))
    summary = summary_of(Choice((pair,)), "mine", "default")
    assert (summary.images, summary.objects, summary.validation_images) == (1, 2, 0)
    assert summary.usable
    assert any("nothing can be proved" in text for _, text in summary.messages)


def test_nothing_labelled_cannot_be_used(cells: Any) -> None:
    pair = LayerPair(Image(cells[0], name="cells"), labels("empty", 64, 64))
    summary = summary_of(Choice((pair,)), "mine", "default")
    assert not summary.usable


def test_the_request_has_the_layers_as_they_were(tmp_path: Path, cells: Any) -> None:
    pixels, objects = cells
    folder = tmp_path / "data"
    for part, pixel in (("images", pixels[::-1]), ("labels", objects[::-1].astype(np.uint8))):
        (folder / part).mkdir(parents=True)
        io.imsave(folder / part / "other.png", pixel, check_contrast=False)
    layer = Labels(objects.copy(), name="objects")
    choice = Choice((LayerPair(Image(pixels, name="cells"), layer),), (folder,))
    options = FineTuneOptions(minutes=3)
    request = make_request(choice, "my cells", options, tmp_path / "run")
    layer.data[:] = 0  # annotating goes on meanwhile
    assert request.out == tmp_path / "run" / "my-cells.safetensors"
    assert request.options == options
    data = request.load()
    assert [image.name for image in data.images] == ["other", "cells"]
    assert np.array_equal(data.images[1].planes[0].labels, objects)
