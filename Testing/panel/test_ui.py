"""The panel's .ui file, loaded by PySide6 without Slicer: names, tooltips, bindings; a picture to look at."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

MODULE = Path(__file__).parents[2] / "SlabExporter"
UI = MODULE / "Resources" / "UI" / "SlabExporter.ui"
SECTIONS = [MODULE / "Resources" / "UI" / "FolderSection.ui"]  # made apart, and put into the panel
PANEL_CODE = [MODULE / "SlabExporter.py", *sorted((MODULE / "SlabExporterPanel").rglob("*.py"))]
CONTROLS = {
    "QComboBox",
    "QCheckBox",
    "QDoubleSpinBox",
    "QLabel",
    "QLineEdit",
    "QProgressBar",
    "QPushButton",
    "QSpinBox",
    "QTableWidget",
    "QToolButton",
    "ctkPathLineEdit",
    "qMRMLCheckableNodeComboBox",
    "qMRMLNodeComboBox",
}


@pytest.fixture(scope="module")
def panel():
    """The panel made by PySide6; Slicer's and CTK's widgets are plain place-holders."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    widgets = pytest.importorskip(
        "PySide6.QtWidgets", reason="PySide6 is not installed (pip install 'slab-exporter[test]')"
    )
    loader_module = pytest.importorskip("PySide6.QtUiTools", reason="PySide6 has no QtUiTools")

    application = widgets.QApplication.instance() or widgets.QApplication([])
    loader = loader_module.QUiLoader()
    classes = [type(name, (base,), {}) for name, base in _place_holders(widgets).items()]  # the loader keeps none alive
    for one in classes:
        loader.registerCustomWidget(one)
    made = loader.load(str(UI))
    assert made is not None, loader.errorString()
    for path in SECTIONS:
        section = loader.load(str(path), made)
        assert section is not None, loader.errorString()
        made.layout().insertWidget(made.layout().count() - 1, section)
    yield made
    made.deleteLater()
    application.processEvents()


def _place_holders(widgets):
    return {
        "qMRMLWidget": widgets.QWidget,
        "ctkCollapsibleButton": widgets.QGroupBox,
        "ctkPathLineEdit": widgets.QLineEdit,
        "qMRMLNodeComboBox": widgets.QComboBox,
        "qMRMLCheckableNodeComboBox": widgets.QComboBox,
    }


def _names_used() -> set[str]:
    used = set()
    for path in PANEL_CODE:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"\bui\.([a-z]\w*)", text))
        sections = re.search(r"^SECTIONS = (\(.*?\))$", text, re.MULTILINE)
        if sections:
            used |= set(ast.literal_eval(sections[1]))
    return used


def _elements():
    roots = [ElementTree.parse(path).getroot() for path in (UI, *SECTIONS)]
    return [(w.get("class"), w.get("name"), w) for root in roots for w in root.iter("widget")]


def test_every_widget_that_the_code_names_is_in_the_ui_file(panel):
    from PySide6.QtWidgets import QWidget

    names = {child.objectName() for child in panel.findChildren(QWidget)}
    assert len(_names_used()) > 15
    assert _names_used() <= names


def test_every_control_has_a_tooltip():
    without = [
        name
        for kind, name, element in _elements()
        if kind in CONTROLS and element.find("property[@name='toolTip']/string") is None
    ]
    assert without == []


def test_no_sentence_makes_the_panel_wider():
    wrapped = [w for _, _, w in _elements() if w.findtext("property[@name='wordWrap']/bool") == "true"]
    policies = [w.find("property[@name='sizePolicy']/sizepolicy") for w in wrapped]
    # Qt gives a label of four lines the width of eighty letters, unless the layout ignores what it would like
    assert [p is not None and p.get("hsizetype") for p in policies] == ["Ignored"] * len(wrapped)
    assert len(wrapped) > 10


def test_every_binding_names_a_setting_of_the_parameter_node():
    bound = {
        p.findtext("string") for _, _, w in _elements() for p in w.findall("property[@name='SlicerParameterName']")
    }
    tree = ast.parse((MODULE / "SlabExporterPanel" / "parameters.py").read_text(encoding="utf-8"))
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "SlabExporterParameterNode")
    settings = {s.target.id for s in node.body if isinstance(s, ast.AnnAssign)}
    by_hand = {
        "labels",
        "outputFolder",
        "caseName",
        "namedVolume",
        "stitchManifest",
        "stitchPart",
        "stitchPredictions",
        "stitchOutput",
    }
    assert settings - bound == by_hand  # Slicer has no connector for them
    assert bound <= settings


def test_the_panel_can_be_looked_at(panel, tmp_path_factory):
    """Renders the panel as it stands before a volume is chosen; set SLABEXPORTER_PANEL_PNG to keep the picture."""
    path = Path(os.environ.get("SLABEXPORTER_PANEL_PNG", tmp_path_factory.mktemp("panel") / "panel.png"))
    _dress(panel)
    panel.resize(440, panel.sizeHint().height())
    assert panel.grab().save(str(path))
    assert path.stat().st_size > 5000
    assert panel.sizeHint().width() <= 480  # fits Slicer's module panel without a scroll bar


def _dress(panel):
    """Fill the place-holders with what Slicer shows."""
    from PySide6.QtWidgets import QComboBox, QGroupBox
    from SlabExporterPanel import choices as panel_choices

    for name, choices in {
        "axisComboBox": panel_choices.Axis,
        "framesComboBox": panel_choices.Frames,
        "unitComboBox": panel_choices.Unit,
        "remainderComboBox": panel_choices.Remainder,
        "formatComboBox": panel_choices.Format,
        "compressionComboBox": panel_choices.Compression,
        "keepComboBox": panel_choices.Keep,
        "cropToComboBox": panel_choices.CropTo,
        "stitchBlendComboBox": panel_choices.Blend,
        "stitchGridComboBox": panel_choices.Grid,
    }.items():
        panel.findChild(QComboBox, name).addItems([c.label() for c in choices])
    for box in panel.findChildren(QGroupBox):
        box.setTitle(str(box.property("text")))
