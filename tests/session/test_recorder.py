"""Whatever goes wrong with the file, the session goes on and what is not written waits."""

from __future__ import annotations

import errno
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from psygnal import EmitLoopError
from tests.session.fakes import bare_target
from tests.session.making import answer, make, put

from napari_fclick.session import accepting
from napari_fclick.session.journal import Journal
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Signature
from napari_fclick.session.target import Target

IMAGE = Signature.of(np.zeros((4, 5), np.uint8))


def test_any_error_of_a_write_is_told_and_the_steps_wait(tmp_path: Path) -> None:
    session = make()
    changes, problems, recovered = [], [], []
    session.changed.connect(lambda: changes.append(len(session.clicks)))
    recorder = Recorder(session, bare_target())
    recorder.failed.connect(problems.append)
    recorder.recovered.connect(lambda: recovered.append(recorder.waiting))
    path, denied = tmp_path / "a.fclick", [True]

    def create() -> Journal:
        if denied[0]:
            raise PermissionError(errno.EACCES, "Permission denied", "/sessions")
        return Journal.create(path, IMAGE)

    recorder.begin_at(create)
    session.add(5, 5)
    session.add(6, 6)
    assert changes == [1, 2]
    assert recorder.waiting == 2
    (problem,) = problems
    assert problem.startswith("the session file cannot be written: PermissionError: ")
    assert "/sessions" in problem
    denied[0] = False
    session.add(7, 7)
    assert (recorder.waiting, recovered) == (0, [0])
    recorder.close()
    journal = Journal.open(path, read_only=True)
    assert journal.events == 3
    journal.close()


@pytest.mark.parametrize("signal", ["changed", "labels_changed", "stepped", "classes"])
def test_what_others_raise_keeps_no_step_from_the_file(tmp_path: Path, signal: str) -> None:
    session = make()
    recorder = Recorder(session, bare_target())
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", IMAGE))
    session.set(class_name="cell")
    put(session, 5, 5)
    told: list[str] = []
    session.changed.connect(lambda: told.append("changed"))
    emitter = session.classes.changed if signal == "classes" else getattr(session, signal)

    def fail() -> None:
        raise RuntimeError("of another plugin")

    session.add(20, 20)
    answer(session)
    session.classes.remove("cell")
    emitter.connect(fail)
    told.clear()
    with pytest.raises(EmitLoopError):
        accepting.accept(session)
    emitter.disconnect(fail)
    assert told == ["changed"]
    assert list(session.objects) == [1, 2]
    assert recorder.waiting == 0
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick", read_only=True)) as journal:
        restored = journal.restore([NumberedLabels(None)])
        assert list(restored.objects) == [1, 2]


def test_what_labels_are_is_kept_up_to_date(tmp_path: Path) -> None:
    session, path = make(), tmp_path / "a.fclick"
    spacing, unit = [(1.0, 1.0)], [""]

    def describe(labels: NumberedLabels) -> Target:
        shape = tuple(int(n) for n in labels.labels.shape)
        return Target("objects", "", shape, "int32", spacing[0], unit[0])

    recorder = Recorder(session, describe)
    recorder.begin_at(lambda: Journal.create(path, IMAGE))

    def known() -> tuple[tuple[float, ...], str]:
        with closing(Journal.open(path, read_only=True)) as journal:
            (target,) = journal.targets
            return target.spacing, target.unit

    put(session, 5, 5)
    assert known() == ((1.0, 1.0), "")
    spacing[0], unit[0] = (0.5, 0.5), "µm"
    put(session, 20, 20)
    assert known() == ((0.5, 0.5), "µm")
    spacing[0] = (0.25, 0.5)
    recorder.describe_anew()  # as before an export
    assert known() == ((0.25, 0.5), "µm")
    spacing[0], unit[0] = (1.0, 1.0), ""  # as where the image is opened anew without its scale
    put(session, 40, 40)
    assert known() == ((0.25, 0.5), "µm")
    recorder.close()


def test_steps_may_be_written_together_at_the_end(tmp_path: Path) -> None:
    session = make()
    recorder = Recorder(session, bare_target())
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", IMAGE))
    with recorder.held():
        pass
    assert recorder.journal is None  # nothing was done: no file is made
    with recorder.held():
        put(session, 5, 5)
        put(session, 20, 20)
        session.add(40, 40)
        assert recorder.journal is None and recorder.waiting == 5
    assert recorder.waiting == 0
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick", read_only=True)) as journal:
        restored = journal.restore([NumberedLabels(None)])
        assert list(restored.objects) == [1, 2] and journal.events == 5


def test_labels_that_cannot_be_described_cost_no_step(tmp_path: Path) -> None:
    session = make()
    problems: list[str] = []

    def describe(labels: NumberedLabels) -> Target:
        raise RuntimeError("the layer is gone")

    recorder = Recorder(session, describe)
    recorder.failed.connect(problems.append)
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", IMAGE))
    put(session, 5, 5)
    assert len(session.objects) == 1
    assert recorder.waiting == 1
    assert "RuntimeError: the layer is gone" in problems[0]
    recorder.close()


def test_an_image_is_noted_without_raising(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = make()
    problems: list[str] = []
    recorder = Recorder(session, bare_target())
    recorder.failed.connect(problems.append)
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", IMAGE))
    session.add(5, 5)
    assert recorder.journal is not None
    recorder.journal.close()  # as if the disk were gone
    recorder.set_image(IMAGE)
    assert len(problems) == 1
    recorder.close()
