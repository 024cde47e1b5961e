"""Several frames of a 4D file: cut together, each verified, with their times, and put back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import nibabel as nib
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import slab_exporter as se
from pydicom.uid import generate_uid
from slab_exporter.core.manifest import SCHEMA_PATH
from support.dicom_phantoms import voxels, write_series
from support.frames import PLACE, SHAPE, frames_phantom, save_frames
from support.phantoms import affine, save_nifti

COUNT = 5


def box_of(slab) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(slab.box.start, slab.box.stop, strict=True))


def exported(source: Path, out: Path, **options):
    result = se.export(source, out, **options)
    assert not result.failures, result.failures[0].error
    (report,) = se.verify(out)
    assert report.differences == ()
    return result.manifests[0]


@pytest.mark.parametrize("extension", ["nii.gz", "nii"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_pieces_are_4d_with_the_times_of_the_source(tmp_path, extension, dtype):
    array = frames_phantom(COUNT, dtype)
    if dtype == "float32":
        array[2, 3, 4, 1], array[2, 3, 5, 2] = np.nan, np.inf
    source = save_frames(tmp_path / f"bold.{extension}", array)
    manifest = exported(source, tmp_path / "out", frames="all", block=(5, 4, 6), overlap=1, format=extension)
    for slab in manifest.slabs:
        image = nib.load(tmp_path / "out" / "bold" / slab.image)
        np.testing.assert_array_equal(np.asarray(image.dataobj), array[box_of(slab)])
        np.testing.assert_allclose(image.affine, slab.geometry.affine_ras, atol=1e-4)
        assert image.header.get_xyzt_units() == ("mm", "sec")
        assert (float(image.header["pixdim"][4]), float(image.header["toffset"])) == (2.5, 0.75)
        assert image.get_data_dtype() == np.dtype(dtype)
    back = se.stitch(tmp_path / "out" / "bold", tmp_path / f"back.{extension}")
    found, before = nib.load(back.path), nib.load(source)
    np.testing.assert_array_equal(np.asarray(found.dataobj), array)
    np.testing.assert_array_equal(found.affine, before.affine)
    for field in ("xyzt_units", "toffset", "dim", "descrip"):
        np.testing.assert_array_equal(found.header[field], before.header[field])
    np.testing.assert_array_equal(found.header["pixdim"][:5], before.header["pixdim"][:5])


def test_the_manifest_keeps_its_schema(tmp_path):
    source = save_frames(tmp_path / "bold.nii.gz", frames_phantom())
    manifest = exported(source, tmp_path / "out", frames="1:4")
    document = json.loads((tmp_path / "out" / "bold" / "manifest.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(document)
    assert document["frames"] == {
        "numbers": [1, 2, 3], "of": 5, "step": 2.5, "unit": "s", "start": 0.75, "apart": False
    }  # fmt: skip
    assert se.read_manifest(tmp_path / "out" / "bold").to_json() == document == manifest.to_json()


@pytest.mark.parametrize(
    ("frames", "numbers", "step", "start"),
    [("1:4", [1, 2, 3], 2.5, 3.25), ([0, 2, 4], [0, 2, 4], 5.0, 0.75), ("3,0,1", [3, 0, 1], 0.0, 8.25)],
)
def test_some_frames_in_the_order_that_is_asked_for(tmp_path, frames, numbers, step, start):
    array = frames_phantom()
    manifest = exported(save_frames(tmp_path / "bold.nii.gz", array), tmp_path / "out", frames=frames)
    image = nib.load(tmp_path / "out" / "bold" / manifest.slabs[0].image)
    np.testing.assert_array_equal(np.asarray(image.dataobj), array[box_of(manifest.slabs[0])][..., numbers])
    assert (float(image.header["pixdim"][4]), float(image.header["toffset"])) == (step, start)


def test_one_frame_is_a_volume(tmp_path):
    array = frames_phantom()
    manifest = exported(save_frames(tmp_path / "bold.nii.gz", array), tmp_path / "out", frames="3:4")
    image = nib.load(tmp_path / "out" / "bold" / manifest.slabs[0].image)
    np.testing.assert_array_equal(np.asarray(image.dataobj), array[box_of(manifest.slabs[0])][..., 3])
    assert manifest.frames is None
    flat = save_nifti(tmp_path / "flat.nii", array[..., 0], PLACE)
    assert exported(flat, tmp_path / "flat-out", frames="all").frames is None


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ("0:9", "holds 5 frames, counted from 0; of --frames 0:9, frame 5 does not exist"),
        ("7", "holds 5 frames, counted from 0; of --frames 7, frame 7 does not exist"),
        ("1,1", "a frame comes twice"),
        ("3:3", "it holds no frame"),
    ],
)
@pytest.mark.parametrize("extension", ["nii.gz", "nrrd", "mha"])
def test_frames_out_of_range_fail_with_how_many_there_are(tmp_path, run_cli, frames, sentence, extension):
    source = file_of(tmp_path, extension, frames_phantom())
    code, _, err = run_cli("export", source, "-o", tmp_path / "out", "--frames", frames)
    assert code == 2
    assert sentence in err
    assert not (tmp_path / "out" / "bold").exists()


@pytest.mark.parametrize("frames", ["some", "1:2:3", "-1", "1;2", ""])
def test_nonsense_is_refused(tmp_path, run_cli, frames):
    source = save_frames(tmp_path / "bold.nii.gz", frames_phantom())
    assert run_cli("export", source, "-o", tmp_path / "out", f"--frames={frames}")[0] == 2
    code, _, err = run_cli("export", source, "-o", tmp_path / "out", "--frames", "all", "--frame", "1")
    assert code == 2
    assert "Choose either --frame 1 or --frames all" in err


def file_of(folder: Path, extension: str, array: np.ndarray) -> Path:
    """A 4D file of a kind: NIfTI, NRRD with a list axis last or first (as Slicer writes sequences), MetaImage."""
    path = folder / f"bold.{extension}"
    if extension in ("nii", "nii.gz"):
        return save_frames(path, array)
    lps = np.diag([-1, -1, 1, 1]) @ PLACE
    if extension == "mha":
        image = sitk.GetImageFromArray(np.ascontiguousarray(array.T), isVector=False)
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        direction = np.eye(4)
        direction[:3, :3] = lps[:3, :3] / spacing
        image.SetSpacing([*spacing.tolist(), 2.5])
        image.SetOrigin([*lps[:3, 3].tolist(), 0.75])
        image.SetDirection(direction.ravel().tolist())
        sitk.WriteImage(image, str(path), True)
        return path
    nowhere = np.full((1, 3), np.nan)
    header = {"space": "left-posterior-superior", "space origin": lps[:3, 3], "encoding": "gzip"}
    if extension == "nrrd":
        header |= {"kinds": ["domain"] * 3 + ["list"], "space directions": np.vstack([lps[:3, :3].T, nowhere])}
        header |= {"spacings": [np.nan] * 3 + [2.5], "units": ["", "", "", "s"]}
        nrrd.write(str(path), array, header, index_order="F")
        return path
    header |= {"kinds": ["list"] + ["domain"] * 3, "space directions": np.vstack([nowhere, lps[:3, :3].T])}
    values = " ".join(str(0.75 + 2.5 * n) for n in range(array.shape[-1]))
    header |= {"axis 0 index type": "numeric", "axis 0 index unit": "s", "axis 0 index values": values}
    nrrd.write(str(path), np.moveaxis(array, -1, 0), header, index_order="F")
    return path


@pytest.mark.parametrize("extension", ["nrrd", "seq.nrrd", "mha"])
def test_files_of_other_kinds_are_read_like_4d_nifti(tmp_path, extension, run_cli):
    array = frames_phantom()
    source = file_of(tmp_path, extension, array)
    code, _, err = run_cli("export", source, "-o", tmp_path / "none")
    assert code == 2
    assert "is 4D: it holds 5 volumes. Choose one with --frame 0 to 4, or several with --frames all." in err
    case = source.name.removesuffix(".nrrd").removesuffix(".mha")
    for number in (0, 3):
        manifest = exported(source, tmp_path / str(number), frame=number)
        image = nib.load(tmp_path / str(number) / case / manifest.slabs[0].image)
        np.testing.assert_array_equal(np.asarray(image.dataobj), array[box_of(manifest.slabs[0])][..., number])
        np.testing.assert_allclose(manifest.geometry.affine_ras, PLACE, atol=1e-5)
    manifest = exported(source, tmp_path / "all", frames="all", thickness=4)
    for slab in manifest.slabs:
        image = nib.load(tmp_path / "all" / case / slab.image)
        np.testing.assert_array_equal(np.asarray(image.dataobj), array[box_of(slab)])
        assert float(image.header["pixdim"][4]) == 2.5
    back = nib.load(se.stitch(tmp_path / "all" / case, tmp_path / "back.nii.gz").path)
    np.testing.assert_array_equal(np.asarray(back.dataobj), array)
    with pytest.raises(se.SlabExporterError, match="does not exist"):
        raise se.export(source, tmp_path / "outside", frame=9).failures[0].error


def test_nrrd_pieces_have_a_list_axis_that_pynrrd_and_itk_read(tmp_path):
    array = frames_phantom()
    manifest = exported(save_frames(tmp_path / "bold.nii", array), tmp_path / "out", frames="all", format="nrrd")
    path = tmp_path / "out" / "bold" / manifest.slabs[0].image
    found, header = nrrd.read(str(path), index_order="F")
    np.testing.assert_array_equal(found, array[box_of(manifest.slabs[0])])
    assert header["kinds"] == ["domain", "domain", "domain", "list"]
    assert header["spacings"][3] == 2.5
    assert sitk.ReadImage(str(path)).GetNumberOfComponentsPerPixel() == COUNT
    back = se.stitch(tmp_path / "out" / "bold", tmp_path / "back.nrrd")
    whole, header = nrrd.read(str(back.path), index_order="F")
    np.testing.assert_array_equal(whole, array)
    assert header["spacings"][3] == 2.5


@pytest.mark.parametrize("format", ["nii.gz", "nrrd"])
def test_padding_orientation_and_spacing_hold_for_every_frame(tmp_path, format):
    array = frames_phantom()
    source = save_frames(tmp_path / "bold.nii.gz", array)
    manifest = exported(
        source, tmp_path / "out", frames="all", orient="PIR", block=(4, 4, 4), remainder="pad", fill=-7, format=format
    )
    assert manifest.geometry.orientation == "PIR"
    assert not all(slab.box.intersection(manifest.geometry.box) == slab.box for slab in manifest.slabs)
    back = nib.load(se.stitch(tmp_path / "out" / "bold", tmp_path / "back.nii.gz", grid="source").path)
    np.testing.assert_array_equal(np.asarray(back.dataobj), array)
    assert float(back.header["pixdim"][4]) == 2.5
    resampled = exported(source, tmp_path / "spaced", frames="all", spacing=1.5, format=format)
    alone = exported(source, tmp_path / "alone", frame=3, spacing=1.5)
    four = se.SlabDataset(tmp_path / "spaced")[0]["image"]
    np.testing.assert_array_equal(four[3], se.SlabDataset(tmp_path / "alone")[0]["image"][0])
    assert resampled.geometry.shape_ijk == alone.geometry.shape_ijk


@pytest.mark.parametrize("kind", ["scaled", "big-endian"])
def test_stored_values_of_other_kinds_become_one_type_for_all_frames(tmp_path, kind):
    array = frames_phantom()
    image = nib.Nifti1Image(array, PLACE)
    path = tmp_path / "bold.nii"
    if kind == "scaled":
        image.header.set_slope_inter(1, -1024)
        image = nib.Nifti1Image(array.astype(np.float64) - 1024, PLACE, image.header)
        image.header.set_data_dtype(np.int16)
        image.header.set_slope_inter(1, -1024)
    else:
        header = nib.Nifti1Header(endianness=">")
        header.set_data_dtype(np.int16)
        image = nib.Nifti1Image(array, PLACE, header)
    nib.save(image, path)
    expected = np.asarray(nib.load(path).dataobj)
    manifest = exported(path, tmp_path / "out", frames="all", thickness=4)
    assert manifest.source.dtype == "int16"
    for slab in manifest.slabs:
        found = nib.load(tmp_path / "out" / "bold" / slab.image)
        assert found.get_data_dtype() == np.int16
        np.testing.assert_array_equal(np.asarray(found.dataobj), expected[box_of(slab)])


def test_a_change_in_any_frame_is_found(tmp_path):
    array = frames_phantom()
    source = save_frames(tmp_path / "bold.nii", array)
    manifest = exported(source, tmp_path / "out", frames="all", format="nii")
    slab = manifest.slabs[0]
    path = tmp_path / "out" / "bold" / slab.image
    image = nib.load(path)
    values = np.array(image.dataobj)
    values[1, 2, 3, 4] += 1
    nib.save(nib.Nifti1Image(values, image.affine, image.header), path)
    text = (tmp_path / "out" / "bold" / "manifest.json").read_text()
    changed = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "out" / "bold" / "manifest.json").write_text(text.replace(slab.sha256, changed))
    (difference,) = se.verify(tmp_path / "out")[0].differences
    assert difference.endswith("of frame 4, 1 of 792 voxels differ from the source.")


def test_resume_knows_frames(tmp_path):
    source = save_frames(tmp_path / "bold.nii.gz", frames_phantom())
    for format in ("nii.gz", "dicom"):
        out, seen = tmp_path / format, []
        exported(source, out, frames="all", format=format)
        se.export(source, out, frames="all", format=format, resume=True, progress=lambda e, s=seen: s.append(e.kind))
        assert "case-skipped" in seen
        seen.clear()
        se.export(source, out, frames="0:3", format=format, resume=True, progress=lambda e, s=seen: s.append(e.kind))
        assert "case-finished" in seen


def test_loaders_get_frames_in_front(tmp_path):
    array = frames_phantom()
    source = save_frames(tmp_path / "bold.nii.gz", array)
    manifest = exported(source, tmp_path / "out", frames="all", thickness=4)
    item = se.SlabDataset(tmp_path / "out")[0]
    np.testing.assert_array_equal(item["image"], np.moveaxis(array[box_of(manifest.slabs[0])], -1, 0))
    monai = pytest.importorskip("monai.transforms")
    data = pytest.importorskip("monai.data")
    entry = data.load_decathlon_datalist(str(tmp_path / "out" / "dataset.json"), True, "training")[0]
    loaded = monai.LoadImaged("image", image_only=True, ensure_channel_first=True)(entry)
    np.testing.assert_array_equal(loaded["image"].numpy(), item["image"])


def test_channels_may_have_frames(tmp_path):
    (tmp_path / "in").mkdir()
    array = frames_phantom(3)
    for number, name in enumerate(("a", "b")):
        save_frames(tmp_path / "in" / f"p_{name}.nii.gz", array + np.int16(number), PLACE)
    channels = {"a": "*_a.nii.gz", "b": "*_b.nii.gz"}
    manifest = exported(tmp_path / "in", tmp_path / "out", channels=channels, frames="all")
    for number, path in enumerate(manifest.slabs[0].images):
        found = np.asarray(nib.load(tmp_path / "out" / "p" / path).dataobj)
        np.testing.assert_array_equal(found, array[box_of(manifest.slabs[0])] + number)
    assert se.SlabDataset(tmp_path / "out")[0]["image"].shape[0] == 6
    save_frames(tmp_path / "in" / "p_b.nii.gz", array[..., :2], PLACE)
    (failure,) = se.export(tmp_path / "in", tmp_path / "other", channels=channels, frames="all").failures
    assert "p_b.nii.gz (b) has 2 frames" in str(failure.error)


def test_dicom_has_a_series_for_each_frame(tmp_path):
    array = frames_phantom(3)
    manifest = exported(save_frames(tmp_path / "bold.nii.gz", array), tmp_path / "out", frames="all", format="dicom")
    assert manifest.channel_names == ("frame-000", "frame-001", "frame-002")
    heads = [pydicom.dcmread(next((tmp_path / "out" / "bold" / path).iterdir())) for path in manifest.slabs[0].images]
    assert len({head.SeriesInstanceUID for head in heads}) == 3
    assert len({(head.StudyInstanceUID, head.FrameOfReferenceUID) for head in heads}) == 1
    back = nib.load(se.stitch(tmp_path / "out" / "bold", tmp_path / "back.nii.gz").path)
    np.testing.assert_array_equal(np.asarray(back.dataobj), array)
    assert float(back.header["pixdim"][4]) == 2.5


@pytest.mark.parametrize("format", ["nii.gz", "dicom"])
def test_the_volumes_of_a_series_are_frames(tmp_path, format):
    for number in range(3):
        folder = tmp_path / "in" / str(number)
        write_series(
            folder, voxels() + np.int16(number), SOPInstanceUID=lambda _: generate_uid(), SeriesInstanceUID="1.2.3",
            TemporalPositionIdentifier=number + 1, AcquisitionNumber=number + 1,
        )  # fmt: skip
    out = tmp_path / "out"
    result = se.export(tmp_path / "in", out, frames="all", format=format, thickness=3)
    assert not result.failures, result.failures[0].error
    assert se.verify(out)[0].differences == ()
    image = se.SlabDataset(out)[0]["image"]
    for number in range(3):
        np.testing.assert_array_equal(image[number], image[0] + number)


@pytest.mark.parametrize("place", [PLACE, affine(signs=(-1, 1, 1)), affine((1, 0, 2), (1, 1, -1))], ids=str)
@pytest.mark.parametrize("orient", [None, "RAS", "LPS", "PSR"])
def test_directions_of_diffusion_point_where_they_did(tmp_path, place, orient):
    array = frames_phantom(4)
    source = save_frames(tmp_path / "dwi.nii.gz", array, place)
    (tmp_path / "dwi.bval").write_text("0 1000 1000 2000\n")
    directions = np.array([[0, 1, 0.6, 0.36], [0, 0, 0.8, 0.48], [0, 0, 0, 0.8]])
    np.savetxt(tmp_path / "dwi.bvec", directions, fmt="%.6f")
    manifest = exported(source, tmp_path / "out", frames="1:4", orient=orient)
    folder = tmp_path / "out" / "dwi"
    paths = dict(manifest.frames.gradients)
    assert paths == {"bval": "images/dwi.bval", "bvec": "images/dwi.bvec"}
    assert (folder / paths["bval"]).read_text() == "1000 1000 2000\n"
    slab = nib.load(folder / manifest.slabs[0].image)
    np.testing.assert_allclose(
        in_the_patient(np.loadtxt(folder / paths["bvec"]), slab.affine),
        in_the_patient(directions[:, 1:], place),
        atol=1e-6,
    )
    assert any("FSL's convention" in text for text in manifest.warnings)
    if orient is None:
        np.testing.assert_array_equal(np.loadtxt(folder / paths["bvec"]), directions[:, 1:])
    se.export(source, tmp_path / "out", frames="1:4", orient=orient, overwrite=True)
    assert sorted(path.name for path in (folder / "images").iterdir() if path.suffix != ".gz") == [
        "dwi.bval",
        "dwi.bvec",
    ]


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_tables_that_were_changed_are_found_and_made_again(tmp_path, damage):
    source = save_frames(tmp_path / "dwi.nii", frames_phantom(2))
    (tmp_path / "dwi.bval").write_text("0 1000\n")
    manifest = exported(source, tmp_path / "out", frames="all")
    table = tmp_path / "out" / "dwi" / "images" / "dwi.bval"
    assert dict(manifest.frames.gradients_sha256) == {"bval": hashlib.sha256(b"0 1000\n").hexdigest()}
    table.unlink() if damage == "missing" else table.write_text("0 2000\n")
    (report,) = se.verify(tmp_path / "out")
    said = {"changed": "has been changed since it was written (check sum)", "missing": "is missing"}[damage]
    assert [str(text) for text in report.differences] == [f"images/dwi.bval {said}."]
    again = se.export(source, tmp_path / "out", frames="all", resume=True)
    assert not again.failures
    assert table.read_text() == "0 1000\n"
    assert se.verify(tmp_path / "out")[0].differences == ()


def in_the_patient(bvec: np.ndarray, place: np.ndarray) -> np.ndarray:
    """RAS vectors, as MRtrix makes them of FSL's: x reversed where the determinant is positive, then rotated."""
    axes = place[:3, :3] / np.linalg.norm(place[:3, :3], axis=0)
    flipped = bvec * np.array([[-1 if np.linalg.det(place[:3, :3]) > 0 else 1], [1], [1]])
    return axes @ flipped


