"""Label maps in step with their image; formats, headers and value types kept."""

from __future__ import annotations

import json

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.core.manifest import SCHEMA_PATH
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (6, 7, 12)


def manifest_of(out, case):
    document = json.loads((out / case / "manifest.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    return document


@pytest.mark.parametrize("slices", [8, 3, 9], ids=["divisible by the thickness", "thinner than a slab", "tail of one"])
@pytest.mark.parametrize("remainder", ["keep", "pad", "shift", "balance"])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, 1, -1)])
def test_image_and_label_stay_in_step(run_cli, tmp_path, slices, remainder, signs):
    shape = (5, 6, slices)
    # each slice of image and label says which slice it is
    data = np.broadcast_to(np.arange(slices, dtype=np.int16) * 10, shape).copy()
    image = save_nifti(tmp_path / "ct.nii.gz", data, affine(signs=signs))
    labels = save_nifti(tmp_path / "seg.nii.gz", (data // 10 + 1).astype(np.uint8), affine(signs=signs))
    out = tmp_path / "out"
    code, _, _ = run_cli(
        "export", image, "-o", out, "--labels", labels, "--thickness", 4, "--remainder", remainder, "--fill", -7
    )
    assert code == 0
    for slab in manifest_of(out, "ct")["slabs"]:
        cut = nib.load(out / "ct" / slab["image"])
        label = nib.load(out / "ct" / slab["labels"]["labels"])
        np.testing.assert_allclose(cut.affine, label.affine, rtol=0, atol=1e-6)
        a, b = np.asanyarray(cut.dataobj), np.asanyarray(label.dataobj)
        inside = a != -7
        np.testing.assert_array_equal(a[inside] // 10 + 1, b[inside])
        assert not b[~inside].any()
        start, stop = slab["ijk_start"][2], slab["ijk_stop"][2]
        expected = [n * 10 if 0 <= n < slices else -7 for n in range(start, stop)]
        np.testing.assert_array_equal(a[0, 0], expected)
    assert run_cli("verify", out)[0] == 0


def test_several_label_sets_by_file_and_folder(run_cli, tmp_path):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine())
    for folder in ("organs", "vessels"):
        (tmp_path / folder).mkdir()
        save_nifti(tmp_path / folder / "ct.nii.gz", index_phantom(SHAPE, "uint8") % 5, affine())
    out = tmp_path / "out"
    code, _, _ = run_cli(
        "export", image, "-o", out, "--labels", tmp_path / "organs", "--labels", f"vessels={tmp_path / 'vessels'}"
    )
    assert code == 0
    document = manifest_of(out, "ct")
    assert set(document["slabs"][0]["labels"]) == {"labels", "vessels"}
    assert document["slabs"][0]["labels"]["vessels"].startswith("vessels/ct_slab-000")
    counts = document["slabs"][0]["statistics"]["labels"]["labels"]
    expected = index_phantom(SHAPE, "uint8") % 5
    assert counts == {str(v): int((expected == v).sum()) for v in range(1, 5)}


def test_label_on_another_grid_is_refused_with_the_difference(run_cli, tmp_path):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine())
    moved = affine(origin=(-91.5, 37.25, -407.0))
    label = save_nifti(tmp_path / "moved.nii.gz", index_phantom(SHAPE, "uint8"), moved)
    code, _, errors = run_cli("export", image, "-o", tmp_path / "out", "--labels", label)
    assert code == 2
    assert "5.00 mm (2.00 voxels) away" in errors
    flipped = save_nifti(tmp_path / "turned.nii.gz", index_phantom(SHAPE, "uint8"), affine(signs=(-1, 1, 1)))
    code, _, errors = run_cli("export", image, "-o", tmp_path / "out2", "--labels", flipped)
    assert "its axes run LAS, the image's RAS" in errors
    coarse = affine(spacing=(1.4, 1.8, 5.0))
    small = save_nifti(tmp_path / "small.nii.gz", index_phantom((3, 4, 6), "uint8"), coarse)
    code, _, errors = run_cli("export", image, "-o", tmp_path / "out3", "--labels", small)
    assert "3 x 4 x 6 voxels where the image has 6 x 7 x 12" in errors


@pytest.mark.parametrize("extension", ["nrrd", "nhdr", "mha", "mhd", "mgz", "mgh", "nii"])
def test_every_format_keeps_order_type_and_place(run_cli, tmp_path, extension):
    data = index_phantom(SHAPE)
    matrix = affine(signs=(-1, 1, 1), oblique=15)
    path = tmp_path / f"volume.{extension}"
    if extension in ("mgz", "mgh"):
        nib.save(nib.MGHImage(data, matrix), path)
    else:
        plain = save_nifti(tmp_path / "plain.nii", data, matrix)
        image = sitk.ReadImage(str(plain))
        for key in image.GetMetaDataKeys():
            image.EraseMetaData(key)
        sitk.WriteImage(image, str(path), extension != "nii")
    out = tmp_path / "out"
    code, _, errors = run_cli("export", path, "-o", out, "--thickness", 5)
    assert code == 0, errors
    for slab in manifest_of(out, "volume")["slabs"]:
        cut = nib.load(out / "volume" / slab["image"])
        box = tuple(slice(a, b) for a, b in zip(slab["ijk_start"], slab["ijk_stop"], strict=True))
        np.testing.assert_array_equal(np.asanyarray(cut.dataobj), data[box])
        expected = matrix @ nib.affines.from_matvec(np.eye(3), slab["ijk_start"])
        np.testing.assert_allclose(cut.affine, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("compression", ["fast", "small"])
@pytest.mark.parametrize("extension", ["nii.gz", "nii", "nrrd"])
def test_output_formats_agree(run_cli, tmp_path, extension, compression):
    data = index_phantom(SHAPE)
    path = save_nifti(tmp_path / "ct.nii.gz", data, affine(oblique=20))
    out = tmp_path / "out"
    code, _, _ = run_cli(
        "export", path, "-o", out, "--thickness", 5, "--format", extension, "--compression", compression
    )
    assert code == 0
    slabs = sorted((out / "ct" / "images").iterdir())
    parts = [sitk.ReadImage(str(p)) for p in slabs]
    np.testing.assert_array_equal(np.concatenate([sitk.GetArrayFromImage(p) for p in parts]).T, data)
    assert all(p.name.endswith(f".{extension}") for p in slabs)


def test_a_scaled_ct_stays_whole_numbers(run_cli, tmp_path):
    image = nib.Nifti1Image(index_phantom(SHAPE, "uint16") % 4096, affine())
    image.header.set_slope_inter(1, -1024)
    path = tmp_path / "ct.nii.gz"
    raw = nib.Nifti1Image(np.asarray(image.dataobj), affine(), image.header)
    raw.header.set_slope_inter(1, 0)
    nib.save(raw, path)
    content = bytearray(__import__("gzip").decompress(path.read_bytes()))
    content[112:120] = np.array([1, -1024], "<f4").tobytes()
    path.write_bytes(__import__("gzip").compress(bytes(content)))
    out = tmp_path / "out"
    assert run_cli("export", path, "-o", out)[0] == 0
    document = manifest_of(out, "ct")
    slab = nib.load(out / "ct" / document["slabs"][0]["image"])
    assert document["source"]["dtype"] == "int16"
    assert np.asanyarray(slab.dataobj).dtype == np.int16
    np.testing.assert_array_equal(np.asanyarray(slab.dataobj), np.asanyarray(nib.load(path).dataobj))


def test_fractions_have_the_values_nibabel_sees(run_cli, real_data, tmp_path):
    path = real_data / "dicom_ref" / "mr_philips_enhanced_b0_e2_slope.nii"
    out = tmp_path / "out"
    assert run_cli("export", path, "-o", out)[0] == 0
    slab = nib.load(next(out.rglob("*.nii.gz")))
    expected = np.asanyarray(nib.load(path).dataobj).astype(np.float32)
    np.testing.assert_array_equal(np.asanyarray(slab.dataobj), expected)


def test_descriptive_header_fields_are_kept(run_cli, tmp_path):
    image = nib.Nifti1Image(index_phantom(SHAPE), affine())
    image.set_sform(affine(), 4)
    header = image.header
    header.set_xyzt_units("mm", "sec")
    header["descrip"] = b"what the scanner said"
    header["cal_min"], header["cal_max"] = -200, 300
    header["aux_file"] = b"colours.lut"
    header.set_intent("z score", (), "contrast A")
    path = tmp_path / "map.nii.gz"
    nib.save(image, path)
    assert run_cli("export", path, "-o", tmp_path / "out", "--thickness", 5)[0] == 0
    kept = nib.load(next((tmp_path / "out").rglob("*.nii.gz"))).header
    for name in ("descrip", "cal_min", "cal_max", "aux_file", "intent_code", "intent_name", "xyzt_units"):
        assert kept[name] == header[name], name
    assert (int(kept["sform_code"]), int(kept["qform_code"])) == (4, 0)


def test_within_an_roi(run_cli, runtime, tmp_path):
    from slab_exporter.core.geometry import Box, VolumeGeometry
    from slab_exporter.mrml.roi import place_roi

    data, matrix = index_phantom((10, 11, 20)), affine(signs=(-1, 1, 1), oblique=20)
    path = save_nifti(tmp_path / "ct.nii.gz", data, matrix)
    roi = runtime.classes.vtkMRMLMarkupsROINode()
    place_roi(roi, VolumeGeometry(data.shape, matrix), Box((2, 3, 4), (8, 9, 17)))
    storage = runtime.classes.vtkMRMLMarkupsROIJsonStorageNode()
    storage.SetFileName(str(tmp_path / "liver.mrk.json"))
    assert storage.WriteData(roi)
    out = tmp_path / "out"
    code, _, errors = run_cli("export", path, "-o", out, "--within", tmp_path / "liver.mrk.json", "--thickness", 6)
    assert code == 0, errors
    slabs = manifest_of(out, "ct")["slabs"]
    assert [(s["ijk_start"], s["ijk_stop"]) for s in slabs] == [
        ([2, 3, 4], [8, 9, 10]),
        ([2, 3, 10], [8, 9, 16]),
        ([2, 3, 16], [8, 9, 17]),
    ]
    np.testing.assert_array_equal(
        np.asanyarray(nib.load(out / "ct" / slabs[1]["image"]).dataobj), data[2:8, 3:9, 10:16]
    )


def test_the_same_input_gives_the_same_bytes(run_cli, tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine())
    outs = [tmp_path / name / "out" for name in ("one", "two")]
    for out in outs:
        assert run_cli("export", path, "-o", out, "--thickness", 5)[0] == 0
    for file in sorted(p for p in outs[0].rglob("*") if p.is_file()):
        assert file.read_bytes() == (outs[1] / file.relative_to(outs[0])).read_bytes()
