"""Each transform against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.training.augmentation import TRANSFORMS, Augmentation, Patch
from napari_fclick.training.augmentation.base import RandomTransform, smooth_noise
from napari_fclick.training.augmentation.blur import Blur
from napari_fclick.training.augmentation.compression import Compression
from napari_fclick.training.augmentation.drop import ChannelDrop
from napari_fclick.training.augmentation.elastic import Elastic
from napari_fclick.training.augmentation.flip import Flip
from napari_fclick.training.augmentation.gamma import Gamma
from napari_fclick.training.augmentation.gray import Gray
from napari_fclick.training.augmentation.inversion import Inversion
from napari_fclick.training.augmentation.mix import ChannelMix
from napari_fclick.training.augmentation.noise import Noise
from napari_fclick.training.augmentation.rotation import Rotation
from napari_fclick.training.augmentation.scale import Scale
from napari_fclick.training.augmentation.shading import Shading
from napari_fclick.training.augmentation.shift import IntensityShift
from napari_fclick.training.augmentation.transpose import Transpose
from napari_fclick.training.config import AugmentationConfig
from napari_fclick.training.losses import IGNORE

NOTHING = dict.fromkeys(TRANSFORMS, 0.0)


def patch(height: int = 3, width: int = 3) -> Patch:
    """Return a colour patch with the object in its upper left corner."""
    image = np.zeros((height, width, 3), np.float32)
    image[..., 0], image[..., 1], image[..., 2] = 0.2, 0.5, 0.9
    labels = np.zeros((height, width), np.uint8)
    labels[0, 0] = 1
    return Patch(image, labels, np.zeros((1, 2), np.float32))


def square() -> Patch:
    """Return a bright square off the middle of a gray patch."""
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 15:30] = 1
    image = np.repeat(labels[..., None], 3, -1).astype(np.float32)
    points = np.array([[14, 22], [5, 50]], np.float32)
    return Patch(image, labels, points, labels.astype(np.float32))


def first_pixel(changed: Patch) -> list[float]:
    return [pytest.approx(float(v), abs=1e-6) for v in changed.image[0, 0]]


def test_flip() -> None:
    changed = Flip(0)(patch(3, 4))
    assert np.argwhere(changed.labels).tolist() == [[2, 0]]
    assert changed.points.tolist() == [[2, 0]]
    assert Flip(1)(patch(3, 4)).points.tolist() == [[0, 3]]


def test_transpose() -> None:
    before = patch(2, 3)._replace(points=np.array([[1, 2]], np.float32))
    changed = Transpose()(before)
    assert changed.labels.shape == (3, 2) and changed.image.shape == (3, 2, 3)
    assert changed.points.tolist() == [[2, 1]]


def test_a_quarter_turn_takes_rows_to_columns() -> None:
    # About the middle (1, 1), the offset (-1, -1) goes to (1, -1).
    changed = Rotation(90)(patch())
    assert np.argwhere(changed.labels == 1).tolist() == [[2, 0]]
    assert changed.points == pytest.approx(np.array([[2, 0]]), abs=1e-5)


def test_what_a_rotation_knows_nothing_of_is_ignored() -> None:
    before = patch(9, 9)
    before.labels[4, 4] = 1
    changed = Rotation(45)(before._replace(points=np.array([[4, 4]], np.float32)))
    assert changed.labels[0, 0] == changed.labels[8, 8] == IGNORE
    assert changed.labels[4, 4] == 1 and changed.labels[0, 4] == 0
    assert changed.image.min() > 0  # mirrored, not black


def test_scale_stretches_rows_alone() -> None:
    changed = Scale(2, 1)(square())
    rows, columns = np.nonzero(changed.labels == 1)
    # Rows 10 to 20 about 19.5 become 0.5 to 20.5, cut to whole pixels; columns stay.
    assert (rows.min(), rows.max()) == (0, 19) and (columns.min(), columns.max()) == (15, 29)
    assert changed.points.tolist() == [[8.5, 22], [-9.5, 50]]


def test_a_smaller_scale_leaves_a_border_that_is_ignored() -> None:
    changed = Scale(0.5, 0.5)(square())
    assert (changed.labels[:10] == IGNORE).all() and (changed.labels[:, :15] == IGNORE).all()
    assert (changed.labels == 1).sum() == pytest.approx(150 / 4, abs=8)


def test_elastic_moves_image_labels_and_clicks_together() -> None:
    before = square()
    bend = Elastic(reach=4, sigma=6, seed=1)
    changed = bend(before)
    assert (changed.labels != before.labels).any()
    known = changed.labels != IGNORE
    assert (((changed.image[..., 0] > 0.5) == (changed.labels == 1)) | ~known).mean() > 0.97
    assert changed.rough is not None
    assert np.abs(changed.rough - changed.image[..., 0])[known].max() < 0.01
    assert np.abs(changed.points - before.points).max() <= 4
    again = bend(before)
    assert all(np.array_equal(a, b) for a, b in zip(changed, again, strict=True))


def test_elastic_moves_no_further_than_its_reach() -> None:
    field = smooth_noise((50, 70), 8, np.random.default_rng(0))
    assert field.shape == (50, 70) and np.abs(field).max() == pytest.approx(1)
    assert np.abs(np.diff(field, axis=0)).max() < 0.5


def test_a_click_that_loses_its_object_leaves_the_patch_alone() -> None:
    before = square()._replace(points=np.array([[11, 16]], np.float32))
    changed = Scale(5, 5)(before)  # the corner goes far outside
    assert changed is before


def test_a_patch_without_an_object_is_moved_too() -> None:
    before = square()
    moved = Scale(0.8, 0.8)(before._replace(labels=np.zeros_like(before.labels)))
    assert (moved.labels == IGNORE).any() and not (moved.labels == 1).any()


def test_a_click_that_would_be_out_of_sight_leaves_a_patch_without_an_object_alone() -> None:
    there = square()._replace(labels=np.zeros((40, 60), np.uint8))
    for row, moved in ((34.5, True), (35, False)):  # to 39.0 and 39.65; the last row is 39
        clicked = there._replace(points=np.array([[row, 30]], np.float32))
        changed = Scale(1.3, 1.0)(clicked)
        assert (changed is not clicked) == moved
        assert np.rint(changed.points[0, 0]) <= 39


def test_gamma() -> None:
    assert first_pixel(Gamma(2)(patch())) == [0.04, 0.25, 0.81]


def test_inversion() -> None:
    assert first_pixel(Inversion()(patch())) == [0.8, 0.5, 0.1]


def test_channel_mix() -> None:
    assert first_pixel(ChannelMix((2, 0, 1), (0.5, 1, 3))(patch())) == [0.45, 0.2, 1]


def test_channel_drop() -> None:
    assert first_pixel(ChannelDrop(1)(patch())) == [0.2, 0, 0.9]


def test_gray() -> None:
    gray = (0.2 + 2 * 0.5 + 0.9) / 4
    assert first_pixel(Gray((1, 2, 1))(patch())) == [gray] * 3


def test_shading() -> None:
    # 1 - 0.5 - 0.25 in the first corner, 1 + 0.75 in the last
    changed = Shading(0.5, 0.25)(patch())
    assert first_pixel(changed) == [0.05, 0.125, 0.225]
    assert changed.image[2, 2].tolist() == pytest.approx([0.35, 0.875, 1])


def test_intensity_shift() -> None:
    assert first_pixel(IntensityShift(0.3)(patch())) == [0.5, 0.8, 1]
    assert first_pixel(IntensityShift(-0.3)(patch())) == [0, 0.2, 0.6]


def test_blur() -> None:
    before = patch(21, 21)
    before.image[:] = 0
    before.image[10, 10] = 1
    changed = Blur(1)(before).image
    assert changed[10, 10, 0] == pytest.approx(1 / (2 * np.pi), rel=0.02)
    assert changed[..., 0].sum() == pytest.approx(1, rel=1e-3)


def test_noise_has_its_deviation_and_leaves_gray_gray() -> None:
    gray = patch(100, 100)
    gray.image[:] = 0.5
    changed = Noise(0.05, seed=3)(gray).image
    assert changed.std() == pytest.approx(0.05, rel=0.05)
    assert np.ptp(changed, axis=-1).max() == 0
    colour = Noise(0.05, seed=3)(patch(20, 20)).image
    assert not np.array_equal(colour[..., 0] - 0.2, colour[..., 1] - 0.5)


def test_compression_is_worse_at_a_lower_quality() -> None:
    rng = np.random.default_rng(0)
    before = patch(32, 32)._replace(image=rng.random((32, 32, 3), np.float32))
    fine, coarse = (np.abs(Compression(q)(before).image - before.image).mean() for q in (95, 10))
    assert 0 < fine < coarse
    flat = Compression(90)(patch(16, 16))
    assert flat.image[0, 0].tolist() == pytest.approx([0.2, 0.5, 0.9], abs=0.02)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("colour", [False, True])
def test_random_transforms_are_repeatable_and_keep_the_click(name: str, colour: bool) -> None:
    before = square()
    if colour:
        before.image[..., 0] *= 0.5
    unchanged = [part.copy() for part in before]
    for random in TRANSFORMS[name]:
        for seed in range(5):
            first, second = (random.draw(before, np.random.default_rng(seed)) for _ in range(2))
            assert first == second
            if first is None:
                continue
            changed, again = first(before), first(before)
            assert all(np.array_equal(a, b) for a, b in zip(changed, again, strict=True))
            assert changed.image.dtype == np.float32 and changed.labels.dtype == np.uint8
            assert changed.image.min() >= 0 and changed.image.max() <= 1
            row, column = np.rint(changed.points[0]).astype(int)
            assert changed.labels[row, column] == 1
            assert changed.rough is not None  # it is where the labels are
            assert ((changed.rough > 0.5) == (changed.labels == 1)).mean() > 0.97
    assert all(np.array_equal(a, b) for a, b in zip(before, unchanged, strict=True))


def test_without_chances_nothing_happens() -> None:
    before = square()
    after = Augmentation(AugmentationConfig(**NOTHING))(before, np.random.default_rng(0))
    assert after is before


def test_a_chance_is_kept() -> None:
    augment = Augmentation(AugmentationConfig(**{**NOTHING, "inversion": 0.25}))
    rng = np.random.default_rng(0)
    inverted = [augment(square(), rng).image[0, 0, 0] == 1 for _ in range(2000)]
    assert np.mean(inverted) == pytest.approx(0.25, abs=0.03)


class Darker:
    """A transform of one's own."""

    def draw(self, patch: Patch, rng: np.random.Generator) -> IntensityShift:
        return IntensityShift(-0.1)


def test_a_transform_of_ones_own() -> None:
    assert isinstance(Darker(), RandomTransform)
    config = AugmentationConfig(**NOTHING, extra={f"{__name__}:Darker": 1.0})
    changed = Augmentation(config)(patch(), np.random.default_rng(0))
    assert first_pixel(changed) == [0.1, 0.4, 0.8]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "no augmentation is called 'nothing'"),
        ("no.such.module:Thing", "cannot be imported"),
        ("math:pi", "has no method draw"),
    ],
)
def test_unknown_transforms_are_named(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(AugmentationConfig(extra={name: 0.5}))
