"""Label maps on the image's lattice, in every order and extent: judged by nibabel, SimpleITK and pydicom."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.core.manifest import SCHEMA_PATH
from support.dicom_phantoms import ORIGIN, SPACING, write_series
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, save_nifti

SHAPE = (6, 7, 8)
MARGIN = 2
# Boxes of label maps in the image's voxels: all of it, a part, all and more, a part that also reaches beyond.
WINDOWS = {
    "whole": ((0, 0, 0), (6, 7, 8)),
    "part": ((1, 2, 0), (4, 7, 5)),
    "beyond": ((-2, -1, -2), (8, 9, 9)),
    "both": ((-2, 3, 1), (4, 9, 10)),
}
LPS = np.diag([-1.0, -1, 1, 1])


def label_values() -> np.ndarray:
    """Values of the image's voxels and of ``MARGIN`` voxels around, all different and not 0."""
    return index_phantom(tuple(n + 2 * MARGIN for n in SHAPE), "uint16") + 1


def window(name: str) -> tuple[slice, slice, slice]:
    start, stop = WINDOWS[name]
    return tuple(slice(a + MARGIN, b + MARGIN) for a, b in zip(start, stop, strict=True))


def expected(name: str) -> np.ndarray:
    """What the image's voxels are labelled with."""
    there = np.zeros_like(label_values())
    there[window(name)] = label_values()[window(name)]
    return there[tuple(slice(MARGIN, -MARGIN) for _ in SHAPE)]


