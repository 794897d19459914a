"""Which weights predict: those asked for, promoted since, or rolled back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_fclick.session.state import PredictorLike
from napari_fclick.widgets.accepting import Accepting
from napari_fclick.widgets.loading import Choices, weights_in_use
from napari_fclick.widgets.predicting import Predicting

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


class Weights:
    """Loads weights, and has all else go on with them.

    Parameters
    ----------
    controller : Controller
    predicting : Predicting
    accepting : Accepting

    Attributes
    ----------
    discovered : Signal(Choices)
        Which weights and devices there are.
    chosen : str
        The weights that were asked for last.
    """

    discovered = Signal(object)

    def __init__(
        self, controller: Controller, predicting: Predicting, accepting: Accepting
    ) -> None:
        self._controller, self._predicting, self._accepting = controller, predicting, accepting
        self.chosen, self._device, self._loads = "", "auto", 0
        predicting.loaded.connect(self._on_loaded)
        predicting.failed.connect(self._on_failed)
        predicting.discovered.connect(self._on_discovered)
        weights_in_use.changed.connect(self._on_in_use)

    @property
    def predictor(self) -> PredictorLike | None:
        """What predicts; None before weights are loaded."""
        return self._predicting.predictor

    @property
    def loading(self) -> bool:
        """Whether weights are being loaded."""
        return self._predicting.loading

    @property
    def possible(self) -> bool:
        """Whether there is a predictor, or will be."""
        return self._predicting.possible

    def start(self, weights: str = "default", device: str = "auto") -> None:
        """Load weights, and find out what else there is."""
        self.load(weights, device)
        self._predicting.discover()

    def load(self, weights: str, device: str) -> None:
        """Load weights; until they are there, those loaded before stay in use."""
        self.chosen, self._device = weights, device
        self._loads += 1
        self._predicting.load(weights, device)
        self._controller.changed.emit()

    def close(self) -> None:
        """No longer hear of weights that are promoted."""
        weights_in_use.changed.disconnect(self._on_in_use, missing_ok=True)

    def _on_discovered(self, choices: Choices) -> None:
        # It takes a while to find out that others were promoted: the default ones come first.
        if self._loads == 1 and self.chosen == "default" != choices.in_use:
            self.load(choices.in_use, self._device)
        self.discovered.emit(choices)

    def _on_in_use(self, name: str) -> None:
        """Go on with weights that were promoted, or rolled back to."""
        self.start(name, self._device)

    def _on_loaded(self) -> None:
        controller = self._controller
        controller.journaling.use_weights(self.predictor)
        controller.annotated.forget_answers()
        if controller.session is not None:
            self._accepting.go_on(controller.session)
        controller.annotated.prepare_soon()
        controller.changed.emit()

    def _on_failed(self, problem: str) -> None:
        self._controller.stop_accepting()
        self._controller.say(problem, "error")
        self._controller.refresh()
