"""Several images of a case: cut by the same boxes, verified each, put back, and read by others."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import slab_exporter as se
from slab_exporter.core.manifest import SCHEMA_PATH
from support.channels import BRATS, PLACE, SHAPE, brats, channel_phantom
from support.phantoms import affine, save_nifti

PATTERNS = {name: f"{{case}}_{name}.nii.gz" for name in BRATS}


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    result = se.export(brats(folder / "in"), folder / "out", channels=PATTERNS, thickness=4, overlap=1, jobs=1)
    assert not result.failures, result.failures[0].error
    assert [manifest.channel_names for manifest in result.manifests] == [BRATS, BRATS]
    return folder / "out"


def test_every_channel_is_cut_by_the_same_boxes(export):
    for patient in range(2):
        manifest = se.read_manifest(export / f"P{patient}")
        assert list(manifest.label_sources) == ["labels"]
        for slab in manifest.slabs:
            box = tuple(slice(a, b) for a, b in zip(slab.box.start, slab.box.stop, strict=True))
            for number, path in enumerate(slab.images):
                image = nib.load(export / manifest.case / path)
                np.testing.assert_array_equal(np.asarray(image.dataobj), channel_phantom(number, patient)[box])
                np.testing.assert_allclose(image.affine, slab.geometry.affine_ras, atol=1e-4)
                assert image.get_data_dtype() == np.int16
            assert [Path(path).parent.name for path in slab.images] == ["images", *BRATS[1:]]
            assert len({Path(path).name for path in slab.images}) == 1
            assert slab.statistics["channels"]["flair"]["max"] == channel_phantom(3, patient)[box].max()


def test_the_manifest_keeps_its_schema_and_reads_back(export):
    document = json.loads((export / "P0" / "manifest.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(document)
    assert [channel["name"] for channel in document["channels"]] == list(BRATS)
    assert se.read_manifest(export / "P0").to_json() == document


def test_every_file_is_verified_and_a_changed_channel_is_found(export, tmp_path):
    reports = se.verify(export)
    assert [(report.files, report.differences) for report in reports] == [(3 * 5, ()), (3 * 5, ())]
    result = se.export(export.parent / "in", tmp_path, channels=PATTERNS, thickness=6, jobs=1)
    slab = result.manifests[0].slabs[0]
    path = tmp_path / "P0" / slab.channels["t2"]
    image = nib.load(path)
    save_nifti(path, np.asarray(image.dataobj) + np.int16(1), image.affine)
    (difference,) = se.verify(tmp_path)[0].differences
    assert difference == f"{slab.channels['t2']} has been changed since it was written (check sum)."


def test_the_data_list_names_the_images_in_channel_order(export):
    document = json.loads((export / "dataset.json").read_text())
    assert document["modality"] == dict(zip("0123", BRATS, strict=True))
    entry = document["training"][1]
    assert entry["image"] == [f"P0/{folder}/P0_slab-001.nii.gz" for folder in ("images", "t1ce", "t2", "flair")]
    assert entry["label"] == "P0/labels/P0_slab-001.nii.gz"
    header, row = (export / "slabs.csv").read_text().splitlines()[:2]
    named = ";".join(f"{c}=P0/{f}/P0_slab-000.nii.gz" for c, f in zip(BRATS, ("images", *BRATS[1:]), strict=True))
    assert header.split(",")[-1] == "channels"
    assert row.split(",")[-1] == named
    assert (
        "4 channels: t1 int16, t1ce int16, t2 int16, flair int16 (pictures: t1)" in (export / "report.html").read_text()
    )


def test_monai_loads_the_data_list(export):
    monai = pytest.importorskip("monai.transforms")
    data = pytest.importorskip("monai.data")
    items = data.load_decathlon_datalist(str(export / "dataset.json"), True, "training")
    item = monai.LoadImaged(("image", "label"), image_only=True, ensure_channel_first=True)(items[2])
    slab = se.SlabDataset(export)[2]
    assert item["image"].shape == slab["image"].shape == (4, *slab["label"].shape[1:])
    np.testing.assert_array_equal(item["image"].numpy(), slab["image"])
    np.testing.assert_allclose(item["image"].affine.numpy(), slab["affine"], atol=1e-4)


def test_the_data_set_stacks_channels_in_front(export):
    slabs = se.SlabDataset(export)
    item = slabs[1]
    box = tuple(slice(a, b) for a, b in zip(item["ijk_start"], item["ijk_stop"], strict=True))
    np.testing.assert_array_equal(item["image"], np.stack([channel_phantom(n)[box] for n in range(4)]))
    assert [Path(path).parent.name for path in item["paths"]["image"]] == ["images", "t1ce", "t2", "flair"]
    assert slabs.data_list()[1]["image"] == item["paths"]["image"]
    torchio = pytest.importorskip("torchio")
    subject = slabs.subjects()[1]
    assert isinstance(subject, torchio.Subject)
    np.testing.assert_array_equal(subject["image"].data.numpy(), item["image"])
    np.testing.assert_allclose(subject["image"].affine, item["affine"], atol=1e-4)


@pytest.mark.parametrize("format", ["nii.gz", "nrrd", "dicom"])
def test_channels_come_back_one_by_one_or_together(tmp_path, format):
    source = brats(tmp_path / "in", 1, BRATS[:3])
    patterns = {name: PATTERNS[name] for name in BRATS[:3]}
    result = se.export(source, tmp_path / "out", channels=patterns, block=(5, 4, 6), overlap=1, format=format)
    assert not result.failures, result.failures[0].error
    assert not se.verify(tmp_path / "out")[0].differences
    for number, name in enumerate(BRATS[:3]):
        back = se.stitch(tmp_path / "out" / "P0", tmp_path / f"{name}.nii.gz", channel=name)
        image = nib.load(back.path)
        np.testing.assert_array_equal(np.asarray(image.dataobj), channel_phantom(number))
        np.testing.assert_allclose(image.affine, PLACE, atol=1e-3)
    together = se.stitch(tmp_path / "out" / "P0", tmp_path / "all.nii.gz", channel="all")
    assert together.channels == 3
    found = np.asarray(nib.load(together.path).dataobj)
    np.testing.assert_array_equal(found, np.stack([channel_phantom(n) for n in range(3)], axis=-1))
    plain = se.stitch(tmp_path / "out" / "P0", tmp_path / "first.nii.gz")
    np.testing.assert_array_equal(np.asarray(nib.load(plain.path).dataobj), channel_phantom(0))
    with pytest.raises(se.SlabExporterError, match=r"P0 has no channel called 'pet' \(it has: t1, t1ce, t2\)"):
        se.stitch(tmp_path / "out" / "P0", tmp_path / "pet.nii.gz", channel="pet")


def test_channels_keep_their_own_types_and_paddings(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    counted = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    ct, suv = (counted - 1024).astype(np.int16), (counted / 7).astype(np.float32)
    save_nifti(folder / "a_ct.nii.gz", ct, PLACE)
    save_nifti(folder / "a_suv.nii.gz", suv, PLACE)
    channels = {"ct": "*_ct.nii.gz", "suv": "*_suv.nii.gz"}
    result = se.export(folder, tmp_path / "out", channels=channels, thickness=8, axis="k", remainder="pad")
    manifest = result.manifests[0]
    assert (manifest.plan.fill, manifest.channels[0].fill) == (-1024, 0)
    slab = manifest.slabs[0] if manifest.slabs[0].box.stop[2] > SHAPE[2] else manifest.slabs[1]
    for path, expected, fill in zip(slab.images, (ct, suv), (-1024, 0), strict=True):
        image = sitk.ReadImage(str(tmp_path / "out" / "a" / path))
        found = sitk.GetArrayFromImage(image).T
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found[:, :, :3], expected[:, :, 8:])
        assert np.all(found[:, :, 3:] == fill)
    assert not se.verify(tmp_path / "out")[0].differences
    assert se.SlabDataset(tmp_path / "out")[0]["image"].dtype == np.float32
    with pytest.raises(se.SlabExporterError, match=r"several types \(ct int16, suv float32\)"):
        se.stitch(tmp_path / "out" / "a", tmp_path / "all.nii.gz", channel="all")


def test_a_channel_on_another_grid_and_a_missing_one_fail_their_cases_with_a_sentence(tmp_path):
    folder = brats(tmp_path / "in", 4, BRATS[:2])
    save_nifti(folder / "P1_t1ce.nii.gz", channel_phantom(1), affine(origin=(0, 0, 0)))
    save_nifti(folder / "P2_t1ce.nii.gz", channel_phantom(1, shape=(9, 8, 10)), PLACE)
    (folder / "P3_t1ce.nii.gz").unlink()
    patterns = {name: PATTERNS[name] for name in BRATS[:2]}
    result = se.export(folder, tmp_path / "out", channels=patterns, jobs=1)
    assert [manifest.case for manifest in result.manifests] == ["P0"]
    told = {failure.case: str(failure.error) for failure in result.failures}
    assert "The channel" in told["P1"]
    assert "P1_t1ce.nii.gz (t1ce) does not lie on the grid of" in told["P1"]
    assert "(9, 8, 10) voxels where the first channel has (9, 8, 11)" in told["P2"]
    assert told["P3"].endswith("has no image of the channel 't1ce' (it has: t1).")
    assert not (tmp_path / "out" / "P1").exists()


def test_resume_sees_that_a_channel_has_changed(tmp_path):
    folder = brats(tmp_path / "in", 1, BRATS[:2])
    patterns = {name: PATTERNS[name] for name in BRATS[:2]}
    se.export(folder, tmp_path / "out", channels=patterns)
    seen = []
    again = lambda event: seen.append((event.kind, str(event.message)))  # noqa: E731
    se.export(folder, tmp_path / "out", channels=patterns, resume=True, progress=again)
    assert ("case-skipped", "complete already") in seen
    save_nifti(folder / "P0_t1ce.nii.gz", channel_phantom(5), PLACE)
    seen.clear()
    se.export(folder, tmp_path / "out", channels=patterns, resume=True, progress=again)
    assert [text for kind, text in seen if "P0_t1ce.nii.gz has changed since it was exported" in text]
    back = se.stitch(tmp_path / "out" / "P0", tmp_path / "back.nii.gz", channel="t1ce")
    np.testing.assert_array_equal(np.asarray(nib.load(back.path).dataobj), channel_phantom(5))


def test_channels_are_oriented_limited_and_kept_as_the_first_one_is(tmp_path):
    folder = brats(tmp_path / "in", 1, BRATS[:2], labels=False)
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:6, 4:9] = 1
    save_nifti(folder / "P0_seg.nii.gz", labels, PLACE)
    patterns = {name: PATTERNS[name] for name in BRATS[:2]}
    result = se.export(
        folder, tmp_path / "out", channels=patterns, orient="RAS", crop_to="labels", keep="labelled", block=(2, 2, 2)
    )
    assert not result.failures, result.failures[0].error
    assert not se.verify(tmp_path / "out")[0].differences
    back = se.stitch(tmp_path / "out" / "P0", tmp_path / "back.nii.gz", channel="all", grid="source")
    found = np.asarray(nib.load(back.path).dataobj)
    for number in range(2):
        np.testing.assert_array_equal(found[..., number][labels > 0], channel_phantom(number)[labels > 0])
    np.testing.assert_allclose(nib.load(back.path).affine, PLACE, atol=1e-3)


def test_deidentified_channels_name_nobody(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate(("t1", "t2")):
        save_nifti(folder / f"smith_{name}.nii.gz", channel_phantom(number), PLACE)
    key = tmp_path / "key.csv"
    channels = {"t1": "*_t1.nii.gz", "t2": "*_t2.nii.gz"}
    se.export(folder, tmp_path / "out", channels=channels, deidentify=True, key_file=key)
    for path in (tmp_path / "out").rglob("*"):
        assert "smith" not in path.name
        assert path.is_dir() or b"smith" not in path.read_bytes()
    assert "smith_t2.nii.gz" in key.read_text()
    (report,) = se.verify(tmp_path / "out")
    assert not report.differences
