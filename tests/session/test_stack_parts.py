"""An object that was accepted in a stack, carried anew: what a person made of it stays."""

from __future__ import annotations

import pytest
from tests.session.test_stacks import (
    DEPTH,
    PLANE,
    RUN,
    accepted,
    at,
    carried,
    click,
    disc,
    known,
    make_stack,
    planned,
)

from napari_fclick.session import Session, SessionError, accepting, editing, stack_parts, stacks
from napari_fclick.session.stack_parts import listed

SMALL = disc(20, 20, 2)


def anywhere(index: int) -> bool:
    return True


def pixels(session: Session, label: int = 1) -> list[int]:
    return [int((session.labels[index] == label).sum()) for index in range(DEPTH)]


def accepted_by_hand_in(session: Session, *clicked: int) -> None:
    """Accept an object in slices 1 to 7, of which some were clicked."""
    for index in clicked:
        click(session, index)
    rest = [carried(index) for index in range(1, 8) if index not in clicked]
    stacks.accept(session, known(session, rest), RUN)


def pick_up(session: Session, index: int) -> None:
    session.show(at(index), PLANE)
    editing.pick_up(session, 20, 20)


def test_slices_made_by_hand_are_not_overwritten() -> None:
    session = make_stack()
    accepted_by_hand_in(session, 4, 6)
    session.labels[6, :20] = 0  # by a brush
    by_hand = session.labels[6].copy()
    pick_up(session, 4)
    over = [carried(index, SMALL) for index in (3, 5, 6, 7)]
    with pytest.raises(SessionError, match="object 1 was made by hand in slice 6: propagate again"):
        stacks.accept(session, known(session, over), RUN)
    assert stacks.foresee(session, known(session, over), 0) is None
    stack_parts.take_in_hand(session, 0, anywhere)
    assert session.drafts_along(0).keys() == {4, 6}
    over = [carried(index, SMALL) for index in (3, 5, 7)]
    record = stacks.accept(session, known(session, over), RUN)
    assert (session.labels[6] == by_hand).all()
    assert pixels(session) == [0, 81, 81, 13, 81, 13, int((by_hand == 1).sum()), 13, 0]
    kinds = {part.place.index[0]: part.kind for part in record.parts}
    assert (kinds[4], kinds[5], kinds[6]) == ("keyframe", "carried", "keyframe")


def test_slices_are_taken_in_hand_in_one_step() -> None:
    session = make_stack()
    accepted_by_hand_in(session, 2, 4, 6, 7)
    session.labels[7] = 0  # nothing is left there
    steps = len(session.history.done)
    stack_parts.take_in_hand(session, 0, anywhere)  # no object is at hand
    pick_up(session, 4)
    session.show(at(2), PLANE)
    stack_parts.take_in_hand(session, 0, lambda index: index < 6)
    assert session.drafts_along(0).keys() == {2, 4}
    assert session.draft.label == 1
    assert session.mask() is not None  # without asking the network
    stack_parts.take_in_hand(session, 0, lambda index: index < 6)
    assert len(session.history.done) == steps + 2
    stack_parts.take_in_hand(session, 0, anywhere)
    assert session.drafts_along(0).keys() == {2, 4, 6}
    session.undo()
    session.undo()
    assert session.drafts_along(0).keys() == {4}


def test_it_ends_at_a_mark_in_all_its_slices() -> None:
    session = make_stack()
    accepted_by_hand_in(session, 4)
    pick_up(session, 4)
    session.show(at(6), PLANE)
    session.mark_absent()
    slices = known(session, [carried(3), carried(5)])
    told = planned(session, slices)
    assert (told.removed, told.stays) == ((6, 7), (1, 2))
    said: list[str] = []
    session.reported.connect(said.append)
    record = stacks.accept(session, slices, RUN)
    assert pixels(session) == [0, 81, 81, 81, 81, 81, 0, 0, 0]
    assert sorted(part.place.index[0] for part in record.parts) == [1, 2, 3, 4, 5]
    assert said == [
        "object 1: 243 voxels in 3 slices; removed from slices 6 to 7; "
        "stays as it was in slices 1 to 2"
    ]
    commit = session.history.done[-1].commit
    assert commit is not None
    assert commit.stack is not None
    assert commit.stack.absent == (6, 7)  # a replay removes it there, too
    session.undo()
    assert pixels(session) == [0, *[81] * 7, 0]


