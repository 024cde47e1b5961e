"""Volumes oriented before they are cut: nothing moves, nothing is lost, and the way back is exact."""

from __future__ import annotations

import json
from itertools import cycle, product

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.cases.find import Case
from slab_exporter.cli.main import main
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.options import ExportRequest, PrepareOptions, SlabOptions
from slab_exporter.core.steps.codes import ORIENTATIONS
from slab_exporter.core.volume import SourceVolume
from slab_exporter.export.from_files import export_cases
from slab_exporter.export.survey import survey_case
from slab_exporter.inspection.dry_run import outlook
from slab_exporter.pipeline.verification import verify_export
from slab_exporter.prepare.preparation import preparation_of
from slab_exporter.stitch.stitching import StitchRequest, stitch_case
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, lopsided_phantom, save_nifti
from support.physical import assert_lies_in

SHAPE = (7, 9, 11)


def volume_of(array, place, path=None):
    return SourceVolume("ct", path, "", VolumeGeometry(array.shape, place), np.ascontiguousarray(array.T))


def test_there_are_48_orientations():
    assert len(ORIENTATIONS) == len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("oblique", [0.0, 17.0, 40.0])
def test_every_orientation_of_every_volume_holds_the_same_voxels_in_the_same_places(oblique):
    array = index_phantom(SHAPE)
    for orientation, code in product(SIGNED_PERMUTATIONS, ORIENTATIONS):
        volume = volume_of(array, affine(*orientation, oblique=oblique))
        preparation = preparation_of(volume.geometry, PrepareOptions(code))
        ready = preparation.image(volume)
        assert ready.geometry.orientation == code
        assert_lies_in((ready.voxels_kji.T, ready.geometry.affine_ras), (array, volume.geometry.affine_ras), 1e-9)
        assert ready.geometry.shape_ijk == preparation.grid.shape_ijk
        assert ready.geometry.corner_distance(preparation.grid) == 0


@pytest.mark.parametrize("oblique", [0.0, 17.0, 40.0])
def test_canonical_is_what_nibabel_makes(oblique):
    array = index_phantom(SHAPE)
    for orientation in SIGNED_PERMUTATIONS:
        place = affine(*orientation, oblique=oblique)
        expected = nib.as_closest_canonical(nib.Nifti1Image(array, place))
        volume = volume_of(array, place)
        ready = preparation_of(volume.geometry, PrepareOptions("canonical")).image(volume)
        np.testing.assert_array_equal(ready.voxels_kji.T, np.asanyarray(expected.dataobj))
        np.testing.assert_allclose(ready.geometry.affine_ras, expected.affine, rtol=0, atol=1e-10)


def test_an_orientation_is_what_monai_makes():
    transforms, data = pytest.importorskip("monai.transforms"), pytest.importorskip("monai.data")
    array = index_phantom(SHAPE, "float32")
    for orientation, code in zip(SIGNED_PERMUTATIONS, ORIENTATIONS, strict=True):
        place = affine(*orientation, oblique=12.0)
        tensor = data.MetaTensor(array[np.newaxis], affine=place)
        expected = transforms.Orientationd("image", axcodes=code)({"image": tensor})["image"]
        volume = volume_of(array, place)
        ready = preparation_of(volume.geometry, PrepareOptions(code)).image(volume)
        np.testing.assert_array_equal(ready.voxels_kji.T, np.asarray(expected)[0])
        np.testing.assert_allclose(ready.geometry.affine_ras, np.asarray(expected.affine), rtol=0, atol=1e-4)


def exported(folder, orient, array, place, labels=None, **options):
    folder.mkdir(parents=True, exist_ok=True)
    sets = {} if labels is None else {"organs": save_nifti(folder / "ct_organs.nii.gz", labels, place)}
    case = Case("ct", save_nifti(folder / "ct.nii.gz", array, place), sets)
    request = ExportRequest(SlabOptions(**options), prepare=PrepareOptions(orient))
    result = export_cases([case], folder / "out", request)
    assert not result.failures, result.failures[0].error
    return case, request, folder / "out" / "ct"


