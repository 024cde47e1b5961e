"""Texts can be read on light and on dark themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from SlabExporterPanel.colours import BAD, GOOD, NOTE, QUIET, contrast

PANEL = Path(__file__).parents[2] / "SlabExporter" / "SlabExporterPanel"
# Windows and tables of Slicer's light and dark styles, Fusion, and macOS.
LIGHT, DARK = ("#ffffff", "#efefef", "#ececec"), ("#323232", "#232323", "#353535", "#1e1e1e")
# WCAG 2.1, level AA for texts
LEAST = 4.5


@pytest.mark.parametrize("colour", [GOOD, BAD, NOTE, QUIET])
def test_every_colour_is_readable_on_either_theme(colour):
    assert min(contrast(colour.on_light, ground) for ground in LIGHT) >= LEAST
    assert min(contrast(colour.on_dark, ground) for ground in DARK) >= LEAST
    assert (colour.on(False), colour.on(True)) == (colour.on_light, colour.on_dark)


def test_no_colour_of_a_text_stands_elsewhere():
    """Neither in .ui files, where it would be the same on every theme, nor in the code of widgets."""
    for path in (PANEL.parent / "Resources" / "UI").glob("*.ui"):
        assert not re.search(r"color:|<color", path.read_text(encoding="utf-8")), path.name
    for path in (PANEL / "window").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"QColor\(\d|#[0-9a-fA-F]{6}", text), path.name
