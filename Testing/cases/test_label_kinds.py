"""Segments of every kind: the same label slabs from each, as the program that wrote them reads them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from support.dicom_phantoms import ORIGIN, SPACING, uid, voxels, write_image, write_series
from support.phantoms import affine, index_phantom, save_nifti
from support.segment_files import LPS, write_masks, write_rtstruct, write_seg, write_seg_nrrd

SHAPE_KJI = (8, 13, 11)
MATRIX = LPS @ affine(spacing=SPACING, origin=ORIGIN)


def masks(overlap: bool = False) -> dict[str, np.ndarray]:
    """Boxes in IJK: a liver, a spleen and (beside or inside the liver) a tumour."""
    liver, spleen, tumour = (np.zeros(SHAPE_KJI[::-1], bool) for _ in range(3))
    liver[2:6, 3:9, 1:6], spleen[8:10, 2:5, 3:7] = True, True
    tumour[(slice(3, 5) if overlap else slice(6, 8)), 5:7, 2:4] = True
    return {"liver": liver, "spleen": spleen, "tumour": tumour}


def label_map(overlap: bool = False) -> np.ndarray:
    """The masks in one label map, the later one over the earlier one."""
    result = np.zeros(SHAPE_KJI[::-1], np.uint8)
    for value, mask in enumerate(masks(overlap).values(), start=1):
        result[mask] = value
    return result


def contours(mask_ijk: np.ndarray) -> list[np.ndarray]:
    """The outline of a box in each slice, on the edges of its voxels, in LPS."""
    (i0, j0, k0), (i1, j1, k1) = (getattr(np.argwhere(mask_ijk), end)(axis=0) for end in ("min", "max"))
    corners = [(i0 - 0.5, j0 - 0.5), (i1 + 0.5, j0 - 0.5), (i1 + 0.5, j1 + 0.5), (i0 - 0.5, j1 + 0.5)]
    lps = LPS @ MATRIX
    return [np.array([(lps @ (i, j, k, 1))[:3] for i, j in corners]) for k in range(k0, k1 + 1)]


@pytest.fixture
def series(tmp_path) -> Path:
    return write_series(tmp_path / "in" / "ct", voxels(SHAPE_KJI))


def write(kind: str, folder: Path, series: Path, overlap: bool = False) -> Path:
    of = masks(overlap)
    kji = {name: np.ascontiguousarray(mask.T) for name, mask in of.items()}
    images = sorted(series.iterdir())
    if kind == "seg.nrrd":
        return write_seg_nrrd(folder / "s.seg.nrrd", of, MATRIX)
    if kind == "masks":
        return write_masks(folder / "segmentations", of, MATRIX)
    if kind == "rtstruct":
        return write_rtstruct(folder / "rt.dcm", {name: contours(mask) for name, mask in of.items()})
    return write_seg(folder / "seg.dcm", images, kji, kind)


def slabs_of(out: Path, label_set: str = "labels") -> np.ndarray:
    """All label slabs of a set, one after the other, by nibabel."""
    (folder,) = (path.parent for path in out.glob("*/manifest.json"))
    files = [slab["labels"][label_set] for slab in json.loads((folder / "manifest.json").read_text())["slabs"]]
    return np.concatenate([np.asanyarray(nib.load(folder / file).dataobj) for file in files], axis=2)


KINDS = ["BINARY", "FRACTIONAL", "LABELMAP", "seg.nrrd", "masks", "rtstruct"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_label_slabs_and_names(run_cli, tmp_path, series, kind):
    labels = write(kind, tmp_path / "lab", series) if kind != "seg.nrrd" else write(kind, tmp_path, series)
    out = tmp_path / "out"
    code, _, said = run_cli("export", series, "--labels", labels, "-o", out, "--thickness", 3)
    assert code == 0, said
    np.testing.assert_array_equal(slabs_of(out), label_map())
    assert "overlap" not in said
    document = json.loads((out / "dataset.json").read_text())
    assert document["labels"] == {"0": "background", "1": "liver", "2": "spleen", "3": "tumour"}
    assert '<i style="background:rgb(86,180,233)"></i>spleen</span>' in (out / "report.html").read_text()
    assert run_cli("verify", out)[0] == 0
    code, _, said = run_cli("export", series, "--labels", labels, "-o", out, "--thickness", 3, "--resume")
    assert "complete already" in said
    code, shown, said = run_cli("export", series, "--labels", labels, "-o", tmp_path / "no", "--dry-run")
    assert code == 0, shown + said
    assert run_cli("verify", out)[0] == 0


@pytest.mark.parametrize("kind", ["BINARY", "seg.nrrd", "masks", "rtstruct"])
def test_overlapping_segments_are_layers_or_the_last_one_wins_and_it_is_said(run_cli, tmp_path, series, kind):
    labels = write(kind, tmp_path, series, overlap=True)
    shared = int(np.count_nonzero(masks(True)["liver"] & masks(True)["tumour"]))
    code, _, said = run_cli("export", series, "--labels", labels, "-o", tmp_path / "two", "--thickness", 3)
    assert code == 0, said
    assert f"'liver' and 'tumour' share {shared} voxels" in said
    assert "written as 2 label sets" in said
    first = np.where(masks(True)["liver"], 1, 0) + np.where(masks(True)["spleen"], 2, 0)
    np.testing.assert_array_equal(slabs_of(tmp_path / "two"), first)
    np.testing.assert_array_equal(slabs_of(tmp_path / "two", "labels_layer-2"), np.where(masks(True)["tumour"], 3, 0))
    assert run_cli("verify", tmp_path / "two")[0] == 0
    code, _, said = run_cli("export", series, "--labels", labels, "-o", tmp_path / "one", "--overlapping", "last")
    assert code == 0
    assert "each voxel goes to the segment that is later in the list" in said
    np.testing.assert_array_equal(slabs_of(tmp_path / "one"), label_map(True))
    assert run_cli("verify", tmp_path / "one")[0] == 0


def test_highdicom_reads_what_slabs_of_a_segmentation_say(run_cli, tmp_path, series):
    """SEG in, SEG out: highdicom finds the same voxels, names and colours."""
    import highdicom as hd

    labels = write("BINARY", tmp_path, series)
    out = tmp_path / "out"
    code, _, said = run_cli("export", series, "--labels", labels, "-o", out, "--format", "dicom")
    assert code == 0, said
    (path,) = out.glob("*/labels/*.dcm")
    found = hd.seg.segread(path)
    assert [item.SegmentLabel for item in found.SegmentSequence] == ["liver", "spleen", "tumour"]
    volume = found.get_volume(combine_segments=True, relabel=False)
    assert int(np.count_nonzero(volume.array)) == int(np.count_nonzero(label_map()))
    source = pydicom.dcmread(labels).SegmentSequence[1].RecommendedDisplayCIELabValue
    assert np.allclose(found.SegmentSequence[1].RecommendedDisplayCIELabValue, source, atol=400)


def test_segmentations_go_to_the_series_that_they_refer_to(run_cli, tmp_path):
    first = write_series(tmp_path / "in" / "a", voxels(SHAPE_KJI))
    second = write_series(
        tmp_path / "in" / "b", voxels(SHAPE_KJI), SeriesInstanceUID=uid("other series"), SeriesNumber=4
    )
    kji = {name: np.ascontiguousarray(mask.T) for name, mask in masks().items()}
    write_seg(tmp_path / "labels" / "one.dcm", sorted(second.iterdir()), {"spleen": kji["spleen"]})
    write_rtstruct(tmp_path / "labels" / "two.dcm", {"liver": contours(masks()["liver"])})
    code, _, said = run_cli("export", tmp_path / "in", "--labels", tmp_path / "labels", "-o", tmp_path / "out")
    assert code == 0, said
    found = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "out").glob("*/manifest.json")}
    kinds = {case.split("_")[2]: one["label_sources"]["labels"]["read_as"]["kind"] for case, one in found.items()}
    assert kinds == {"3": "rtstruct", "4": "dicom-seg"}
    assert first.is_dir()


def test_cases_that_lack_structures_give_the_others_the_same_values(run_cli, tmp_path):
    for case, names in (("a", ("liver", "tumour")), ("b", ("spleen", "tumour"))):
        (tmp_path / "in" / case).mkdir(parents=True)
        save_nifti(tmp_path / "in" / case / f"{case}_ct.nii.gz", index_phantom(SHAPE_KJI[::-1]), MATRIX)
        write_masks(tmp_path / "masks" / f"{case}_ct", {name: masks()[name] for name in names}, MATRIX)
    with (tmp_path / "cases.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label"])
        rows.writerows([[f"in/{case}/{case}_ct.nii.gz", f"masks/{case}_ct"] for case in "ab"])
    out = tmp_path / "out"
    pattern = f"{tmp_path}/masks/{{case}}"
    code, _, said = run_cli("export", tmp_path / "in", "--labels", pattern, "-o", out)
    assert code == 0, said
    assert json.loads((out / "dataset.json").read_text())["labels"]["3"] == "tumour"
    for case, first in (("a", 1), ("b", 2)):
        found = np.asanyarray(nib.load(next((out / f"{case}_ct" / "labels").iterdir())).dataobj)
        assert np.unique(found).tolist() == [0, first, 3]
    code, _, said = run_cli("export", tmp_path / "cases.csv", "-o", tmp_path / "listed")
    assert code == 0, said
    assert json.loads((tmp_path / "listed" / "dataset.json").read_text())["labels"]["3"] == "tumour"


def test_what_is_no_mask_of_one_structure_is_said(run_cli, tmp_path):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE_KJI[::-1]), MATRIX)
    folder = write_masks(tmp_path / "segmentations", masks(), MATRIX)
    save_nifti(folder / "liver.nii.gz", np.where(masks()["liver"], 0.7, 0.2).astype(np.float32), MATRIX)
    code, _, said = run_cli("export", image, "--labels", folder, "-o", tmp_path / "out")
    assert code == 2
    assert "liver.nii.gz is not a mask: it holds 0.2, 0.7 (fractions). Probabilities need a threshold first" in said
    save_nifti(folder / "liver.nii.gz", label_map(), MATRIX)
    code, _, said = run_cli("export", image, "--labels", folder, "-o", tmp_path / "out", "--overwrite")
    assert "it holds the values 0, 1, 2, 3" in said


def test_bids_derivatives_are_masks_by_a_pattern(run_cli, tmp_path):
    image = save_nifti(tmp_path / "sub-1_T1w.nii.gz", index_phantom(SHAPE_KJI[::-1]), MATRIX)
    for name, mask in masks().items():
        save_nifti(tmp_path / f"sub-1_desc-{name}_dseg.nii.gz", mask.astype(np.uint8), MATRIX)
    out = tmp_path / "out"
    pattern = tmp_path / "sub-1_desc-*_dseg.nii.gz"
    code, _, said = run_cli("export", image, "--labels", pattern, "-o", out)
    assert code == 0, said
    np.testing.assert_array_equal(slabs_of(out), label_map())
    assert json.loads((out / "dataset.json").read_text())["labels"]["2"] == "spleen"
    assert run_cli("verify", out)[0] == 0


def test_a_changed_mask_is_noticed(run_cli, tmp_path, series):
    labels = write("masks", tmp_path, series)
    out = tmp_path / "out"
    assert run_cli("export", series, "--labels", labels, "-o", out)[0] == 0
    save_nifti(labels / "liver.nii.gz", masks()["spleen"].astype(np.uint8), MATRIX)
    code, shown, said = run_cli("verify", out)
    assert code == 1
    assert "has been changed since the export" in shown + said


def outlines(mask_kji: np.ndarray, matrix: np.ndarray) -> list[np.ndarray]:
    """Contours of a mask in each slice, between voxels inside and outside, in LPS (VTK's marching squares)."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkMarchingSquares, vtkStripper

    found, lps = [], LPS @ matrix
    for k in np.flatnonzero(mask_kji.any(axis=(1, 2))):
        plane = np.pad(mask_kji[k], 1).astype(np.float32)
        image = vtkImageData()
        image.SetDimensions(plane.shape[1], plane.shape[0], 1)
        image.GetPointData().SetScalars(numpy_to_vtk(plane.reshape(-1), deep=True))
        squares, strips = vtkMarchingSquares(), vtkStripper()
        squares.SetInputData(image)
        squares.SetValue(0, 0.5)
        strips.SetInputConnection(squares.GetOutputPort())
        strips.JoinContiguousSegmentsOn()
        strips.SetMaximumLength(100000)
        strips.Update()
        points = vtk_to_numpy(strips.GetOutput().GetPoints().GetData())[:, :2] - 1
        for n in range(strips.GetOutput().GetNumberOfLines()):
            cell = strips.GetOutput().GetCell(n).GetPointIds()
            ij = points[[cell.GetId(m) for m in range(cell.GetNumberOfIds() - 1)]]
            if len(ij) > 2:
                found.append(np.c_[ij, np.full(len(ij), k), np.ones(len(ij))] @ lps.T[:, :3])
    return found


def test_real_labels_of_a_ct_are_the_same_from_every_kind(run_cli, tmp_path, real_data):
    """A part of a real CT as a study with SEG, RTSTRUCT, .seg.nrrd and masks: one and the same label slabs."""
    ct = nib.load(real_data / "nifti" / "ct_totalseg" / "example_ct.nii.gz")
    labels = np.asanyarray(nib.load(real_data / "nifti" / "ct_totalseg" / "example_ct_labels.nii.gz").dataobj)
    part = (slice(20, 80), slice(20, 70), slice(40, 60))
    matrix = ct.affine @ nib.affines.from_matvec(np.eye(3), (20, 20, 40))
    found = labels[part]
    values = [int(v) for v in np.unique(found) if v][:6]
    of = {f"organ {value}": found == value for value in values}
    kji = {name: np.ascontiguousarray(mask.T) for name, mask in of.items()}
    lps = LPS @ matrix
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    along = lps[:3, :3] / spacing
    pixels = np.ascontiguousarray(np.asanyarray(ct.dataobj)[part].T).astype(np.int16)
    series = tmp_path / "in" / "ct"
    for k, plane in enumerate(pixels):
        write_image(
            series / f"{k:03d}", plane, lps[:3, 3] + k * lps[:3, 2], InstanceNumber=k + 1,
            PixelSpacing=[spacing[1], spacing[0]], ImageOrientationPatient=[*along[:, 0], *along[:, 1]],
            SliceThickness=spacing[2],
        )  # fmt: skip
    sources = {
        "seg": write_seg(tmp_path / "seg.dcm", sorted(series.iterdir()), kji),
        "nrrd": write_seg_nrrd(tmp_path / "s.seg.nrrd", of, matrix),
        "masks": write_masks(tmp_path / "segmentations", of, matrix),
        "rt": write_rtstruct(tmp_path / "rt.dcm", {name: outlines(mask, matrix) for name, mask in kji.items()}),
    }
    arguments = [part for name, path in sources.items() for part in ("--labels", f"{name}={path}")]
    code, _, said = run_cli("export", series, "-o", tmp_path / "out", "--thickness", 8, *arguments)
    assert code == 0, said
    slabs = {name: slabs_of(tmp_path / "out", name) for name in sources}
    expected = np.zeros(found.shape, np.uint8)
    for number, mask in enumerate(of.values(), start=1):
        expected[mask] = number
    # the series may count its rows the other way round: what lies where is compared in the order of its slabs
    for name in ("nrrd", "masks"):
        np.testing.assert_array_equal(slabs[name], slabs["seg"])
    assert sorted(np.unique(slabs["seg"], return_counts=True)[1]) == sorted(np.unique(expected, return_counts=True)[1])
    differing = np.count_nonzero(slabs["rt"] != slabs["seg"])
    assert differing <= 0.02 * np.count_nonzero(slabs["seg"])
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_folder_of_other_cases_label_maps_is_not_taken_for_masks(run_cli, tmp_path):
    """LiTS: one image, and a folder with the label maps of all cases."""
    image = save_nifti(tmp_path / "volume-3.nii.gz", index_phantom(SHAPE_KJI[::-1]), MATRIX)
    (tmp_path / "labels").mkdir()
    for n in (1, 2, 3):
        save_nifti(tmp_path / "labels" / f"segmentation-{n}.nii.gz", (label_map() == n).astype(np.uint8), MATRIX)
    code, _, said = run_cli("export", image, "--labels", tmp_path / "labels", "-o", tmp_path / "out")
    assert code == 0, said
    np.testing.assert_array_equal(slabs_of(tmp_path / "out"), (label_map() == 3).astype(np.uint8))
    (tmp_path / "labels" / "segmentation-3.nii.gz").unlink()
    code, _, said = run_cli("export", image, "--labels", tmp_path / "labels", "-o", tmp_path / "out2")
    assert code == 2
    assert "should hold one label map for volume-3.nii.gz" in said


def test_an_image_given_as_labels_is_said(run_cli, tmp_path, series):
    code, _, said = run_cli("export", series, "--labels", series / "000", "-o", tmp_path / "out")
    assert code == 2
    assert "is DICOM, but neither a segmentation (SEG) nor a structure set (RTSTRUCT)" in said


def test_two_sets_of_one_name_are_refused(run_cli, tmp_path, series):
    two = write("seg.nrrd", tmp_path, series, overlap=True)
    more = f"labels_layer-2={two}"
    code, _, said = run_cli("export", series, "--labels", two, "--labels", more, "-o", tmp_path / "out")
    assert code == 2
    assert "Two label sets of" in said
