"""Colours of the panel on the theme of the moment, light or dark."""

import qt

from ..colours import NOTE, QUIET


def isDark(widget):
    """Return whether a widget is shown on a dark theme."""
    palette = widget.palette
    return palette.color(qt.QPalette.Base).lightness() < palette.color(qt.QPalette.Text).lightness()


def colourOn(widget, colour):
    """Return one of ``colours`` as it is readable on a widget."""
    return qt.QColor(colour.on(isDark(widget)))


def paintLabels(ui):
    """Give the panel's lines their colours; again after the theme was changed.

    :param ui: the panel's widgets by name.
    """
    for label, colour in (
        (ui.notesLabel, NOTE),
        (ui.tableLabel, NOTE),
        (ui.reasonLabel, QUIET),
        (ui.stitchSummaryLabel, QUIET),
    ):
        # the label's own palette follows its style sheet: ask its parent's
        style = f"color: {colour.on(isDark(label.parent()))};"
        if label.styleSheet != style:
            label.setStyleSheet(style)
