"""What a stitched volume inherits of the source: the type of its voxels and the fields of a NIfTI header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.geometry import Box
from ..core.manifest import Manifest, SlabRecord
from ..core.several.frames import FrameStack
from ..files.nifti import LARGEST_SIZE, NiftiHeader, read_header
from ..mrml.volume_files import is_nifti


def recorded_type(manifest: Manifest, label_set: str | None) -> np.dtype:
    """Return the type of the source that the slabs were cut from; DICOM slabs may be stored as another one."""
    record = manifest.source if label_set is None else manifest.label_sources[label_set]
    try:
        return np.dtype(str(record.dtype))
    except TypeError as error:
        raise InputError(f"The manifest of {manifest.case} does not state the type of its source.") from error


def result_header(image: Path, slab: SlabRecord, manifest: Manifest, used: Path, foreign: bool) -> Any:
    """Return NIfTI fields for the result: those of the source, which the slabs kept, with the source's forms.

    None where no slab is a NIfTI file, or NIfTI cannot hold the whole; then Slicer's defaults are written.
    """
    path = used if not foreign else image
    if not is_nifti(path) or not path.is_file() or max(manifest.geometry.shape_ijk) > LARGEST_SIZE:
        return None
    header: NiftiHeader = read_header(path)
    fields = header.fields.copy()
    whole, affine = manifest.geometry, manifest.geometry.affine_ras
    fields["dim"][1:4] = whole.shape_ijk
    back = Box(tuple(-n for n in slab.box.start), whole.shape_ijk)  # type: ignore[arg-type]
    for form in ("sform", "qform"):
        stated = header.geometry(form)
        if stated is None or form == manifest.source.nifti_transform:
            matrix = affine  # exactly as the source has it
        else:
            matrix = stated.cropped(back).affine_ras
        if form == "sform":
            fields["srow"] = matrix[:3]
        else:
            fields["qoffset"] = matrix[:3, 3]
    if foreign:
        # What describes the image's values does not describe a prediction's.
        for name in ("cal_max", "cal_min", "intent_p", "intent_code"):
            fields[name] = 0
        fields["intent_name"], fields["aux_file"] = b"", b""
    return fields


def stack_of(manifest: Manifest, voxels_ckji: npt.NDArray) -> FrameStack | None:
    """Return frames that were put together, with what is known of their times; None where they are none.

    Args:
        manifest: of the case.
        voxels_ckji: (frames, k, j, i).
    """
    record = manifest.frames
    if record is None or len(record.numbers) != len(voxels_ckji):
        return None
    return FrameStack(
        voxels_ckji, record.numbers, record.of, record.step, record.unit, record.start, index=record.index
    )
