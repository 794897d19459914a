"""How an object was carried through a stack, as files have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.propagation.fakes import Bright, column, mark, of_box, run
from tests.session.test_stacks import recorded

from napari_fclick.core.window import Box
from napari_fclick.propagation import Direction, Propagation, Rules, Spacing, Stack
from napari_fclick.replay import replay
from napari_fclick.session import Place, Session, stacks
from napari_fclick.session.journal import Journal
from napari_fclick.session.records import run_in, run_out
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.state import Draft, Start

SQUARE = Box(10, 10, 20, 20)
IMAGE = column(20, SQUARE)


def at(index: int) -> Place:
    return Place((1, 2), (index,))


def carried(direction: Direction, rules: Rules, clicked: list[int], absent: int) -> Propagation:
    stack = Stack(lambda index: IMAGE[index], len(IMAGE))
    made = Propagation(stack, Bright(), rules, direction=direction)
    for index in clicked:
        mark(made, index, of_box(SQUARE))
    made.set_absent(absent)
    run(made)
    return made


def accepted(path: Path, made: Propagation, run: StackRun) -> Session:
    """Accept what was carried, and keep it in a file."""
    session = Session(IMAGE[0], np.zeros(IMAGE.shape, np.int32), at(0))
    recorder = recorded(path, session)
    for index in made.keyframes:
        session.show(at(index), IMAGE[index])
        each = made.slices[index]
        if each.mask is None:
            session.mark_absent()
        else:
            start = Start(each.clicks, each.mask)
            session.do(session.step("begin", Draft(each.clicks, start=start)))
    stacks.accept(session, made.slices.values(), run)
    recorder.close()
    return session


@pytest.mark.parametrize(
    ("direction", "clicked", "absent", "limits", "slices"),
    [
        ("up", [10], 3, {}, range(10, 20)),
        ("up", [1, 10], 4, {}, [1, 2, 3, *range(10, 20)]),
        ("down", [10], 15, {}, range(11)),
        ("both", [10], 3, {"last": 12}, range(4, 13)),
    ],
)
def test_marks_are_heeded_again(
    tmp_path: Path,
    direction: Direction,
    clicked: list[int],
    absent: int,
    limits: dict[str, int],
    slices: list[int],
) -> None:
    made = carried(direction, Rules(**limits), clicked, absent)
    session = accepted(tmp_path / "a.fclick", made, StackRun.of(0, made))
    assert np.flatnonzero((session.labels == 1).any((1, 2))).tolist() == list(slices)
    journal = Journal.open(tmp_path / "a.fclick")
    assert replay(journal, IMAGE, Bright()).differing == 0
    journal.close()


@pytest.mark.parametrize(
    ("direction", "clicked", "absent", "limits", "within"),
    [
        ("up", [10], 3, {}, {}),
        ("up", [1, 10], 4, {}, {"first": 1}),
        ("up", [10], 3, {"first": 6}, {"first": 6}),
        ("down", [10], 15, {"last": 12}, {"last": 12}),
        ("down", [10, 18], 15, {}, {"last": 18}),
    ],
)
def test_files_in_which_the_direction_did_not_hold_toward_marks(
    tmp_path: Path,
    direction: Direction,
    clicked: list[int],
    absent: int,
    limits: dict[str, int],
    within: dict[str, int],
) -> None:
    made = carried("both", Rules(**within), clicked, absent)
    run = StackRun(0, direction, Rules(**limits).model_dump())
    session = accepted(tmp_path / "a.fclick", made, run)
    journal = Journal.open(tmp_path / "a.fclick")
    found = replay(journal, IMAGE, Bright())
    assert found.differing == 0
    assert np.array_equal(found.labels[0], session.labels)
    journal.close()


def test_what_older_files_tell() -> None:
    run = StackRun(0, "up", {"last": 12}, slices=(4, 5, 10, 11), absent=(3,), one_way=True)
    assert run_in(run_out(run)) == run
    told = run_out(run)
    assert told is not None
    del told["one_way"]
    older = run_in(told)
    assert older is not None
    assert (older.direction, older.rules) == ("both", {"first": 4, "last": 12})
    outside = StackRun(0, "up", {"last": 2}, slices=(4,), absent=(3,))
    assert (outside.direction, outside.rules) == ("up", {"last": 2})
    down = StackRun(0, "down", slices=(4, 5), absent=(8,))
    assert down.rules == {"first": None, "last": 5}


def test_what_a_propagation_was_given() -> None:
    made = carried("down", Rules(last=15), [10], 3)
    made.stack = Stack(made.stack.read, 20, Spacing(3, 1, 2))
    run = StackRun.of(0, made, limits=(0, 1), others=True, complete=False)
    assert (run.direction, run.spacing, run.limits) == ("down", (3, 1, 2), (0, 1))
    assert run.rules["last"] == 15
    assert run.others
    assert run.one_way
    assert not run.complete
