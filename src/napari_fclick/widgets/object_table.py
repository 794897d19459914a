"""The accepted objects as a table that keeps up with a session."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from qtpy.QtGui import QColor, QFont, QIcon, QPixmap

from napari_fclick.session import AcceptedObject, Session, Step

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

#: Up to so many rows are put in one by one; of more the table is made anew.
FEW = 100

ID, CLASS, CLICKS, AREA, TIME = range(5)
TIPS = (
    "The object's number in the labels",
    "Its class",
    "Clicks made on it, those included that were taken back",
    "Its area, in all planes",
    "Seconds spent on it; breaks do not count",
)


class ObjectTable(QAbstractTableModel):
    """One row an object: number, class, clicks, area, time.

    A step of the session changes only the rows of its objects, however many there are.
    Sorted by one column; the newest objects come first unless another order is chosen.

    Attributes
    ----------
    updating : bool
        Whether rows come and go: what is selected then was not selected by the user.
    """

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        self._pixel: tuple[float, str] | None = None
        self._records: dict[int, AcceptedObject] = {}
        self._column, self._descending = ID, True
        #: The labels in ascending order of the column that is sorted by.
        self._sorted: list[int] = []
        self._corrected: int | None = None
        self._icons: dict[str, QIcon] = {}
        self.updating = False

    # --- the session --------------------------------------------------------------------

    def show_session(self, session: Session | None, pixel: tuple[float, str] | None) -> None:
        """Show a session's objects; nothing is done where they are on show.

        Parameters
        ----------
        session : Session or None
        pixel : (float, str) or None
            Area of a pixel, and its unit.
        """
        if session is not self._session or pixel != self._pixel:
            self._follow(session)
            self._pixel = pixel
            self._rebuild()
        self._catch_up()
        self._mark(None if session is None else session.draft.label)

    def close(self) -> None:
        """Follow no session any more."""
        self._follow(None)

    def label_at(self, row: int) -> int:
        """Return the number of the object in a row."""
        return self._sorted[self._position(row)]

    def row_of(self, label: int) -> int | None:
        """Return the row of an object; None where it is not listed."""
        record = self._records.get(label)
        return None if record is None else self._position(self._found(record))

    def _follow(self, session: Session | None) -> None:
        if session is self._session:
            return
        if self._session is not None:
            self._session.stepped.disconnect(self._on_step)
            self._session.classes.changed.disconnect(self._on_classes)
        self._session = session
        if session is not None:
            session.stepped.connect(self._on_step)
            session.classes.changed.connect(self._on_classes)

    def _catch_up(self) -> None:
        """List what came otherwise than by a step heard of, such as by resuming."""
        if self._session is None or len(self._session.objects) == len(self._records):
            return
        differing = self._session.objects.keys() ^ self._records.keys()
        if len(differing) > FEW:
            self._rebuild()
        else:
            self.update_rows(differing)

    def _rebuild(self) -> None:
        self.updating = True
        self.beginResetModel()
        self._records = {} if self._session is None else dict(self._session.objects)
        self._sort()
        self.endResetModel()
        self.updating = False

    def _on_step(self, step: Step, how: str) -> None:
        if step.commit is not None:
            self.update_rows({change.label for change in step.commit.changes})

    def _on_classes(self) -> None:
        self._icons.clear()
        self._changed(0, len(self._sorted) - 1)

    def update_rows(self, labels: Iterable[int]) -> None:
        """Take over what became of these objects."""
        if self._session is None:
            return
        self.updating = True
        for label in labels:
            self._update(self._records.get(label), self._session.objects.get(label))
        self.updating = False

    def _update(self, before: AcceptedObject | None, now: AcceptedObject | None) -> None:
        if before is not None and now is not None and self._key(before) == self._key(now):
            self._records[now.label] = now
            row = self._position(self._found(now))
            self._changed(row, row)
        else:
            self._take_out(before)
            self._put_in(now)

    def _take_out(self, record: AcceptedObject | None) -> None:
        if record is None:
            return
        at = self._found(record)
        row = self._position(at)
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._sorted[at], self._records[record.label]
        self.endRemoveRows()

    def _put_in(self, record: AcceptedObject | None) -> None:
        if record is None:
            return
        at = self._found(record)
        row = len(self._sorted) - at if self._descending else at
        self.beginInsertRows(QModelIndex(), row, row)
        self._sorted.insert(at, record.label)
        self._records[record.label] = record
        self.endInsertRows()

    def _mark(self, label: int | None) -> None:
        """Show which object is being corrected."""
        if label == self._corrected:
            return
        marked, self._corrected = (self._corrected, label), label
        for each in marked:
            row = None if each is None else self.row_of(each)
            if row is not None:
                self._changed(row, row)

    def _changed(self, first: int, last: int) -> None:
        if last >= first:
            self.dataChanged.emit(self.index(first, ID), self.index(last, TIME))

    # --- order --------------------------------------------------------------------------

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; selected objects stay selected."""
        if column < 0:
            return
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        labels = [self.label_at(index.row()) for index in held]
        self._column, self._descending = column, order == Qt.SortOrder.DescendingOrder
        self._sort()
        rows = {label: self._position(at) for at, label in enumerate(self._sorted)} if held else {}
        moved = [self.index(rows[n], i.column()) for n, i in zip(labels, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _sort(self) -> None:
        records = sorted(self._records.values(), key=self._key)
        self._sorted = [record.label for record in records]

    def _key(self, record: AcceptedObject) -> tuple[Any, int]:
        return _value(record, self._column), record.label

    def _found(self, record: AcceptedObject) -> int:
        """Return where an object is, or would be, among the sorted ones."""
        return bisect_left(
            self._sorted, self._key(record), key=lambda label: self._key(self._records[label])
        )

    def _position(self, row: int) -> int:
        """Turn a row into a place among the sorted ones, or the other way round."""
        return len(self._sorted) - 1 - row if self._descending else row

    # --- what Qt asks -------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return the number of objects."""
        return 0 if parent is not None and parent.isValid() else len(self._sorted)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(TIPS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        """Return a column's name."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.ToolTipRole:
            return TIPS[section]
        if role != Role.DisplayRole:
            return None
        unit = "px" if self._pixel is None else self._pixel[1]
        return ("#", "Class", "Clicks", f"Area ({unit})", "Time (s)")[section]

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Return what a cell shows."""
        answer = _ANSWERS.get(role)
        if answer is None or not index.isValid():
            return None
        return answer(self, self._records[self.label_at(index.row())], index.column())

    def _text(self, record: AcceptedObject, column: int) -> str:
        if column == AREA:
            pixels = record.area
            return f"{pixels:,}" if self._pixel is None else f"{pixels * self._pixel[0]:.4g}"
        if column == TIME:
            return f"{record.seconds:,.1f}"
        return str(_value(record, column))

    def _icon(self, record: AcceptedObject, column: int) -> QIcon | None:
        if column != CLASS or not record.class_name or self._session is None:
            return None
        name = record.class_name
        if name not in self._icons:
            self._icons[name] = colour_icon(self._session.classes.colour(name))
        return self._icons[name]

    def _font(self, record: AcceptedObject, column: int) -> QFont | None:
        font = QFont()
        font.setBold(True)
        return font if record.label == self._corrected else None

    def _tip(self, record: AcceptedObject, column: int) -> str | None:
        return "being corrected" if record.label == self._corrected else None


def _align(table: ObjectTable, record: AcceptedObject, column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == CLASS else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


_ANSWERS: dict[int, Callable[[ObjectTable, AcceptedObject, int], Any]] = {
    Role.DisplayRole: ObjectTable._text,
    Role.DecorationRole: ObjectTable._icon,
    Role.FontRole: ObjectTable._font,
    Role.ToolTipRole: ObjectTable._tip,
    Role.TextAlignmentRole: _align,
}


def colour_icon(colour: str) -> QIcon:
    """Return a small square of a colour ``#rrggbb``."""
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)


def _value(record: AcceptedObject, column: int) -> Any:
    values = (record.label, record.class_name, record.made, record.area, record.seconds)
    return values[column]
