"""The fine-tuning's process: heard, cancelled, killed, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.finetuning.scenes import folder, squares

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.process import Job
from napari_fclick.finetuning.request import Request, store_arrays
from napari_fclick.finetuning.sources import from_array

#: A child that says what it was asked, and then lives until it is told otherwise.
CHILD = """
import json, sys, os, time
from napari_fclick.finetuning import child
def work(line, tell, cancelled):
    print("this is no event")
    tell({"event": "stage", "stage": json.loads(line)["name"], "pid": os.getpid()})
    while not cancelled():
        time.sleep(0.01)
    tell({"event": "finished", "result": {}})
child._work = work
os._exit(child.main())
"""


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def request(tmp_path: Path) -> Request:
    return Request(name="cells", out=tmp_path / "out.safetensors")


def gone(pid: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def first_event(job: Job) -> dict[str, Any]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if events := job.poll():
            return events[0]
        time.sleep(0.01)
    raise AssertionError("no event came")


def test_events_come_and_a_cancelled_job_finishes(tmp_path: Path) -> None:
    job = Job(request(tmp_path), command(CHILD))
    assert first_event(job)["stage"] == "cells"
    assert job.running and job.poll() == []
    job.cancel()
    assert job.wait(10) == {"event": "finished", "result": {}}
    assert not job.running and job.poll() == []
    job.close()


def test_a_killed_job_has_failed(tmp_path: Path) -> None:
    job = Job(request(tmp_path), command(CHILD))
    pid = first_event(job)["pid"]
    job.kill()
    assert job.wait(10) == {"event": "failed", "error": "stopped"}
    job.cancel()  # too late, and no matter
    job.close()
    assert gone(pid)


def test_closing_ends_it(tmp_path: Path) -> None:
    job = Job(request(tmp_path), command(CHILD))
    pid = first_event(job)["pid"]
    job.close()
    assert gone(pid)


def test_what_is_asked_may_have_any_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system's own encoding is not the parent's, as on Windows."""
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    job = Job(Request(name="Müller μ", out=tmp_path), command(CHILD))
    assert first_event(job)["stage"] == "Müller μ"
    job.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals")
def test_an_interrupt_is_the_parents(tmp_path: Path) -> None:
    """A notebook sends it to all processes, to stop a cell."""
    job = Job(request(tmp_path), command(CHILD))
    pid = first_event(job)["pid"]
    os.kill(pid, signal.SIGINT)
    assert not gone(pid, 0.3)
    job.cancel()
    assert job.wait(10) == {"event": "finished", "result": {}}
    job.close()


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    job = Job(request(tmp_path), command("import sys; sys.exit('no such thing')"))
    last = job.wait(10)
    assert last is not None
    assert "code 1: no such thing" in last["error"]
    job.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be killed")
def test_it_goes_with_its_parent(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "layers").mkdir(parents=True)
    code = (
        "import time; from pathlib import Path\n"
        "from napari_fclick.finetuning.process import Job\n"
        "from napari_fclick.finetuning.request import Request\n"
        f"asked = Request(out=Path('x'), scratch=Path({str(scratch)!r}))\n"
        f"job = Job(asked, {command(CHILD)!r})\n"
        "events = []\n"
        "while not events: events = job.poll(); time.sleep(0.01)\n"
        "print(events[0]['pid'], flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(command(code), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert not gone(pid, 0.1)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone(pid)
    assert not scratch.exists() and tmp_path.exists()
    parent.stdout.close()


def test_arrays_cross_over(tmp_path: Path) -> None:
    stored = store_arrays(tmp_path / "arrays", [("one", *squares(0)), ("two", *squares(1))])
    asked = Request(arrays=stored, folders=(folder(tmp_path / "set", 2),), out=tmp_path / "x")
    read = Request.model_validate_json(asked.model_dump_json()).load()
    assert [image.name for image in read.images] == ["image0", "image1", "one", "two"]
    # The same images, once as files and once as layers, have the same content.
    assert read.images[0].digest == read.images[2].digest


def test_of_a_stack_planes_with_objects_cross_over(tmp_path: Path) -> None:
    image, labels = squares(0)
    stack = np.stack([0 * labels, labels, labels, 0 * labels]).astype(">u2")
    given = np.stack([image] * 4).astype(">u2")[..., None]
    asked = Request(
        arrays=store_arrays(tmp_path / "arrays", [("z", given, stack)]), out=tmp_path / "x"
    )
    (read,) = Request.model_validate_json(asked.model_dump_json()).load().images
    whole = from_array("z", given, stack)
    assert len(np.load(asked.arrays[0].image)) == len(read.planes) == 2
    for name in ("name", "digest", "linked", "slices", "labels_digest"):
        assert getattr(read, name) == getattr(whole, name)
    assert np.array_equal(read.planes[1].image, given[2])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory map on it would end the program."""

    def mapped(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("arrays are written through a memory map")

    monkeypatch.setattr("mmap.mmap", mapped)
    store_arrays(tmp_path / "fits", [("one", *squares(0))])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/0-labels.npy").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        store_arrays(tmp_path / "full", [("one", *squares(0))])


def test_a_file_in_the_working_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('not the one that was meant')")
    monkeypatch.chdir(tmp_path)
    job = Job(request(tmp_path), command("import random"))
    last = job.wait(20)
    assert last is not None
    assert last["error"] == "the process ended with code 0"
    job.close()


@pytest.mark.parametrize(
    ("error", "told"),
    [("FloatingPointError('the loss is nan')", "the loss is nan"), ("KeyError(3)", "KeyError: 3")],
)
def test_whatever_is_raised_is_told_in_one_line(tmp_path: Path, error: str, told: str) -> None:
    code = CHILD.replace("    while not cancelled", f"    raise {error}\n    while not cancelled")
    job = Job(request(tmp_path), command(code))
    assert job.wait(20) == {"event": "failed", "error": told}
    job.close()


def test_a_request_for_nothing_fails_in_one_line(tmp_path: Path) -> None:
    job = Job(request(tmp_path))
    last = job.wait(60)
    assert last is not None
    assert last["event"] == "failed" and "nothing to learn from" in last["error"]
    job.close()


@pytest.mark.slow
def test_killed_in_training_the_old_weights_are_intact(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"the old weights")
    options = FineTuneOptions(minutes=1, size=64, batch=2, objects=6, threads=1)
    asked = Request(folders=(folder(tmp_path / "set", 4),), options=options, out=out)
    job = Job(asked)
    end = time.monotonic() + 300  # a busy computer is no hang
    while not any(event["event"] == "step" for event in job.poll()):
        assert time.monotonic() < end and job.running
        time.sleep(0.02)
    job.kill()
    job.wait(10)
    job.close()
    assert out.read_bytes() == b"the old weights"
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix) == ["out.safetensors"]
