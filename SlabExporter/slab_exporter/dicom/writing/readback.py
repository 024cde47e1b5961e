"""The independent opinion on a DICOM slab: GDCM, through SimpleITK's series reader, and pydicom image by image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import VerificationError
from ...core.geometry import Box, FloatArray, VolumeGeometry
from ...files.readback import array_view_kji, image_geometry
from ..reading.headers import parsing, read_dataset

# What DICOM slabs promise: 16 characters a number allow far less than this.
POSITION_TOLERANCE_MM = 1e-3
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
    """(what owns the memory, voxels KJI in order of k), if all lies where it should."""
    paths = sorted(folder.glob("*.dcm"))
    if len(paths) != planned.shape_ijk[2]:
        raise VerificationError(f"{folder.name}: it has {len(paths)} images instead of {planned.shape_ijk[2]}.")
    photometric = _verify_headers(paths, planned)
    image, reverse = _read_as_volume(folder, paths)
    _verify_volume_geometry(folder.name, image_geometry(image), planned, reverse)
    if photometric == "MONOCHROME1":  # GDCM turns those values over, so that small ones are dark
        return None, _read_by_pydicom(paths)
    values = array_view_kji(image)
    return image, values[::-1] if reverse else values


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
    affine = planned.affine_lps
    series, images, frames, photometrics = set(), set(), set(), set()
    for k, path in enumerate(paths):
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
        width, height = planned.shape_ijk[0] - 1, planned.shape_ijk[1] - 1
        far = corner + cosines[:3] * columns * width + cosines[3:] * rows * height
        expected = affine[:3, 3] + k * affine[:3, 2]
        expected_far = expected + affine[:3, 0] * width + affine[:3, 1] * height
        distance = max(_distance(corner, expected), _distance(far, expected_far))
        if distance > POSITION_TOLERANCE_MM or number != k + 1:
            raise VerificationError(f"{path.name}: the image lies {distance:.6f} mm from where it should.")
    if len(series) != 1 or len(frames) != 1 or len(photometrics) != 1 or len(images) != len(paths):
        raise VerificationError(f"{paths[0].parent.name}: its images do not form one series.")
    return photometrics.pop()


def _distance(a: FloatArray, b: FloatArray) -> float:
    return float(np.linalg.norm(a - b))


def _read_as_volume(folder: Path, paths: list[Path]) -> tuple[Any, bool]:
    """(volume as GDCM orders the images, whether that is against the order of k)."""
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


def _verify_volume_geometry(name: str, found: VolumeGeometry, planned: VolumeGeometry, reverse: bool) -> None:
    """GDCM's volume occupies the same corners; its K axis may run the other way."""
    if found.shape_ijk != planned.shape_ijk:
        raise VerificationError(f"{name}: it has {found.shape_ijk} voxels instead of {planned.shape_ijk}.")
    theirs = found.corners_ras().reshape(2, 2, 2, 3)
    ours = planned.corners_ras().reshape(2, 2, 2, 3)
    if planned.shape_ijk[2] > 1 and reverse:
        theirs = theirs[:, :, ::-1]
    distance = float(np.max(np.linalg.norm(theirs - ours, axis=-1)))
    if distance > POSITION_TOLERANCE_MM:
        raise VerificationError(
            f"{name}: a corner lies {distance:.6f} mm from where it should ({POSITION_TOLERANCE_MM} allowed)."
        )


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
    affine = geometry.affine_lps
    cosines = [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    rows_mm, columns_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = np.asarray(dataset.pixel_array).reshape(-1, int(dataset.Rows), int(dataset.Columns))
    if frames.shape[1:] != geometry.shape_ijk[1::-1]:
        raise VerificationError(f"{name}: its frames have {frames.shape[2]} x {frames.shape[1]} pixels.")
    result = np.zeros(geometry.shape_ijk[::-1], np.int64)
    for frame, groups in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        corner = np.array([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])
        k = round(float(np.linalg.solve(affine[:3, :3], corner - affine[:3, 3])[2]))
        far = corner + np.array(cosines[:3]) * columns_mm * (geometry.shape_ijk[0] - 1)
        far = far + np.array(cosines[3:]) * rows_mm * (geometry.shape_ijk[1] - 1)
        expected = affine @ [geometry.shape_ijk[0] - 1, geometry.shape_ijk[1] - 1, k, 1]
        first = affine @ [0, 0, k, 1]
        distance = max(float(np.linalg.norm(far - expected[:3])), float(np.linalg.norm(corner - first[:3])))
        if distance > POSITION_TOLERANCE_MM or not 0 <= k < geometry.shape_ijk[2]:
            raise VerificationError(f"{name}: a frame lies {distance:.6f} mm from where it should.")
        segment = groups.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
        if frame.any():
            result[k][frame != 0] = values[int(segment[0].ReferencedSegmentNumber)]
    return result
