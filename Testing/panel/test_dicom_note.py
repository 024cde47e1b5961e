"""The note above the panel's DICOM fields, and the library's sentences about images in the panel's words."""

from __future__ import annotations

import shlex

from SlabExporterPanel.settings import PanelSettings
from SlabExporterPanel.views.commands import command_line
from SlabExporterPanel.views.dicom_note import DicomNote, dicom_note
from support.dicom_phantoms import voxels, write_series
from support.scene_series import Database, loaded


def test_the_note_says_where_patient_and_study_come_from(tmp_path, scene, volume):
    folder = write_series(tmp_path / "ct", voxels())
    node, database = loaded(scene, folder), Database(folder)
    assert dicom_note(volume, database) == ""
    taken = "What you leave empty here is taken from the 6 images in Slicer's DICOM database."
    assert dicom_note(node, database) == taken
    (folder / "002").unlink()
    assert "1 of its 6 images is not where Slicer's DICOM database had them" in dicom_note(node, database)
    assert "6 of its 6 images are not" in dicom_note(node, None)


def test_the_database_is_asked_once_a_volume(tmp_path, scene, volume):
    folder = write_series(tmp_path / "ct", voxels())
    node, database, note = loaded(scene, folder), Database(folder), DicomNote()
    first = note.follow(node, database)
    (folder / "002").unlink()
    assert note.follow(node, database) == first
    assert note.follow(volume, database) == ""
    assert note.follow(None, database) == ""
    assert "1 of its 6 images" in note.follow(node, database)
    assert "6 of its 6 images" in note.follow(node, None)


def test_the_command_of_a_loaded_series_names_its_folder_and_does_the_same(tmp_path, scene, run_cli):
    folder = write_series(tmp_path / "in put", voxels())
    node, settings = loaded(scene, folder), PanelSettings(thickness=4, output=str(tmp_path / "out"), format="dicom")
    note, line = command_line(settings, node, database=Database(folder)).splitlines()
    assert note == "# each series in the folder becomes a case, called after patient, date and series"
    _, *arguments = shlex.split(line)
    assert arguments[:2] == ["export", str(folder)]
    assert run_cli(*arguments)[0] == 0
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 6
    assert "save 'CT' as a file first" in command_line(settings, node)
