"""The form is the options, and the options are the form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.widgets.finetuning.form import OptionsForm

OTHERS = FineTuneOptions(
    weights="mine",
    minutes=2.5,
    train_parts="heads",
    freeze_batch_norm=False,
    lr=2e-4,
    backbone_lr=5e-5,
    towards_base=0.3,
    choose_blend=False,
    blend=0.5,
    replay=(Path("a"), Path("b")),
    replay_share=0.1,
    general=Path("general"),
    corrections=0.5,
    real_clicks=0.25,
    patience=7,
    objects=30,
    size=128,
    batch=4,
    threads=2,
    device="cpu",
    seed=3,
)


@pytest.fixture
def form(qtbot: QtBot) -> OptionsForm:
    form = OptionsForm()
    qtbot.addWidget(form)
    return form


def test_it_begins_with_the_defaults(form: OptionsForm) -> None:
    assert form.options == FineTuneOptions()


def test_round_trip(form: OptionsForm) -> None:
    form.show_options(OTHERS)
    assert form.options == OTHERS
    form.show_options(FineTuneOptions())
    assert form.options == FineTuneOptions()


@pytest.mark.parametrize("name", FineTuneOptions.model_fields)
def test_each_option_has_its_title_and_text(form: OptionsForm, name: str) -> None:
    info = FineTuneOptions.model_fields[name]
    widget = form.fields[name].native
    assert widget.toolTip() == info.description
    assert widget.accessibleName() == info.title
    advanced = bool((info.json_schema_extra or {}).get("advanced"))  # type: ignore[union-attr]
    assert form.more.content().isAncestorOf(widget) == advanced


def test_numbers_stay_in_their_ranges(form: OptionsForm) -> None:
    minutes: Any = form.fields["minutes"]
    assert (minutes.min, minutes.max) == (0.05, 1440)
    assert form.fields["lr"].min == pytest.approx(1e-4)  # type: ignore[attr-defined]


def test_what_is_no_multiple_is_refused_by_its_title(form: OptionsForm) -> None:
    form.fields["size"].value = 250
    with pytest.raises(ValueError, match=r"^Input size: 250 should be a multiple of 16$"):
        _ = form.options


def test_names_that_are_found_can_be_chosen(form: OptionsForm) -> None:
    form.offer("weights", ("default", "mine"))
    assert form.options.weights == "default"
    form.fields["weights"].value = "mine"
    form.offer("weights", ("default", "mine", "yours"))
    assert form.options.weights == "mine"


def test_the_wheel_over_a_number_scrolls_the_panel(form: OptionsForm) -> None:
    form.show()
    box = form.fields["minutes"].native
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 120),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    form.setFocus()
    QApplication.sendEvent(box, event)
    assert form.options.minutes == 10
    assert not event.isAccepted()
