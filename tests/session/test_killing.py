"""What the sessions that are killed do, without killing them: it comes back, stacks included."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests.session.killing import ACTIONS, content, opened, take
from tests.session.test_stacks import make_stack, recorded


@pytest.mark.parametrize("seed", range(3))
def test_random_steps_in_a_stack_come_back(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.fclick"
    session = make_stack()
    recorder = recorded(path, session)
    rng = np.random.default_rng(seed)
    accepted: list[str] = []
    session.stepped.connect(lambda step, _: accepted.append(step.name) if step.others else None)
    for _ in range(150):
        y, x = rng.integers(6, 58, 2)
        with suppress(ValueError):
            take(session, str(rng.choice(ACTIONS)), int(y), int(x))
    assert accepted  # objects that were clicked in several slices
    journal = recorder.journal
    assert journal is not None
    events = journal.events
    recorder.close()
    assert opened(path, events, content(session)) == ""
    while session.can_undo:
        session.undo()
    assert opened(path, events, content(session)) != ""
