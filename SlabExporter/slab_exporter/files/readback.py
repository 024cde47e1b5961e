"""The independent opinion: SimpleITK reads what was written, and it is compared with what should be there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import VerificationError
from ..core.geometry import RAS_TO_LPS, Box, Numbers, VolumeGeometry
from ..core.naming import volume_extension
from ..interrupts import stretches
from .itk.reader import itk_reader
from .nifti import read_header
from .nifti_transforms import same_form_mm
from .nifti_voxels import read_nifti

# Voxels of an uncompressed NIfTI that are read at a time: ITK holds them twice while it reads.
_PART_VOXELS = 16 << 18
# ITK's readers of what is written here: a file of another kind under such a name is refused.
_READERS = {".nii": "NiftiImageIO", ".nii.gz": "NiftiImageIO", ".nrrd": "NrrdImageIO"}
# Voxels that are compared at a time: they stay in the processor's cache.
_COMPARED_VOXELS = 1 << 18


def verify_file(
    path: Path,
    source_kji: npt.NDArray,
    geometry: VolumeGeometry,
    box: Box,
    fill: float,
    name: str = "",
    planes: range | None = None,
) -> None:
    """Compare a slab on disk with its box in the source: type, shape, place, handedness, every voxel.

    Args:
        path: the slab; any format that SimpleITK reads.
        source_kji: voxels of the whole source volume.
        geometry: of the source, in the same index order.
        box: the slab's box in IJK of the source; may reach outside.
        fill: value of the voxels outside.
        name: of the slab, for messages; the file's own name if empty.
        planes: compare the voxels of these planes of the slab alone, of a file whose bytes are known to be
            right; None: of all.

    Raises:
        VerificationError: with the first difference found.
    """
    name = name or path.name
    planned = geometry.cropped(box)
    reader = open_reader(path, _READERS.get(volume_extension(path) or "", ""))
    verify_place(path, name, image_geometry(reader), planned)
    if (found := _voxel_type(reader)) != source_kji.dtype:
        raise VerificationError(f"{name}: voxels are {found.name}, the source's are {source_kji.dtype.name}.")
    parts = list(_parts(path, box, range(box.shape[2]) if planes is None else planes))
    needs_bits = source_kji.dtype.kind == "f" and not (planes and _all_finite(source_kji, geometry.box, parts, fill))
    stored = stored_floats(path) if needs_bits and parts else None
    for part in parts:
        first = part.start[2] - box.start[2]
        image = _read_planes(reader, first, part.shape, name)  # the view below lives as long as the image
        voxels = array_view_kji(image)
        if stored is not None:
            voxels = with_non_finite(voxels, stored[first : first + part.shape[2]], name)
        difference = first_difference(voxels, source_kji, geometry.box, part, fill)
        if difference is not None:
            raise VerificationError(f"{name}: {difference}.")


def _parts(path: Path, box: Box, planes: range) -> Iterator[Box]:
    """Planes of the box, in stacks where ITK reads a part of a file without reading all of it."""
    stop = box.start[2] + planes.stop
    step = planes_at_a_time(box.shape) if path.suffix == ".nii" else max(1, len(planes))
    for first in range(box.start[2] + planes.start, stop, step):
        last = min(first + step, stop)
        yield Box((*box.start[:2], first), (*box.stop[:2], last))


def _all_finite(source_kji: npt.NDArray, whole: Box, parts: list[Box], fill: float) -> bool:
    expected = (source_kji[part.intersection(whole).slices_kji()] for part in parts)
    return bool(np.isfinite(fill)) and all(bool(np.isfinite(voxels).all()) for voxels in expected)


def first_change(voxels_kji: npt.NDArray) -> int | None:
    """Return the plane of the first voxel that differs from the very first one; None where all are the same.

    A reader that is led to the wrong byte, byte order or scale by a header may find the same in such voxels.

    >>> first_change(np.array([[[0, 0]], [[0, 0]], [[0, 7]]]))
    2
    """
    if not voxels_kji.size:
        return None
    first = _bits(voxels_kji[:1, :1, :1])
    return next((k for k, plane in enumerate(voxels_kji) if np.any(_bits(plane) != first)), None)


def planes_at_a_time(shape_ijk: tuple[int, int, int]) -> int:
    """Return of how many planes to read a part of an uncompressed volume.

    >>> planes_at_a_time((512, 512, 300)), planes_at_a_time((64, 64, 64))
    (16, 1024)
    """
    return max(1, _PART_VOXELS // math.prod(shape_ijk[:2]))


def stored_floats(path: Path) -> npt.NDArray | None:
    """The voxels of a NIfTI file as they stand there; None for other formats."""
    return read_nifti(read_header(path)).voxels_kji if volume_extension(path) in (".nii", ".nii.gz") else None


def with_non_finite(voxels: npt.NDArray, stored: npt.NDArray, name: str) -> npt.NDArray:
    """The voxels that SimpleITK read, with NaN and infinities as they stand in the file.

    ITK's NIfTI library reads those as 0, so for floats the file's own bytes are looked at as well;
    wherever they are finite, both must agree.

    Raises:
        VerificationError: they do not.
    """
    finite = np.isfinite(stored)
    if stored.dtype != voxels.dtype or not np.array_equal(_bits(stored)[finite], _bits(voxels)[finite]):
        raise VerificationError(f"{name}: SimpleITK reads other values than stand in the file.")
    return stored


def open_reader(path: Path, image_io: str = "") -> Any:
    """A SimpleITK reader that has read the header.

    ``image_io`` names ITK's own; without it each of its thirty opens the file until one takes it.

    Raises:
        VerificationError: it cannot.
    """
    import SimpleITK as sitk

    if path.exists() and not path.is_file():  # ITK would wait for a pipe
        raise VerificationError(f"{path.name} is not a plain file.")
    # its warnings, such as one about a metadata field, are not about what is compared here
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = itk_reader(path, image_io)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise VerificationError(f"{path.name}: SimpleITK cannot read it back.") from error
    return reader


def _voxel_type(reader: Any) -> np.dtype:
    """The type of the voxels, as a reader has found it in the header."""
    import SimpleITK as sitk

    return array_view_kji(sitk.Image((1, 1, 1), reader.GetPixelID())).dtype


def _read_planes(reader: Any, first: int, shape: tuple[int, int, int], name: str) -> Any:
    """A stack of ``shape[2]`` planes from index ``first``."""
    reader.SetExtractIndex((0, 0, first))
    reader.SetExtractSize(shape)
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise VerificationError(f"{name}: SimpleITK cannot read it back.") from error


def read_image(path: Path) -> Any:
    """A SimpleITK image.

    Raises:
        VerificationError: it cannot be read.
    """
    try:
        return open_reader(path).Execute()
    except RuntimeError as error:
        raise VerificationError(f"{path.name}: SimpleITK cannot read it back.") from error


def read_voxels(path: Path, planned: VolumeGeometry) -> npt.NDArray:
    """The voxels (KJI) of a slab on disk that must lie on a grid; NaN and infinities as they stand in the file.

    Raises:
        VerificationError: it cannot be read, or lies elsewhere.
    """
    image = read_image(path)
    verify_place(path, path.name, image_geometry(image), planned)
    voxels = array_view_kji(image)
    stored = stored_floats(path) if voxels.dtype.kind == "f" else None
    return np.array(voxels if stored is None else with_non_finite(voxels, stored, path.name))


def array_view_kji(image: Any) -> npt.NDArray:
    """The voxels of a SimpleITK image, shared with it, in KJI order."""
    import SimpleITK as sitk

    return sitk.GetArrayViewFromImage(image)


def image_geometry(image: Any) -> VolumeGeometry:
    """Geometry (RAS) of a SimpleITK image, or of a reader that has read a header, in its first three dimensions."""
    axes, affine = len(image.GetSize()), np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(axes, axes)[:3, :3] * image.GetSpacing()[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    return VolumeGeometry(image.GetSize()[:3], RAS_TO_LPS @ affine)


def verify_place(path: Path, name: str, found: VolumeGeometry, planned: VolumeGeometry) -> None:
    """Compare where a file's header, and where ITK, place a volume with where it should be.

    An sform and a qform of a NIfTI file may differ by the rounding of a source, and ITK may take
    the direction from one and the sizes from the other; one of them must be what was planned, exactly.

    Args:
        path: of the file.
        name: for messages.
        found: what ITK says.
        planned: where it should be.

    Raises:
        VerificationError: with the numbers.
    """
    if volume_extension(path) not in (".nii", ".nii.gz"):
        verify_geometry(name, found, planned, "float64")
        return
    header = read_header(path)
    stated = [one for form in ("sform", "qform") if (one := header.geometry(form)) is not None]
    nearest = min(stated, key=planned.corner_distance, default=found)
    verify_geometry(name, nearest, planned)
    spread = max((one.corner_distance(nearest) for one in stated), default=0.0)
    if spread > same_form_mm(stated[0] if stated else planned):
        raise VerificationError(f"{name}: its sform and its qform disagree by {spread:.3g} mm.")
    verify_geometry(name, found, planned, besides=spread)


def verify_geometry(
    name: str, found: VolumeGeometry, planned: VolumeGeometry, numbers: Numbers = "float32", besides: float = 0.0
) -> None:
    """Compare shape, handedness and the positions of all eight corners.

    Args:
        name: for messages.
        found: what the file says.
        planned: what it should say.
        numbers: how the file stores it.
        besides: what is allowed besides the rounding of such numbers, in mm.

    Raises:
        VerificationError: with the numbers.
    """
    difference = planned.difference(found)
    if not difference.same_shape:
        raise VerificationError(f"{name}: it has {found.shape_ijk} voxels instead of {planned.shape_ijk}.")
    if difference.is_mirrored:
        raise VerificationError(f"{name}: it is the mirror image of what it should be.")
    allowed = planned.position_tolerance(numbers) + besides
    if not difference.is_within(allowed):
        raise VerificationError(
            f"{name}: a corner lies {difference.mm:.3g} mm from where it should "
            f"({difference.voxels:.3g} voxels; {allowed:.3g} mm allowed)."
        )


def first_difference(slab_kji: npt.NDArray, source_kji: npt.NDArray, whole: Box, box: Box, fill: float) -> str | None:
    """What differs between a slab and its box in the source, or None; NaN equals the same NaN."""
    inside = box.intersection(whole)
    if inside.is_empty:
        return None if _all_equal(slab_kji, fill) else "its padding does not hold the fill value"
    local = inside.relative_to(box)
    part, expected = slab_kji[local.slices_kji()], source_kji[inside.slices_kji()]
    step = max(1, _COMPARED_VOXELS // math.prod(part.shape[1:]))
    same = all(np.array_equal(_bits(part[planes]), _bits(expected[planes])) for planes in stretches(len(part), step))
    if not same and (count := _count_different(part, expected)):
        return f"{count} of {part.size} voxels differ from the source"
    if inside != box:
        padding = np.ones(slab_kji.shape, bool)
        padding[local.slices_kji()] = False
        if not _all_equal(slab_kji[padding], fill):
            return "its padding does not hold the fill value"
    return None


def _count_different(part: npt.NDArray, expected: npt.NDArray) -> int:
    """Voxels whose bits differ, unless both are NaN: programs may turn one NaN into another."""
    different = _bits(part) != _bits(expected)
    if part.dtype.kind == "f":
        different &= ~(np.isnan(part) & np.isnan(expected))
    return int(np.count_nonzero(different))


def _bits(array: npt.NDArray) -> npt.NDArray:
    """Floats as the integers with the same bits, so that NaN compares and -0 differs from 0."""
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "f" else array


def _all_equal(array: npt.NDArray, value: float) -> bool:
    return bool(np.all(np.isnan(array))) if np.isnan(value) else bool(np.all(array == value))
