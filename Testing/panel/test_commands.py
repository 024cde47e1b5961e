"""Settings of the panel as a command line and as Python: both ask for what the panel asks for; no Qt."""

from __future__ import annotations

import ast
import inspect
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import slab_exporter as se
from slab_exporter.cli.export import request_of as request_of_command
from slab_exporter.cli.main import build_parser
from slab_exporter.core.text import Package, Sentence
from SlabExporterPanel.settings import DicomTexts, PanelSettings, data_set_of, request_of
from SlabExporterPanel.views import commands
from SlabExporterPanel.views.commands import camel_case, command_line, python_lines
from SlabExporterPanel.views.presets import PRESETS, apply
from SlabExporterPanel.views.words import in_panel_words, missing_package
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import add_roi, held, load, node_geometry

SHAPE = (9, 8, 23)
SETTINGS = [
    PanelSettings(),
    PanelSettings(thickness=32, overlap=8, axis="coronal", remainder="pad", fill="-1024"),
    PanelSettings(thickness=96.5, unit="mm", format="nrrd", compression="small"),
    PanelSettings(block="64,64,all", overlap=8, remainder="shift", keep="labelled", min_percent=5),
    PanelSettings(block="40,40.5,all", unit="mm"),
    PanelSettings(cut_at="12, 5", overlap=2, axis="k", remainder="pad"),
    PanelSettings(thickness=40, spacing="1,1,2.5"),
    PanelSettings(nnunet_id=7, nnunet_name="Liver"),
    PanelSettings(crop=True, crop_to="body", margin=10, orient="lps"),
    PanelSettings(format="dicom", dicom=DicomTexts("MR", "Doe^Jane", "17 b", "Follow-up of O'Hara")),
]


@pytest.fixture
def volume(tmp_path, scene):
    return load(scene, save_nifti(tmp_path / "my ct.nii.gz", index_phantom(SHAPE), affine()))


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_command_line_asks_for_the_same(settings, volume, tmp_path):
    program, *arguments = shlex.split(command_line(settings, volume))
    options = build_parser().parse_args(arguments)
    assert program == "slab-exporter"
    assert list(map(str, options.inputs)) == [str(tmp_path / "my ct.nii.gz")]
    assert request_of_command(options) == request_of(settings)
    layout = data_set_of(settings)
    assert (options.layout, options.dataset_id, options.dataset_name) == (
        layout.layout,
        layout.dataset_id,
        layout.dataset_name,
    )


def test_the_command_line_names_labels_roi_and_what_it_cannot_know(scene, volume, tmp_path):
    organs = load(scene, save_nifti(tmp_path / "organs.nii.gz", index_phantom(SHAPE), affine()))
    drawn = held(scene, index_phantom(SHAPE), affine(), "drawn")
    roi = add_roi(scene, node_geometry(volume), node_geometry(volume).box)
    text = command_line(PanelSettings(output="/data/slabs", name="second"), volume, (organs, drawn), roi)
    *notes, line = text.splitlines()
    assert notes == [
        "# save 'drawn' as a file first",
        "# save 'Liver box' as a file first",
        "# the case is called my ct after the file, not second",
    ]
    words = shlex.split(line)
    assert words[words.index("-o") + 1] == "/data/slabs"
    assert f"organs={tmp_path / 'organs.nii.gz'}" in words
    assert words[words.index("--within") + 1] == "Liver box"


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_python_lines_can_be_run_and_name_what_differs(settings, volume):
    lines = python_lines(settings, volume, (volume,))
    called = {}
    logic = SimpleNamespace(exportSlabs=lambda *nodes, **options: called.update(options, nodes=nodes))
    util = SimpleNamespace(getNode=lambda name: f"node {name}")
    names = {"SlabExporterLogic": lambda: logic, "slicer": SimpleNamespace(util=util)}
    exec(lines.partition("\n")[2], names)
    assert set(called) - {"nodes"} <= console_keywords()
    assert called.pop("nodes") == ("node my ct", "OUT", "node my ct")
    slabs = request_of(settings).slabs
    assert called.get("overlap", 0) == slabs.overlap
    assert called.get("fill") == slabs.fill
    assert tuple(called.get("block") or ()) == (slabs.block or ())
    assert called.get("thicknessMm") == slabs.thickness_mm
    assert tuple(called.get("cutAt") or ()) == (slabs.cut_at or ())
    assert called.get("cropTo") == request_of(settings).limit.crop_to
    assert called.get("patientName") == request_of(settings).dicom.patient_name


# Of ``export`` in Python, what has another name for nodes of a scene, and what is about files or many cases.
OTHER_NAMES = {"inputs", "out", "within", "labels", "channels"}
ABOUT_FILES = {
    "overlapping",
    "nifti_transform",
    "allow_outside_data",
    "options",
}
ABOUT_MANY = {"split_series", "key_file", "jobs", "dask", "shard", "split", "seed", "group_by", "resume"}


def console_keywords() -> set[str]:
    """Return what ``exportSlabs`` takes; its module needs Slicer, and so it is read."""
    source = (Path(commands.__file__).parents[1] / "logic.py").read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    arguments = next(node.args for node in functions if node.name == "exportSlabs")
    return {argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)}


def test_the_console_takes_every_option_that_is_about_one_volume_of_a_scene():
    options = set(inspect.signature(se.export).parameters)
    assert options >= OTHER_NAMES | ABOUT_FILES | ABOUT_MANY
    wanted = {camel_case(keyword) for keyword in options - OTHER_NAMES - ABOUT_FILES - ABOUT_MANY}
    nodes = {"self", "volumeNode", "outputDirectory", "labelNodes", "channelNodes", "roiNode", "name"}
    assert console_keywords() == wanted | nodes


def test_presets_say_all_that_shapes_pieces():
    settings = PanelSettings(block="9,9,9", cut_at="7", crop=True, overlap=3, unit="mm", axis="k", remainder="pad")
    for preset in PRESETS:
        node = _Node(settings)
        apply(preset, node)
        assert node.onePiece is False
        assert node.cutAt == ""
        assert (node.block == "") != (preset.title == "Blocks of 128")
        assert (node.unit == "mm") == preset.title.endswith("mm")


class _Node:
    """Settings by the names of the parameter node, as plain values."""

    def __init__(self, settings: PanelSettings) -> None:
        self.block, self.onePiece, self.overlap = settings.block, settings.crop, settings.overlap
        self.cutAt = settings.cut_at
        self.remainder, self.axis, self.unit = settings.remainder, settings.axis, settings.unit
        self.thickness, self.fileFormat = float(settings.thickness), settings.format
        self.nnunetId, self.nnunetName = settings.nnunet_id, settings.nnunet_name


def test_a_missing_package_is_named_as_slicer_installs_it():
    text = Sentence("It needs highdicom: ", Package("highdicom", "'slab-exporter[dicom-seg]'"), ".")
    assert in_panel_words(text) == "It needs highdicom: slicer.util.pip_install('highdicom')."
    assert missing_package(["nothing", text]) == "highdicom"
    assert missing_package(["nothing", Sentence("no package")]) == ""
    assert "pip install 'slab-exporter[dicom-seg]' (in Slicer: slicer.util.pip_install('highdicom'))" in text
