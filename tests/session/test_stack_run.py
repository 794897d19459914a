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


def test_it_comes_back_from_the_file() -> None:
    run = StackRun(0, "up", {"last": 12}, slices=(4, 5, 10, 11), absent=(3,))
    assert run_in(run_out(run)) == run


def test_what_a_propagation_was_given() -> None:
    made = carried("down", Rules(last=15), [10], 3)
    made.stack = Stack(made.stack.read, 20, Spacing(3, 1, 2))
    run = StackRun.of(0, made, limits=(0, 1), others=True, complete=False)
    assert (run.direction, run.spacing, run.limits) == ("down", (3, 1, 2), (0, 1))
    assert run.rules["last"] == 15
    assert run.others
    assert not run.complete
