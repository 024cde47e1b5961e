"""The table of cases: rows of the folder's board in a QTableWidget."""

import qt

from ...colours import BAD, GOOD
from ..theme import colourOn, isDark

_STATE, _WIDTHS = 1, (105, 190, 45, 110, 95, 60)


class CaseTable:
    """Shows rows, and nothing else.

    :param table: QTableWidget of the .ui file.
    """

    def __init__(self, table):
        from ...folder.rows import HEADERS

        self._table, self._board, self._wasDark = table, None, isDark(table)
        table.setColumnCount(len(HEADERS))
        table.setHorizontalHeaderLabels(list(HEADERS))
        table.verticalHeader().visible = False
        table.verticalHeader().setDefaultSectionSize(22)
        table.horizontalHeader().highlightSections = False
        table.horizontalHeader().stretchLastSection = True
        for column, width in enumerate(_WIDTHS):
            table.setColumnWidth(column, width)

    def show(self, board):
        """Bring the rows to what is known; those that have not changed stay as they are.

        :param board: SlabExporterPanel.folder.board.FolderBoard, or None for an empty table.
        """
        if board is not self._board:
            self._board = board
            self._empty()
        if board is None:
            return
        changed, wasDark, self._wasDark = board.changed(), self._wasDark, isDark(self._table)
        if wasDark != self._wasDark:
            changed = range(len(board.rows))
        if self._table.rowCount != len(board.rows):
            self._table.setRowCount(len(board.rows))
        for number in changed:
            self._fill(number, board.rows[number])

    def _empty(self):
        """Remove all rows; whoever follows the selection must not come back before that is done."""
        wasBlocked = self._table.blockSignals(True)
        self._table.clearSelection()
        self._table.setRowCount(0)
        self._table.blockSignals(wasBlocked)

    def selected(self):
        """Return the number of the selected row, or None."""
        items = self._table.selectedItems()
        return items[0].row() if items else None

    def _fill(self, number, row):
        details = row.details
        for column, text in enumerate(row.cells):
            item = self._table.item(number, column)
            if item is None:
                item = qt.QTableWidgetItem()
                item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                self._table.setItem(number, column, item)
            if item.text() != text:
                item.setText(text)
            if column <= _STATE:
                item.setToolTip(details)
            if column == _STATE:
                item.setForeground(qt.QBrush(self._colour(row)))

    def _colour(self, row):
        if row.is_bad:
            return colourOn(self._table, BAD)
        if row.stage == "complete":
            return colourOn(self._table, GOOD)
        return self._table.palette.color(qt.QPalette.Text)