def test_export_and_stitch_give_the_source_back_byte_for_byte(tmp_path):
    rng = np.random.default_rng(1)
    orientations = cycle(SIGNED_PERMUTATIONS[5::7])
    for n, code in enumerate(ORIENTATIONS):
        array, labels = index_phantom(SHAPE, ("int16", "float32", "uint8")[n % 3]), rng.integers(0, 4, SHAPE, np.uint8)
        place = affine(*next(orientations), oblique=25.0 * (n % 2))
        _, _, folder = exported(tmp_path / code, code, array, place, labels, thickness=4)
        (report,) = verify_export(folder)
        assert (report.differences, report.unchecked) == ((), None)
        for label_set, name, voxels in ((None, "ct.nii.gz", array), ("organs", "ct_organs.nii.gz", labels)):
            source = nib.load(tmp_path / code / name)
            request = StitchRequest(label_set=label_set, grid="source")
            back = nib.load(
                stitch_case(folder / "manifest.json", tmp_path / code / "back.nii", request, None, True).path
            )
            found = np.asanyarray(back.dataobj)
            assert found.dtype == voxels.dtype
            assert found.tobytes() == voxels.tobytes()
            assert back.affine.tobytes() == source.affine.tobytes()
            assert back.header["sform_code"] == back.header["qform_code"] == 1
        cut = nib.load(stitch_case(folder / "manifest.json", tmp_path / code / "cut.nii", StitchRequest()).path)
        assert "".join(nib.aff2axcodes(cut.affine)) == code
        assert_lies_in((np.asanyarray(cut.dataobj), cut.affine), (array, place))


def test_slabs_lie_where_they_came_from_and_count_in_the_oriented_volume(tmp_path):
    array, place = index_phantom(SHAPE), affine((2, 0, 1), (-1, 1, -1), oblique=20.0)
    _, _, folder = exported(tmp_path, "LPS", array, place, thickness=3)
    manifest = read_manifest(folder)
    assert manifest.geometry.orientation == "LPS"
    assert manifest.source.geometry.orientation == "IRP"
    assert manifest.prepared.orient == "LPS"
    for slab in manifest.slabs:
        image = nib.load(folder / slab.image)
        assert "".join(nib.aff2axcodes(image.affine)) == "LPS"
        assert_lies_in((np.asanyarray(image.dataobj), image.affine), (array, place))
        assert slab.box.shape[:2] == manifest.geometry.shape_ijk[:2]


def test_a_nifti_that_was_rotated_far_from_the_origin_is_verified(tmp_path):
    """Positions beyond 2 m have few digits in a header: they are rounded once, not twice."""
    place = affine((1, 2, 0), (-1, 1, -1), origin=(2713.77, -3391.13, 4111.9), oblique=33.0)
    _, _, folder = exported(tmp_path, "RAS", index_phantom(SHAPE), place, thickness=2)
    assert not next(verify_export(folder)).differences


@pytest.mark.parametrize("kind", ["nrrd", "dicom"])
def test_other_formats_are_verified_and_come_back(tmp_path, kind):
    array, place = lopsided_phantom((16, 14, 12)), affine((0, 2, 1), (-1, 1, 1), oblique=10.0)
    source = save_nifti(tmp_path / "ct.nii.gz", array, place)
    result = se.export(source, tmp_path / "out", thickness=5, orient="LPS", format=kind, modality=None)
    assert not result.failures, result.failures[0].error
    assert [report.differences for report in se.verify(tmp_path / "out")] == [()]
    back = nib.load(se.stitch(tmp_path / "out" / "ct", tmp_path / "back.nii.gz", grid="source").path)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), array)
    np.testing.assert_array_equal(back.affine, nib.load(source).affine)


def test_predictions_go_back_onto_the_sources_grid(tmp_path):
    array, place = lopsided_phantom((20, 18, 16)), affine((0, 1, 2), (-1, -1, 1))
    _, _, folder = exported(tmp_path, "RAS", array, place, thickness=6)
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for slab in read_manifest(folder).slabs:
        image = nib.load(folder / slab.image)
        values = np.asanyarray(image.dataobj)
        channels = np.stack([values > 0, values > 200], axis=-1).astype(np.float32)
        nib.save(nib.Nifti1Image(channels, image.affine), predictions / slab.image.split("/")[1])
    result = se.stitch(folder, tmp_path / "back.nii.gz", predictions=predictions, grid="source")
    back = nib.load(result.path)
    np.testing.assert_array_equal(back.affine, nib.load(tmp_path / "ct.nii.gz").affine)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.stack([array > 0, array > 200], axis=-1))


def test_where_finds_the_slab_of_a_point_of_the_source(tmp_path):
    array, place = index_phantom(SHAPE), affine((2, 0, 1), (-1, 1, -1))
    _, _, folder = exported(tmp_path, "RAS", array, place, thickness=3)
    voxel = (2, 7, 3)
    for point in ({"ijk": voxel}, {"ras": tuple(nib.affines.apply_affine(place, voxel))}):
        found = se.where(folder, **point)
        assert found.voxel == voxel
        assert found.value == array[voxel]
        image = nib.load(folder / found.slabs[0].image)
        assert np.asanyarray(image.dataobj)[found.slabs[0].voxel] == array[voxel]
    cut = read_manifest(folder).geometry
    np.testing.assert_allclose(found.to_json()["prepared"]["ijk"], cut.ijk(found.ras))
    assert "voxel of what was cut" in found.to_text()


