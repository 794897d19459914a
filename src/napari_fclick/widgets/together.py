"""Shows and saves what changes many objects when all of it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from napari_fclick.session import NumberedLabels, Session

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


@contextmanager
def together(
    controller: Controller, session: Session, target: NumberedLabels | None
) -> Iterator[None]:
    """Show, save and tell of steps once, when all of them are taken.

    Drawing the labels, writing the file safely and showing the dock anew take some 50 ms: for each
    of hundreds of objects that would be half a minute in which the window does not answer.

    Parameters
    ----------
    controller : Controller
    session : Session
        The one on hand, whose steps they are.
    target : NumberedLabels or None
        What is written into.
    """
    with ExitStack() as last:
        for signal in (session.changed, controller.changed):
            last.enter_context(signal.paused(_once))
        if target is not None:
            last.enter_context(target.labels.shown_at_once())
        last.enter_context(controller.journaling.held())
        yield


def _once(first: tuple[Any, ...], _: tuple[Any, ...]) -> tuple[Any, ...]:
    return first
