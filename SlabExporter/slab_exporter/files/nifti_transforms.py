"""A NIfTI header states its geometry twice (sform, qform). Which to believe, and what to say about it."""

from __future__ import annotations

import numpy as np

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.text import Option, Sentence
from .nifti import SINGLE_FILE_OFFSET, NiftiHeader

# Corner positions that differ by less are the same for every purpose (a quaternion in float32 is
# no better than this).
SAME_MM = 0.05
# Cosine between axes beyond which a grid is sheared; float32 rounding stays far below.
SHEARED = 1e-3


# What a user can do about two forms that differ, with commands that have the option.
CHOICE = Sentence(" Choose with ", Option.to("nifti_transform", "sform", "qform"), ".")

# No patient is further from the scanner's origin; larger numbers are damage.
FARTHEST_MM = 1e7


def refuse_unusable(header: NiftiHeader, chosen: str | None) -> None:
    """Refuse transforms that are damaged or sheared, and a chosen one that is absent.

    A transform that was not chosen may be as it likes. ITK never returns from some matrices that
    are not finite, so nothing of the kind may reach it.

    Raises:
        InputError: with what is wrong, and with the way out where there is one.
    """
    if chosen is not None and getattr(header, chosen) is None:
        raise InputError(f"{header.path} has no {chosen} (its code is 0); leave ", Option("nifti_transform"), " out.")
    for form in ("sform", "qform"):
        if chosen in (None, form) and getattr(header, form) is not None and not _is_sound(header.geometry(form)):
            other = "qform" if form == "sform" else "sform"
            mend = Sentence(" Choose ", Option.to("nifti_transform", other), ".")
            raise InputError(
                f"{header.path} is damaged: its {form} is not a matrix that can place voxels.",
                mend if _is_sound(header.geometry(other)) else "",
            )
    zooms = header.fields["pixdim"][1:4]
    if header.sform is None and header.qform is None and not (np.all(np.isfinite(zooms)) and np.all(zooms > 0)):
        raise InputError(f"{header.path}: the header's voxel sizes make no sense: {zooms.tolist()}.")
    _refuse_shear(header, chosen)


def _is_sound(geometry: VolumeGeometry | None) -> bool:
    return geometry is not None and float(np.max(np.abs(geometry.corners_ras()))) < FARTHEST_MM


def _refuse_shear(header: NiftiHeader, chosen: str | None) -> None:
    """Refuse a sheared sform unless the qform was chosen.

    ITK, and so Slicer, holds box-shaped voxel grids only. Beside an orthonormal qform it takes
    that one without a word, which puts voxels tens of millimetres from where they belong.
    """
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if sform is None or sform.shear <= SHEARED or chosen == "qform":
        return
    degrees = float(np.degrees(np.arcsin(min(1.0, sform.shear))))
    sentence = Sentence(
        f"{header.path} has a sheared sform: its axes are {degrees:.1f} degrees off a right angle "
        "(as from a CT with tilted gantry), and Slicer holds box-shaped grids only. Resample it to a regular grid first"
    )
    if qform is not None and qform.shear <= SHEARED:
        sentence += Sentence(
            "; or take its qform with ",
            Option.to("nifti_transform", "qform"),
            f", which places voxels up to {sform.corner_distance(qform):.1f} mm away from the sform",
        )
    raise InputError(sentence + ".")


def geometry_probe(header: NiftiHeader, chosen: str | None) -> bytes:
    """A NIfTI file of one voxel with this header's geometry, for Slicer to read.

    Slicer derives the same matrix from it as from the whole file: neither form depends on the
    number of voxels.
    """
    fields = header.fields.copy()
    fields["dim"][:] = (3, 1, 1, 1, 1, 1, 1, 1)
    fields["vox_offset"] = SINGLE_FILE_OFFSET
    fields["scl_slope"], fields["scl_inter"] = 1, 0
    if chosen is not None:
        other = "qform" if chosen == "sform" else "sform"
        fields[f"{other}_code"] = 0
        # what is not used must not disturb either
        fields["srow" if chosen == "qform" else "quatern"] = 0
    if int(fields["qform_code"]) <= 0 and (geometry := header.geometry("sform")) is not None:
        fields["pixdim"][1:4] = geometry.spacing / header.unit_mm
    return fields.tobytes() + bytes(SINGLE_FILE_OFFSET - fields.nbytes) + bytes(header.dtype.itemsize)


def transform_used(header: NiftiHeader, used: VolumeGeometry) -> str | None:
    """ "sform" or "qform", whichever lies nearer to the geometry in use; None without either."""
    distances = {
        form: geometry.corner_distance(used)
        for form in ("sform", "qform")
        if (geometry := header.geometry(form)) is not None
    }
    return min(distances, key=lambda form: distances[form]) if distances else None


def transform_warnings(header: NiftiHeader, used: VolumeGeometry) -> list[str]:
    """Sentences about a geometry that deserves a look: forms that differ, none at all, odd units."""
    warnings = []
    stated = header.geometry(transform_used(header, used) or "sform")
    if stated is not None and (off := stated.corner_distance(used)) > SAME_MM:
        warnings.append(
            f"The header's axes are not quite at right angles; Slicer straightened them, which moves voxels by up to "
            f"{off:.2f} mm."
        )
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if header.sform is None and header.qform is None:
        warnings.append(
            "The header states no orientation (qform and sform codes are 0): left and right, and all positions, "
            "are a guess; programs guess differently."
        )
    if sform is not None and qform is not None:
        distance = sform.corner_distance(qform)
        if distance > SAME_MM:
            mirrored = " and one is the mirror image of the other" if _mirrored(sform, qform) else ""
            warnings.append(
                f"sform and qform disagree by up to {distance:.1f} mm{mirrored}; "
                f"the {transform_used(header, used)} was used." + CHOICE
            )
    if header.unit_mm != 1.0:
        warnings.append(
            "The header counts in metres or micrometres; converted to mm as ITK does (nibabel does not convert)."
        )
    return warnings


def _mirrored(a: VolumeGeometry, b: VolumeGeometry) -> bool:
    return a.is_right_handed != b.is_right_handed
