"""A whole fine-tuning: what it tells, what it writes, what it refuses."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from tests.finetuning.fakes import Threshold
from tests.finetuning.scenes import data, folder, squares

from napari_fclick.core import places
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.peaks import middle
from napari_fclick.core.preprocessing import RELEASED
from napari_fclick.finetuning import bench, finetuning, tuning
from napari_fclick.finetuning.budget import Budget
from napari_fclick.finetuning.finetuning import fine_tune
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.scoring import curve, mean
from napari_fclick.finetuning.sources import LabelledData, from_arrays
from napari_fclick.finetuning.tuning import Tuned
from napari_fclick.network import checkpoints
from napari_fclick.network.fcanet import FCANet
from napari_fclick.predictor import Predictor
from napari_fclick.samples import coins


class Fakes:
    """Stands for training, and for the networks that are scored.

    The base weights see squares about clicks that are too small; all others, as large as given.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, radius: int) -> None:
        self.radius = radius
        loaded = checkpoints.load_all("default")
        self.base = loaded.network.state_dict()
        self.known = [each.network.state_dict() for each in loaded.specialists]
        monkeypatch.setattr(finetuning, "Predictor", self.predictor)
        monkeypatch.setattr(finetuning, "Tuning", self)
        monkeypatch.setattr(finetuning, "general_set", lambda: data(4, "general", first=100))
        monkeypatch.setattr(finetuning, "replayed_set", lambda seed: data(2, "scenes", first=200))

    def predictor(self, network: Any, card: Any, device: Any, specialists: Any = ()) -> Threshold:
        state = (specialists[0].network if specialists else network).state_dict()
        base = any(
            all(torch.equal(value, state[name]) for name, value in each.items())
            for each in (self.base, *self.known)
        )
        if not base:
            self.judged = state
        return Threshold(5 if base else self.radius)

    def __call__(
        self, sets: Any, options: Any, card: Any, specialist: int, left: Any, *others: Any
    ) -> Fakes:
        self.sets, self.begun, self.seconds = sets, specialist, left()
        self.options = options
        return self

    def run(self) -> Tuned:
        return Tuned({k: v + 1 for k, v in self.base.items()}, 7)


def run(tmp_path: Path, images: LabelledData, **options: Any) -> tuple[Any, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    tmp_path.mkdir(exist_ok=True)
    chosen = FineTuneOptions(minutes=1, objects=40, **options)
    result = fine_tune(images, chosen, tmp_path / "mine.safetensors", events.append)
    json.dumps([result.as_json(), events])
    return result, events


class Better(NamedTuple):
    """A run whose weights are better, and tells of each object."""

    result: Any
    events: list[dict[str, Any]]
    seconds: float


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory) -> Better:
    folder = tmp_path_factory.mktemp("better")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(places.HOME, str(folder / "home"))
        patched.setattr(finetuning, "EVERY", 0)
        fakes = Fakes(patched, radius=9)
        return Better(*run(folder, data(12)), fakes.seconds)


def test_better_weights_are_written_with_their_card(better: Better) -> None:
    result, events, seconds = better
    assert result.verdict.promoted
    assert result.out.name == "mine.safetensors"
    card = checkpoints.load(result.out)[1]
    assert card.parent == checkpoints.load("default")[1].sha256
    assert card.scores["validation/NoC@85 after"] < card.scores["validation/NoC@85 before"]
    assert (card.tuned["steps"], card.tuned["outcome"]) == ("7", "better")
    assert (card.tuned["other images"], card.tuned["recognised"]) == ("default", "1.00")
    assert 30 < seconds < 60  # most of the minute is for training
    told = result.as_json()
    assert told["note"] == (
        "on images that look otherwise, default goes on answering; "
        "100% of the held-back objects are taken for yours"
    )
    few = replace(result, recognised=0.5)
    assert few.note.endswith("only 50% of the held-back objects are taken for yours")
    assert len(told["split"]["training"]) == 8 and len(told["split"]["validation"]) == 4
    assert told["before"]["NoC@85"] > told["after"]["NoC@85"]
    assert len(told["after"]["mIoU"]) == 20
    stages = [event["stage"] for event in events if event["event"] == "stage"]
    assert stages == [
        "reading", "scoring before", "training", "choosing", "scoring after", "writing",
    ]  # fmt: skip
    assert next(e for e in events if e["event"] == "summary")["training_images"] == 8


