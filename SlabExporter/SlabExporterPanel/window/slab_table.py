"""The table of slabs: rows of the view model in a QTableWidget."""

import qt
from slicer.i18n import tr as _

from ..colours import GOOD, QUIET
from .theme import colourOn

_STATE, SLICES, _EXTENT, _LAST = 1, 2, 3, 4
# Pixels between lines, and the side of a swatch; on displays of high resolution Qt makes more of them.
_SPACE, _SWATCH = 6, 12


class SlabTable:
    """Shows rows and states, and nothing else.

    :param table: QTableWidget of the .ui file.
    """

    def __init__(self, table):
        self._table = table
        self._rows = None
        self._isEditable = self._isFilling = False
        table.verticalHeader().visible = False
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + _SPACE)
        header = table.horizontalHeader()
        header.highlightSections = False
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(_LAST, qt.QHeaderView.Stretch)

    def show(self, rows, headers, states, isEditable=None):
        """Fill the table; rows that are there already keep their selection.

        :param rows: of SlabExporterPanel.rows.Row.
        :param headers: column titles.
        :param states: slab number -> text instead of the row's own state.
        :param isEditable: whether slices can be typed; None as before.
        """
        self._isFilling = True
        if rows != self._rows or isEditable not in (None, self._isEditable):
            self._isEditable = self._isEditable if isEditable is None else isEditable
            self._fill(rows)
            self._rows = rows
        self._table.setHorizontalHeaderLabels(list(headers))
        good = colourOn(self._table, GOOD)
        for row in rows:
            item = self._table.item(row.number, _STATE)
            text = states.get(row.number, row.state)
            if item.text() != text:
                item.setText(text)
            if row.number in states:
                item.setForeground(qt.QBrush(good))
        self._isFilling = False

    def forget(self):
        """Fill the table anew the next time, over what was typed."""
        self._rows = None

    def typedSlices(self, row, column):
        """What the user typed over the slices of a slab; None where it was something else."""
        if self._isFilling or column != SLICES or self._rows is None:
            return None
        text = self._table.item(row, column).text()
        return None if text == self._rows[row].slices else text

    def canBeTyped(self, column):
        """Whether a double click on this column starts typing."""
        return self._isEditable and column == SLICES

    def setExtentTip(self, text):
        """Explain the numbers of the column of mm at its title."""
        header = self._table.horizontalHeaderItem(_EXTENT)
        if header is not None:
            header.setToolTip(text)

    def selected(self):
        """Number of the selected slab, or None."""
        ranges = self._table.selectedItems()
        return ranges[0].row() if ranges else None

    def _fill(self, rows):
        self._table.clearSelection()
        self._table.setRowCount(len(rows))
        for row in rows:
            ratio = self._table.devicePixelRatioF()
            swatch = qt.QPixmap(round(_SWATCH * ratio), round(_SWATCH * ratio))
            swatch.setDevicePixelRatio(ratio)
            swatch.fill(qt.QColor.fromRgbF(*row.colour))
            texts = (str(row.number), row.state, row.slices, row.extent, row.size)
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                flags = qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled
                tip = _("Double click: show this slab in the slice views.")
                if self.canBeTyped(column):
                    flags |= qt.Qt.ItemIsEditable
                    tip = _("Double click: type first and last slice, or how many slices; its neighbours give way.")
                item.setFlags(flags)
                item.setToolTip(tip)
                if row.is_left_out:
                    item.setForeground(qt.QBrush(colourOn(self._table, QUIET)))
                if column == 0:
                    item.setIcon(qt.QIcon(swatch))
                self._table.setItem(row.number, column, item)
