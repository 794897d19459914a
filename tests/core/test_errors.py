from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_fclick.core.errors import in_words, one_line
from napari_fclick.propagation import Rules


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no\n  such\tfile "), "no such file"),
        (ValueError(" \n"), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_message_in_one_line(error: BaseException, line: str) -> None:
    assert one_line(error) == line


def test_a_long_message_is_cut() -> None:
    assert one_line(ValueError("damaged " * 9), 11) == "damaged dam"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"overlap": "2"}, "'2' should be less than or equal to 1"),
        ({"overlap": [1]}, "it should be a valid number"),
        ({"colour": 3}, "there is no such setting"),
        ({"first": 3, "last": 1}, "the first slice 3 lies after the last 1"),
    ],
)
def test_settings_are_spoken_of_in_words(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Rules.model_validate(given)
    assert in_words(caught.value.errors()[0]) == words
