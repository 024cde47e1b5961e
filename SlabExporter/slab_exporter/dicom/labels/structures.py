"""DICOM structure sets (RTSTRUCT): closed planar contours on the slices of an image (PS3.3 C.8.8.5 and C.8.8.6).

A voxel belongs to a structure if its centre lies inside. Contours of one structure in one slice are combined by
exclusive or, which makes a hole of a contour inside another one; a keyhole, one contour that runs to the hole and
back, gives the same. VTK's ``vtkPolyDataToImageStencil`` fills them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.geometry import RAS_TO_LPS, FloatArray, VolumeGeometry
from ...core.segments.segmented import Segmented, Stated, told_apart
from ...core.text import counted
from ..reading.parsing import read_dataset
from .references import understood

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSEDPLANAR")
# Part of a slice by which points may lie off its middle.
_OFF_SLICE = 0.1


@dataclass(frozen=True)
class _Structure:
    name: str
    rgb: tuple[int, int, int] | None
    contours: tuple[FloatArray, ...]
    others: int


def read_structures(path: Path, image: VolumeGeometry) -> Segmented:
    """Read a structure set as masks on an image's voxels.

    Args:
        path: of the file.
        image: on whose slices the contours were drawn.

    Raises:
        InputError: it is damaged, holds no contours, or they do not lie in slices of the image.
    """
    with understood(path):
        structures = _structures(read_dataset(path))
    drawn = [one for one in structures if one.contours]
    if not drawn:
        raise InputError(f"{path} holds no closed contours.")
    points = {one.name: [image.ijk(contour) for contour in one.contours] for one in drawn}
    axis = _slice_axis(path, [contour for contours in points.values() for contour in contours])
    said: list[str] = []

    def masks() -> Iterator[npt.NDArray[np.bool_]]:
        for one in drawn:
            mask, sentences = _filled(points[one.name], axis, image.shape_ijk)
            said.extend(f"{path}, '{one.name}': {text}" for text in sentences)
            yield mask

    return Segmented(
        image,
        tuple(Stated(one.name, None, one.rgb) for one in drawn),
        masks,
        _left_out(path, structures),
        lambda: tuple(dict.fromkeys(said)),
    )


def structure_names(path: Path) -> tuple[str, ...]:
    """Return the names of the structures that have contours.

    Raises:
        InputError: the file is damaged.
    """
    with understood(path):
        return tuple(one.name for one in _structures(read_dataset(path)) if one.contours)


def _structures(dataset: Any) -> list[_Structure]:
    contours_of = {
        int(item.ReferencedROINumber): item
        for item in dataset.get("ROIContourSequence") or ()
        if item.get("ReferencedROINumber") is not None
    }
    rois = list(dataset.get("StructureSetROISequence") or ())
    names = told_apart([str(roi.get("ROIName") or f"ROI {roi.ROINumber}") for roi in rois])
    return [_structure(name, contours_of.get(int(roi.ROINumber))) for name, roi in zip(names, rois, strict=True)]


def _structure(name: str, item: Any) -> _Structure:
    found: dict[bytes, FloatArray] = {}
    others = 0
    for contour in (item is not None and item.get("ContourSequence")) or ():
        points = np.array([float(value) for value in contour.get("ContourData") or ()])
        is_closed = str(contour.get("ContourGeometricType")) in _CLOSED and points.size >= 9
        if not is_closed or points.size % 3 or not np.isfinite(points).all():
            others += 1
            continue
        ras = points.reshape(-1, 3) @ RAS_TO_LPS[:3, :3]
        found[ras.tobytes()] = ras  # a contour that is listed twice would cancel itself
    colour = None if item is None else item.get("ROIDisplayColor")
    rgb = None if colour is None or len(colour) != 3 else (int(colour[0]), int(colour[1]), int(colour[2]))
    return _Structure(name, rgb, tuple(found.values()), others)


def _left_out(path: Path, structures: list[_Structure]) -> tuple[str, ...]:
    empty = [one.name for one in structures if not one.contours]
    said = [f"{path}: without closed contours, and left out: {', '.join(empty)}."] if empty else []
    others = sum(one.others for one in structures if one.contours)
    if others:
        said.append(f"{path}: {counted(others, 'contour')} that are points or open lines are left out.")
    return tuple(said)


def _slice_axis(path: Path, contours: list[FloatArray]) -> int:
    """Return the index axis of the image along which all contours are flat."""
    spread = np.max([np.ptp(contour, axis=0) for contour in contours], axis=0)
    axis = int(np.argmin(spread))
    if spread[axis] > 2 * _OFF_SLICE:
        raise InputError(
            f"{path}: its contours are not drawn in slices of the image: points of one contour lie up to "
            f"{spread[axis]:.2f} slices apart. It belongs to another image, or to one before it was resampled."
        )
    return axis


def _filled(
    contours: list[FloatArray], axis: int, shape_ijk: tuple[int, int, int]
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """(mask KJI, sentences) of one structure."""
    heights = np.array([float(np.mean(contour[:, axis])) for contour in contours])
    slices = np.floor(heights + 0.5).astype(int)
    inside = (slices >= 0) & (slices < shape_ijk[axis])
    said = []
    between = int(np.count_nonzero(np.abs(heights - slices)[inside] > _OFF_SLICE))
    if between:
        said.append(f"{counted(between, 'contour')} between the image's slices are taken for the nearest slice.")
    if not inside.all():
        said.append(f"{counted(int(np.count_nonzero(~inside)), 'contour')} outside the image are left out.")
    used = sorted(set(slices[inside].tolist()))
    if used and (missing := used[-1] - used[0] + 1 - len(used)):
        said.append(f"{counted(missing, 'slice')} between others hold no contour, and no voxel of it.")
    across = [n for n in range(3) if n != axis]
    order = [axis, across[1], across[0]]
    planes = np.zeros([shape_ijk[n] for n in order], bool)
    for number in used:
        of_slice = [contours[n][:, across] for n in np.flatnonzero(inside & (slices == number))]
        planes[number] = _fill(of_slice, shape_ijk[across[0]], shape_ijk[across[1]])
    return np.ascontiguousarray(np.transpose(planes, [order.index(n) for n in (2, 1, 0)])), said


def _fill(contours: list[FloatArray], columns: int, rows: int) -> npt.NDArray[np.bool_]:
    """Return which voxel centres (rows, columns) lie inside an odd number of contours."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import VTK_DOUBLE, vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

    points, lines = vtkPoints(), vtkCellArray()
    points.SetDataType(VTK_DOUBLE)
    for contour in contours:
        numbers = [points.InsertNextPoint(x, y, 0.0) for x, y in contour.tolist()]
        lines.InsertNextCell(len(numbers) + 1)
        for number in (*numbers, numbers[0]):
            lines.InsertCellPoint(number)
    outlines = vtkPolyData()
    outlines.SetPoints(points)
    outlines.SetLines(lines)
    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(outlines)
    stencil.SetOutputWholeExtent(0, columns - 1, 0, rows - 1, 0, 0)
    stencil.SetTolerance(0.0)
    image = vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetOutsideValue(0)
    image.SetInsideValue(1)
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    return vtk_to_numpy(image.GetOutput().GetPointData().GetScalars()).reshape(rows, columns).astype(bool)