def save_label(path: Path, name: str, image_ras: np.ndarray, axes, signs) -> Path:
    """Save a label map in another order, by nibabel; as NRRD or MetaImage by SimpleITK."""
    place = image_ras @ nib.affines.from_matvec(np.eye(3), WINDOWS[name][0])
    ornt = np.array([[axes.index(n), signs[axes.index(n)]] for n in range(3)], float)
    turned = nib.Nifti1Image(label_values()[window(name)], place).as_reoriented(ornt)
    if path.suffix == ".gz":
        return save_nifti(path, np.asanyarray(turned.dataobj), turned.affine)
    image = sitk.GetImageFromArray(np.ascontiguousarray(np.asanyarray(turned.dataobj).T))
    matrix = LPS @ turned.affine
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((matrix[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    sitk.WriteImage(image, str(path))
    return path


def image_of(folder: Path, kind: str) -> tuple[Path, np.ndarray]:
    """(path, affine in RAS) of an image: oblique NIfTI or NRRD, or a DICOM series."""
    values = index_phantom(SHAPE)
    if kind == "dicom":
        matrix = LPS @ affine(spacing=SPACING, origin=ORIGIN)
        return write_series(folder / "series", np.ascontiguousarray(values.T)), matrix
    matrix = affine((1, 2, 0), (-1, 1, -1), oblique=17.0)
    if kind == "nifti":
        return save_nifti(folder / "ct.nii.gz", values, matrix), matrix
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    lps = LPS @ matrix
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(folder / "ct.nrrd"))
    return folder / "ct.nrrd", matrix


def manifest_of(out: Path) -> dict:
    (path,) = out.glob("*/manifest.json")
    document = json.loads(path.read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    return document


@pytest.mark.parametrize("kind", ["nifti", "nrrd", "dicom"])
@pytest.mark.parametrize("name", WINDOWS)
def test_labels_lie_where_they_lay_in_each_of_48_orders(run_cli, tmp_path, kind, name):
    image, matrix = image_of(tmp_path, kind)
    (tmp_path / "labels").mkdir()
    arguments = []
    for n, (axes, signs) in enumerate(SIGNED_PERMUTATIONS):
        extension = ("nii.gz", "nrrd", "mha")[n % 3]
        path = save_label(tmp_path / "labels" / f"{n:02d}.{extension}", name, matrix, axes, signs)
        arguments += ["--labels", f"order{n:02d}={path}"]
    out = tmp_path / "out"
    code, _, errors = run_cli("export", image, "-o", out, "--thickness", 5, "--quiet", *arguments)
    assert code == 0, errors
    document = manifest_of(out)
    folder = next(out.glob("*/manifest.json")).parent
    truth = expected(name)
    for n in range(len(SIGNED_PERMUTATIONS)):
        for slab in document["slabs"]:
            cut = nib.load(folder / slab["labels"][f"order{n:02d}"])
            box = tuple(slice(a, b) for a, b in zip(slab["ijk_start"], slab["ijk_stop"], strict=True))
            np.testing.assert_array_equal(np.asanyarray(cut.dataobj), truth[box])
            place = matrix @ nib.affines.from_matvec(np.eye(3), slab["ijk_start"])
            np.testing.assert_allclose(cut.affine, place, rtol=0, atol=1e-4)
    record = document["label_sources"]["order05"]
    assert sorted(record["file_shape_ijk"]) == sorted(label_values()[window(name)].shape)
    outside = int(np.count_nonzero(label_values()[window(name)])) - int(np.count_nonzero(truth))
    assert record["placed"].get("labelled_outside", 0) == outside
    as_stored = SIGNED_PERMUTATIONS.index(((0, 1, 2), (1, 1, 1)))
    assert ("placed" in document["label_sources"][f"order{as_stored:02d}"]) == (name != "whole")
    assert run_cli("verify", out)[0] == 0


def part_and_image(folder: Path) -> tuple[Path, Path]:
    image, matrix = image_of(folder, "nifti")
    return image, save_label(folder / "seg.nrrd", "both", matrix, (2, 0, 1), (1, -1, 1))


def test_a_run_is_resumed_and_a_changed_label_map_is_noticed(run_cli, tmp_path):
    image, label = part_and_image(tmp_path)
    out = tmp_path / "out"
    arguments = ("export", image, "-o", out, "--labels", label, "--thickness", 5)
    code, _, said = run_cli(*arguments)
    assert code == 0
    assert "covers 4 x 4 x 7 of the image's 6 x 7 x 8 voxels: the rest is background" in said
    assert "it is cut at the image's edges; 212 labelled voxels outside are left out" in said
    code, _, said = run_cli(*arguments, "--resume")
    assert code == 0
    assert "complete already" in said
    changed = sitk.ReadImage(str(label))
    changed.SetOrigin([value + 0.01 for value in changed.GetOrigin()])
    sitk.WriteImage(changed, str(label))
    assert run_cli("verify", out)[0] == 1


def test_the_outlook_says_the_same_from_the_headers(run_cli, tmp_path):
    image, label = part_and_image(tmp_path)
    code, shown, said = run_cli("export", image, "-o", tmp_path / "out", "--labels", label, "--dry-run")
    assert code == 0
    assert "reaches beyond the image: it is cut at the image's edges" in shown + said
    small = save_nifti(tmp_path / "lost.nii.gz", np.ones(SHAPE, np.uint8), np.eye(4))
    code, shown, said = run_cli("export", image, "-o", tmp_path / "out", "--labels", small, "--dry-run")
    assert code == 2
    assert "its affine is the identity" in shown + said
    code, shown, said = run_cli("inspect", image, small)
    assert code == 0


def test_a_lost_affine_is_restored_when_asked_for_and_verified(run_cli, tmp_path):
    image, matrix = image_of(tmp_path, "nifti")
    values = (index_phantom(SHAPE) % 5).astype(np.uint8)
    lost = save_nifti(tmp_path / "lost.nii.gz", values, np.eye(4))
    out = tmp_path / "out"
    code, _, said = run_cli("export", image, "-o", out, "--labels", lost)
    assert code == 2
    assert "It needs the image's geometry, not resampling" in said
    assert "--label-affine image" in said
    assert "Resample it" not in said
    code, _, said = run_cli("export", image, "-o", out, "--overwrite", "--labels", lost, "--label-affine", "image")
    assert code == 0
    assert "it is given the image's geometry, voxel for voxel (--label-affine image)" in said
    assert "left and right cannot be trusted" not in said
    document = manifest_of(out)
    assert document["label_sources"]["labels"]["placed"] == {"done": [], "affine": "image"}
    assert document["label_sources"]["labels"]["file_affine_ras"] == np.eye(4).tolist()
    assert "--label-affine image" in (out / "report.html").read_text()
    cut = nib.load(next(out.glob("*/labels/*.nii.gz")))
    np.testing.assert_allclose(cut.affine, matrix, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(np.asanyarray(cut.dataobj), values)
    assert run_cli("verify", out)[0] == 0


def test_a_label_map_half_a_voxel_off_is_taken_within_a_tolerance(run_cli, tmp_path):
    image, matrix = image_of(tmp_path, "nifti")
    values = (index_phantom(SHAPE) % 5).astype(np.uint8)
    half = matrix @ nib.affines.from_matvec(np.eye(3), (0.5, 0.5, 0.5))
    label = save_nifti(tmp_path / "half.nii.gz", values, half)
    out = tmp_path / "out"
    code, _, said = run_cli("export", image, "-o", out, "--labels", label)
    assert code == 2
    assert "shifted by half a voxel (0.5, 0.5, 0.5 voxels)" in said
    code, _, said = run_cli("export", image, "-o", out, "--overwrite", "--labels", label, "--label-tolerance", 0.6)
    assert code == 0
    assert "--label-tolerance 0.6" in said
    cut = nib.load(next(out.glob("*/labels/*.nii.gz")))
    np.testing.assert_allclose(cut.affine, matrix, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(np.asanyarray(cut.dataobj), values)
    assert run_cli("verify", out)[0] == 0
    assert run_cli("export", image, "-o", out, "--overwrite", "--labels", label, "--label-tolerance", 3)[0] == 2


def test_a_label_map_that_lies_by_its_sform_says_so(run_cli, tmp_path):
    image, matrix = image_of(tmp_path, "nifti")
    label = nib.Nifti1Image(np.ones(SHAPE, np.uint8), matrix)
    label.set_sform(matrix, 1)
    label.set_qform(matrix @ nib.affines.from_matvec(np.eye(3), (0, 0, 40.0)), 1)
    nib.save(label, tmp_path / "two.nii.gz")
    code, _, said = run_cli("export", image, "-o", tmp_path / "out", "--labels", tmp_path / "two.nii.gz")
    if code:  # which transform Slicer takes is its own choice
        assert "by its sform it lies on the image" in said
        assert "--nifti-transform sform" in said
        code, _, said = run_cli(
            "export", image, "-o", tmp_path / "out2", "--labels", tmp_path / "two.nii.gz", "--nifti-transform", "sform"
        )
    assert code == 0
