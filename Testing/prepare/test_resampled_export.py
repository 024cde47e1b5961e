"""Resampled exports from the files to the files and back: verified, resumed, stitched, and said before."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
import slab_exporter as se
from slab_exporter.cases.find import Case
from slab_exporter.cli.main import main
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.options import ExportRequest, PrepareOptions
from slab_exporter.export.survey import survey_case
from slab_exporter.inspection.dry_run import outlook
from slab_exporter.prepare import preparation, resampled
from support.dicom_phantoms import voxels, write_series
from support.phantoms import affine, lopsided_phantom, save_nifti

SHAPE = (26, 22, 20)
PLACE = affine((0, 2, 1), (-1, 1, -1), spacing=(1, 1.2, 1.5), oblique=14)


def waves(shape=SHAPE) -> np.ndarray:
    """IJK float32 values of waves much longer than a voxel."""
    i, j, k = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return (np.sin(i / 8) + np.cos(j / 9) + np.sin(k / 7)).astype(np.float32)


@pytest.fixture
def ct(tmp_path):
    save_nifti(tmp_path / "organs.nii.gz", (lopsided_phantom(SHAPE) > 0).astype(np.uint8), PLACE)
    return save_nifti(tmp_path / "ct.nii.gz", lopsided_phantom(SHAPE), PLACE)


@pytest.mark.parametrize("kind", ["nii.gz", "nrrd", "dicom"])
@pytest.mark.parametrize(
    "options", [{"spacing": (1.6, 1, 0)}, {"spacing": 0.8, "interpolation": "bspline", "orient": "RAS"}]
)
def test_a_resampled_export_is_verified_by_resampling_again(tmp_path, ct, kind, options):
    out = tmp_path / "out"
    result = se.export(ct, out, labels=tmp_path / "organs.nii.gz", format=kind, thickness=7, **options)
    assert not result.failures, result.failures[0].error
    (report,) = se.verify(out)
    assert (report.differences, report.unchecked) == ((), None)
    assert report.files == 2 * len(result.manifests[0].slabs)
    (manifest,) = result.manifests
    plan = se.plan(ct, thickness=7, **{k: v for k, v in options.items() if k != "interpolation"})
    assert [slab.box for slab in manifest.slabs] == [slab.box for slab in plan.slabs]
    assert manifest.geometry.corner_distance(plan.geometry) < 1e-9
    whole = se.stitch(out / "ct", tmp_path / "whole.nii.gz")
    found = nib.load(whole.path)
    assert found.shape == manifest.geometry.shape_ijk
    np.testing.assert_allclose(found.affine, manifest.geometry.affine_ras, atol=1e-4)
    assert manifest.created_with["simpleitk"]
    assert "Made of 26 x 22 x 20 voxels of 1 x 1.2 x 1.5 mm, " in (out / "report.html").read_text()


@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
@pytest.mark.parametrize("size", [0.7, 1.8])
def test_an_image_goes_back_onto_its_grid_within_a_hundredth(tmp_path, interpolation, size):
    values = waves((48, 44, 40))
    place = affine((2, 0, 1), (-1, 1, -1), spacing=(1.2, 1.2, 1.2), oblique=14)
    source = save_nifti(tmp_path / "ct.nii.gz", values, place)
    se.export(source, tmp_path / "out", spacing=size, interpolation=interpolation, orient="RAS", thickness=9)
    back = nib.load(se.stitch(tmp_path / "out" / "ct", tmp_path / "back.nii.gz", grid="source").path)
    assert back.affine.tobytes() == nib.load(source).affine.tobytes()
    found = np.asanyarray(back.dataobj)
    assert (found.shape, found.dtype) == (values.shape, values.dtype)
    inner = (slice(4, -4),) * 3
    assert np.abs(found - values)[inner].max() < 0.01 * np.ptp(values)


def test_a_finer_label_map_goes_back_as_it_was(tmp_path, ct):
    organs = tmp_path / "organs.nii.gz"
    se.export(ct, tmp_path / "out", labels=organs, spacing=(0.5, 0.7, 1.1), block=(30, 30, 20), overlap=3)
    back = nib.load(se.stitch(tmp_path / "out" / "ct", tmp_path / "b.nii", labels="labels", grid="source").path)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.asanyarray(nib.load(organs).dataobj))


def test_probabilities_go_back_linearly_and_become_labels_afterwards(tmp_path, ct):
    source = nib.load(ct)
    se.export(ct, tmp_path / "out", spacing=(1.5, 1.8, 2.2), orient="LPS", thickness=6)
    folder, predictions = tmp_path / "out" / "ct", tmp_path / "predictions"
    predictions.mkdir()
    for slab in read_manifest(folder).slabs:
        image = nib.load(folder / slab.image)
        soft = 1 / (1 + np.exp(-(np.asanyarray(image.dataobj) + 500.0) / 150))
        nib.save(
            nib.Nifti1Image(np.stack([1 - soft, soft], -1).astype(np.float32), image.affine),
            predictions / slab.image.split("/")[1],
        )
    both = se.stitch(folder, tmp_path / "p.nii.gz", predictions=predictions, grid="source")
    assert (both.channels, both.dtype) == (2, "float32")
    chances = np.asanyarray(nib.load(both.path).dataobj)
    assert chances.shape == (*SHAPE, 2)
    np.testing.assert_allclose(chances.sum(axis=-1), 1, atol=1e-5)
    assert ((chances > 0.01) & (chances < 0.99)).any()
    result = se.stitch(folder, tmp_path / "l.nii.gz", predictions=predictions, grid="source", argmax=True)
    labels = nib.load(result.path)
    assert (result.channels, result.dtype, result.is_labels) == (1, "uint8", True)
    np.testing.assert_array_equal(np.asanyarray(labels.dataobj), np.argmax(chances, axis=-1))
    np.testing.assert_array_equal(labels.affine, source.affine)
    agree = np.mean(np.asanyarray(labels.dataobj) == (np.asanyarray(source.dataobj) > -500))
    assert agree > 0.95
    with pytest.raises(se.SlabExporterError, match="needs several numbers per voxel"):
        se.stitch(folder, tmp_path / "no.nii.gz", argmax=True)
    assert not (tmp_path / "no.nii.gz").exists()


def test_another_grid_there_and_back(tmp_path, ct):
    source = nib.load(ct)
    place = affine(spacing=(1.3, 1.3, 1.3), oblique=5)
    place[:3, 3] += source.affine[:3] @ (13, 11, 10, 1) - place[:3] @ (7, 7, 7, 1)
    reference = save_nifti(tmp_path / "reference.nii.gz", np.zeros((15, 15, 15), np.uint8), place)
    out = tmp_path / "out"
    (manifest,) = se.export(ct, out, labels=tmp_path / "organs.nii.gz", like=reference, thickness=6).manifests
    assert manifest.prepared.resampled.like == "../../reference.nii.gz"
    np.testing.assert_array_equal(manifest.geometry.affine_ras, nib.load(reference).affine)
    (report,) = se.verify(out)
    assert report.differences == ()
    result = se.stitch(out / "ct", tmp_path / "back.nii.gz", grid="source")
    back = nib.load(result.path)
    found, values = np.asanyarray(back.dataobj), np.asanyarray(source.dataobj)
    indices = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    where = nib.affines.apply_affine(np.linalg.inv(manifest.geometry.affine_ras) @ source.affine, indices)
    missing = np.mean(np.any((where < -0.5) | (where >= 14.5), axis=-1))
    assert result.warnings == (f"{missing:.1%} of the source lies outside the grid that was cut; filled with -1000.",)
    np.testing.assert_array_equal(back.affine, source.affine)
    assert found[0, 0, 0] == found[-1, -1, -1] == -1000  # outside of what was cut
    middle = (slice(11, 15), slice(9, 13), slice(8, 12))
    assert np.abs(found[middle].astype(float) - values[middle]).mean() < 60
    document = json.loads((out / "ct" / "manifest.json").read_text())
    assert document["plan"]["asked"]["prepare"]["like"] == "reference.nii.gz"
    reference.unlink()  # what was cut is known without it
    assert se.verify(out)[0].differences == ()


def test_each_case_takes_the_grid_of_a_reference_of_its_own(tmp_path, run_cli):
    for name, factor in (("a", 2), ("b", 1.5)):
        save_nifti(tmp_path / f"{name}.nii.gz", lopsided_phantom(SHAPE), PLACE)
        grid = PLACE @ np.diag([factor, factor, factor, 1])
        save_nifti(tmp_path / f"{name}_grid.nrrd.nii", np.zeros((12, 11, 10), np.uint8), grid)
    inputs = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    like = tmp_path / "{case}_grid.nrrd.nii"
    for resume in (False, True):
        events = []
        result = se.export(inputs, tmp_path / "out", like=like, resume=resume, jobs=1, progress=events.append)
        for manifest, factor in zip(result.manifests, (2, 1.5), strict=True):
            assert manifest.geometry.shape_ijk == (12, 11, 10)
            np.testing.assert_allclose(manifest.geometry.spacing, np.array([1, 1.2, 1.5]) * factor, atol=1e-6)
        assert [event.kind for event in events].count("case-skipped") == 2 * resume
    assert [report.differences for report in se.verify(tmp_path / "out")] == [(), ()]
    (tmp_path / "b_grid.nrrd.nii").unlink()
    code, _, errors = run_cli("export", *inputs, "-o", tmp_path / "two", "--like", like, "--quiet")
    assert code == 1
    assert "b_grid.nrrd.nii" in errors
    assert (tmp_path / "two" / "a" / "manifest.json").is_file()


def test_channels_are_resampled_like_the_first_one(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, values in (("t1", lopsided_phantom(SHAPE)), ("flair", waves())):
        save_nifti(folder / f"p_{name}.nii.gz", values, PLACE)
    patterns = {name: f"{{case}}_{name}.nii.gz" for name in ("t1", "flair")}
    result = se.export(folder, tmp_path / "out", channels=patterns, spacing=1.5, orient="RAS", thickness=6)
    assert not result.failures, result.failures[0].error
    assert se.verify(tmp_path / "out")[0].differences == ()
    (manifest,) = result.manifests
    alone = se.export(folder / "p_flair.nii.gz", tmp_path / "one", spacing=1.5, orient="RAS", thickness=6).manifests[0]
    for slab, other in zip(manifest.slabs, alone.slabs, strict=True):
        found = nib.load(tmp_path / "out" / manifest.case / slab.channels["flair"])
        expected = nib.load(tmp_path / "one" / alone.case / other.image)
        np.testing.assert_array_equal(np.asanyarray(found.dataobj), np.asanyarray(expected.dataobj))
        np.testing.assert_array_equal(found.affine, expected.affine)
    back = se.stitch(tmp_path / "out" / manifest.case, tmp_path / "b.nii.gz", channel="flair", grid="source")
    assert np.abs(np.asanyarray(nib.load(back.path).dataobj) - waves())[4:-4, 4:-4, 4:-4].max() < 0.05


def test_an_export_is_resumed_as_the_same_only_with_the_same_grid(tmp_path, ct):
    reference = save_nifti(tmp_path / "r.nii.gz", np.zeros((9, 9, 9), np.uint8), PLACE @ np.diag([2, 2, 2, 1]))
    kinds = []

    def kept(**options) -> bool:
        kinds.clear()
        se.export(ct, tmp_path / "out", resume=True, progress=lambda event: kinds.append(event.kind), **options)
        return "case-skipped" in kinds

    assert [kept(spacing=s) for s in (2, "2", (2, 2, 2), (2, 0, 2))] == [False, True, True, False]
    assert [kept(like=reference), kept(like=reference)] == [False, True]
    save_nifti(reference, np.zeros((9, 9, 8), np.uint8), PLACE @ np.diag([2, 2, 2, 1]))
    assert not kept(like=reference)


def test_labels_that_vanish_are_named(tmp_path):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[3, 4, 5], labels[10:, 10:, 10:], labels[7, 7, 7] = 2, 5, 9
    image = save_nifti(tmp_path / "ct.nii.gz", labels.astype(np.int16), affine(spacing=(1, 1, 1)))
    organs = save_nifti(tmp_path / "organs.nii.gz", labels, affine(spacing=(1, 1, 1)))
    (manifest,) = se.export(image, tmp_path / "out", labels={"organs": organs}, spacing=4).manifests
    (said,) = [text for text in manifest.warnings if "vanish" in text]
    assert said.startswith("Resampling loses labels of 'organs': the values 2, 9 vanish, ")
    (manifest,) = se.export(image, tmp_path / "fine", labels={"organs": organs}, spacing=0.9).manifests
    assert not [text for text in manifest.warnings if "vanish" in text]


def test_values_of_another_version_agree_within_rounding_and_that_is_said(tmp_path, ct, monkeypatch):
    out = tmp_path / "out"
    se.export(ct, out, labels=tmp_path / "organs.nii.gz", spacing=1.7)
    right = preparation.interpolated

    def off_by(difference):
        def changed(*args, **kwargs):
            values = right(*args, **kwargs)
            values[2, 2, 2] += difference
            return values

        monkeypatch.setattr(preparation, "interpolated", changed)

    off_by(1)
    assert "differ" in se.verify(out)[0].differences[0]
    path = out / "ct" / "manifest.json"
    path.write_text(path.read_text().replace(f'"simpleitk": "{resampled.resampler_version()}"', '"simpleitk": "1.0"'))
    (report,) = se.verify(out)
    assert report.differences == ()
    assert "values were resampled by SimpleITK 1.0, now " in report.unchecked
    assert "they agree within 1, not bit for bit" in report.unchecked
    off_by(2)
    assert len(se.verify(out)[0].differences) == 1


def test_what_is_asked_of_memory_is_said_before(tmp_path, ct, monkeypatch, capsys):
    case = Case("ct", ct, {})
    request = ExportRequest(prepare=PrepareOptions(spacing=(0.05,) * 3))
    assert (
        survey_case(case, request).memory > survey_case(case, ExportRequest()).memory + 4 * 26 * 22 * 20 * 1.8 / 0.05**3
    )
    monkeypatch.setattr(resampled, "available_memory", lambda: 10**8)
    assert "needs" in outlook(None, case, request).error
    assert main(["export", str(ct), "-o", str(tmp_path / "o"), "--spacing", "0.05", "--dry-run"]) == 2
    assert "choose larger voxels" in capsys.readouterr().out


def test_slices_of_a_resampled_series_are_not_called_the_scanners(tmp_path):
    write_series(tmp_path / "series", voxels())
    (manifest,) = se.export(tmp_path / "series", tmp_path / "out", spacing=(0, 0, 1), format="dicom").manifests
    images = sorted((tmp_path / "out" / manifest.case / manifest.slabs[0].image).iterdir())
    image = pydicom.dcmread(images[0])
    assert float(image.SliceThickness) == float(image.SpacingBetweenSlices) == 1
    assert "resampled to other voxel sizes by linear interpolation, cut by" in image.DerivationDescription
    assert "SourceImageSequence" not in image
    assert not se.verify(tmp_path / "out")[0].differences


def test_a_deidentified_export_does_not_name_the_reference(tmp_path, ct):
    reference = save_nifti(tmp_path / "smith.nii.gz", np.zeros((9, 9, 9), np.uint8), PLACE @ np.diag([2, 2, 2, 1]))
    (manifest,) = se.export(ct, tmp_path / "out", like=reference, deidentify=True).manifests
    assert "smith" not in (tmp_path / "out" / manifest.case / "manifest.json").read_text()
    assert manifest.prepared.resampled.like is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--spacing", "1,2"], "three along i, j, k such as 1,1,3"),
        (["--spacing", "1", "--like", "x.nii"], "--like takes the whole grid of another volume, and --spacing would"),
        (["--interpolation", "bspline"], "--interpolation is for --spacing and --like: nothing is resampled"),
        (["--like", "absent.nii"], "absent.nii"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence_and_code_2(tmp_path, ct, capsys, options, sentence):
    assert main(["export", str(ct), "-o", str(tmp_path / "out"), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_scans_slice_order_is_forgotten_where_slices_are_computed(tmp_path):
    image = nib.Nifti1Image(waves(), affine())
    image.header.set_dim_info(freq=0, phase=1, slice=2)
    image.header["slice_code"], image.header["slice_duration"] = 3, 0.1
    nib.save(image, tmp_path / "mr.nii")
    se.export(tmp_path / "mr.nii", tmp_path / "out", spacing=(0, 0, 1.1))
    header = nib.load(tmp_path / "out" / "mr" / "images" / "mr_slab-000.nii.gz").header
    assert header.get_dim_info() == (0, 1, 2)
    assert (header["slice_code"], header["slice_duration"]) == (0, 0)