def test_tables_that_do_not_fit_are_not_copied_and_it_is_said(tmp_path):
    source = save_frames(tmp_path / "dwi.nii.gz", frames_phantom(4))
    (tmp_path / "dwi.bval").write_text("0 1000\n")
    manifest = exported(source, tmp_path / "out", frames="all")
    assert manifest.frames.gradients == ()
    assert any("dwi.bval holds 1 x 2 numbers; an image of 4 frames needs 1 x 4" in text for text in manifest.warnings)


def test_deidentified_frames_name_nobody(tmp_path):
    save_frames(tmp_path / "smith.nii.gz", frames_phantom(3))
    (tmp_path / "smith.bval").write_text("0 1000 1000\n")
    np.savetxt(tmp_path / "smith.bvec", np.eye(3))
    exported(tmp_path / "smith.nii.gz", tmp_path / "out", frames="all", deidentify=True)
    for path in (tmp_path / "out").rglob("*"):
        assert "smith" not in path.name
        assert path.is_dir() or b"smith" not in path.read_bytes()
    assert (tmp_path / "out" / "case-0001" / "images" / "case-0001.bvec").is_file()


def test_the_command_line_says_what_frames_would_come_to(tmp_path, run_cli):
    source = save_frames(tmp_path / "bold.nii.gz", frames_phantom())
    code, out, err = run_cli("export", source, "-o", tmp_path / "out", "--frames", "0:4", "--dry-run", "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[0])["voxel_bytes"] == np.prod(SHAPE) * 2 * 4
    code, _, err = run_cli("export", source, "-o", tmp_path / "out", "--frames", "0:4")
    assert code == 0, err
    code, _, err = run_cli("export", source, "-o", tmp_path / "again", "--options", tmp_path / "out")
    assert code == 0, err
    assert se.read_manifest(tmp_path / "again" / "bold").frames.numbers == (0, 1, 2, 3)
