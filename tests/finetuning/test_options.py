"""Forms are made from the options: each says what it is and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from napari_fclick.finetuning.options import FineTuneOptions


def test_each_field_explains_itself() -> None:
    for name, field in FineTuneOptions.model_fields.items():
        assert field.title and field.description, name
        default = field.default
        if isinstance(default, int | float) and not isinstance(default, bool):
            kinds = {type(limit).__name__ for limit in field.metadata}
            assert kinds & {"Ge", "Gt"}, name


def test_defaults_are_allowed_and_nonsense_is_not() -> None:
    FineTuneOptions.model_validate(FineTuneOptions().model_dump())
    for wrong in ({"minutes": 0}, {"blend": 2}, {"size": 100}, {"parts": "all"}):
        with pytest.raises(ValidationError):
            FineTuneOptions.model_validate(wrong)


@pytest.mark.parametrize(
    ("chosen", "needed", "share"),
    [
        ({}, False, 0.0),
        ({}, True, 0.5),
        ({"replay": ("cells",)}, False, 0.5),
        ({"replay_share": 0.3}, False, 0.3),
        ({"replay_share": 0.0, "replay": ("cells",)}, True, 0.0),
    ],
)
def test_what_would_be_forgotten_is_mixed_in(
    chosen: dict[str, Any], needed: bool, share: float
) -> None:
    """Where the weights before answer on all other images, nothing would be."""
    assert FineTuneOptions.model_validate(chosen).with_share(needed).replay_share == share
