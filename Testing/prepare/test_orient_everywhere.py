"""Oriented volumes of every origin: DICOM series, scenes, deidentified ones; and what people see of them."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import slab_exporter as se
from slab_exporter.core.geometry import Box
from slab_exporter.core.options import ExportRequest, PrepareOptions, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.report.pictures import preview_paths
from SlabExporterPanel.views.panel_view import plan_of
from support.dicom_phantoms import voxels, write_series
from support.phantoms import affine, index_phantom, lopsided_phantom, save_nifti
from support.physical import assert_lies_in, nifti
from support.scenes import add_roi, load, node_geometry, user_scene

SHAPE = (9, 7, 11)


def test_pictures_of_the_report_do_not_depend_on_the_orientation(tmp_path):
    source = save_nifti(tmp_path / "ct.nii.gz", lopsided_phantom((21, 19, 17)), affine((2, 0, 1), (-1, 1, -1)))
    pictures = []
    for code in (None, "RAS", "PIR", "LSA"):
        se.export(source, tmp_path / str(code), orient=code, thickness=8)
        found = preview_paths(tmp_path / str(code) / "ct")
        pictures.append({name: path.read_bytes() for name, path in found.items()})
        page = (tmp_path / str(code) / "report.html").read_text()
        assert f'data-orientation="{code or "IRP"}"' in page
    assert all(others == pictures[0] for others in pictures[1:])


@pytest.mark.parametrize("kind", ["nii.gz", "dicom"])
@pytest.mark.parametrize("code", ["LPI", "RAS", "PSL"])
def test_a_series_is_oriented_and_comes_back(tmp_path, kind, code):
    folder = tmp_path / "series"
    write_series(folder, voxels())
    out = tmp_path / "out"
    result = se.export(folder, out, orient=code, thickness=4, format=kind)
    assert not result.failures, result.failures[0].error
    assert [report.differences for report in se.verify(out)] == [()]
    (manifest,) = result.manifests
    assert manifest.geometry.orientation == code
    assert manifest.source.geometry.orientation == "LPS"
    back = se.stitch(out / manifest.case, tmp_path / "back.nii.gz", grid="source")
    plain = se.export(folder, tmp_path / "plain", format="nii.gz", thickness=99).manifests[0]
    expected = nib.load(tmp_path / "plain" / plain.case / plain.slabs[0].image)
    np.testing.assert_array_equal(np.asanyarray(nib.load(back.path).dataobj), np.asanyarray(expected.dataobj))
    np.testing.assert_allclose(nib.load(back.path).affine, expected.affine, atol=1e-5)


def test_images_of_an_oriented_series_name_their_source_only_where_they_are_one_image_of_it(tmp_path):
    write_series(tmp_path / "series", voxels())
    uids, heads = [], {}
    for code in (None, "LPI", "RAS"):
        out = tmp_path / str(code)
        (manifest,) = se.export(tmp_path / "series", out, orient=code, format="dicom").manifests
        images = [pydicom.dcmread(path) for path in sorted((out / manifest.case / manifest.slabs[0].image).iterdir())]
        uids += [image.SOPInstanceUID for image in images]
        heads[code] = {tuple(np.float64(image.ImagePositionPatient).round(3)): image for image in images}
        if code is not None:
            assert f"its axes put in the order {code}, cut by" in images[0].DerivationDescription
    assert len(set(uids)) == len(uids)
    for place, image in heads[None].items():
        source = image.SourceImageSequence[0].ReferencedSOPInstanceUID
        assert heads["LPI"][place].SourceImageSequence[0].ReferencedSOPInstanceUID == source
        np.testing.assert_array_equal(heads["LPI"][place].pixel_array, image.pixel_array)
    assert not any("SourceImageSequence" in image for image in heads["RAS"].values())


def test_a_deidentified_case_is_oriented(tmp_path):
    array, place = index_phantom(SHAPE), affine((1, 0, 2), (1, -1, 1))
    save_nifti(tmp_path / "smith.nii.gz", array, place)
    (manifest,) = se.export(tmp_path / "smith.nii.gz", tmp_path / "out", orient="RAS", deidentify=True).manifests
    folder = tmp_path / "out" / manifest.case
    assert "smith" not in (folder / "manifest.json").read_text().lower()
    assert_lies_in(nifti(folder / manifest.slabs[0].image), (array, place))
    (report,) = se.verify(folder)
    assert not report.differences
    assert "does not name the source" in report.unchecked
    back = nib.load(se.stitch(folder, tmp_path / "back.nii.gz", grid="source").path)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), array)


@pytest.mark.parametrize("signs", [(-1, 1, 1), (1, 1, 1)])
def test_a_volume_of_a_scene_is_oriented_and_stays_within_its_roi(tmp_path, signs):
    (tmp_path / "in").mkdir()
    array, place = index_phantom(SHAPE), affine(signs=signs)
    scene = user_scene()
    node = load(scene, save_nifti(tmp_path / "in" / "case.nii.gz", array, place))
    box = Box((2, 1, 3), (7, 6, 9))
    roi = add_roi(scene, node_geometry(node), box)
    request = ExportRequest(SlabOptions(thickness=4), prepare=PrepareOptions("PSR"))
    manifest = export_nodes(node, tmp_path / "out", request, roi=roi)
    plan = plan_of(request, node, roi)  # what is shown before
    assert [slab.box for slab in plan.slabs] == [slab.box for slab in manifest.slabs]
    corners = node_geometry(node).cropped(box).corners_ras()
    cut = manifest.geometry.cropped(manifest.plan.limits).corners_ras()
    np.testing.assert_allclose(np.sort(cut, axis=0), np.sort(corners, axis=0), atol=1e-3)
    for slab in manifest.slabs:
        assert_lies_in(nifti(tmp_path / "out" / "case" / slab.image), (array, place))
    assert not se.verify(tmp_path / "out")[0].differences
    scene.Clear(True)


def test_a_source_whose_forms_differ_is_oriented_by_the_one_that_was_used(tmp_path):
    array = index_phantom(SHAPE)
    image = nib.Nifti1Image(array, None)
    image.set_sform(affine(signs=(-1, 1, 1)), 2)
    image.set_qform(affine((1, 0, 2), origin=(5, 6, 7)), 1)
    path = tmp_path / "ct.nii.gz"
    nib.save(image, path)
    for form in ("sform", "qform"):
        out = tmp_path / form
        se.export(path, out, orient="RAS", nifti_transform=form)
        place = getattr(image, f"get_{form}")()
        slab = nib.load(out / "ct" / "images" / "ct_slab-000.nii.gz")
        for stated in (slab.get_sform(), slab.get_qform()):
            assert_lies_in((np.asanyarray(slab.dataobj), stated), (array, place))
        document = json.loads(Path(out / "ct" / "manifest.json").read_text())
        back = nib.load(se.stitch(out / "ct", tmp_path / f"{form}.nii", grid="source").path)
        np.testing.assert_array_equal(np.asanyarray(back.dataobj), array)
        np.testing.assert_allclose(back.affine, document["source"]["affine_ras"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{"orient": "RAS"}, {"orient": "PIR", "spacing": (1.1, 0, 2)}])
def test_a_label_map_in_another_order_and_extent_is_made_ready_too(tmp_path, options):
    place = affine((1, 0, 2), (1, -1, 1), oblique=9)
    ct = save_nifti(tmp_path / "ct.nii", lopsided_phantom((14, 13, 12)), place)
    labels = np.random.default_rng(5).integers(0, 3, (8, 9, 7)).astype(np.uint8)
    part = place @ np.array([[0, 0, -1.0, 10], [1, 0, 0, 2], [0, 1, 0, 1], [0, 0, 0, 1]])
    organs = save_nifti(tmp_path / "organs.nii", labels, part)
    out = tmp_path / "out"
    result = se.export(ct, out, labels={"organs": organs}, thickness=5, **options)
    assert not result.failures, result.failures[0].error
    assert se.verify(out)[0].differences == ()
    back = nib.load(se.stitch(out / "ct", tmp_path / "back.nii", labels="organs", grid="source").path)
    expected = np.zeros((14, 13, 12), np.uint8)
    for index in np.ndindex(labels.shape):
        expected[tuple(np.rint(np.linalg.inv(place) @ part @ (*index, 1)).astype(int)[:3])] = labels[index]
    if "spacing" not in options:
        np.testing.assert_array_equal(np.asanyarray(back.dataobj), expected)
    np.testing.assert_array_equal(back.affine, nib.load(ct).affine)
