"""The one door to volumes on disk: what a peek tells is what opening finds, for every kind of file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.cases.case import Case
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.core.volume import SourceVolume
from slab_exporter.export.survey import survey_case
from slab_exporter.volumes.choice import FileChoice, FileVolume, SeriesVolume, located
from slab_exporter.volumes.reading import LeftToSlicer, open_for_geometry, open_volume, peek_volume, read_ahead
from support.dicom_phantoms import write_series
from support.phantoms import affine, index_phantom, save_nifti

LIBRARY = Path(__file__).parents[2] / "SlabExporter"
SHAPE = (6, 7, 12)
MATRIX = affine((1, 0, 2), (-1, 1, -1), oblique=15)
FILES = {
    "nii.gz": "NIfTI",
    "nii": "NIfTI",
    "mgz": "MGH",
    "mgh": "MGH",
    "nrrd": "ITK",
    "nhdr": "ITK",
    "mha": "ITK",
    "mhd": "ITK",
}


def volume_file(folder: Path, extension: str, dtype: str = "int16") -> Path:
    """The same voxels in the same places, in each format."""
    path, data = folder / f"volume.{extension}", index_phantom(SHAPE, dtype)
    if extension in ("mgz", "mgh"):
        nib.save(nib.MGHImage(data, MATRIX), path)
        return path
    nifti = save_nifti(folder / ("plain.nii" if FILES[extension] == "ITK" else path.name), data, MATRIX)
    if FILES[extension] == "ITK":
        image = sitk.ReadImage(str(nifti))
        for key in image.GetMetaDataKeys():
            image.EraseMetaData(key)
        sitk.WriteImage(image, str(path), True)
    return path


@pytest.mark.parametrize("extension", FILES)
def test_a_peek_tells_what_opening_finds(runtime, tmp_path, extension):
    choice = FileChoice(volume_file(tmp_path, extension))
    peek, volume = peek_volume(choice), open_volume(runtime, choice)
    assert peek.kind == FILES[extension]
    assert (peek.dtype, peek.frames, peek.is_scaled, peek.warnings) == (np.dtype("int16"), 1, False, ())
    assert peek.voxel_bytes == 2 * 6 * 7 * 12 == volume.voxels_kji.nbytes
    assert volume.voxels_kji.dtype == np.int16
    np.testing.assert_array_equal(volume.voxels_kji.T, index_phantom(SHAPE))
    for geometry in (peek.geometry, volume.geometry):
        assert geometry.shape_ijk == SHAPE
        np.testing.assert_allclose(geometry.affine_ras, MATRIX, rtol=0, atol=1e-4)


@pytest.mark.parametrize("extension", FILES)
def test_reading_ahead_changes_nothing(runtime, tmp_path, extension):
    volume = FileVolume(volume_file(tmp_path, extension))
    ahead = read_ahead(volume)
    assert isinstance(ahead, LeftToSlicer) == (FILES[extension] == "ITK")
    in_two_steps, at_once = open_volume(runtime, volume, ahead), open_volume(runtime, volume)
    np.testing.assert_array_equal(in_two_steps.voxels_kji, at_once.voxels_kji)
    np.testing.assert_array_equal(in_two_steps.geometry.affine_ras, at_once.geometry.affine_ras)
    assert (in_two_steps.sha256, in_two_steps.warnings) == (at_once.sha256, at_once.warnings)


def test_a_series_is_peeked_and_opened_as_a_folder_and_as_a_series(runtime, tmp_path):
    voxels = index_phantom((7, 9, 6), "uint16").T % 4000
    write_series(tmp_path / "ct", voxels)
    choice = FileChoice(tmp_path / "ct")
    series = located(choice)
    assert isinstance(series, SeriesVolume)
    assert isinstance(read_ahead(series), SourceVolume)
    for one in (choice, series):
        peek, volume = peek_volume(one), open_volume(runtime, one)
        assert (peek.kind, peek.frames, peek.geometry.shape_ijk) == ("DICOM", 1, (7, 9, 6))
        assert peek.warnings == volume.warnings
        np.testing.assert_array_equal(peek.geometry.affine_ras, volume.geometry.affine_ras)


@pytest.mark.parametrize("extension", ["mgh", "mgz"])
def test_the_voxels_of_an_mgh_file_are_not_needed_for_a_peek(runtime, tmp_path, extension):
    path = volume_file(tmp_path, extension)
    whole = peek_volume(FileVolume(path))
    path.write_bytes(path.read_bytes()[:300])
    assert peek_volume(FileVolume(path)).geometry.shape_ijk == whole.geometry.shape_ijk
    with pytest.raises(InputError, match=r"truncated|gzip|damaged"):
        open_volume(runtime, FileVolume(path))


def test_compressed_voxels_are_not_inflated_for_a_peek(runtime, tmp_path):
    path = volume_file(tmp_path, "mha")
    content = bytearray(path.read_bytes())
    content[-200:-100] = bytes(100)
    path.write_bytes(content)
    assert peek_volume(FileVolume(path)).geometry.shape_ijk == SHAPE
    with pytest.raises(InputError, match="do not inflate to the 1008 bytes promised"):
        open_volume(runtime, FileVolume(path))


@pytest.mark.parametrize(("extension", "dtype"), [("mgz", "float32"), ("nrrd", "float64"), ("mha", "uint8")])
def test_a_peek_tells_the_type(tmp_path, extension, dtype):
    assert peek_volume(FileVolume(volume_file(tmp_path, extension, dtype))).dtype == np.dtype(dtype)


def test_frames_and_scaling_are_in_the_header(runtime, tmp_path):
    image = nib.Nifti1Image(np.arange(6 * 7 * 5 * 3, dtype=np.int16).reshape(6, 7, 5, 3), MATRIX)
    image.header.set_slope_inter(1, 0)
    nib.save(image, tmp_path / "time.nii")
    with pytest.raises(InputError, match="4D: it holds 3 volumes"):
        peek_volume(FileVolume(tmp_path / "time.nii"))
    peek = peek_volume(FileVolume(tmp_path / "time.nii", 2))
    assert (peek.frames, peek.is_scaled, peek.voxel_bytes) == (3, False, 2 * 6 * 7 * 5)
    first = open_for_geometry(runtime, FileChoice(tmp_path / "time.nii"))
    np.testing.assert_array_equal(first.voxels_kji.T, np.asanyarray(image.dataobj)[..., 0])
    header = bytearray((tmp_path / "time.nii").read_bytes())
    header[112:116] = np.float32(0.5).tobytes()
    (tmp_path / "half.nii").write_bytes(header)
    assert peek_volume(FileVolume(tmp_path / "half.nii", 0)).is_scaled


@pytest.mark.parametrize("extension", ["mgh", "nrrd"])
def test_a_peek_and_opening_refuse_a_frame_that_is_not_there(runtime, tmp_path, extension):
    volume = FileVolume(volume_file(tmp_path, extension), 3)
    for look in (lambda: peek_volume(volume), lambda: read_ahead(volume), lambda: open_volume(runtime, volume)):
        with pytest.raises(InputError, match="holds one volume"):
            look()


def test_only_a_nifti_file_has_a_transform_to_choose(tmp_path):
    for path in (volume_file(tmp_path, "nrrd"), tmp_path):
        with pytest.raises(RequestError, match="is not a NIfTI file"):
            located(FileChoice(path, transform="sform"))


def test_a_survey_counts_slices_and_bytes_of_every_kind_that_is_safe_to_peek(tmp_path):
    request = ExportRequest(slabs=SlabOptions(axis="sagittal"))
    for extension in ("nii.gz", "mgz"):
        size = survey_case(Case("a", volume_file(tmp_path, extension), {}), request)
        assert (size.slices, size.voxel_bytes) == (7, 2 * 6 * 7 * 12)  # j runs along R
    # ITK may not survive a damaged header, which only a process of its own may find out
    assert survey_case(Case("a", volume_file(tmp_path, "nrrd"), {}), request).slices == 1


def test_reading_ahead_and_the_peek_of_a_survey_import_no_vtk(tmp_path):
    path = volume_file(tmp_path, "nii.gz")
    code = (
        "import sys; from pathlib import Path; from slab_exporter.volumes.choice import FileVolume; "
        "from slab_exporter.volumes.reading import peek_volume, read_ahead; "
        "volume = FileVolume(Path(sys.argv[1])); peek_volume(volume); read_ahead(volume); "
        "sys.exit(any(m in sys.modules for m in ('vtkmodules', 'slicer_core', 'SimpleITK')))"
    )
    run = subprocess.run([sys.executable, "-c", code, path], cwd=LIBRARY, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("opened", ["pair.hdr", "pair.img"])
def test_a_pair_is_opened_by_either_file_and_refused_where_voxels_are_missing(runtime, tmp_path, opened):
    data = index_phantom(SHAPE)
    nib.save(nib.Nifti1Pair(data, MATRIX), tmp_path / "pair.img")
    volume = FileVolume(tmp_path / opened)
    assert peek_volume(volume).geometry.shape_ijk == SHAPE
    np.testing.assert_array_equal(open_volume(runtime, volume).voxels_kji.T, data)
    (tmp_path / "pair.img").write_bytes((tmp_path / "pair.img").read_bytes()[:-1])
    for look in (lambda: peek_volume(volume), lambda: open_volume(runtime, volume)):
        with pytest.raises(InputError, match="promises 1008 bytes of voxels, and its file holds 1007"):
            look()
