"""What accepting an object in all its slices would do to others depends on."""

from __future__ import annotations

from napari_fclick.session import stacks
from napari_fclick.widgets.stacks.model import CarriedObject
from napari_fclick.widgets.stakes import Subject


def subject_of(carried: CarriedObject | None, written: int) -> Subject | None:
    """Return what would be accepted of an object; None where nothing can be now.

    Parameters
    ----------
    carried : CarriedObject or None
    written : int
        Another number whenever something was written into the labels.
    """
    if carried is None or carried.phase not in ("done", "stopped", "failed") or carried.unfit:
        return None
    session = carried.session
    if session.target is None or not carried.known:
        return None
    # Not the session's generation: it grows with each slice that one scrolls to. And the slices
    # by value: they may be found once more as they were.
    values = (carried.slices, session.settings.policy, session.objects.knows_next_label, written)
    return Subject(
        (session.target,),
        values,
        lambda: stacks.foresee(session, carried.known, carried.line.axis),
    )
