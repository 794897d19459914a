"""The gate: weights are promoted if they are proved to be better and have not forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_fclick.finetuning.scoring import Comparison, Figure

Outcome = Literal["better", "not better", "forgets", "cannot be proved"]

#: The outcome with which weights are promoted.
PROMOTED: Outcome = "better"
#: The figure that decides. It is one alone: of several, one improves by chance more easily. The
#: target of 0.90 is part of it, as easy objects reach that of 0.85 at once.
DECISIVE = "NoC"
#: Figures that must not get worse by more than chance, which their 95 % intervals tell.
GUARDED = ("NoC@85", "NoC@90", "IoU@1")
#: Of these the sum must not grow at all.
COUNTED = ("NoC@85", "NoC@90")
#: The figure that shows forgetting: of those tried, it varies least with the objects drawn.
REMEMBERED = "NoC10"
#: By this fraction it may grow on the general set.
FORGETTING = 0.05
#: Fewer held-back objects prove nothing.
LEAST_OBJECTS = 6
#: The same for the general set, where one object that takes twenty clicks must not decide.
LEAST_GENERAL = 12


@dataclass(frozen=True)
class Verdict:
    """Whether weights are promoted, and why.

    Attributes
    ----------
    promoted : bool
    outcome : {"better", "not better", "forgets", "cannot be proved"}
    reasons : tuple of str
        In plain words, the decisive one first.
    """

    promoted: bool
    outcome: Outcome
    reasons: tuple[str, ...]


def judge(
    validation: Comparison | None,
    general: Comparison | None,
    there: int = 0,
    general_there: int = 0,
) -> Verdict:
    """Judge new weights by the held-back images and by the general set.

    They are promoted when all of this holds:

    - On the held-back objects they need fewer clicks (the geometric mean of those to IoU 0.85 and
      to 0.90): the 95 % interval of the paired changes lies below 0.
    - None of `GUARDED` is worse there, its interval wholly on the wrong side of 0, and all clicks
      together (`COUNTED`) are not more.
    - On the general set they need at most 5 % more clicks (the mean of those to IoU 0.80, 0.85 and
      0.90, at most ten each).

    Parameters
    ----------
    validation, general : Comparison or None
        None where there was too little to compare.
    there, general_there : int
        Held-back objects, and objects of the general set, that there are, tested or not.
    """
    if validation is None or validation.objects < LEAST_OBJECTS:
        return Verdict(False, "cannot be proved", (_too_few(validation, there),))
    if general is None or general.objects < LEAST_GENERAL:
        return Verdict(False, "cannot be proved", (_too_few_general(general, general_there),))
    decisive = validation.figure(DECISIVE)
    worse = [f for name in GUARDED if _is_worse(f := validation.figure(name))]
    # Of few objects that take many clicks more, the geometric mean tells little.
    if not worse and sum(validation.figure(name).change for name in COUNTED) > 0:
        worse = [max((validation.figure(name) for name in COUNTED), key=lambda f: f.change)]
    notes = (*_caution(validation), _of_general(general))
    if decisive.high >= 0 or worse:
        return Verdict(False, "not better", (*_why_not(decisive, worse), *notes))
    reason = f"better: {_told(decisive)}"
    if forgotten(general) > FORGETTING + 1e-9:
        why = f"it forgets: {_of_general(general)}; at most {FORGETTING:.0%} more are allowed"
        return Verdict(False, "forgets", (why, reason))
    return Verdict(True, PROMOTED, (reason, *notes))


def forgotten(general: Comparison) -> float:
    """Return by which part the clicks on the general set have grown."""
    figure = general.figure(REMEMBERED)
    return figure.after / figure.before - 1


def _is_worse(figure: Figure) -> bool:
    return figure.low > 0 if figure.name.startswith("NoC") else figure.high < 0


def _too_few(validation: Comparison | None, there: int) -> str:
    needed = f"it cannot be proved that it got better: at least {LEAST_OBJECTS} held-back objects"
    if there >= LEAST_OBJECTS:
        return f"{needed} must be tested, {_no_time(validation, there)}"
    return f"{needed} are needed, there {_are(there)}; label more images"


def _too_few_general(general: Comparison | None, there: int) -> str:
    needed = (
        "what was forgotten cannot be told, so that nothing is proved: of the general set at least "
        f"{LEAST_GENERAL} objects"
    )
    if there >= LEAST_GENERAL:
        return f"{needed} must be tested, {_no_time(general, there)}"
    return (
        f"{needed} that were not learned from are needed, there {_are(there)}; choose a larger set"
    )


def _no_time(comparison: Comparison | None, there: int) -> str:
    tested = str(comparison.objects) if comparison else "fewer than 2"
    return f"there was time for {tested} of {there}; give it more minutes"


def _are(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {number}"


def _why_not(decisive: Figure, worse: list[Figure]) -> list[str]:
    reasons = []
    if decisive.low > 0:
        reasons.append(f"worse: {_told(decisive)}")
    elif decisive.high >= 0:
        reasons.append(f"not better beyond chance: {_told(decisive)}")
    return reasons + [f"worse in {figure.name}: {_told(figure)}" for figure in worse]


def _told(figure: Figure) -> str:
    if figure.name == "NoC":
        what = "clicks an object, the geometric mean of those to IoU 0.85 and to 0.90,"
    elif figure.name.startswith("NoC"):
        what = f"clicks an object to IoU 0.{figure.name[-2:]}"
    else:
        what = f"IoU after {figure.name[-1]} click{'s' if figure.name[-1] != '1' else ''}"
    return (
        f"{figure.before:.2f} -> {figure.after:.2f} {what} on held-back images "
        f"(change {figure.change:+.2f}, 95 % interval {figure.low:+.2f} to {figure.high:+.2f})"
    )


def _of_general(general: Comparison) -> str:
    figure = general.figure(REMEMBERED)
    return (
        f"on the general set {figure.before:.2f} -> {figure.after:.2f} clicks an object "
        f"({forgotten(general):+.1%})"
    )


def _caution(validation: Comparison) -> tuple[str, ...]:
    if validation.images > 1:
        return ()
    return ("all held-back objects are from one image: others may differ",)
