"""The independent opinion on a DICOM slab: GDCM, through SimpleITK's series reader, and pydicom image by image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import VerificationError
from ...core.geometry import RAS_TO_LPS, Box, FloatArray, VolumeGeometry
from ...files.readback import array_view_kji, image_geometry, verify_geometry
from ...interrupts import end_if_abandoned
from ..reading.parsing import parsing, read_dataset
from .image_grid import image_grid

_TAGS = [
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "InstanceNumber", "SOPInstanceUID",
    "SeriesInstanceUID", "FrameOfReferenceUID", "PhotometricInterpretation",
]  # fmt: skip


def verify_slab_folder(
    folder: Path, source_kji: npt.NDArray, geometry: VolumeGeometry, box: Box, fill: float, largest_error: float = 0.0
) -> None:
    """Compare a slab's images with their box in the source: number, place, handedness, every voxel.

    Args:
        folder: of the images.
        source_kji: values of the whole source volume.
        geometry: of the source, in the same index order.
        box: the slab's box in IJK of the source; may reach outside.
        fill: value of the voxels outside.
        largest_error: what rounding was announced; 0 for exact values.

    Raises:
        VerificationError: with the first difference found.
    """
    _, values = _read_where_planned(folder, geometry.cropped(box))
    difference = _difference(values, source_kji, geometry.box, box, fill, largest_error)
    if difference is not None:
        raise VerificationError(f"{folder.name}: {difference}.")


def read_slab_folder(folder: Path, planned: VolumeGeometry) -> npt.NDArray:
    """The voxels (KJI) of a slab's images in the index order of its geometry, as an independent reader sees them.

    Raises:
        VerificationError: they do not lie there.
    """
    _, values = _read_where_planned(folder, planned)
    return np.array(values)


def _read_where_planned(folder: Path, planned: VolumeGeometry) -> tuple[Any, npt.NDArray]:
    """Return (what owns the memory, voxels KJI in order of k), if all lies where it should."""
    paths = sorted(folder.glob("*.dcm"))
    if len(paths) != planned.shape_ijk[2]:
        raise VerificationError(f"{folder.name}: it has {len(paths)} images instead of {planned.shape_ijk[2]}.")
    photometric = _verify_headers(paths, planned)
    if planned.shape_ijk[1] == 1:
        return None, _read_row_by_row(paths, photometric)
    image, reverse = _read_as_volume(folder, paths)
    found = image_geometry(image)
    # k runs as the images follow one another; a single one does not say where to
    against = found.is_right_handed != planned.is_right_handed if len(paths) == 1 else reverse
    verify_geometry(folder.name, found, image_grid(planned.k_reversed() if against else planned), "DS")
    if photometric == "MONOCHROME1":  # GDCM inverts those values, so that small ones are dark
        return None, _read_by_pydicom(paths)
    values = array_view_kji(image)
    return image, values[::-1] if reverse else values


def _read_row_by_row(paths: list[Path], photometric: str) -> npt.NDArray:
    """Values of images of one row, each read by GDCM alone: ITK's series reader takes such for lines and stacks
    them along j. Their places have been compared already.
    """
    import SimpleITK as sitk

    if photometric == "MONOCHROME1":
        return _read_by_pydicom(paths)
    planes = []
    for path in paths:
        try:
            image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
        except RuntimeError as error:
            raise VerificationError(f"{path.name}: SimpleITK cannot read it back.") from error
        planes.append(sitk.GetArrayFromImage(image).reshape(1, -1))
    return np.stack(planes)


def _read_by_pydicom(paths: list[Path]) -> npt.NDArray:
    """Rescaled values (float64, exact for 16 bits and whole numbers), one plane a file."""
    planes = []
    for path in paths:
        with parsing(path):
            dataset = read_dataset(path)
            slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
            planes.append(dataset.pixel_array.astype(np.float64) * slope + intercept)
    return np.stack(planes)


def _verify_headers(paths: list[Path], planned: VolumeGeometry) -> str:
    """Each image by itself lies where its plane should (pydicom); their PhotometricInterpretation."""
    series, images, frames, photometrics = set(), set(), set(), set()
    for k, path in enumerate(paths):
        end_if_abandoned()
        with parsing(path):
            header = read_dataset(path, pixels=False, tags=_TAGS)
            corner = np.array([float(v) for v in header.ImagePositionPatient])
            cosines = np.array([float(v) for v in header.ImageOrientationPatient])
            rows, columns = (float(v) for v in header.PixelSpacing)
            series.add(str(header.SeriesInstanceUID))
            images.add(str(header.SOPInstanceUID))
            frames.add(str(header.FrameOfReferenceUID))
            photometrics.add(str(header.PhotometricInterpretation))
            number = int(header.InstanceNumber)
        distance = _plane_distance(planned, k, corner, cosines, rows, columns)
        if distance > planned.position_tolerance("DS"):
            raise VerificationError(f"{path.name}: the image lies {distance:.3g} mm from where it should.")
        if number != k + 1:
            raise VerificationError(f"{path.name}: its InstanceNumber is {number} instead of {k + 1}.")
    if len(series) != 1 or len(frames) != 1 or len(photometrics) != 1 or len(images) != len(paths):
        raise VerificationError(f"{paths[0].parent.name}: its images do not form one series.")
    return photometrics.pop()


def _plane_distance(
    planned: VolumeGeometry, k: int, position: FloatArray, cosines: FloatArray, rows_mm: float, columns_mm: float
) -> float:
    """Largest distance (mm) of the first and the last pixel that a plane states from those of plane k.

    Args:
        planned: where the planes should lie, rows and columns at right angles.
        k: number of the plane.
        position: LPS mm of the first pixel (ImagePositionPatient).
        cosines: directions of a row, then of a column (ImageOrientationPatient).
        rows_mm: distance of neighbouring rows (PixelSpacing).
        columns_mm: distance of neighbouring columns.
    """
    i, j = planned.shape_ijk[0] - 1, planned.shape_ijk[1] - 1
    stated = np.array([position, position + cosines[:3] * columns_mm * i + cosines[3:] * rows_mm * j])
    first = planned.affine_lps @ (0, 0, k, 1)
    expected = first[:3] + np.array([(0, 0, 0), (i, j, 0)]) @ image_grid(planned).affine_lps[:3, :3].T
    return float(np.max(np.linalg.norm(stated - expected, axis=1)))


def _read_as_volume(folder: Path, paths: list[Path]) -> tuple[Any, bool]:
    """Return (volume as GDCM orders the images, whether that is against the order of k)."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        names = list(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
        reader = sitk.ImageSeriesReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileNames(names)
        image = reader.Execute()
    except RuntimeError as error:
        raise VerificationError(f"{folder.name}: SimpleITK cannot read it back.") from error
    order = [Path(name).name for name in names]
    own = [path.name for path in paths]
    if order not in (own, own[::-1]):
        raise VerificationError(f"{folder.name}: GDCM orders its images differently from their positions.")
    return image, order != own


