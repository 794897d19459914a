"""The seconds that a person works between steps."""

from napari_fclick.session.stopwatch import LONGEST_PAUSE, Stopwatch


class Clock:
    """Tells the seconds that it is set to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_seconds_count_from_the_last_step_up_to_a_break() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    clock.now += 5
    assert watch.seconds == 5
    watch.restart()
    clock.now += LONGEST_PAUSE + 1
    assert watch.seconds == LONGEST_PAUSE


def test_what_is_done_while_it_is_paused_counts_for_nothing() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    clock.now += 5
    for _ in range(2):  # once more changes nothing
        watch.paused = True
        clock.now += 7
        watch.restart()
        assert watch.paused and watch.seconds == 0
    for _ in range(2):
        watch.paused = False
        assert not watch.paused and watch.seconds == 5