def test_beyond_a_mark_what_a_person_made_stays() -> None:
    session = make_stack()
    accepted_by_hand_in(session, 1, 4, 7)
    pick_up(session, 4)
    for index in (3, 5):
        session.show(at(index), PLANE)
        session.mark_absent()
    plan = planned(session, known(session))
    assert (plan.removed, plan.stays) == ((2, 3, 5, 6), (1, 7))
    stacks.accept(session, known(session), RUN)
    assert pixels(session) == [0, 81, 0, 0, 81, 0, 0, 81, 0]


def test_between_a_click_and_a_mark_it_stays_where_it_was_not_carried_to() -> None:
    session = make_stack()
    accepted(session)  # in 2 to 6
    pick_up(session, 4)
    session.show(at(6), PLANE)
    session.mark_absent()
    stacks.accept(session, known(session), RUN)
    assert pixels(session) == [0, 0, 81, 81, 81, 81, 0, 0, 0]


def from_file(session: Session, *slices: int) -> None:
    """Put an object into the labels of which the session knows nothing."""
    for index in slices:
        session.labels[index, 15:26, 15:26] = 1


def test_what_comes_from_elsewhere_is_rewritten_and_that_is_told() -> None:
    session = make_stack()
    from_file(session, *range(1, 8))
    pick_up(session, 4)
    told = planned(session, known(session, [carried(3), carried(5)]))
    assert (told.rewritten, told.stays, told.removed) == ((3, 5), (1, 2, 6, 7), ())
    assert told.elsewhere == ["rewrites slices 3, 5", "stays as it was in slices 1 to 2, 6 to 7"]
    foreseen = stacks.foresee(session, known(session, [carried(3), carried(5)]), 0)
    assert foreseen is not None
    assert foreseen() == told


def test_what_comes_from_elsewhere_ends_at_a_mark() -> None:
    session = make_stack()
    from_file(session, *range(1, 8))
    before = session.labels.copy()
    pick_up(session, 4)
    for index in (2, 6):
        session.show(at(index), PLANE)
        session.mark_absent()
    slices = known(session, [carried(3), carried(5)])
    told = planned(session, slices)
    assert (told.rewritten, told.removed, told.stays) == ((3, 5), (1, 2, 6, 7), ())
    stacks.accept(session, slices, RUN)
    assert pixels(session) == [0, 0, 0, 81, 121, 81, 0, 0, 0]
    commit = session.history.done[-1].commit
    assert commit is not None
    assert commit.stack is not None
    assert commit.stack.absent == (1, 2, 6, 7)
    session.undo()
    assert (session.labels == before).all()


def test_what_is_known_of_one_slice_alone_is_followed_from_there() -> None:
    session = make_stack()
    from_file(session, *range(1, 8))
    pick_up(session, 4)
    accepting.accept(session)
    pick_up(session, 3)
    session.show(at(6), PLANE)
    session.mark_absent()
    told = planned(session, known(session, [carried(5)]))
    assert (told.rewritten, told.removed, told.stays) == ((5,), (6, 7), (1, 2, 4))


def test_it_is_followed_as_it_moves_until_it_is_gone() -> None:
    session = make_stack()
    for index in range(DEPTH):
        session.labels[index, 15:26, 6 * index : 6 * index + 5] = 1
    session.labels[6] = 0
    session.show(at(4), PLANE)
    editing.pick_up(session, 20, 26)
    told = planned(session, known(session))
    assert told.stays == (0, 1, 2, 3, 5)  # beyond slice 6 it is another one
    session.show(at(3), PLANE)
    session.mark_absent()
    session.show(at(4), PLANE)
    assert planned(session, known(session)).removed == (0, 1, 2, 3)


def test_it_is_followed_across_slices_that_it_is_carried_through_or_marked_in() -> None:
    session = make_stack()
    from_file(session, 3, 4, 6, 8)
    pick_up(session, 4)
    session.show(at(7), PLANE)
    session.mark_absent()
    told = planned(session, known(session, [carried(5), carried(6)]))
    assert (told.rewritten, told.removed, told.stays) == ((6,), (8,), (3,))


def test_slices_are_named_in_short() -> None:
    assert listed([3]) == "slice 3"
    assert listed([1, 2, 3, 7]) == "slices 1 to 3, 7"
