"""Tables and pictures of games made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import skimage.io
from tests.evaluation.fakes import game, strip

from napari_fclick.evaluation.datasets import Scene
from napari_fclick.evaluation.games import Game, pack_mask
from napari_fclick.evaluation.protocol import Protocol
from napari_fclick.evaluation.report import check_picture, draw_curves, markdown, save_figure
from napari_fclick.evaluation.sheet import draw_sheet, worst
from napari_fclick.evaluation.summary import summarise

PROTOCOL = Protocol(targets=(0.85,), most=4)
GAMES = [game([0.5, 0.9], "a/1"), game([0.2, 0.6, 0.7], "b/1")]


def reports(*names: str) -> list[dict[str, object]]:
    return [
        summarise([g.model_copy(update={"set_name": name, "method": m}) for g in GAMES], PROTOCOL)
        for m in ("fclick", "random-walker")
        for name in names
    ]


def test_markdown() -> None:
    lines = markdown(reports("s", "t")).splitlines()
    assert [line for line in lines if line.startswith("#")] == ["## s", "## t"]
    head, _, first, second = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:6]
    )
    row = dict(zip(head, first, strict=True))
    assert row["method"] == "fclick" and second[0] == "random-walker"
    assert row["NoC@85"] == "3.00 [2.00, 4.00]"  # 2 and never: 4
    assert row["never 85"] == "1"
    assert (row["IoU after 1"], row["IoU after 4"]) == ("0.350", "0.800")
    assert row["area"] == "0.708 [0.583, 0.833]"
    assert (row["ms first"], row["ms later"]) == ("10", "20")
    assert "jitter 0 px, seed 0" in lines[7]
    pixels = summarise(GAMES, Protocol(targets=(0.85,), most=4, jitter=5))
    assert "jitter 5 px, seed 0" in markdown([pixels])
    share = summarise(GAMES, Protocol(targets=(0.85,), most=4, jitter_share=0.5))
    assert "jitter 0.5 of the depth, seed 0" in markdown([share])


def test_curves(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = draw_curves(reports("a", "b", "c", "d"))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:4] == [f"{name}, 2 objects" for name in "abcd"]
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * (len(figure.axes) - 4)
    assert len(figure.axes) > 4
    line = figure.axes[0].get_lines()[0]
    assert np.allclose(line.get_ydata(), [0.35, 0.75, 0.8, 0.8])
    assert [text.get_text() for text in figure.legends[0].texts] == ["fclick", "random-walker"]
    for suffix in (".png", ".svg"):
        files = [tmp_path / f"{k}{suffix}" for k in range(2)]
        for file in files:
            save_figure(draw_curves(reports("a")), file)
        assert files[0].stat().st_size > 1000
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_picture_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    class Breaking:
        def savefig(self, file: Path, **_: Any) -> None:
            file.write_bytes(b"half of")
            raise OSError("no space left")

    picture = tmp_path / "curves.png"
    picture.write_bytes(b"before")
    with pytest.raises(OSError, match="no space left"):
        save_figure(cast("Any", Breaking()), picture)
    assert picture.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [picture]


def test_the_worst_come_first() -> None:
    games = [game([value], f"{k}/1") for k, value in enumerate((0.5, 0.1, 0.9, 0.1))]
    assert [g.item for g in worst(games, 4, 3)] == ["1/1", "3/1", "0/1"]


def test_sheet(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    truth = strip()
    clicks = [(9, 14, True), (7, 25, True), (2, 3, False)]
    played = game([0.2, 0.6, 0.7], clicks=clicks, mask=pack_mask(strip(12)))
    empty = game([0.0], "b/1", clicks=clicks[:1], mask=pack_mask(truth & False))

    def look(one: Game) -> Scene:
        return Scene(np.where(truth, 200, 50).astype(np.uint8), truth, None)

    figure = draw_sheet([played, empty], 4, look)
    file = tmp_path / "sheet.png"
    save_figure(figure, file)
    picture = skimage.io.imread(file)[..., :3].astype(int)
    for colour in ((0, 0x72, 0xB2), (0xE6, 0x9F, 0)):  # positive, negative
        assert (np.abs(picture - colour).max(-1) < 8).sum() > 50
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[0].startswith("b/1\nIoU 0.00 after 1, 0.00 after 1")  # the worse one


def test_dollars_in_names_begin_no_formula(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    name, truth = "$1_$2^", strip()
    played = game([0.5], f"{name}/1", mask=pack_mask(truth), set=name, method=name)
    save_figure(draw_curves([summarise([played], PROTOCOL)]), tmp_path / "curves.png")
    sheet = draw_sheet([played], 4, lambda _: Scene(truth.astype(np.uint8), truth, None))
    save_figure(sheet, tmp_path / "sheet.png")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_legend_fits_beside_however_few_objects(count: int) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    truth = strip()
    games = [game([0.5], f"{k}/1", mask=pack_mask(truth)) for k in range(count)]
    figure = draw_sheet(games, 4, lambda _: Scene(truth.astype(np.uint8), truth, None))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    legend = figure.legends[0].get_window_extent(canvas.get_renderer())
    assert len(figure.legends[0].texts) == 5
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.width
    assert legend.y1 <= min(axes.bbox.y0 for axes in figure.axes)


def test_pictures_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"written as \.png, \.svg, \.pdf"):
        check_picture(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_picture(tmp_path / "none/a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        check_picture(tmp_path / "folder.png")
