"""A session made again from its clicks."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from skimage import io
from tests.commands import Command
from tests.session.fakes import FakePredictor, SoftPredictor, bare_target
from tests.session.making import SIZE, answer, make, mask_at, put

from napari_fclick import core
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.files import read_image
from napari_fclick.core.window import Box, fit_window
from napari_fclick.evaluation import robot
from napari_fclick.prediction import Prediction
from napari_fclick.predictor import Predictor
from napari_fclick.propagation import Propagation, Rules, Spacing, Stack
from napari_fclick.replay import acceptances, clicks_needed, own_clicks, replay
from napari_fclick.samples import coins, coins_truth
from napari_fclick.session import Place, Session, accepting, editing, stack_parts, stacks
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.resuming import reopen
from napari_fclick.session.signature import Channels, Signature
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.starting import start_of
from napari_fclick.session_image import _read, open_image


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
    accepting.accept(session)
    editing.merge(session, 52, 51)
    editing.pick_up(session, 50, 56)
    session.add(44, 50)
    answer(session)
    accepting.accept(session)
    editing.pick_up(session, 10, 10)
    accepting.accept(session)
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


def test_labels_of_any_size_come_out(
    tmp_path: Path, image: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = annotated(tmp_path, image)
    monkeypatch.setattr(core.labels, "MOST_PLAIN_BYTES", 0)
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, open_image(journal), FakePredictor())
    assert isinstance(found.labels[0], zarr.Array)
    assert found.differing == 0
    again = found.labels[0][:]
    assert np.array_equal(again[again != 0], session.labels[again != 0])
    assert replay(journal, open_image(journal), FakePredictor(radius=3)).differing > 0
    journal.close()


def test_other_weights_give_other_masks(tmp_path: Path, image: Any) -> None:
    annotated(tmp_path, image)
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, image, FakePredictor(radius=3))
    assert found.differing > 0
    assert found.masks[1].iou < 0.5
    accepted = list(acceptances(journal, image))[1]
    assert np.count_nonzero(accepted.wanted) == accepted.part.area
    assert clicks_needed(FakePredictor(), accepted) == 1
    assert clicks_needed(FakePredictor(radius=3), accepted) > 3
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


def test_what_a_brush_did_in_between_is_no_difference(tmp_path: Path, image: Any) -> None:
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    put(session, 20, 20)
    session.labels[19:22, 24:26] = 0  # by the eraser
    session.labels[18, 24:28] = 1  # by the brush
    put(session, 20, 28)  # takes what was erased, and not what was painted
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, image, FakePredictor())
    assert found.differing == 0
    assert np.array_equal(found.labels[0], session.labels)
    journal.close()


def test_pixels_that_others_kept_cost_no_clicks(tmp_path: Path, image: Any) -> None:
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    put(session, 30, 30, radius=7)
    put(session, 31, 30, radius=9)  # keeps the first as it is: a ring is left
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    _, ring = acceptances(journal, image)
    assert clicks_needed(FakePredictor(radius=9), ring) == 1
    journal.close()


def test_clicks_that_stand_for_a_start_are_neither_asked_nor_counted(
    tmp_path: Path, image: Any
) -> None:
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    put(session, 30, 30)
    editing.pick_up(session, 30, 30)
    session.add(30, 36)
    answer(session)
    accepting.accept(session)
    editing.pick_up(session, 30, 36)
    accepting.accept(session)  # as it is
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    found = list(acceptances(journal, image))
    assert [len(own_clicks(each.part)) for each in found] == [1, 1, 0]
    assert [clicks_needed(FakePredictor(), each) for each in found] == [1, 1, 0]
    predictor = FakePredictor()
    clicks_needed(predictor, found[1])
    ((clicks, previous, _),) = predictor.asked
    start = found[1].part.start
    assert start is not None and clicks == start.clicks.add(Click(30, 36))
    assert previous.clicks == start.clicks
    journal.close()


def test_what_was_asked_then_is_asked_again(tmp_path: Path, image: Any) -> None:
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    put(session, 10, 10)  # the next ones are asked for with its size
    session.answers.set_limits((20.0, 200.0))
    session.add(40, 40)
    answer(session)
    session.add(40, 44)
    answer(session)
    accepting.accept(session)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    _, accepted = acceptances(journal, image)
    assert [a.clicks for a in accepted.part.answers] == [1, 2]
    sides = [a.typical_side for a in accepted.part.answers]
    assert sides[0] is not None

    class Small(FakePredictor):
        """Too small ever to agree: goes on beyond the person's clicks."""

        def predict(self, *given: Any, **other: Any) -> Any:
            asked.append((other["limits"], other["typical_side"]))
            return super().predict(*given, **other)

    asked: list[Any] = []
    assert clicks_needed(Small(radius=1), accepted) == 20
    assert asked == [((20.0, 200.0), sides[min(n, 1)]) for n in range(20)]
    journal.close()


