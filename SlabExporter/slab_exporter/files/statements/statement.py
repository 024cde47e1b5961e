"""What a header says about where its voxels lie, apart from the numbers that ITK makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.geometry import VolumeGeometry
from ..nifti import NiftiHeader
from ..nifti_transforms import form_used, header_geometry

# Millimetres in a unit, by what headers call it.
_UNITS = {
    1e-6: "nm nanometer nanometre nanometers nanometres",
    1e-3: "um \u00b5m \u03bcm micron microns micrometer micrometre micrometers micrometres",
    1.0: "mm millimeter millimetre millimeters millimetres",
    10.0: "cm centimeter centimetre centimeters centimetres",
    1000.0: "m meter metre meters metres",
    25.4: "in inch inches",
}
UNITS_MM = {name: size for size, names in _UNITS.items() for name in names.split()}

IGNORED_BY_ITK = "converted to mm; ITK, and so Slicer, ignores it"
GUESSED = "and programs guess differently"


@dataclass(frozen=True)
class Statement:
    """What a header says.

    Attributes:
        unit_mm: millimetres in its unit of length.
        warnings: sentences about what it leaves open, and about units.
        nifti: header of a NIfTI pair (.hdr and .img), which states the geometry itself; None for other files.
    """

    unit_mm: float = 1.0
    warnings: tuple[str, ...] = ()
    nifti: NiftiHeader | None = None

    def placed(self, by_itk: VolumeGeometry, transform: str | None = None) -> VolumeGeometry:
        """Return the geometry that the header states.

        Args:
            by_itk: what ITK makes of the file.
            transform: "sform" or "qform" of a NIfTI pair to insist on one.
        """
        if self.nifti is not None:
            return header_geometry(self.nifti, transform)
        if self.unit_mm == 1.0:
            return by_itk
        return VolumeGeometry(by_itk.shape_ijk, np.diag([self.unit_mm] * 3 + [1.0]) @ by_itk.affine_ras)

    def form(self, transform: str | None) -> str | None:
        """Return the form of a NIfTI pair that gives the affine; None for other files."""
        return None if self.nifti is None else form_used(self.nifti, transform)


def unit_statement(unit: str, where: str) -> tuple[float, tuple[str, ...]]:
    """Return (millimetres in a unit, sentences about it).

    >>> unit_statement("microns", "'space units'")[0], unit_statement("mm", "'space units'")
    (0.001, (1.0, ()))
    """
    size = UNITS_MM.get(unit.strip().lower())
    if size is None:
        return 1.0, (f"The header's unit of length is unknown ({where}: {unit!r}); it is taken for mm.",)
    if size == 1.0:
        return 1.0, ()
    return size, (f"The header counts in {unit} ({where}), {IGNORED_BY_ITK}.",)