def test_what_is_said_before_agrees_with_what_is_made(tmp_path):
    array, place = index_phantom(SHAPE), affine((2, 0, 1), (-1, 1, -1))
    case, request, folder = exported(tmp_path, "SRA", array, place, thickness=3)
    made = [(slab.box.start, slab.box.stop) for slab in read_manifest(folder).slabs]
    plan = se.plan(case.image, thickness=3, orient="SRA")
    assert [(slab.box.start, slab.box.stop) for slab in plan.slabs] == made
    before = outlook(None, case, request)
    assert [(slab.box.start, slab.box.stop) for slab in before.plan.slabs] == made
    assert survey_case(case, request).slices == plan.geometry.shape_ijk[0]
    assert survey_case(case, request).memory > survey_case(case, ExportRequest()).memory


def test_an_export_is_resumed_as_the_same_only_with_the_same_orientation(tmp_path):
    case, _, folder = exported(tmp_path, "LPS", index_phantom(SHAPE), affine(), thickness=4)

    def is_kept(orient) -> bool:
        kinds = []
        request = ExportRequest(SlabOptions(thickness=4), prepare=PrepareOptions(orient))
        export_cases([case], tmp_path / "out", request, lambda event: kinds.append(event.kind), resume=True)
        return "case-skipped" in kinds

    assert [is_kept(orient) for orient in ("lps", "canonical", "RAS", None, None)] == [True, False, True, False, True]
    document = json.loads((folder / "manifest.json").read_text())
    assert "prepared" not in document
    assert "prepare" not in document["plan"]["asked"]


def test_a_manifest_that_states_another_grid_is_not_verified(tmp_path):
    _, _, folder = exported(tmp_path, "RAS", index_phantom(SHAPE), affine((1, 0, 2)), thickness=4)
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    document["prepared"]["affine_ras"][0][3] += 0.5
    path.write_text(json.dumps(document))
    (report,) = verify_export(folder)
    assert "The manifest's grid of the prepared volume is 0.50 mm" in report.differences[0]
    document["prepared"]["orient"]["axes"] = [0, 0, 2]
    path.write_text(json.dumps(document))
    (report,) = verify_export(folder)
    assert "is damaged" in report.differences[0]


def test_directions_of_the_scan_follow_the_axes(tmp_path):
    image = nib.Nifti1Image(index_phantom(SHAPE), affine(signs=(1, 1, -1)))
    image.header.set_dim_info(freq=0, phase=1, slice=2)
    image.header["slice_code"], image.header["descrip"] = 1, b"head"
    nib.save(image, tmp_path / "ct.nii")
    se.export(tmp_path / "ct.nii", tmp_path / "out", orient="SAR", axis="i")
    header = nib.load(tmp_path / "out" / "ct" / "images" / "ct_slab-000.nii.gz").header
    assert header.get_dim_info() == (2, 1, 0)
    assert header["slice_code"] == 2  # slices run the other way round
    assert header["descrip"] == b"head"
    back = se.stitch(tmp_path / "out" / "ct", tmp_path / "back.nii", grid="source")
    header = nib.load(back.path).header
    assert header.get_dim_info() == (0, 1, 2)
    assert header["slice_code"] == 1


@pytest.mark.parametrize("code", ["RAR", "XYZ", "RA", "", "RASL", "oblique"])
def test_letters_that_name_no_orientation_are_refused(code):
    with pytest.raises(RequestError, match="one letter each of R or L, A or P, S or I") as caught:
        PrepareOptions(code)
    assert caught.value.option == "orient"


def test_the_command_line_orients_and_leads_back(tmp_path, capsys):
    array = index_phantom(SHAPE)
    source = save_nifti(tmp_path / "ct.nii", array, affine(signs=(-1, 1, -1)))
    out = tmp_path / "out"
    export = ["export", str(source), "-o", str(out), "--orient"]
    assert main([*export, "RSX"]) == 2
    assert "The orientation cannot be 'RSX'" in capsys.readouterr().err
    assert not out.exists()
    assert main([*export, "ras", "--dry-run"]) == 0
    assert "  RAS  " in capsys.readouterr().out
    assert main([*export, "canonical"]) == 0
    assert main(["verify", str(out)]) == 0
    assert main(["stitch", str(out / "ct"), "-o", str(tmp_path / "b.nii"), "--grid", "source"]) == 0
    np.testing.assert_array_equal(np.asanyarray(nib.load(tmp_path / "b.nii").dataobj), array)
