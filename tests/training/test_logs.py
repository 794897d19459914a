"""What a run leaves behind: CSV, TensorBoard's events, a curve."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from napari_fclick.training.display import shown, summary
from napari_fclick.training.logs import Log, Progress, read_rows


def progress(step: int, loss: float = 0.5) -> Progress:
    return Progress(step, 100, loss, 0.75, 1e-3, 11.04, 900, 60.0, 3725.0)


def test_csv(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    log.write(progress(50))
    log.write(progress(100, 0.25))
    assert (tmp_path / "run/log.csv").read_text().splitlines() == [
        "step,loss,iou,lr,samples_per_second,seconds,memory_mb",
        "50,0.5000,0.7500,1.00e-03,11.0,60,900",
        "100,0.2500,0.7500,1.00e-03,11.0,60,900",
    ]


def test_lines_that_are_done_again_are_dropped(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for step in (50, 100, 150):
        log.write(progress(step))
        log.write_scores(step, {"NoC@85": step / 10})
    Log(tmp_path, step=120).write(progress(150, 0.1))
    assert [(r["step"], r["loss"]) for r in read_rows(log.path)] == [
        ("50", "0.5000"),
        ("100", "0.5000"),
        ("150", "0.1000"),
    ]
    assert [r["value"] for r in read_rows(log.scores_path)] == ["5.0000", "10.0000"]


def test_half_a_line_is_no_line(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(progress(50))
    with log.path.open("a") as file:
        file.write("100,0.2")
    assert [r["step"] for r in read_rows(log.path)] == ["50"]


def test_curve(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = Log(tmp_path)
    log.draw()
    assert not (tmp_path / "curve.png").exists()
    for step in (50, 100):
        log.write(progress(step))
    log.draw()
    without = Image.open(tmp_path / "curve.png").size
    log.write_scores(100, {"NoC@85": 3.0, "NoC@90": 5.0})
    log.close()
    with_scores = Image.open(tmp_path / "curve.png").size
    assert with_scores[1] > without[1]


def test_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = Log(tmp_path)
    log.write(progress(50))
    log.write_scores(50, {"NoC@85": 3.5})
    log.close()
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(50, 0.5)]
    assert [(e.step, e.value) for e in events.Scalars("validation/NoC@85")] == [(50, 3.5)]


def test_what_is_not_installed_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("torch.utils.tensorboard", "napari_fclick.training.curve"):
        monkeypatch.setitem(sys.modules, name, None)
    log = Log(tmp_path)
    for step in (50, 100):
        log.write(progress(step))
        log.draw()
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert "[train]" in warnings[0] and "[plot]" in warnings[1]
    assert len(read_rows(log.path)) == 2


def test_summary() -> None:
    assert summary(progress(1)) == ("loss 0.500  IoU 0.75  11.0 samples/s  900 MB  1:02:05 left")


@pytest.fixture
def _bare_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **settings: None)


@pytest.mark.usefixtures("_bare_logging")
def test_a_bar_on_a_terminal_alone() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown(terminal) as report:
        assert report is not None
        report(progress(37))
    assert isinstance(terminal.file, io.StringIO)
    text = terminal.file.getvalue()
    assert "37/100" in text and "11.0 samples/s" in text
    for console, quiet in ((Console(file=io.StringIO()), False), (terminal, True)):
        with shown(console, quiet) as report:
            assert report is None
