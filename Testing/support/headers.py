"""NIfTI files by their header fields, so that a test says what stands in them and nothing else does."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.nifti1 import Nifti1Header


def nifti_header(
    shape_ijk: tuple[int, int, int], sform=None, qform=None, codes=(1, 1), dtype: str = "int16", **fields
) -> Nifti1Header:
    """A header with forms (code 0 where None) and then any other field: ``pixdim=..., xyzt_units=...``."""
    header = Nifti1Header()
    header.set_data_shape(shape_ijk)
    header.set_data_dtype(dtype)
    header["vox_offset"], header["xyzt_units"] = 352, 2
    if qform is not None:
        header.set_qform(qform, codes[1])
    if sform is not None:
        header.set_sform(sform, codes[0])
        if qform is None:
            header["pixdim"][1:4] = np.linalg.norm(np.asarray(sform)[:3, :3], axis=0)
    for name, value in fields.items():
        header[name] = value
    return header


def write_nifti(path: Path, header: Nifti1Header, array_ijk: np.ndarray) -> Path:
    """Write header and voxels as they are: nibabel would repair the header first."""
    header["magic"] = b"n+1"
    path.write_bytes(header.binaryblock + bytes(4) + array_ijk.tobytes(order="F"))
    return path


def forms_in(path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(sform, qform) of a file as nibabel reads them; None where the code is 0."""
    header = nib.load(path).header
    return header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]


def corner_distance(a: np.ndarray, b: np.ndarray, shape_ijk) -> float:
    """Largest distance in mm of the same corner by two affines."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape_ijk], [1])).reshape(4, -1)
    return float(np.max(np.linalg.norm(((np.asarray(a) - b) @ corners)[:3], axis=0)))
