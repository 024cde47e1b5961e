"""Volumes that Slicer loaded from its DICOM database: the command line's bytes, and what is left of changed ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from slab_exporter.core.errors import InputError, OutputError
from slab_exporter.core.geometry import Box
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.options import DicomOptions, ExportRequest, SeriesOptions, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.nodes import matrix_from_array, node_geometry, voxels_kji
from slab_exporter.pipeline.verification import verify_export
from support.dicom_phantoms import ORIGIN, SPACING, uid, voxels, write_series
from support.scene_series import Database, loaded
from support.scenes import held

SHAPE = (10, 9, 7)
DICOM = ExportRequest(slabs=SlabOptions(thickness=4), format="dicom")
NIFTI = ExportRequest(slabs=SlabOptions(thickness=4))


@pytest.fixture
def series(tmp_path):
    """A series whose images differ in exposure, with a patient."""
    return write_series(
        tmp_path / "in" / "ct", voxels(SHAPE), Exposure=lambda n: 100 + n, AcquisitionNumber=lambda n: n + 1, KVP=120
    )


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob(pattern)) if p.is_file()}


def images(out: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(out.rglob("*.dcm"))]


def copy_of(scene, node, array_kji=None, affine=None, kind="vtkMRMLScalarVolumeNode"):
    """A node with other voxels or another place that kept the attribute, as modules of Slicer leave it."""
    array = voxels_kji(node).copy() if array_kji is None else array_kji
    place = node_geometry(node).affine_ras if affine is None else affine
    other = held(scene, array.T, place, "changed", kind)
    other.SetAttribute("DICOM.instanceUIDs", node.GetAttribute("DICOM.instanceUIDs"))
    return other


@pytest.mark.parametrize(("request_", "pattern"), [(DICOM, "*.dcm"), (NIFTI, "*.nii.gz")], ids=["dicom", "nifti"])
def test_a_loaded_series_gives_the_command_lines_bytes(tmp_path, scene, series, run_cli, request_, pattern):
    node = loaded(scene, series)
    manifest = export_nodes(node, tmp_path / "gui", request_, case="case", database=Database(series))
    name = [] if request_.format != "dicom" else ["--format", "dicom"]
    listed = tmp_path / "list.csv"
    listed.write_text(f"case,image\ncase,{series}\n")
    assert run_cli("export", listed, "-o", tmp_path / "cli", "--thickness", 4, "--quiet", *name)[0] == 0
    ours, theirs = contents(tmp_path / "gui", pattern), contents(tmp_path / "cli", pattern)
    assert ours
    assert ours == theirs
    recorded = [json.loads((tmp_path / f / "case" / "manifest.json").read_text())["source"] for f in ("gui", "cli")]
    assert recorded[0] == recorded[1]
    assert manifest.source.series_instance_uid == uid("series")
    assert (tmp_path / "gui" / "case" / manifest.source.path).resolve() == series
    assert not any("scene" in text for text in manifest.warnings)
    assert [report.differences for report in verify_export(tmp_path / "gui")] == [()]


def test_the_slabs_of_a_loaded_series_keep_patient_study_place_and_image(tmp_path, scene, series):
    export_nodes(loaded(scene, series), tmp_path / "out", DICOM, database=Database(series))
    written = images(tmp_path / "out")
    assert [one.Exposure for one in written] == [100 + n for n in range(10)]
    for n, one in enumerate(written):
        assert (one.PatientName, one.PatientID) == ("Test^Phantom", "P1")
        assert (one.StudyInstanceUID, one.FrameOfReferenceUID) == (uid("study"), uid("frame"))
        source = pydicom.dcmread(series / f"{n:03d}")
        assert one.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert one.ImagePositionPatient == source.ImagePositionPatient
        np.testing.assert_array_equal(one.pixel_array, source.pixel_array)


def test_changed_voxels_are_derived_from_the_series_and_not_the_scanners(tmp_path, scene, series):
    node = loaded(scene, series)
    array = voxels_kji(node).copy()
    array[3, 4, 5] += 1
    manifest = export_nodes(copy_of(scene, node, array), tmp_path / "out", DICOM, database=Database(series))
    written = images(tmp_path / "out")
    assert written[3].pixel_array[4, 5] == voxels(SHAPE)[3, 4, 5] + 1
    for one in written:
        assert (one.PatientID, one.FrameOfReferenceUID) == ("P1", uid("frame"))
        assert "SourceImageSequence" not in one
        assert "Exposure" not in one
        assert one.KVP == 120
        assert one.ImageType[0] == "DERIVED"
        assert "changed in 3D Slicer" in one.DerivationDescription
    assert manifest.source.path is None
    assert manifest.source.series_instance_uid is None
    assert manifest.source.derived_from["series_instance_uid"] == uid("series")
    assert "'changed' was changed in Slicer since it was loaded from DICOM" in manifest.warnings[0]
    assert any("name none of its images" in text and "called CT" in text for text in manifest.warnings)


def test_a_cropped_volume_keeps_the_images_that_it_still_is(tmp_path, scene, series):
    node = loaded(scene, series)
    box = Box((1, 2, 3), (6, 9, 8))
    i, j, k = map(slice, box.start, box.stop)
    cropped = copy_of(scene, node, voxels_kji(node)[k, j, i], node_geometry(node).cropped(box).affine_ras)
    export_nodes(cropped, tmp_path / "out", DICOM, database=Database(series))
    written = images(tmp_path / "out")
    assert [one.Exposure for one in written] == [103, 104, 105, 106, 107]
    for n, one in enumerate(written):
        assert one.FrameOfReferenceUID == uid("frame")
        np.testing.assert_allclose(
            one.ImagePositionPatient, np.array(ORIGIN) + (1, 2, 3 + n) * np.array(SPACING), atol=1e-9
        )
        np.testing.assert_array_equal(one.pixel_array, voxels(SHAPE)[3 + n, 2:9, 1:6])
        assert "cropped in 3D Slicer" in one.DerivationDescription


@pytest.mark.parametrize("how", ["moved", "resampled"])
def test_a_volume_that_lies_elsewhere_gets_a_frame_of_reference_of_its_own(tmp_path, scene, series, how):
    node = loaded(scene, series)
    affine, array = node_geometry(node).affine_ras.copy(), None
    if how == "moved":
        affine[0, 3] += 5
    else:
        affine, array = affine @ np.diag([2.0, 2, 1, 1]), voxels_kji(node)[:, ::2, ::2]
    changed = copy_of(scene, node, array, affine)
    manifest = export_nodes(changed, tmp_path / "out", DICOM, database=Database(series))
    written = images(tmp_path / "out")
    frames = {one.FrameOfReferenceUID for one in written}
    assert len(frames) == 1
    assert frames != {uid("frame")}
    assert {one.StudyInstanceUID for one in written} == {uid("study")}
    assert ["Exposure" in one for one in written] == [how == "moved"] * 10  # whose images are untouched
    assert any("frame of reference of their own" in text for text in manifest.warnings)


def test_images_that_are_gone_are_counted_and_their_patient_can_be_given(tmp_path, scene, series):
    database, node = Database(series), loaded(scene, series)
    for number in (2, 3):
        (series / f"{number:03d}").unlink()
    request = ExportRequest(
        slabs=SlabOptions(thickness=4),
        format="dicom",
        dicom=DicomOptions(modality="MR", patient_name="Doe^Jane", patient_id="17"),
    )
    manifest = export_nodes(node, tmp_path / "out", request, database=database)
    first = images(tmp_path / "out")[0]
    assert (first.Modality, first.PatientName, first.PatientID) == ("MR", "Doe^Jane", "17")
    assert first.StudyInstanceUID != uid("study")
    assert "2 of its 10 images are not where Slicer's DICOM database had them" in manifest.warnings[0]
    assert any("Nothing is known of the patient" in text for text in manifest.warnings)
    alone = export_nodes(node, tmp_path / "none", NIFTI, database=None)
    assert "10 of its 10 images are not" in alone.warnings[0]
    assert not any("patient" in text for text in alone.warnings)


def test_a_part_of_a_series_does_not_pass_for_the_whole(tmp_path, scene, series):
    manifest = export_nodes(loaded(scene, series, count=6), tmp_path / "out", DICOM, database=Database(series))
    written = images(tmp_path / "out")
    assert [one.Exposure for one in written] == [100 + n for n in range(6)]
    assert manifest.source.path is None
    assert manifest.source.derived_from["files"] == 6
    assert "of which 6 images were loaded into 3D Slicer" in written[0].DerivationDescription


@pytest.mark.parametrize("kind", ["tilted", "uneven"])
def test_images_that_slicer_stacked_as_if_they_were_regular_are_refused(tmp_path, scene, kind):
    heights = [0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 26] if kind == "uneven" else None
    folder = write_series(tmp_path / "in" / "ct", voxels(SHAPE), heights, shift=1.0 if kind == "tilted" else 0.0)
    node = loaded(scene, folder)
    with pytest.raises(InputError, match=r"Slicer shows 'CT' up to \d.* mm away .* resample"):
        export_nodes(node, tmp_path / "out", DICOM, database=Database(folder))
    assert not (tmp_path / "out").exists()
    regular = copy_of(scene, node, voxels_kji(node) + 1)  # resampled by Slicer, as far as anybody can tell
    manifest = export_nodes(regular, tmp_path / "out", DICOM, database=Database(folder))
    first = images(tmp_path / "out")[0]
    assert first.PatientID == "P1"
    assert first.FrameOfReferenceUID != uid("frame")
    assert "made regular or changed in 3D Slicer" in first.DerivationDescription
    assert any("is not a regular volume as its DICOM images lie" in text for text in manifest.warnings)


def test_a_tilted_gantry_that_slicer_holds_as_a_sheared_volume_keeps_its_images(tmp_path, scene):
    folder = write_series(tmp_path / "in" / "ct", voxels(SHAPE), shift=1.0)
    node = loaded(scene, folder)
    sheared = node_geometry(node).affine_ras.copy()
    sheared[:3, 2] = (0, -1.0, SPACING[2])  # RAS: each image lies 1 mm further to the back
    request = ExportRequest(slabs=SlabOptions(thickness=4), format="nrrd")
    manifest = export_nodes(copy_of(scene, node, affine=sheared), tmp_path / "out", request, database=Database(folder))
    assert manifest.source.derived_from["done"] == "as 3D Slicer holds it"
    last = pydicom.dcmread(folder / "009").ImagePositionPatient
    np.testing.assert_allclose(manifest.slabs[-1].geometry.ras((0, 0, 1)) * (-1, -1, 1), last, atol=1e-6)


def test_a_transform_as_small_as_rounding_is_ignored_and_a_larger_one_is_not(tmp_path, scene, series):
    node = loaded(scene, series)
    put_under_grid(scene, node, np.full(10, 0.009))
    export_nodes(node, tmp_path / "out", DICOM, database=Database(series))
    assert images(tmp_path / "out")[0].SourceImageSequence
    put_under_grid(scene, node, np.full(10, 0.02))
    with pytest.raises(InputError, match="without it the volume lies elsewhere than the patient"):
        export_nodes(node, tmp_path / "other", DICOM, database=Database(series))


@pytest.mark.parametrize("option", ["resample", "allow_uneven"])
def test_uneven_images_under_slicers_transform_are_cut_as_the_command_cuts_them(tmp_path, scene, run_cli, option):
    heights = [0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 26]
    folder = write_series(tmp_path / "in" / "ct", voxels(SHAPE), heights)
    node = loaded(scene, folder)
    put_under_grid(scene, node, np.array(heights) - 26 / 9 * np.arange(10))
    accepted = SeriesOptions(resample=True) if option == "resample" else SeriesOptions(allow_uneven=4.0)
    request = ExportRequest(slabs=SlabOptions(thickness=4), format="dicom", series=accepted)
    manifest = export_nodes(node, tmp_path / "gui", request, case="case", database=Database(folder))
    listed, given = tmp_path / "list.csv", ["--resample"] if option == "resample" else ["--allow-uneven", 4]
    listed.write_text(f"case,image\ncase,{folder}\n")
    options = ["--thickness", 4, "--quiet", "--format", "dicom", *given]
    assert run_cli("export", listed, "-o", tmp_path / "cli", *options)[0] == 0
    assert contents(tmp_path / "gui", "*.dcm") == contents(tmp_path / "cli", "*.dcm")
    assert manifest.source.series_instance_uid == uid("series")


def test_what_is_accepted_of_images_does_not_hide_another_transform(tmp_path, scene, series):
    folder = write_series(tmp_path / "in" / "uneven", voxels(SHAPE), [0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 26])
    node = loaded(scene, folder)
    put_under_grid(scene, node, np.linspace(0, 3, 10))
    request = ExportRequest(slabs=SlabOptions(thickness=4), series=SeriesOptions(resample=True))
    with pytest.raises(InputError, match="away from where its DICOM images lie"):
        export_nodes(node, tmp_path / "out", request, database=Database(folder))
    regular = loaded(scene, series)
    put_under_grid(scene, regular, np.linspace(0, 3, 10))
    with pytest.raises(InputError, match="lies under the non-linear transform"):
        export_nodes(regular, tmp_path / "out", request, database=Database(series))


def put_under_grid(scene, node, mm):
    """A grid of displacements along z as Slicer puts it on uneven images: four for each, so many mm."""
    from slab_exporter.mrml.runtime import slicer_classes
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    grid = vtkImageData()
    grid.SetDimensions(2, 2, 10)
    grid.SetOrigin(*(node_geometry(node).ras((0, 0, 0))))
    grid.SetSpacing(*(node_geometry(node).spacing * (*node_geometry(node).shape_ijk[:2], 1)))
    vectors = np.zeros((40, 3))
    vectors[:, 2] = np.repeat(mm, 4)
    grid.GetPointData().SetScalars(numpy_to_vtk(vectors, deep=True))
    transform = slicer_classes().vtkOrientedGridTransform()
    transform.SetDisplacementGridData(grid)
    transform.SetGridDirectionMatrix(matrix_from_array(np.diag([-1.0, -1, 1, 1])))
    parent = scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "CT acquisition transform")
    parent.SetAndObserveTransformToParent(transform)
    node.SetAndObserveTransformNodeID(parent.GetID())


def test_a_label_map_that_kept_the_images_of_its_volume_is_not_called_ct(tmp_path, scene, series):
    node = loaded(scene, series)
    array = (voxels_kji(node) > -800).astype(np.uint8)
    drawn = copy_of(scene, node, array, kind="vtkMRMLLabelMapVolumeNode")
    export_nodes(drawn, tmp_path / "image", DICOM, database=Database(series))
    first = images(tmp_path / "image")[0]
    assert (first.Modality, first.PatientID) == ("OT", "P1")
    manifest = export_nodes(node, tmp_path / "both", NIFTI, drawn, case="case", database=Database(series))
    assert manifest.label_sources["labels"].derived_from is None
    assert read_manifest(tmp_path / "both" / "case").source.series_instance_uid == uid("series")


def test_a_changed_volume_without_identity_names_nobody(tmp_path, scene, series):
    request = ExportRequest(
        slabs=SlabOptions(thickness=4), format="dicom", dicom=DicomOptions(deidentify=True, modality="CT")
    )
    pytest.importorskip("dicomanonymizer")
    node = copy_of(scene, loaded(scene, series), voxels(SHAPE) + 1)
    node.SetName("Miller")
    export_nodes(node, tmp_path / "out", request, database=Database(series))
    text = "".join(p.read_text("latin-1") for p in (tmp_path / "out").rglob("*") if p.is_file())
    for word in ("Phantom", "P1\0", uid("study"), uid("series"), uid("frame"), "Miller"):
        assert word not in text, word


def test_two_places_of_one_volume_do_not_share_identifiers(tmp_path, scene):
    array, place = voxels(SHAPE), np.diag([1.0, 1, 2, 1])
    moved = place.copy()
    moved[0, 3] = 7
    found = []
    for affine in (place, moved):
        node = held(scene, array.T, affine, "made")
        export_nodes(node, tmp_path / "out", DICOM, case="case", replace=True)
        found.append({one.SOPInstanceUID for one in images(tmp_path / "out")})
    assert not found[0] & found[1]


def test_values_that_slicer_inverted_are_not_called_monochrome1(tmp_path, scene):
    folder = write_series(tmp_path / "in" / "ct", voxels(SHAPE), PhotometricInterpretation="MONOCHROME1")
    node = loaded(scene, folder)
    export_nodes(node, tmp_path / "same", DICOM, database=Database(folder))
    assert images(tmp_path / "same")[0].PhotometricInterpretation == "MONOCHROME1"
    inverted = copy_of(scene, node, -1 - voxels_kji(node))
    export_nodes(inverted, tmp_path / "inverted", DICOM, database=Database(folder))
    assert images(tmp_path / "inverted")[0].PhotometricInterpretation == "MONOCHROME2"
    pytest.importorskip("dicomanonymizer")
    nameless = replace(DICOM, dicom=DicomOptions(deidentify=True))
    export_nodes(inverted, tmp_path / "nameless", nameless, database=Database(folder))
    assert images(tmp_path / "nameless")[0].PhotometricInterpretation == "MONOCHROME2"


def test_a_changed_volume_without_identity_has_no_technique_of_one_image(tmp_path, scene, series):
    pytest.importorskip("dicomanonymizer")
    node = copy_of(scene, loaded(scene, series), voxels(SHAPE) + 1)
    request = replace(DICOM, dicom=DicomOptions(deidentify=True))
    manifest = export_nodes(node, tmp_path / "out", request, database=Database(series))
    assert all("Exposure" not in one and one.KVP == 120 for one in images(tmp_path / "out"))
    assert manifest.source.derived_from == {"files": SHAPE[0], "done": "changed in 3D Slicer"}


def test_two_volumes_that_slicer_stacked_into_one_are_refused(tmp_path, scene):
    array = np.concatenate([voxels(SHAPE), voxels(SHAPE) + 1])
    heights = [*range(10), *range(10)]
    folder = write_series(tmp_path / "in" / "mr", array, heights, EchoTime=lambda n: 5 if n < 10 else 80)
    node = held(scene, array.T, np.diag([-0.7, -0.9, 0.5, 1]), "both")
    uids = [pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in sorted(folder.iterdir())]
    node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    with pytest.raises(InputError, match="as one volume, but it holds 2 volumes of 10 slices"):
        export_nodes(node, tmp_path / "out", NIFTI, database=Database(folder))


def test_the_folder_of_the_images_is_no_output_folder(tmp_path, scene, series):
    node = loaded(scene, series)
    for out, case in ((series, "case"), (series.parent, series.name)):
        with pytest.raises(OutputError, match="is where the source 000 lies"):
            export_nodes(node, out, DICOM, case=case, replace=True, database=Database(series))
    assert len(list(series.iterdir())) == 10
