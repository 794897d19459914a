"""Going on in the viewer where a session file ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_fclick.core.paths import same_file
from napari_fclick.core.words import counted
from napari_fclick.exchange import READ, SESSION
from napari_fclick.session import NumberedLabels
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import Opened, check_image, reopen
from napari_fclick.session.signature import Signature, encodable
from napari_fclick.session.sparse import SparseLabels
from napari_fclick.session.target import Target
from napari_fclick.widgets.inputs import lasting, look_as_before, source_of
from napari_fclick.widgets.journaling import Journaling
from napari_fclick.widgets.key_settings import key_of
from napari_fclick.widgets.layers import IMAGE, image_id, transform_of, why_not_writable
from napari_fclick.widgets.planes import LayerError, displayed_place, layer_shape, levels_of

if TYPE_CHECKING:
    from napari_fclick.widgets.annotation import Annotation
    from napari_fclick.widgets.controller import Controller


class Resuming:
    """Opens session files of the image that is annotated, with the labels they were written into.

    Parameters
    ----------
    controller : Controller
    journaling : Journaling
        Goes on in the file.
    """

    def __init__(self, controller: Controller, journaling: Journaling) -> None:
        self._controller, self._journaling = controller, journaling

    def resume(self, path: Path, insist: bool = False) -> bool:
        """Go on where a session file of the current image ends.

        What was begun on the image meanwhile stays in its own file.

        Raises
        ------
        JournalError
            If it belongs to another image, and that is not insisted on.
        """
        if self._journaling.path is not None and same_file(path, self._journaling.path):
            self._controller.say("this session is open already", "warning")
            return False
        journal = Journal.open(path)
        try:
            annotation = self._pristine(journal, insist)
            self._resume(annotation, journal)
        except BaseException:
            journal.close()
            raise
        self._journaling.changed.emit()
        return True

    def _pristine(self, journal: Journal, insist: bool) -> Annotation:
        """Return the current annotation, begun anew where something was done to it."""
        current = self._controller.current
        if current is None:
            raise JournalError("choose the image that the session belongs to, then open it")
        known = self._journaling.of(current).signature
        if not known.sampled:
            known = Signature.of(levels_of(current.image), known.source, known.name)
        check_image(journal, known, insist)
        session, recorder = current.session, self._journaling.of(current).recorder
        if recorder.waiting and not recorder.flush():
            raise JournalError(
                f"{recorder.waiting} steps are not saved yet: save this session as another file "
                "before opening one"
            )
        if not (session.can_undo or session.can_redo or session.clicks):
            return current
        layer = current.image
        try:
            # Where no plane is on show, none could be begun anew: this one is kept then.
            displayed_place(self._controller.viewer, layer)
        except LayerError as error:
            raise JournalError(str(error)) from error
        self._controller.annotated.drop_image(layer)
        self._controller.annotated.choose_image(layer)
        anew = self._controller.current
        assert anew is not None
        return anew

    def _resume(self, annotation: Annotation, journal: Journal) -> None:
        kept = self._journaling.of(annotation)
        layers: list[Labels] = []
        for number in range(len(journal.targets)):
            layers.append(self._layer_for(annotation, journal, number, layers))
        fresh = [number for number, layer in enumerate(layers) if not self._is_shown(layer)]
        targets = [self._controller.targets.of(layer) for layer in layers]
        with ExitStack() as writing:
            for target in targets:
                writing.enter_context(target.labels.shown_at_once())
            opened = reopen(journal, targets, fresh)
        for number in fresh:
            self._controller.viewer.add_layer(layers[number])
        self._take_classes(annotation, journal)
        annotation.session.take_over(opened.restored)
        self._controller.features.take_up(annotation.session)
        last = _last_target(opened)
        if last is not None:
            self._controller.annotated.choose_labels(layers[opened.targets.index(last)])
        kept.recorder.go_on_in(journal)
        kept.dismissed = True
        kept.made_with = journal.last_circumstances.weights
        self._journaling.mark(kept)
        problems = look_as_before(self._controller, annotation, journal)
        found = self._controller.doubts.take_up(annotation.session)
        self._controller.finding.take_up(annotation.session)
        self._tell(opened, journal, found, [*problems, self._journaling.other_weights(kept)])
        if opened.restored.place is not None:
            annotation.session.place_changed.emit(opened.restored.place)

    def _take_classes(self, annotation: Annotation, journal: Journal) -> None:
        classes = annotation.session.classes
        for name, colour in json.loads(journal.about("classes", "{}")).items():
            if name not in classes:
                classes.add(name, colour)

    def _tell(self, opened: Opened, journal: Journal, found: int, problems: Iterable[str]) -> None:
        count = len(opened.restored.objects)
        text = f"resumed {journal.path.name}: {counted(count, 'object')}"
        if found:
            text += f", {found} found · {key_of('worst_next')}: look at the least certain ones"
        if opened.conflicts:
            text += f"; {opened.conflicts} px had been changed since and stay as they are"
        if journal.read_only:
            text += "; it is open elsewhere, and read-only here: save it as another file to go on"
        others = [problem for problem in problems if problem]
        text = "; ".join([text, *others])
        warned = bool(opened.conflicts) or journal.read_only or bool(others)
        self._controller.say(text, "warning" if warned else "info")

    def _layer_for(
        self, annotation: Annotation, journal: Journal, number: int, taken: Sequence[Labels]
    ) -> Labels:
        """Return the layer that stands for labels of a file: the very one, or a new one."""
        target, every = journal.targets[number], journal.targets
        fitting = [
            layer
            for layer in self._controller.viewer.layers
            if _fits(layer, target) and not any(layer is other for other in taken)
        ]
        # A layer that was written by this session is it, whatever a brush did to it since.
        own = [layer for layer in fitting if _is_of(layer, journal.path)]
        named = [layer for layer in own if encodable(layer.name) == target.name]
        if named or (own and len(every) == 1):
            return (named or own)[0]
        layers = [layer for layer in fitting if source_of(layer) == lasting(target.source)]
        named = [layer for layer in layers if encodable(layer.name) == target.name]
        if target.source and (named or layers):
            return (named or layers)[0]
        if layers:
            expected = reopen(
                journal, [SparseLabels(t.shape, t.dtype) for t in every], range(len(every))
            )
            for layer in named + layers:
                if _holds(layer, expected, number):
                    return layer
        placed: dict[str, Any] = {}
        if target.shape == layer_shape(annotation.image):
            placed = {"metadata": {IMAGE: image_id(annotation.image)}}
            placed |= transform_of(annotation.image)
        return Labels(target.empty(), name=target.name, opacity=0.5, **placed)

    def _is_shown(self, layer: Labels) -> bool:
        return layer in self._controller.viewer.layers


def _fits(layer: Any, target: Target) -> bool:
    """Whether a layer is one of labels of a target's shape that can be written into."""
    fits = isinstance(layer, Labels) and tuple(levels_of(layer)[0].shape) == target.shape
    return fits and why_not_writable(layer) is None


def _is_of(layer: Labels, path: Path) -> bool:
    """Whether a layer knows a session file as the one that it was written by.

    One that was read from the file is a copy: what else is in the labels is not in it.
    """
    known = None if layer.metadata.get(READ) else layer.metadata.get(SESSION)
    return bool(known) and same_file(Path(str(known)), path)


def _holds(layer: Labels, expected: Opened, number: int) -> bool:
    """Whether a layer that came from no file holds what it should hold."""
    pixels, wanted = levels_of(layer)[0], expected.targets[number]
    regions = [
        patch.where
        for commit in expected.restored.commits
        if commit.target is wanted
        for patch in commit.patches
    ]
    return bool(regions) and all(
        np.array_equal(np.asarray(pixels[where]), wanted.labels[where]) for where in regions
    )


def _last_target(opened: Opened) -> NumberedLabels | None:
    commits = opened.restored.commits
    if commits:
        return commits[-1].target
    return opened.targets[-1] if opened.targets else None
