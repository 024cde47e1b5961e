"""Values into the 16 bits of a CT or MR image: exactly where they fit, rounded only when asked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.text import Option
from .encoding import decimal_string

_SIGNED, _UNSIGNED = np.dtype(np.int16), np.dtype(np.uint16)
_LEVELS = 65535


@dataclass(frozen=True)
class StoredForm:
    """How the values of a case are stored: value = stored * slope + intercept.

    Attributes:
        dtype: int16 or uint16.
        slope: as it is written in the file, exactly.
        intercept: likewise.
        largest_error: of any voxel of the source; 0 where nothing was rounded.
    """

    dtype: np.dtype
    slope: float = 1.0
    intercept: float = 0.0
    largest_error: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Return whether every value comes back as it was."""
        return self.largest_error == 0.0

    @property
    def is_identity(self) -> bool:
        """Return whether stored values are the values."""
        return (self.slope, self.intercept) == (1.0, 0.0)

    def stored(self, values: npt.NDArray) -> npt.NDArray:
        """Values as they are stored, little endian."""
        if self.is_identity:
            return values.astype(self.dtype.newbyteorder("<"), copy=False)
        if values.dtype.kind in "iu" and self.slope == 1.0:
            return (values.astype(np.int64) - int(self.intercept)).astype(self.dtype.newbyteorder("<"))
        levels = np.rint((values.astype(np.float64) - self.intercept) / self.slope)
        return np.clip(levels, 0, _LEVELS).astype(self.dtype.newbyteorder("<"))

    def values(self, stored: npt.NDArray) -> npt.NDArray:
        """Return what a reader makes of stored numbers (float64)."""
        return stored.astype(np.float64) * self.slope + self.intercept


def stored_form(voxels_kji: npt.NDArray, fill: float | None, quantize: bool, name: str) -> StoredForm:
    """The form in which a whole volume, and so each of its slabs, is stored.

    Args:
        voxels_kji: all values.
        fill: value of padding, None without padding.
        quantize: rounding is allowed.
        name: of the volume, for messages.

    Raises:
        InputError: fractions, or a range over 16 bits, without ``quantize``; NaN or infinity.
    """
    low, high = _range(voxels_kji, fill, name)
    whole = voxels_kji.dtype.kind in "iu" or all(_is_whole(plane) for plane in voxels_kji)
    if whole and float(low).is_integer() and float(high).is_integer():
        for dtype in (_UNSIGNED, _SIGNED) if voxels_kji.dtype.kind == "u" else (_SIGNED, _UNSIGNED):
            limits = np.iinfo(dtype)
            if limits.min <= low and high <= limits.max:
                return StoredForm(dtype)
        if high - low <= _LEVELS and len(str(int(low))) <= 16:
            return StoredForm(_UNSIGNED, 1.0, float(low))
    if not quantize:
        kind = f"values from {low:g} to {high:g}, more than 16 bits hold" if whole else "fractions"
        raise InputError(
            f"{name} holds {kind}, which a DICOM image cannot store exactly. Add ",
            Option.on("quantize"),
            " to round them (the largest error is stated), or write another format.",
        )
    return _quantized(voxels_kji, low, high)


def _quantized(voxels_kji: npt.NDArray, low: float, high: float) -> StoredForm:
    # A reader sees the decimal strings, so the numbers must be what those say.
    intercept = float(decimal_string(low))
    slope = float(decimal_string(max((high - min(low, intercept)) / (_LEVELS - 1), 1e-30)))
    form = StoredForm(_UNSIGNED, slope, intercept)
    error = max(float(np.max(np.abs(form.values(form.stored(p)) - p.astype(np.float64)))) for p in voxels_kji)
    return StoredForm(_UNSIGNED, slope, intercept, max(error, math.ulp(1.0)))


def _range(voxels_kji: npt.NDArray, fill: float | None, name: str) -> tuple[float, float]:
    low, high = voxels_kji.min(), voxels_kji.max()
    if voxels_kji.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"{name} holds NaN or infinite values, for which DICOM images have no number.")
    ends = [low.item(), high.item(), *([] if fill is None else [fill])]
    return min(ends), max(ends)


def _is_whole(plane: npt.NDArray) -> bool:
    return bool(np.all(plane == np.rint(plane)))
