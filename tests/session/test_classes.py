"""Classes: names, colours, and what renaming and removing does to objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.session.making import make, put

from napari_fclick.session import Session, SessionError, editing
from napari_fclick.session.classes import (
    PALETTE,
    UNCLASSIFIED,
    Classes,
    objects_of,
    remove_class,
    rename_class,
)


def two_classes() -> Session:
    session = make()
    for name, at in (("cell", 10), ("nucleus", 30), ("cell", 50)):
        session.set(class_name=name)
        put(session, at, at)
    return session


def test_each_class_has_a_colour_of_its_own() -> None:
    classes = Classes()
    for number in range(len(PALETTE)):
        assert classes.add(f" class {number} ") == f"class {number}"
    assert sorted(classes.colours.values()) == sorted(PALETTE)
    assert classes.add("one more") in classes
    assert classes.colour("one more") in PALETTE
    assert classes.colour("") == classes.colour("unheard of") == UNCLASSIFIED


def test_changes_are_told() -> None:
    classes, told = Classes({"a": "#010203"}), []
    classes.changed.connect(lambda: told.append(classes.names))
    classes.add("b")
    classes.ensure(["a", "", "b"])  # nothing new
    classes.ensure(["c", "c"])
    classes.recolour("a", "#abcdef")
    classes.rename("a", "z")
    classes.remove("b")
    assert told == [["a", "b"], ["a", "b", "c"], ["a", "b", "c"], ["z", "b", "c"], ["z", "c"]]
    assert classes.colours["z"] == "#ABCDEF"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda c: c.add("cell"), "there is a class 'cell' already"),
        (lambda c: c.add("  "), "no name for a class"),
        (lambda c: c.add("two\nlines"), "no name for a class"),
        (lambda c: c.add("x" * 81), "1 to 80 characters"),
        (lambda c: c.add("x", "red"), "'red' is no colour"),
        (lambda c: c.recolour("cell", "#12345"), "is no colour"),
        (lambda c: c.recolour("cel", "#123456"), "no class 'cel'; the classes are: 'cell'"),
        (lambda c: c.rename("cell", "nucleus"), "'nucleus' already"),
        (lambda c: c.remove("cel"), "no class 'cel'"),
    ],
)
def test_mistakes(act: Any, message: str) -> None:
    classes = Classes({"cell": "#010203", "nucleus": "#040506"})
    with pytest.raises(SessionError, match=message):
        act(classes)
    assert classes.colours == {"cell": "#010203", "nucleus": "#040506"}


def test_a_session_lists_the_classes_that_are_used() -> None:
    session = two_classes()
    assert session.classes.names == ["cell", "nucleus"]
    editing.classify(session, 1, "debris")
    assert session.classes.names == ["cell", "nucleus", "debris"]
    assert objects_of(session, "cell") == [3]


def test_renaming_takes_the_objects_along_and_is_one_step() -> None:
    session = two_classes()
    colour = session.classes.colour("cell")
    rename_class(session, "cell", " fibre ")
    assert session.classes.names == ["fibre", "nucleus"]
    assert session.classes.colour("fibre") == colour
    assert {n: r.class_name for n, r in session.objects.items()} == {
        1: "fibre",
        2: "nucleus",
        3: "fibre",
    }
    assert session.settings.class_name == "fibre"
    session.undo()
    assert sorted(objects_of(session, "cell")) == [1, 3]
    assert session.settings.class_name == "cell"
    # A class that comes back has the colour that it had.
    assert session.classes.colour("cell") == colour
    session.redo()
    assert sorted(objects_of(session, "fibre")) == [1, 3]


def test_renaming_to_the_same_name_or_a_taken_one() -> None:
    session = two_classes()
    done = len(session.objects), session.can_redo
    rename_class(session, "cell", "cell")
    with pytest.raises(SessionError, match="already"):
        rename_class(session, "cell", "nucleus")
    assert (len(session.objects), session.can_redo) == done
    assert sorted(objects_of(session, "cell")) == [1, 3]


def test_an_unused_class_can_be_renamed_without_a_step() -> None:
    session = make()
    session.classes.add("a")
    rename_class(session, "a", "b")
    assert session.classes.names == ["b"]
    assert not session.can_undo


def test_objects_follow_their_class_whatever_labels_are_chosen() -> None:
    session = two_classes()
    first = session.target
    session.set_labels(np.zeros_like(session.labels))
    rename_class(session, "cell", "fibre")
    editing.classify(session, 2, "fibre")
    assert {record.class_name for record in session.objects.values()} == {"fibre"}
    assert all(session.objects.owners[label] is first for label in session.objects)


def test_only_unused_classes_are_removed() -> None:
    session = two_classes()
    with pytest.raises(SessionError, match=r"in use by 2 objects \(1, 3\)"):
        remove_class(session, "cell")
    editing.delete(session, 2)
    remove_class(session, "nucleus")
    assert session.classes.names == ["cell"]
    session.undo()
    assert session.classes.names == ["cell", "nucleus"]
    session.set(class_name="nucleus")
    editing.classify(session, 2, "")
    remove_class(session, "nucleus")
    assert session.settings.class_name == ""


def test_a_new_image_goes_on_with_the_classes_of_the_one_before() -> None:
    classes = Classes({"a": "#010203"})
    other = Classes()
    other.take(classes)
    assert other.colours == {"a": "#010203"}
    other.remove("a")
    assert classes.names == ["a"]
