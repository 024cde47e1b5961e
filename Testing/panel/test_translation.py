"""The panel's texts go through the application's translation; outside of Slicer they are English."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from slab_exporter.core.options import REMAINDER_WORDS
from SlabExporterPanel import choices, translation
from SlabExporterPanel.translation import tr
from SlabExporterPanel.views.following import fitting
from SlabExporterPanel.views.panel_view import panel_view
from support.phantoms import affine, index_phantom
from support.scenes import held

PANEL = Path(translation.__file__).parent
TRANSLATED = [
    PANEL / "choices.py",
    *sorted((PANEL / "views").glob("*.py")),
    *sorted((PANEL / "views" / "stitching").glob("*.py")),
    *sorted((PANEL / "folder").glob("*.py")),
]


@pytest.fixture
def german(monkeypatch):
    """An application that marks what it translates; returns the contexts it was asked in."""
    asked = {}

    def translate(context, text):
        asked[text] = context
        return "Anderer {Fehler}" if "unticked" in text else f"«{text}»"

    monkeypatch.setitem(sys.modules, "slicer.i18n", SimpleNamespace(translate=translate))
    return asked


def test_without_an_application_texts_are_english():
    assert "slicer.i18n" not in sys.modules
    assert tr("Choose the volume to cut.") == "Choose the volume to cut."


def test_texts_are_translated_in_the_context_of_their_file(german, settings, volume):
    """As Slicer's tools name the contexts of files in packages."""
    view = panel_view(settings, None)
    assert view.export.tooltip == "«Choose the volume to cut.»"
    assert german["Choose the volume to cut."] == "views.panel_view"
    assert panel_view(settings, volume).headers[1] == "«State»"


def test_values_are_put_into_a_translation_and_a_wrong_one_is_not_used(german, settings, volume, tmp_path, scene):
    view = panel_view(settings, volume)
    assert f"«The folder {tmp_path / 'out'} is new and will be made.»" in view.summary
    other = held(scene, index_phantom((9, 8, 23)), affine(origin=(0, 0, 0)), "next")
    organs = held(scene, index_phantom((9, 8, 23)), affine(), "organs", "vtkMRMLLabelMapVolumeNode")
    assert fitting((organs,), other)[1] == ("'organs' was unticked: of another volume than 'next'.",)


def test_the_last_slab_is_called_as_on_the_command_line():
    assert {one.value: one.label() for one in choices.Remainder} == REMAINDER_WORDS


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.name)
def test_every_sentence_of_the_panel_can_be_translated(path):
    """A text that begins like a sentence stands in ``_(...)``; messages of raised errors are the library's kind."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    apart = {id(text) for node in ast.walk(tree) if _is_apart(node) for text in ast.walk(node)}
    loose = [node.value for node in ast.walk(tree) if _is_sentence(node) and id(node) not in apart]
    assert loose == []


def test_texts_of_ui_files_can_be_translated():
    """All but values that the user types, such as "auto"."""
    for path in (PANEL.parent / "Resources" / "UI").glob("*.ui"):
        kept = [s.text for s in ElementTree.parse(path).getroot().iter("string") if s.get("notr") == "true"]
        assert set(kept) <= {"auto"}, path.name


def _is_apart(node):
    translated = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return translated or is_docstring or isinstance(node, ast.Raise)


def _is_sentence(node):
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value[:1].isupper()
        and " " in node.value
    )