def test_what_was_added_to_an_answer_is_added_again(tmp_path: Path) -> None:
    """The fourth object's outline follows the three before it."""
    image = np.random.default_rng(0).integers(0, 255, (120, 400), np.uint8)
    io.imsave(tmp_path / "image.png", image)
    session = Session(image, np.zeros(image.shape, np.int32))
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    for x in (50, 140, 230):
        for y in (60, 65):
            session.add(y, x)
            answer(session, predictor=SoftPredictor())
        accepting.accept(session)
    session.add(60, 340)
    answer(session, predictor=SoftPredictor())
    accepting.accept(session)
    recorder.close()
    journal, again = Journal.open(tmp_path / "a.fclick"), SoftPredictor()
    assert replay(journal, image, again).differing == 0
    assert [bias for _, bias in again.asked] == [0.0] * 6 + [1.0]
    journal.close()


def test_each_object_is_made_with_its_own_weights(tmp_path: Path, image: Any) -> None:
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    put(session, 10, 10)
    recorder.set_weights("small", "def")
    put(session, 30, 30, radius=3)
    recorder.set_weights("discs", "abc")
    put(session, 50, 50)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    assert journal.weights == [("small", "def"), ("discs", "abc")]
    found = replay(journal, image, FakePredictor(), {("small", "def"): FakePredictor(radius=3)})
    assert found.differing == 0
    assert [each.weights for each in found.masks] == [
        ("discs", "abc"), ("small", "def"), ("discs", "abc")
    ]  # fmt: skip
    journal.close()


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_weights("default", "cpu")


def test_the_command_line_replays_what_the_network_answered(
    tmp_path: Path, predictor: Predictor, command: Command
) -> None:
    pixels, truth = coins()[0][0], coins_truth()
    io.imsave(tmp_path / "coins.png", pixels)
    session = Session(pixels, np.zeros(pixels.shape, np.int32))
    recorder = recording(tmp_path / "a.fclick", session, pixels, tmp_path / "coins.png")
    recorder.set_weights(predictor.name, predictor.card.sha256)
    for label in (1, 2, 3):
        for each in robot.play(predictor, pixels, truth == label, most=3, target=0.95):
            session.add(each.click.row, each.click.column, each.click.positive)
            answer(session, predictor=predictor)
        accepting.accept(session)
    recorder.close()
    out = tmp_path / "again.tif"
    done = command("replay", tmp_path / "a.fclick", "--json", "--device", "cpu", "--out", out)
    assert done.code == 0
    report = json.loads(done.out)
    assert report["identical"]
    assert report["same_weights"]
    assert [row["iou"] for row in report["objects"]] == [1.0] * 3
    assert np.array_equal(io.imread(out), session.labels)


