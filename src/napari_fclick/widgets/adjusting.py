"""The settings of the object at hand, and what the predictor sees of the image."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_fclick.core.labels import OverlapPolicy

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

#: The least and the largest threshold that there is to choose, and the step between.
LEAST, MOST, STEP = 0.05, 0.95, 0.05


class Adjusting:
    """Changes threshold, integrity, overlap policy and contrast limits, by the dock and by key.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._use_limits = False

    def set(
        self,
        threshold: float | None = None,
        integrity: bool | None = None,
        policy: OverlapPolicy | str | None = None,
        as_accepted: bool | None = None,
    ) -> None:
        """Change settings; what is None stays. No prediction is run."""
        session = self._controller.session
        if session is not None:
            self._controller.messages.forget_problem()
            chosen = partial(
                session.set,
                threshold=threshold,
                integrity=integrity,
                policy=policy,
                as_accepted=as_accepted,
            )
            self._controller.attempt(chosen, "set")

    def toggle_integrity(self) -> None:
        """Turn the structural integrity strategy on or off."""
        session = self._controller.session
        if session is not None:
            self.set(integrity=not session.settings.integrity)

    def toggle_outlines(self) -> None:
        """Have the outlines of new objects follow those accepted before, or not."""
        session = self._controller.session
        if session is not None:
            self.set(as_accepted=not session.settings.as_accepted)

    def step_threshold(self, steps: int) -> None:
        """Raise the threshold by twentieths, or lower it, within what the dock allows."""
        session = self._controller.session
        if session is not None:
            value = session.settings.threshold + steps * STEP
            self.set(threshold=round(min(max(value, LEAST), MOST), 3))

    def cycle_policy(self) -> None:
        """Take the next overlap policy."""
        session = self._controller.session
        if session is not None:
            policies = list(OverlapPolicy)
            now = policies.index(session.settings.policy)
            self.set(policy=policies[(now + 1) % len(policies)])

    @property
    def uses_layer_limits(self) -> bool:
        """Whether the predictor sees what the layer's contrast limits show."""
        return self._use_limits

    def use_layer_limits(self, on: bool) -> None:
        """Show the predictor what the layer's contrast limits show; it predicts anew."""
        self._use_limits = on
        self.follow_limits()

    def toggle_limits(self) -> None:
        """Show the predictor what the layer's contrast limits show, or leave it to it."""
        self.use_layer_limits(not self._use_limits)
        self._controller.changed.emit()

    def follow_limits(self) -> None:
        """Take over the image layer's contrast limits, where they are to be used."""
        current = self._controller.current
        if current is not None:
            current.use_limits(self._use_limits)
            self._controller.journaling.note_channels(current)

    def toggle_preview(self) -> None:
        """Hide or show the preview."""
        current = self._controller.current
        if current is not None:
            current.preview_hidden = not current.preview_hidden
            self._controller.refresh()