def _difference(
    values: npt.NDArray, source_kji: npt.NDArray, whole: Box, box: Box, fill: float, largest_error: float
) -> str | None:
    """Readers choose their own number types; equal numbers are equal values."""
    expected = source_box(source_kji, whole, box, fill)
    if largest_error == 0.0:
        different = int(np.count_nonzero(values != expected))
        return f"{different} of {values.size} voxels differ from the source" if different else None
    error = float(np.max(np.abs(values.astype(np.float64) - expected.astype(np.float64))))
    # A reader may compute the rescaled values in single precision.
    allowed = largest_error * 1.001 + 1e-6 * float(np.max(np.abs(expected)))
    return None if error <= allowed else f"values differ by up to {error:g}, {largest_error:g} was announced"


def source_box(source_kji: npt.NDArray, whole: Box, box: Box, fill: float) -> npt.NDArray:
    """The source's values in a box, the fill value outside of it (KJI); a view where nothing is outside."""
    inside = box.intersection(whole)
    if inside == box:
        return source_kji[box.slices_kji()]
    result = np.full(box.shape[::-1], fill, source_kji.dtype)
    if not inside.is_empty:
        result[inside.relative_to(box).slices_kji()] = source_kji[inside.slices_kji()]
    return result


# SegmentDescription keeps the label map's value: segment numbers must be 1, 2, 3 without gaps.
DESCRIPTION = "Label value "


def verify_segmentation(path: Path, labels_kji: npt.NDArray, geometry: VolumeGeometry, name: str) -> None:
    """Compare a segmentation with the label slab that it was made of: every frame's place, every voxel.

    Args:
        path: the file.
        labels_kji: the slab's label values.
        geometry: of the slab.
        name: for messages.

    Raises:
        VerificationError: with the first difference found.
    """
    found = read_segmentation(path, geometry, name)
    different = int(np.count_nonzero(found != labels_kji))
    if different:
        raise VerificationError(f"{name}: {different} of {found.size} label voxels differ from the source.")


def read_segmentation(path: Path, geometry: VolumeGeometry, name: str) -> npt.NDArray:
    """The label values (KJI, int64) of a segmentation on the grid of its slab.

    Raises:
        VerificationError: its frames do not lie there.
    """
    with parsing(path):
        return _labels(read_dataset(path.read_bytes()), geometry, name)


def _labels(dataset: Any, geometry: VolumeGeometry, name: str) -> npt.NDArray:
    """Label values (KJI) on the slab's grid."""
    values = {int(s.SegmentNumber): int(str(s.SegmentDescription)[len(DESCRIPTION) :]) for s in dataset.SegmentSequence}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    cosines = np.array([float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient])
    rows_mm, columns_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = np.asarray(dataset.pixel_array).reshape(-1, int(dataset.Rows), int(dataset.Columns))
    if frames.shape[1:] != geometry.shape_ijk[1::-1]:
        raise VerificationError(f"{name}: its frames have {frames.shape[2]} x {frames.shape[1]} pixels.")
    result = np.zeros(geometry.shape_ijk[::-1], np.int64)
    for frame, groups in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        corner = np.array([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])
        k = round(float(geometry.ijk(RAS_TO_LPS[:3, :3] @ corner)[2]))
        distance = _plane_distance(geometry, k, corner, cosines, rows_mm, columns_mm)
        if distance > geometry.position_tolerance("DS") or not 0 <= k < geometry.shape_ijk[2]:
            raise VerificationError(f"{name}: a frame lies {distance:.3g} mm from where it should.")
        segment = groups.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
        if frame.any():
            result[k][frame != 0] = values[int(segment[0].ReferencedSegmentNumber)]
    return result
