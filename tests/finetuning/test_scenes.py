"""The bundled general set is the same everywhere, and says something."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.finetuning import scenes
from napari_fclick.finetuning.objects import probes
from napari_fclick.finetuning.scenes import LEARNED, TESTED, Look, draw, general_set, replayed_set


@pytest.mark.parametrize("look", [*TESTED, *LEARNED], ids=lambda look: look.name)
def test_scenes(look: Look) -> None:
    image, labels = draw(look, 0)
    assert image.shape[:2] == labels.shape
    assert image.ndim == (3 if look.colour else 2)
    assert labels.max() >= min(look.objects, 3)
    again = draw(look, 0)
    assert np.array_equal(image, again[0]) and np.array_equal(labels, again[1])


def test_the_set_has_objects_of_all_kinds() -> None:
    general = general_set()
    assert len(general.images) == len(TESTED) + 1
    assert len({probe.image for probe in probes(general.images)[:20]}) == len(general.images)


def test_what_is_learned_is_not_what_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "EACH", 1)
    assert not {look.name for look in TESTED} & {look.name for look in LEARNED}
    one, other = replayed_set(0), replayed_set(1)
    assert one.digest == replayed_set(0).digest
    assert not {i.digest for i in one.images} & {i.digest for i in other.images}
    assert not {i.digest for i in one.images} & {i.digest for i in general_set().images}
