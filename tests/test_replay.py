"""A session made again from its clicks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import io
from tests.session.fakes import FakePredictor, bare_target
from tests.session.test_session import SIZE, answer, make, put

from napari_fclick.cli import main
from napari_fclick.evaluation import robot
from napari_fclick.predictor import Predictor
from napari_fclick.replay import acceptances, clicks_needed, open_image, plane_of, replay
from napari_fclick.samples import coins, coins_truth
from napari_fclick.session import Session, editing
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Channels, Signature


@pytest.fixture
def image(tmp_path: Path) -> Any:
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8)
    io.imsave(tmp_path / "image.png", pixels)
    return pixels


def recording(path: Path, session: Session, image: Any, source: Path | None) -> Recorder:
    recorder = Recorder(session, bare_target())
    signature = Signature.of(image, str(source or ""), "image")
    recorder.begin_at(lambda: Journal.create(path, signature))
    recorder.set_weights("discs", "abc")
    return recorder


def annotated(tmp_path: Path, image: Any) -> Session:
    session = make()
    session.labels[2:9, 2:9] = 50  # was there before, and keeps its pixels
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    put(session, 10, 10)
    put(session, 30, 30)
    session.set(policy="replace", threshold=0.3, integrity=False)
    put(session, 36, 30)
    session.add(50, 50)
    session.add(50, 55)
    answer(session)
    session.add(52, 48, positive=False)
    answer(session)
    session.accept()
    editing.merge(session, 52, 51)
    editing.pick_up(session, 50, 56)
    session.add(44, 50)
    answer(session)
    session.accept()
    editing.pick_up(session, 10, 10)
    session.accept()
    put(session, 20, 50)
    editing.delete(session, 55)
    session.undo()
    recorder.close()
    return session


def test_labels_come_out_pixel_for_pixel(tmp_path: Path, image: Any) -> None:
    session = annotated(tmp_path, image)
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, open_image(journal), FakePredictor())
    assert found.differing == 0
    assert [each.iou for each in found.masks] == [1.0] * 7
    touched = found.labels[0] != 0
    assert np.array_equal(found.labels[0][touched], session.labels[touched])
    assert set(np.unique(found.labels[0])) == set(np.unique(session.labels))
    journal.close()


def test_other_weights_give_other_masks(tmp_path: Path, image: Any) -> None:
    annotated(tmp_path, image)
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, image, FakePredictor(radius=3))
    assert found.differing > 0
    assert found.masks[1].iou < 0.5
    part, wanted = list(acceptances(journal))[1]
    assert np.count_nonzero(wanted) == part.area
    assert clicks_needed(FakePredictor(), image, part, wanted) == 1
    assert clicks_needed(FakePredictor(radius=3), image, part, wanted) > 3
    journal.close()


def test_the_image_has_to_be_there_and_the_same(tmp_path: Path, image: Any) -> None:
    annotated(tmp_path, image)
    journal = Journal.open(tmp_path / "a.fclick")
    (tmp_path / "image.png").rename(tmp_path / "moved.png")
    with pytest.raises(JournalError, match="--image"):
        open_image(journal)
    open_image(journal, tmp_path / "moved.png")
    io.imsave(tmp_path / "other.png", 255 - image)
    with pytest.raises(JournalError, match="another image"):
        open_image(journal, tmp_path / "other.png")
    journal.close()


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_weights("default", "cpu")


def test_the_command_line_replays_what_the_network_answered(
    tmp_path: Path, predictor: Predictor, capsys: Any, monkeypatch: Any
) -> None:
    pixels, truth = coins()[0][0], coins_truth()
    io.imsave(tmp_path / "coins.png", pixels)
    session = Session(pixels, np.zeros(pixels.shape, np.int32))
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "coins.png")
    recorder.set_weights(predictor.name, predictor.card.sha256)
    for label in (1, 2, 3):
        for each in robot.play(predictor, pixels, truth == label, most=3, target=0.95):
            session.add(each.click.row, each.click.column, each.click.positive)
            request = session.request()
            assert request is not None
            session.receive(request.generation, request.run(predictor))
        session.accept()
    recorder.close()
    command = ["napari-fclick", "replay", str(tmp_path / "a.fclick"), "--json", "--device", "cpu"]
    monkeypatch.setattr("sys.argv", [*command, "--out", str(tmp_path / "again.tif")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    report = json.loads(capsys.readouterr().out)
    assert report["identical"]
    assert report["same_weights"]
    assert [row["iou"] for row in report["objects"]] == [1.0] * 3
    assert np.array_equal(io.imread(tmp_path / "again.tif"), session.labels)


def test_channels_are_looked_at_together_again(tmp_path: Path, image: Any) -> None:
    io.imsave(tmp_path / "second.png", 255 - image)
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    channels = Channels(sources=(str(tmp_path / "second.png"),), limits=[(0, 255), (10, 200)])
    recorder.set_about("channels", channels.model_dump_json())
    put(session, 20, 20)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    part, _ = next(iter(acceptances(journal)))
    plane = plane_of(open_image(journal), part)
    assert plane.shape == (SIZE, SIZE, 2)
    read = plane[5:9, 5:9]
    assert np.allclose(read[..., 0], image[5:9, 5:9] / 255, atol=1e-6)
    assert np.allclose(read[..., 1], np.clip((245.0 - image[5:9, 5:9]) / 190, 0, 1), atol=1e-6)
    (tmp_path / "second.png").unlink()
    with pytest.raises(JournalError, match=r"channels .* are not there: .*second\.png"):
        open_image(journal)
    journal.close()
