"""The main job on a bundled image: a robot clicks coins into labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.files import write_mask
from napari_fclick.core.labels import make_patch
from napari_fclick.core.paths import make_folder, replacing
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.metrics import iou
from napari_fclick.overlay import draw_overlay
from napari_fclick.predictor import Predictor
from napari_fclick.samples import coins, coins_truth
from napari_fclick.training.simulation import correction

#: The robot is content at this IoU, and gives up after so many clicks.
TARGET, MOST_CLICKS = 0.9, 5


class Segmented(NamedTuple):
    """One object of the demo."""

    label: int
    clicks: ClickSequence
    iou: float
    milliseconds: list[float]


def run_headless(predictor: Predictor, out: Path) -> dict[str, Any]:
    """Segment the coins without a screen; write ``labels.tif``, ``overlay.png``, ``summary.json``.

    Parameters
    ----------
    predictor : Predictor
    out : Path
        Folder for the results; made where it is missing.

    Returns
    -------
    dict
        What ``summary.json`` holds.
    """
    make_folder(out)
    image, truth = coins()[0][0], coins_truth()
    labels = np.zeros(image.shape, np.uint16)
    numbers = range(1, int(truth.max()) + 1)
    done = [_segment(predictor, image, truth == label, labels, label) for label in numbers]
    write_mask(out / "labels.tif", labels)
    overlay = draw_overlay(image, labels, [each.clicks for each in done])
    with replacing(out / "overlay.png") as partial:
        Image.fromarray(overlay).save(partial, format="PNG")
    summary = _summary(predictor, done)
    with replacing(out / "summary.json") as partial:
        partial.write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    return summary


def _segment(
    predictor: Predictor,
    image: NDArray[Any],
    truth: NDArray[np.bool_],
    labels: NDArray[np.uint16],
    label: int,
) -> Segmented:
    rounds = list(robot.play(predictor, image, truth, most=MOST_CLICKS, target=TARGET))
    milliseconds = [1000 * each.prediction.seconds for each in rounds]
    last = rounds[-1].prediction
    make_patch(labels, last.mask(), last.window, label).apply(labels)
    return Segmented(label, last.clicks, rounds[-1].iou, milliseconds)


def _summary(predictor: Predictor, done: list[Segmented]) -> dict[str, Any]:
    times = [t for each in done for t in each.milliseconds]
    return {
        "image": "coins (scikit-image)",
        "truth": "watershed reference, see napari_fclick.samples.coins_truth",
        "weights": predictor.name,
        "device": str(predictor.device),
        "objects": len(done),
        "clicks": sum(len(each.clicks) for each in done),
        "mean_iou": round(float(np.mean([each.iou for each in done])), 4),
        "ms_per_click": round(float(np.median(times)), 1),
        "per_object": [
            {
                "label": each.label,
                "clicks": len(each.clicks),
                "iou": round(each.iou, 4),
                "ms_per_click": [round(t, 1) for t in each.milliseconds],
            }
            for each in done
        ],
    }


def run_window(weights: str, device: str, say: Callable[[str], None]) -> None:
    """Open napari and let a robot click the coins through the real dock widget.

    Raises
    ------
    ValueError
        If there are no such weights or no such device; no window is opened then.
    """
    import napari
    from qtpy.QtCore import QTimer

    from napari_fclick.network.checkpoints import find
    from napari_fclick.network.inference import choose_device
    from napari_fclick.widgets import FirstClickWidget

    find(weights)
    choose_device(device)
    viewer = napari.Viewer(title="napari-fclick demo")
    for data, options, _ in coins():
        viewer.add_image(data, **options)
    widget = FirstClickWidget(viewer)
    viewer.window.add_dock_widget(widget, name="First Click")
    controller = widget.controller
    if (weights, device) != ("default", "auto"):
        controller.weights.load(weights, device)
    actions = robot_actions(controller, coins_truth())
    timer = QTimer(widget)

    def act() -> None:
        if not controller.idle:
            return
        try:
            next(actions)
        except StopIteration:
            timer.stop()
            say("the robot is done: go on clicking, or close the window")

    timer.timeout.connect(act)
    timer.start(150)
    napari.run()


def robot_actions(
    controller: Any, truth: NDArray[Any], objects: int | None = None
) -> Iterator[None]:
    """Click and accept objects through a dock's controller; wait at each ``yield``.

    It ends early where somebody else's hand has taken what it works on.

    Parameters
    ----------
    controller : Controller
        Idle whenever the iterator is advanced.
    truth : ndarray of int, shape (H, W)
        Object numbers.
    objects : int, optional
        How many to segment at most; all by default.
    """
    for label in range(1, int(truth.max()) + 1)[:objects]:
        region = truth == label
        mask = np.zeros_like(region)
        taken: list[tuple[int, int]] = []
        while len(taken) < MOST_CLICKS and iou(region, mask) < TARGET:
            click = correction(region, mask, taken)
            if click is None:
                break
            controller.click(*click)
            taken.append((click.row, click.column))
            yield
            session = controller.session
            if session is None or session.prediction is None:
                return
            mask = session.prediction.full_mask()
        controller.accept()
        yield
        if controller.session is None:
            return
        if controller.session.clicks:  # it was not accepted: the next object begins anew
            controller.clear()