def test_channels_are_looked_at_together_again(tmp_path: Path, image: Any) -> None:
    io.imsave(tmp_path / "second.png", 255 - image)
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "image.png")
    channels = Channels(sources=(str(tmp_path / "second.png"),), limits=[(0, 255), (10, 200)])
    put(session, 40, 40)
    recorder.set_channels(channels)
    put(session, 20, 20)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    alone, accepted = acceptances(journal, open_image(journal))
    assert np.array_equal(alone.plane, image)
    plane = accepted.plane
    assert plane.shape == (SIZE, SIZE, 2)
    read = plane[5:9, 5:9]
    assert np.allclose(read[..., 0], image[5:9, 5:9] / 255, atol=1e-6)
    assert np.allclose(read[..., 1], np.clip((245.0 - image[5:9, 5:9]) / 190, 0, 1), atol=1e-6)
    (tmp_path / "second.png").unlink()
    with pytest.raises(JournalError, match=r"channels .* are not there: .*second\.png"):
        open_image(journal)
    journal.close()


def accepted_in(tmp_path: Path, pixels: Any, source: Path, *sources: str) -> Journal:
    """Return a session of an image with one object, and with channels."""
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, pixels, source)
    recorder.set_channels(Channels(sources=sources))
    put(session, 20, 20)
    recorder.close()
    return Journal.open(tmp_path / "a.fclick", read_only=True)


