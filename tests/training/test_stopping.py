from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from napari_fclick.training.stopping import stopping

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _heeded() -> Iterator[None]:
    """Heed interrupts, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_wish_to_stop(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with stopping() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        assert signal.getsignal(number) == before[SIGNALS.index(number)]
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_second_interrupt_ends_all() -> None:
    with stopping():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_wish_is_told_once() -> None:
    told: list[None] = []
    with stopping(lambda: told.append(None)) as stop:
        for number in SIGNALS:  # as torchrun sends both
            signal.raise_signal(number)
        assert stop()
    assert len(told) == 1