def same(one: FCANet, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def test_what_answers_on_other_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Fakes(monkeypatch, radius=9)
    result, _ = run(tmp_path, data(12))
    first = checkpoints.load_all(result.out)
    default = checkpoints.read_card(checkpoints.find("default"))
    assert first.card.specialists == ("squares", *default.specialists) and first.seen is not None
    assert same(first.network, fakes.base) and not same(first.main, fakes.base)
    assert fakes.begun == -1
    assert same(first.main, fakes.judged)  # what was judged is what is used
    # Tuned once more, from those, it knows either kind, and leaves others to the first weights.
    again, _ = run(tmp_path / "again", data(12, "more", first=300), weights=str(result.out))
    second = checkpoints.load_all(again.out)
    assert second.card.specialists == ("more", *first.card.specialists)
    assert second.card.tuned["other images"] == "default"
    assert same(second.network, fakes.base)
    assert fakes.begun == 0  # it goes on from the network that answered on them by then
    assert again.card.tuned["specialist"] == "0"
    assert same(second.specialists[1].network, first.main.state_dict())
    assert again.card.parent == result.card.sha256
    # Unless that is not wanted: then they answer on all images.
    everywhere, _ = run(tmp_path / "everywhere", data(12), recognise=False)
    third = checkpoints.load_all(everywhere.out)
    assert third.specialists == () and "other images" not in third.card.tuned
    assert not same(third.network, fakes.base) and same(third.network, fakes.judged)
    assert everywhere.note == ""


def test_worse_weights_are_kept_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Fakes(monkeypatch, radius=2)
    (tmp_path / "mine.safetensors").write_bytes(b"old")
    result, _ = run(tmp_path, data(12))
    assert result.verdict.outcome == "not better"
    assert result.out == tmp_path / "mine.rejected.safetensors"
    assert checkpoints.load(result.out)[1].tuned["outcome"] == "not better"
    assert (tmp_path / "mine.safetensors").read_bytes() == b"old"


def test_figures_are_of_the_objects_that_were_tested_both_times(better: Better) -> None:
    result = better.result
    easy = [replace(score, ious=(1.0,)) for score in result.before[3:]]
    assert easy
    # Time ran out before these were tested again.
    told = replace(result, before=result.before[:3] + easy, after=result.after[:3]).as_json()
    for name, scores in (("before", result.before[:3]), ("after", result.after[:3])):
        assert told[name] == {**mean(scores), "mIoU": curve(scores)}


def test_a_small_general_set_is_said_to_be_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Fakes(monkeypatch, radius=9)
    small = folder(tmp_path / "small", 2, first=70)
    (small / "images/more.czi").write_text("x")
    result, _ = run(tmp_path, data(12), general=small)
    assert result.verdict.outcome == "cannot be proved"
    assert "there are 8; choose a larger set" in result.verdict.reasons[0]
    assert "small: 1 file in images/ of a kind that cannot be read (.czi)" in caplog.text


def test_nothing_is_proved_by_two_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Fakes(monkeypatch, radius=9)
    result, _ = run(tmp_path, data(2))
    assert result.verdict.outcome == "cannot be proved"
    assert result.validation is None and result.general is not None
    assert len(fakes.sets[0].objects) == 8


def test_scenes_are_mixed_in_where_they_would_be_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = Fakes(monkeypatch, radius=9)
    run(tmp_path / "everywhere", data(8), recognise=False)
    assert [each.name for each in fakes.sets] == ["squares", "scenes"]
    assert fakes.options.replay_share == 0.5
    # The general set looks like the user's images here: the new weights answer on it.
    run(tmp_path / "alike", data(8))
    assert fakes.options.replay_share == 0.5
    monkeypatch.setattr(finetuning, "FORGETTABLE", 1.0)
    run(tmp_path / "other", data(8))
    assert fakes.options.replay_share == 0
    run(tmp_path / "none", data(8), recognise=False, replay_share=0.0)
    assert [each.name for each in fakes.sets] == ["squares"]


def test_no_image_is_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Fakes(monkeypatch, radius=9)
    result, _ = run(tmp_path, data(8), replay=(folder(tmp_path / "more", 3, first=50),))
    held = {score.probe.plane.image.tobytes() for score in (*result.before, *result.after)}
    learned = {fakes.sets[0].plane(ref).image.tobytes() for ref in fakes.sets[0].objects}
    assert held and not held & learned
    assert [each.name for each in fakes.sets] == ["squares", "more"]


def test_what_is_mixed_in_and_tested_keeps_off_the_other_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = Fakes(monkeypatch, radius=9)
    everything = folder(tmp_path / "all", 16)
    other = folder(tmp_path / "other/all", 3, first=60)  # of the same name
    result, _ = run(tmp_path, data(8), replay=(everything, other), general=everything)
    assert result.validation is not None
    held = {score.probe.plane.image.tobytes() for score in result.before}
    mixed = {fakes.sets[1].plane(ref).image.tobytes() for ref in fakes.sets[1].objects}
    assert held and mixed and not held & mixed
    assert len(fakes.sets[2].objects) == 12
    # Of the general set nothing is left but what is held back.
    assert result.general is not None and result.general.images == 3


def test_nothing_large_enough(tmp_path: Path) -> None:
    specks = [(f"s{n}", i, labels * 0) for n, (i, labels) in enumerate(map(squares, range(4)))]
    for _, _, labels in specks:
        labels[:4, :4] = 1
    with pytest.raises(ValueError, match="no object of at least 24 pixels"):
        run(tmp_path, from_arrays(specks))


def test_each_object_that_is_tested_is_told(better: Better) -> None:
    for stage in ("scoring before", "scoring after"):
        told = [e for e in better.events if (e["event"], e.get("stage")) == ("progress", stage)]
        counts = [e["objects"] for e in told]
        assert counts == list(range(len(counts))) and len(counts) > 10
        assert all(0 <= e["left"] <= 60 for e in told)


def test_stopped_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Fakes(monkeypatch, radius=9)
    monkeypatch.setattr(Fakes, "run", lambda self: Tuned({}, 0))
    with pytest.raises(ValueError, match="stopped before anything was learned"):
        run(tmp_path, data(4))
    assert not list(tmp_path.glob("*.safetensors"))


def test_slow_tests_do_not_take_the_time_from_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = Fakes(monkeypatch, radius=2)
    late, clock, predict = [0.0], time.monotonic, Threshold.predict
    now = lambda: clock() + late[0]  # noqa: E731
    monkeypatch.setattr(time, "monotonic", now)
    monkeypatch.setattr(finetuning, "Budget", partial(Budget, clock=now))

    def slow(self: Threshold, *given: Any, **more: Any) -> Any:
        late[0] += 0.4
        return predict(self, *given, **more)

    monkeypatch.setattr(Threshold, "predict", slow)
    result, _ = run(tmp_path, data(12))
    assert fakes.seconds >= 0.5 * 60
    assert result.verdict.outcome == "cannot be proved"
    assert "give it more minutes" in result.verdict.reasons[0]


def test_bad_data_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no object to learn from"):
        run(tmp_path, from_arrays([("empty", squares(0)[0], squares(0, objects=0)[1])]))
    with pytest.raises(ValueError, match=r"safetensors"):
        fine_tune(data(1), FineTuneOptions(), tmp_path / "weights.pt")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score little, so that seconds are enough."""
    monkeypatch.setattr(finetuning, "general_set", lambda: data(3, "general", first=100))
    monkeypatch.setattr(bench, "parted", lambda found: (found[:2], found[2:8]))


@pytest.mark.slow
def test_the_budget_is_kept(tmp_path: Path, quick: None) -> None:
    begun = time.monotonic()
    options = FineTuneOptions(minutes=0.5, size=64, batch=2, train_parts="heads")
    result = fine_tune(data(6), options, tmp_path / "a.safetensors")
    assert 15 < time.monotonic() - begun < 33
    assert result.steps > 0


@pytest.mark.slow
def test_other_images_are_answered_as_before(tmp_path: Path, quick: None) -> None:
    """What is tuned on squares answers on squares, and the weights before on all else."""
    options = FineTuneOptions(minutes=0.4, size=64, batch=2)
    result = fine_tune(data(6), options, tmp_path / "a.safetensors")
    before, after = Predictor.from_weights("default"), Predictor.from_weights(result.out)
    image, labels = squares(50)
    own = ClickSequence([Click(*middle(labels == 1))])
    assert after.predict(image, own).specialist == 0
    coin, where = coins()[0][0], ClickSequence([Click(140, 68)])
    for clicks in (where, where.add(Click(120, 90, False))):
        found, expected = after.predict(coin, clicks), before.predict(coin, clicks)
        assert found.specialist == -1
        assert np.array_equal(found.probability, expected.probability)


@pytest.mark.slow
def test_cancelling_keeps_the_best_so_far(tmp_path: Path, quick: None) -> None:
    events: list[dict[str, Any]] = []
    options = FineTuneOptions(minutes=10, size=64, batch=2, train_parts="heads")
    result = fine_tune(
        data(6),
        options,
        tmp_path / "a.safetensors",
        events.append,
        lambda: any(event["event"] == "step" for event in events),
    )
    assert result.seconds < 300  # ten on a computer that does nothing else
    assert checkpoints.load(result.out)[1].tuned["steps"] == str(result.steps)


@pytest.mark.slow
def test_shuffled_labels_are_not_promoted(tmp_path: Path, quick: None) -> None:
    rng = np.random.default_rng(0)
    wrong = []
    for number in range(8):
        image, labels = squares(number)
        wrong.append((f"w{number}", image, np.roll(labels, rng.integers(16, 48, 2), (0, 1))))
    options = FineTuneOptions(minutes=0.5, size=64, batch=2)
    result = fine_tune(from_arrays(wrong, "wrong"), options, tmp_path / "a.safetensors")
    assert not result.verdict.promoted
    assert result.card.tuned["outcome"] != "better"


def test_base_weights_of_another_kind_are_refused() -> None:
    card = checkpoints.load("default")[1]
    other = card.model_copy(update={"preprocessing": RELEASED})
    with pytest.raises(ValueError, match="see images in another way"):
        tuning.check_base("released", other)
