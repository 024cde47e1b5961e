"""Values on another grid, computed by SimpleITK in the space of indices: any affine, right- or left-handed or sheared.

ITK interpolates up to half a voxel beyond the outer centres, where it continues the outermost values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.geometry import FloatArray
from ..core.index_map import Three
from ..core.options.prepare import Interpolation
from ..core.text import Option, sizes
from ..files.machine import available_memory

# Half-way between two voxels the lower one is the nearest, everywhere: else rounding of the matrix would choose.
_TIES_DOWN = 1e-6
# Integers beyond are not exact in float32.
_EXACT_IN_FLOAT32 = 2**24
# Wide enough for a Gaussian of ten voxels; what is cut off the kernel is below a thousandth.
_KERNEL_WIDTH, _KERNEL_ERROR = 128, 0.001
# Coefficients of a B-spline are of type double.
_COEFFICIENT = 8


def interpolated(
    voxels_kji: npt.NDArray,
    matrix: FloatArray,
    shape_ijk: Three,
    interpolation: Interpolation,
    smoothing: FloatArray | None = None,
    outside: float | None = None,
) -> npt.NDArray:
    """Return values at the indices of a grid, in the type of the voxels; integers are rounded to the nearest.

    Args:
        voxels_kji: of the volume.
        matrix: 4x4, from the grid's indices to the volume's.
        shape_ijk: of the grid.
        interpolation: "linear" or "bspline" (cubic).
        smoothing: standard deviation in voxels along i, j, k of a Gaussian that is applied before; None for none.
        outside: value more than half a voxel beyond the outer centres; None: the nearest voxel's.

    Raises:
        InputError: B-splines of NaN or infinity.
    """
    import SimpleITK as sitk

    dtype, work = voxels_kji.dtype, _working_type(voxels_kji)
    if interpolation == "bspline" and dtype.kind == "f" and not np.all(np.isfinite(voxels_kji)):
        raise InputError(
            "The volume holds NaN or infinity, which a B-spline spreads over all of it; choose ",
            Option.to("interpolation", "linear"),
            ".",
        )
    image = sitk.GetImageFromArray(voxels_kji.astype(work, copy=False))
    if smoothing is not None and np.any(smoothing > 0):
        gaussian = sitk.DiscreteGaussianImageFilter()
        gaussian.SetUseImageSpacing(False)
        gaussian.SetVariance([float(sigma) ** 2 for sigma in smoothing])
        gaussian.SetMaximumKernelWidth(_KERNEL_WIDTH)
        gaussian.SetMaximumError(_KERNEL_ERROR)
        image = gaussian.Execute(image)
    interpolator = sitk.sitkLinear if interpolation == "linear" else sitk.sitkBSpline
    found = _sampled(image, matrix, shape_ijk, interpolator, outside)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        # a B-spline overshoots beside edges, which would wrap around
        np.clip(np.rint(found, out=found), limits.min, limits.max, out=found)
        return _whole(found, dtype)
    return found.astype(dtype, copy=False)


def nearest(
    voxels_kji: npt.NDArray,
    matrix: FloatArray,
    shape_ijk: Three,
    outside: float | None = None,
    ties_down: bool = True,
) -> npt.NDArray:
    """Return the values of the nearest voxels at the indices of a grid; other arguments as of ``interpolated``.

    Args:
        ties_down: half-way between two voxels the lower one is the nearest, on every machine; False leaves it to the
            rounding of ITK, which goes either way, so that labels are not shifted as a whole.
    """
    import SimpleITK as sitk

    shifted = matrix.copy()
    shifted[:3, 3] -= _TIES_DOWN if ties_down else 0.0
    return _sampled(sitk.GetImageFromArray(voxels_kji), shifted, shape_ijk, sitk.sitkNearestNeighbor, outside)


def resampler_version() -> str:
    """Return the version of the library that computes values: another one may round otherwise."""
    import SimpleITK as sitk

    return str(sitk.Version_VersionString())


def require_memory_for(
    name: str, voxels: int, shape_ijk: Three, itemsize: int, interpolation: Interpolation | None
) -> None:
    """Refuse to resample what does not fit into memory, before anything is allocated.

    Args:
        name: of the volume, for the message.
        voxels: how many it has.
        shape_ijk: of the grid.
        itemsize: bytes of one of its voxels.
        interpolation: of its values.

    Raises:
        InputError: with both numbers.
    """
    needed, available = memory_for(voxels, shape_ijk, itemsize, interpolation), available_memory()
    if available is not None and needed > available:
        raise InputError(
            f"{name} resampled to {sizes(shape_ijk)} voxels needs {needed / 1e9:,.1f} GB of memory, but only "
            f"{available / 1e9:,.1f} GB is free; choose larger voxels, or use a machine with more memory."
        )


def memory_for(voxels: int, shape_ijk: Three, itemsize: int, interpolation: Interpolation | None) -> int:
    """Return the bytes that resampling needs beside the volume: it and the result as floats, the result as it is."""
    i, j, k = shape_ijk
    work = max(4, itemsize)
    source = voxels * (2 * work + (_COEFFICIENT if interpolation == "bspline" else 0))
    return source + i * j * k * (work + itemsize)


def _sampled(image: Any, matrix: FloatArray, shape_ijk: Three, interpolator: int, outside: float | None) -> npt.NDArray:
    import SimpleITK as sitk

    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(list(shape_ijk))
    resampler.SetTransform(transform)
    resampler.SetInterpolator(interpolator)
    if outside is None:
        resampler.SetUseNearestNeighborExtrapolator(True)
    else:
        resampler.SetDefaultPixelValue(outside)
    try:
        result: npt.NDArray = sitk.GetArrayFromImage(resampler.Execute(image))
    except RuntimeError as error:
        if "memory" in str(error).lower() or "allocat" in str(error).lower():
            raise MemoryError from error
        raise
    return result


def _working_type(voxels_kji: npt.NDArray) -> type[np.floating]:
    """float32 where it holds all values exactly, or holds them already."""
    if voxels_kji.dtype.kind == "f":
        return np.float64 if voxels_kji.dtype.itemsize > 4 else np.float32
    if voxels_kji.dtype.itemsize <= 2:
        return np.float32
    largest = max(abs(int(voxels_kji.min())), abs(int(voxels_kji.max())))
    return np.float32 if largest <= _EXACT_IN_FLOAT32 else np.float64


def _whole(found: npt.NDArray, dtype: np.dtype) -> npt.NDArray:
    """Return rounded floats as integers; the largest of a 64-bit type, which no float holds, as that."""
    limits = np.iinfo(dtype)
    if int(float(limits.max)) == limits.max:
        return found.astype(dtype)
    too_large = found >= float(limits.max)
    result = np.where(too_large, 0, found).astype(dtype)
    result[too_large] = limits.max
    return result