@pytest.mark.parametrize("axis", [0, 2])
def test_a_channel_of_a_file(tmp_path: Path, image: Any, axis: int) -> None:
    path, parts = tmp_path / "c.tif", [255 - image, image, image // 2]
    tifffile.imwrite(path, np.stack(parts, axis), photometric="minisblack")
    with closing(accepted_in(tmp_path, image, path, str(path), str(path))) as journal:
        opened = open_image(journal)
        assert np.array_equal(opened.base, image)
        assert opened.last[5:9, 5:9].shape == (4, 4, 3)
        assert np.array_equal(opened._others[str(path), 0][0], parts[0])
        assert np.array_equal(opened._others[str(path), 1][0], parts[2])
        assert replay(journal, opened, FakePredictor()).differing == 0


def test_colours_are_looked_at_as_they_were_read(tmp_path: Path, image: Any) -> None:
    colours = np.stack([255 - image, image, image // 2])
    planes, inks = tmp_path / "planes.tif", tmp_path / "inks.jpg"
    tifffile.imwrite(planes, colours, photometric="rgb", planarconfig="separate")
    Image.fromarray(np.moveaxis(colours, 0, -1)).convert("CMYK").save(inks)
    for path in (planes, inks):  # in a folder that is walked through, colours come last
        pixels = read_image(path)
        assert pixels.shape == (SIZE, SIZE, 3)
        with closing(accepted_in(tmp_path, pixels, path)) as journal:
            opened = open_image(journal)
            assert np.array_equal(opened.base, pixels)
            assert replay(journal, opened, FakePredictor()).differing == 0
        (tmp_path / "a.fclick").unlink()


def test_a_photograph_that_was_turned_as_its_labels_are(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE + 8), np.uint8)
    path, exif = tmp_path / "a.png", Image.Exif()
    exif[274] = 6
    Image.fromarray(np.rot90(pixels)).save(path, exif=exif)
    with closing(accepted_in(tmp_path, pixels, path)) as journal:
        assert np.array_equal(open_image(journal).base, pixels)


def test_a_folder_may_be_called_like_zarr(tmp_path: Path, image: Any) -> None:
    path = tmp_path / "cells.zarr as png" / "image.png"
    path.parent.mkdir()
    io.imsave(path, image)
    with closing(accepted_in(tmp_path, image, path)) as journal:
        assert np.array_equal(open_image(journal).base, image)


def test_a_channel_among_others_has_to_be_told(tmp_path: Path, image: Any) -> None:
    path = tmp_path / "c.tif"
    tifffile.imwrite(path, np.stack([255 - image, image, image // 2]), photometric="minisblack")
    with closing(accepted_in(tmp_path, image, path, str(path))) as journal:
        with pytest.raises(JournalError, match=r"holds 2 images .* say --channel FILE"):
            open_image(journal)
        io.imsave(tmp_path / "one.png", 255 - image)
        opened = open_image(journal, channels=[tmp_path / "one.png"])
        assert np.array_equal(opened._others[str(path), 0][0], 255 - image)


def test_a_stack_of_files(tmp_path: Path, image: Any) -> None:
    stack = np.stack([image // n for n in range(1, 4)])
    for number, pixels in zip((8, 9, 10), stack, strict=True):  # not in the order of letters
        io.imsave(tmp_path / f"s{number}.png", pixels)
    folder = tmp_path / "folder"
    folder.mkdir()
    for number, pixels in zip((8, 9, 10), stack, strict=True):
        io.imsave(folder / f"s{number}.png", pixels)
    (folder / "notes.txt").write_text("no image")
    for source in (tmp_path / "s8.png", folder):
        session = Session(stack[1], np.zeros(stack.shape, np.int32), Place((1, 2), (1,)))
        recorder = recording(tmp_path / f"{source.stem}.fclick", session, stack, source)
        put(session, 20, 20)
        recorder.close()
        with closing(Journal.open(tmp_path / f"{source.stem}.fclick", read_only=True)) as journal:
            opened = open_image(journal)
            assert np.array_equal(np.asarray(opened.base), stack)
            assert replay(journal, opened, FakePredictor()).differing == 0
    io.imsave(tmp_path / "s9.png", image)
    with closing(Journal.open(tmp_path / "s8.fclick", read_only=True)) as journal:
        with pytest.raises(JournalError, match="no part of it or stack with the files beside it"):
            open_image(journal)
        open_image(journal, folder)


def test_files_of_a_stack_may_have_digits_of_any_script(tmp_path: Path) -> None:
    ordered = ("5²1.png", "5²7.png", "5²10.png", "²1.png", "٣4.png")
    for number, name in reversed(list(enumerate(ordered))):
        io.imsave(tmp_path / name, np.full((9, 9), number, np.uint8), check_contrast=False)
    (stack,) = _read(tmp_path)
    assert np.asarray(stack)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_moved_files_are_found_by_their_names(tmp_path: Path, image: Any) -> None:
    for name in ("image", "second", "third"):
        io.imsave(tmp_path / f"{name}.png", image if name == "image" else 255 - image)
    sources = (str(tmp_path / "second.png"), r"C:\data\third.png")
    with closing(accepted_in(tmp_path, image, tmp_path / "image.png", *sources)) as journal:
        open_image(journal)
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    tmp_path.rename(moved)
    with closing(Journal.open(moved / "a.fclick", read_only=True)) as journal:
        open_image(journal)
        (moved / "third.png").rename(moved / "other.png")
        with pytest.raises(JournalError, match=r"not there: C:.*third\.png; say --channel FILE"):
            open_image(journal)
        opened = open_image(journal, channels=[moved / "other.png"])
        assert np.array_equal(opened._others[sources[1], 0][0], 255 - image)
        given = [moved / name for name in ("second.png", "other.png", "image.png")]
        with pytest.raises(JournalError, match=r"at 2 channels: there is none for .*image\.png$"):
            open_image(journal, channels=given)


# --- OME-Zarr ---------------------------------------------------------------------------


def write_group(path: Path, levels: list[Any], version: str) -> None:
    """Write a pyramid as OME-Zarr 0.4 or 0.5."""
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    for number, level in enumerate(levels):
        group[f"s{number}"] = level
    # They are given finest first, whatever they are called.
    scales = [{"datasets": [{"path": f"s{number}"} for number in range(len(levels))]}]
    group.attrs.update(
        {"multiscales": scales} if version == "0.4" else {"ome": {"multiscales": scales}}
    )


class Coarse(FakePredictor):
    """Answers by the coarsest level: what is bright in it."""

    def predict(self, image: Any, clicks: ClickSequence, *given: Any, **other: Any) -> Any:
        found = super().predict(image, clicks, *given, **other)
        bright = np.kron(np.asarray(image[-1]) > 100, np.ones((4, 4), bool))
        return replace(found, probability=found.probability * bright[found.window])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("depth", [0, 8])
def test_a_pyramid_is_looked_at_as_a_pyramid(tmp_path: Path, version: str, depth: int) -> None:
    """Its coarse level says what the finest does not."""
    shape = (depth, SIZE, SIZE) if depth else (SIZE, SIZE)
    fine = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    coarse = fine[::2, ::4, ::4] if depth else fine[::4, ::4]
    write_group(tmp_path / "a.zarr", [fine, coarse], version)
    place = Place((1, 2), (5,)) if depth else Place()
    seen = [fine[5], coarse[2]] if depth else [fine, coarse]
    session = Session(seen, np.zeros(shape, np.int32), place)
    recorder = recording(tmp_path / "a.fclick", session, fine, tmp_path / "a.zarr")
    session.add(30, 30)
    answer(session, predictor=Coarse(radius=9))
    accepting.accept(session)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    opened = open_image(journal)
    for whole in (opened.base, opened.last):
        assert np.array_equal(np.asarray(whole), fine)
    found = replay(journal, opened, Coarse(radius=9))
    assert found.differing == 0 and 0 < np.count_nonzero(found.labels[0]) < 250
    (accepted,) = acceptances(journal, opened)
    for got, wanted in zip(accepted.plane, seen, strict=True):
        assert np.array_equal(np.asarray(got), wanted)
    finest = open_image(journal, tmp_path / "a.zarr/s0")
    assert np.array_equal(np.asarray(finest.base), fine)
    journal.close()


def test_channels_of_pyramids_are_pyramids(tmp_path: Path, image: Any) -> None:
    for name, pixels in (("a", image), ("b", 255 - image)):
        write_group(tmp_path / f"{name}.zarr", [pixels, pixels[::2, ::2]], "0.5")
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "a.zarr")
    recorder.set_channels(Channels(sources=(str(tmp_path / "b.zarr"),)))
    put(session, 20, 20)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    opened = open_image(journal)
    (accepted,) = acceptances(journal, opened)
    assert [each.shape for each in accepted.plane] == [(64, 64, 2), (32, 32, 2)]
    assert opened.last[0:64, 0:64].shape == (64, 64, 2)
    journal.close()


def test_groups_without_an_image_say_what_helps(tmp_path: Path, image: Any) -> None:
    session = make()
    recorder = recording(tmp_path / "a.fclick", session, image, tmp_path / "a.zarr")
    put(session, 20, 20)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    zarr.open_group(tmp_path / "a.zarr", mode="w")["0"] = image
    with pytest.raises(JournalError, match=r"say --image FILE or an array such as .*0$"):
        open_image(journal)
    (tmp_path / "empty").mkdir()
    with pytest.raises(JournalError, match=r"empty holds no image .*; say --image FILE$"):
        open_image(journal, tmp_path / "empty")
    open_image(journal, tmp_path / "a.zarr/0")
    journal.close()


# --- stacks -----------------------------------------------------------------------------


class BrightPredictor:
    """Finds what is bright about the clicks, in the window that it is given or a small one."""

    name, device = "bright", "cpu"

    def __init__(self, brightness: int = 100) -> None:
        self.brightness = brightness

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        channels: Any = None,
        limits: Any = None,
        typical_side: Any = None,
        bias: Any = None,
    ) -> Prediction:
        row, column = clicks.first.pixel
        view = fit_window(Box(row - 6, column - 6, row + 7, column + 7), image.shape, 64)
        if previous is not None and previous.view.box.holds(Box(row, column, row + 1, column + 1)):
            view = previous.view
        pixels = np.asarray(image[view.slices])
        probability = np.where(pixels >= self.brightness, np.float32(0.95), np.float32(0.05))
        for click in clicks.negatives:
            y, x = click.pixel
            rows, columns = np.ogrid[view.slices]
            probability[np.hypot(rows - y, columns - x) <= 3] = 0.05
        return Prediction(probability, view, clicks, image.shape)


def tube() -> Any:
    """A bright disc that moves from slice to slice, is dim in slice 9, and ends at 11."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    stack = np.zeros((14, SIZE, SIZE), np.uint8)
    for z in range(1, 12):
        stack[z][np.hypot(rows - 20 - z, columns - 25) < 7] = 120 if z == 9 else 200
    stack[:, 50:60, 50:60] = 250  # something else
    stack[neighbour()] = 220
    return stack


def neighbour() -> Any:
    """Something small that touches the disc; correcting for it frees all of it."""
    out = np.zeros((14, SIZE, SIZE), bool)
    for z in (7, 8):
        out[z, 18 + z : 23 + z, 32:35] = True
    return out


def carried_stack(path: Path, image: Any, *, complete: bool = True, labels: Any = None) -> Session:
    """Click in slice 3, carry, correct what came to slice 6, say that 11 is without, accept."""
    labels = np.zeros(image.shape, np.int32) if labels is None else labels
    session = Session(image[3], labels, Place((1, 2), (3,)))
    session.labels[4:6, 15:22, 20:24] = 40
    session.labels[neighbour()] = 39
    recorder = recording(path, session, image, None)
    predictor = BrightPredictor()

    def reply() -> None:
        answer(session, predictor=predictor)

    def show(z: int) -> None:
        session.show(Place((1, 2), (z,)), image[z])

    propagation = Propagation(
        Stack(lambda z: image[z], len(image), Spacing(3.0, 1.0, 1.0)),
        predictor,
        Rules(last=12),
        others=stacks.others(session, 0),
    )

    def tell() -> None:
        for z, draft in session.drafts_along(0).items():
            place = Place((1, 2), (z,))
            if draft.absent:
                propagation.set_absent(z)
                continue
            mask = mask_at(session, place)
            assert mask is not None
            propagation.set_keyframe(z, draft.clicks, mask, session.answers.at(place))

    session.add(23, 25)
    reply()
    tell()
    for found in propagation.run():
        if not complete and found.index == 8:
            break
    if complete:
        show(6)
        start = start_of(propagation.slices[6])
        stacks.correct_carried(session, start, 32, 25, positive=False)
        reply()
        show(11)
        session.mark_absent()
        tell()
        list(propagation.run())
    run = StackRun.of(0, propagation, others=True, complete=complete)
    stacks.accept(session, list(propagation.slices.values()), run)
    recorder.close()
    return session


@pytest.mark.parametrize("complete", [True, False])
def test_stacks_are_carried_again(tmp_path: Path, complete: bool) -> None:
    image = tube()
    session = carried_stack(tmp_path / "a.fclick", image, complete=complete)
    slices = np.flatnonzero((session.labels == 41).any((1, 2))).tolist()
    assert slices == (list(range(1, 11)) if complete else list(range(3, 9)))
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, image, BrightPredictor())
    assert found.differing == 0
    assert np.array_equal(found.labels[0] == 41, session.labels == 41)
    # Neighbours that the file's masks do not touch were seen again.
    assert session.labels[7, 27, 31] == 0
    assert session.labels[6, 26, 31] == 41
    # A row each slice that was clicked.
    rows = [(row.label, row.part.place.index, row.iou, row.slices) for row in found.masks]
    clicked = [(3,), (6,)] if complete else [(3,)]
    assert rows == [(41, index, 1.0, len(slices)) for index in clicked]
    journal.close()


def test_what_was_carried_from_one_side_alone_is_made_again(tmp_path: Path) -> None:
    """Between two clicked slices, stopped before the other one's masks came to meet these."""
    image = tube()
    image[2:9, 30:40, 20:24] = 200  # the lower slices see more than the upper ones
    session = Session(image[1], np.zeros(image.shape, np.int32), Place((1, 2), (1,)))
    recorder = recording(tmp_path / "a.fclick", session, image, None)
    predictor = BrightPredictor()
    propagation = Propagation(
        Stack(lambda z: image[z], len(image), Spacing(3.0, 1.0, 1.0)), predictor, Rules()
    )
    for z in (1, 8):
        place = Place((1, 2), (z,))
        session.show(place, image[z])
        session.add(20 + z, 25)
        answer(session, predictor=predictor)
        mask = mask_at(session, place)
        assert mask is not None
        draft = session.drafts.at(place)
        propagation.set_keyframe(z, draft.clicks, mask, session.answers.at(place))
    for found in propagation.run():
        if found.index == 4:
            break
    run = StackRun.of(0, propagation, complete=False)
    stacks.accept(session, list(propagation.slices.values()), run)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    again = replay(journal, image, predictor)
    assert again.differing == 0
    journal.close()


def test_other_weights_carry_otherwise(tmp_path: Path) -> None:
    image = tube()
    session = carried_stack(tmp_path / "a.fclick", image)
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, image, BrightPredictor(brightness=150))
    then = session.labels == 41
    again = found.labels[0] == 41
    assert np.array_equal(again[:9], then[:9])  # the dim slice, where it ends now
    assert not again[9].any()
    assert found.differing == np.count_nonzero(then != again)
    union = np.count_nonzero(then | again)
    expected = np.count_nonzero(then & again) / union
    assert [row.iou for row in found.masks] == [pytest.approx(expected)] * 2
    accepted = list(acceptances(journal, image))
    assert [each.part.place.index for each in accepted] == [(3,), (6,)]
    for each in accepted:
        assert np.count_nonzero(each.wanted) == each.part.area
    assert clicks_needed(BrightPredictor(), accepted[0]) == 1
    nothing = replay(journal, image, BrightPredictor(brightness=255))
    assert not (nothing.labels[0] == 41).any()
    assert [row.iou for row in nothing.masks] == [0.0, 0.0]
    journal.close()


def test_slices_that_were_written_together_are_made_again(tmp_path: Path) -> None:
    image = tube()
    chunked = zarr.zeros(image.shape, chunks=(4, *image.shape[1:]), dtype=np.int32)
    carried_stack(tmp_path / "a.fclick", image, labels=chunked)
    carried_stack(tmp_path / "b.fclick", image)
    found = {}
    for name in "ab":
        journal = Journal.open(tmp_path / f"{name}.fclick")
        patches = [patch for commit in reopen(journal).restored.commits for patch in commit.patches]
        found[name] = len(patches), replay(journal, image, BrightPredictor())
        journal.close()
    assert found["a"][0] < found["b"][0]
    assert found["a"][1].differing == found["b"][1].differing == 0
    assert np.array_equal(found["a"][1].labels[0], found["b"][1].labels[0])
    assert [row.iou for row in found["a"][1].masks] == [row.iou for row in found["b"][1].masks]


def test_an_object_carried_anew_is_carried_again(tmp_path: Path) -> None:
    image = tube()
    carried_stack(tmp_path / "a.fclick", image)
    journal = Journal.open(tmp_path / "a.fclick")
    opened = reopen(journal)
    session = Session(image[5], place=Place((1, 2), (5,)))
    session.set_labels(opened.targets[0])
    session.take_over(opened.restored)
    recorder = Recorder(session, lambda _: journal.targets[0])
    recorder.go_on_in(journal)
    editing.pick_up(session, 26, 25)
    stack_parts.take_in_hand(session, 0, lambda index: index >= 4)
    assert session.drafts_along(0).keys() == {5, 6}
    session.show(Place((1, 2), (8,)), image[8])
    session.mark_absent()
    again = Propagation(Stack(lambda z: image[z], len(image)), BrightPredictor(), Rules(first=4))
    for z in (5, 6):
        place = Place((1, 2), (z,))
        mask = mask_at(session, place)
        assert mask is not None
        again.set_keyframe(z, session.drafts.at(place).clicks, mask, session.answers.at(place))
    again.set_absent(8)
    list(again.run())
    before = session.labels[3] == 41
    stacks.accept(session, list(again.slices.values()), StackRun.of(0, again))
    assert not (session.labels[8:] == 41).any()  # beyond the mark, too
    assert np.array_equal(session.labels[3] == 41, before)  # was not carried to
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, image, BrightPredictor())
    assert found.differing == 0
    assert np.array_equal(found.labels[0], opened.targets[0].labels)
    journal.close()
