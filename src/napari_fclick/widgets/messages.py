"""What the annotator is told: one message at a time."""

from __future__ import annotations

from psygnal import EmitLoopError, Signal


class Messages:
    """The message that is on show, and how grave it is.

    Attributes
    ----------
    reported : Signal(str, str)
        A message, and "info", "warning" or "error"; an empty one takes the last one away.
    text, level : str
        What was said last.
    """

    reported = Signal(str, str)

    def __init__(self) -> None:
        self.text, self.level = "", "info"
        self._stopped = False

    def say(self, message: str, level: str = "info") -> None:
        """Tell something; the level is "info", "warning" or "error"."""
        if not self._stopped:
            self.text, self.level = message, level
            self.reported.emit(message, level)

    def unsay(self, message: str) -> None:
        """Say something no more, if it is what was said last."""
        if message and message == self.text:
            self.say("")

    def forget_problem(self) -> None:
        """Say no more what was wrong: it may be no longer."""
        if self.level != "info":
            self.say("")

    def forget_done(self) -> None:
        """Say no more what was done: it may be about to be undone."""
        if self.level == "info":
            self.say("")

    def stop(self) -> None:
        """Say nothing any more."""
        self._stopped = True


def reason(error: Exception) -> str:
    """Return the message of an error, or of the one that a signal has wrapped."""
    cause = error.__cause__ if isinstance(error, EmitLoopError) else None
    return str(cause or error) or type(cause or error).__name__
