"""What each peer is known to do, on images whose answers can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.evaluation.methods import colours, find_method, grid
from napari_fclick.evaluation.methods.growcut import GrowCut
from napari_fclick.evaluation.methods.random_walker import RandomWalker
from napari_fclick.evaluation.methods.seeds import Seeds


def seeded(shape: tuple[int, int], inside: list[int], outside: list[int]) -> Seeds:
    masks = np.zeros((2, *shape), bool)
    masks[0].ravel()[inside] = True
    masks[1].ravel()[outside] = True
    return Seeds(masks[0], masks[1], ())


def test_a_walker_without_contrast_is_a_gambler() -> None:
    # The gambler's ruin: the chance falls evenly from one end to the other.
    picture = np.full((1, 9, 3), 0.3, np.float32)
    found = RandomWalker().segment(picture, seeded((1, 9), [0], [8]))
    np.testing.assert_allclose(found[0], np.linspace(1, 0, 9), atol=1e-6)


def test_a_walker_at_a_wall() -> None:
    # One step of weight exp(-beta) between steps of weight 1 takes nearly all of the fall.
    picture = np.zeros((1, 8, 3), np.float32)
    picture[0, 3:] = 0.8
    walker = RandomWalker()
    walker.beta = 3.0
    found = walker.segment(picture, seeded((1, 8), [0], [7]))
    resistance = np.cumsum([0, 1, 1, np.exp(3), 1, 1, 1, 1])
    np.testing.assert_allclose(found[0], 1 - resistance / resistance[-1], atol=1e-5)


def automaton(picture: NDArray[np.float32], seeds: Seeds) -> NDArray[np.bool_]:
    """Let the cells of GrowCut fight until nothing changes, as its paper describes it."""
    owner = seeds.inside.astype(int) - seeds.outside
    strength = np.abs(owner).astype(float)
    height, width = owner.shape
    changed = True
    while changed:
        changed = False
        for cell in np.ndindex(height, width):
            for dy, dx in np.ndindex(3, 3):
                other = cell[0] + dy - 1, cell[1] + dx - 1
                if not (0 <= other[0] < height and 0 <= other[1] < width):
                    continue
                difference = np.linalg.norm(picture[cell] - picture[other]) / np.sqrt(3)
                attack = (1 - difference) * strength[other]
                if attack > strength[cell] + 1e-7:
                    owner[cell], strength[cell] = owner[other], attack
                    changed = True
    return owner > 0


@pytest.mark.parametrize("seed", range(3))
def test_growcut_finds_where_the_automaton_rests(seed: int) -> None:
    picture = np.random.default_rng(seed).random((7, 9, 3), np.float32)
    seeds = seeded((7, 9), [11, 12], [0, 50, 62])
    found = GrowCut().segment(picture, seeds)
    np.testing.assert_array_equal(found, automaton(picture, seeds))
    assert 2 < found.sum() < 60


def test_a_star_hangs_together_where_a_cut_does_not() -> None:
    rows, columns = np.ogrid[:60, :100]
    near, far = (np.hypot(rows - 30, columns - c) < 15 for c in (25, 75))
    image = np.where(near | far, 200, 50).astype(np.uint8)
    clicks = ClickSequence([Click(30, 25)])
    cut, star = (
        find_method(name).predict(image, clicks).full_mask()
        for name in ("graph-cut", "geodesic-star")
    )
    # Both find the colour elsewhere, which nobody has said is not the object; a star needs a way.
    np.testing.assert_array_equal(cut, near | far)
    assert ndimage.label(star, np.ones((3, 3)))[1] == 1
    assert (star & ~(near | far)).any()
    np.testing.assert_array_equal(star & near, near)


def test_a_flood_ends_at_its_tolerance() -> None:
    image = np.repeat(np.linspace(0, 255, 101), 4).astype(np.uint8).reshape(1, -1).repeat(8, 0)
    mask = find_method("flood-fill").predict(image, ClickSequence([Click(4, 200)])).full_mask()
    reached = np.flatnonzero(mask[0]) / 404
    assert reached.min() == pytest.approx(0.5 - 0.15, abs=0.02)
    assert reached.max() == pytest.approx(0.5 + 0.15, abs=0.02)


# --- what they share ----------------------------------------------------------------------


def test_each_pair_of_neighbours_is_joined_once() -> None:
    edges = grid.join((2, 3))
    pairs = {frozenset(map(int, pair)) for pair in zip(edges.first, edges.second, strict=True)}
    assert len(pairs) == edges.first.size == 11
    lengths = {frozenset((0, 1)): 1.0, frozenset((0, 4)): 2**0.5, frozenset((1, 3)): 2**0.5}
    for first, second, length in zip(*edges, strict=True):
        expected = lengths.get(frozenset((int(first), int(second))))
        assert expected is None or length == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_narrow_grids(shape: tuple[int, int]) -> None:
    assert grid.join(shape).first.size == shape[0] * shape[1] - 1


def test_cheapest_paths_walk_round_a_wall() -> None:
    values = np.zeros((3, 5, 1), np.float32)
    values[:2, 2] = 10
    edges = grid.join((3, 5))
    sources = np.zeros((3, 5), bool)
    sources[0, 0] = True
    paths = grid.cheapest_paths(edges.length + grid.differences(values, edges), edges, sources)
    assert paths.cost[0, 4] == pytest.approx(4 * 2**0.5)  # through the gap below the wall
    assert paths.before[0, 0] < 0
    assert (paths.source == 0).all()


def test_a_mixture_of_two_colours() -> None:
    rng = np.random.default_rng(0)
    red, blue = np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.1, 0.8])
    known = np.concatenate([c + rng.normal(0, 0.02, (300, 3)) for c in (red, blue)])
    mixture = colours.fit(known)
    assert mixture.shares.sum() == pytest.approx(1)
    asked = np.array([[red, blue, (red + blue) / 2]], np.float32)
    density = mixture.log_density(asked)[0]
    assert density[0] == pytest.approx(density[1], abs=1.0)
    assert density[2] < density[0] - 20


def test_a_single_colour_has_the_density_of_the_least_spread() -> None:
    mixture = colours.fit(np.full((5, 3), 0.5))
    found = mixture.log_density(np.full((1, 1, 3), 0.5, np.float32))[0, 0]
    assert found == pytest.approx(-1.5 * np.log(2 * np.pi * colours.LEAST_VARIANCE), rel=1e-4)
