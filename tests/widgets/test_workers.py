"""The thread: newest wins, errors are messages, nothing arrives after the end."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from napari_fclick.widgets.workers import Job, Worker


@pytest.fixture
def worker(qtbot: Any) -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close(timeout=5)


def test_results_arrive_on_the_gui_thread(worker: Worker, qtbot: Any) -> None:
    heard: list[Any] = []
    here = threading.current_thread()
    job = Job(
        threading.current_thread,
        lambda t: heard.append((t, threading.current_thread())),
        heard.append,
    )
    worker.submit("who", job)
    qtbot.waitUntil(lambda: not worker.busy)
    ((ran, told),) = heard
    assert told is here
    assert ran is not here


def test_the_newest_of_a_kind_wins(worker: Worker, qtbot: Any) -> None:
    gate, heard = threading.Event(), []

    def number(i: int) -> int:
        assert gate.wait(10)
        return i

    for i in range(10):
        worker.submit("predict", Job(lambda i=i: number(i), heard.append, heard.append))  # type: ignore[misc]
    worker.submit("load", Job(lambda: "loaded", heard.append, heard.append))
    gate.set()
    qtbot.waitUntil(lambda: not worker.busy)
    assert heard in ([0, 9, "loaded"], [9, "loaded"])


def test_errors_are_messages(worker: Worker, qtbot: Any) -> None:
    heard: list[str] = []

    def fail() -> None:
        raise MemoryError

    worker.submit("predict", Job(fail, lambda _: None, heard.append))
    qtbot.waitUntil(lambda: not worker.busy)
    assert heard == ["MemoryError"]


def test_dropped_jobs_do_not_run(worker: Worker, qtbot: Any) -> None:
    gate, heard = threading.Event(), []
    worker.submit("load", Job(lambda: gate.wait(10), heard.append, heard.append))
    worker.submit("predict", Job(lambda: 1, heard.append, heard.append))
    worker.drop("predict")
    gate.set()
    qtbot.waitUntil(lambda: not worker.busy)
    assert heard == [True]


def test_a_job_that_is_done_is_not_kept_alive(worker: Worker, qtbot: Any) -> None:
    class Image:
        pass

    image = Image()
    alive = weakref.ref(image)
    worker.submit("predict", Job(lambda image=image: None, lambda _: None, lambda _: None))
    del image
    qtbot.waitUntil(lambda: not worker.busy)
    qtbot.waitUntil(lambda: alive() is None, timeout=1000)


def test_nothing_is_heard_after_the_end(qtbot: Any) -> None:
    worker, gate, heard = Worker(), threading.Event(), []
    worker.submit("predict", Job(lambda: gate.wait(10), heard.append, heard.append))
    qtbot.wait(20)
    worker.close()
    gate.set()
    worker.close(timeout=5)
    worker.submit("predict", Job(lambda: 1, heard.append, heard.append))
    qtbot.wait(50)
    assert heard == []
    assert not worker.busy
