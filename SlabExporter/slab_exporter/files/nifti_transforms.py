"""A NIfTI header states its geometry twice (sform, qform). Which to believe, and what to say about it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.text import Option, Sentence, degrees, lengths, millimetres
from .nifti import HALF_TURN, NiftiHeader, rotation_of

# Corner positions that differ by less are the same for every purpose (a quaternion in float32 is
# no better than this).
SAME_MM = 0.05

# What a user can do about two forms that differ, with commands that have the option.
CHOICE = Sentence(" Choose with ", Option.to("nifti_transform", "sform", "qform"), ".")

# No patient is further from the scanner's origin; larger numbers are damage.
FARTHEST_MM = 1e7
# NIFTI_XFORM_SCANNER_ANAT of nifti1.h
_SCANNER = 1
_MIRRORED = ("left-right", "front-back", "head-feet")
# A quaternion this much longer than 1 is damage; nibabel refuses it, others shorten it.
_LONGEST_QUATERNION = 1 + 1e-3
# Three steps of float32 (nibabel.nifti1.Nifti1Header.quaternion_threshold)
_NIBABELS_HALF_TURN = 3 * float(np.finfo(np.float32).eps)
# of (b, c, d): nibabel opens no file with a longer one
READABLE_LENGTH = 1 + _NIBABELS_HALF_TURN / 4


def refuse_unusable(header: NiftiHeader, chosen: str | None) -> None:
    """Refuse transforms that are damaged or sheared, and a chosen one that is absent.

    A transform that was not chosen may be as it likes.

    Raises:
        InputError: with what is wrong, and with the way out where there is one.
    """
    if chosen is not None and getattr(header, chosen) is None:
        raise InputError(f"{header.path} has no {chosen} (its code is 0); leave ", Option("nifti_transform"), " out.")
    for form in ("sform", "qform"):
        if chosen in (None, form) and getattr(header, form) is not None and not _is_sound(header, form):
            other = "qform" if form == "sform" else "sform"
            mend = Sentence(" Choose ", Option.to("nifti_transform", other), ".")
            raise InputError(
                f"{header.path} is damaged: its {form} is not a matrix that can place voxels.",
                mend if _is_sound(header, other) else "",
            )
    zooms = header.fields["pixdim"][1:4]
    if header.sform is None and header.qform is None and not (np.all(np.isfinite(zooms)) and np.all(zooms > 0)):
        raise InputError(f"{header.path}: the header's voxel sizes make no sense: {zooms.tolist()}.")
    _refuse_shear(header, chosen)


def _is_sound(header: NiftiHeader, form: str) -> bool:
    geometry = header.geometry(form)
    if form == "qform" and quaternion_length(header.fields) > _LONGEST_QUATERNION:
        return False
    return geometry is not None and float(np.max(np.abs(geometry.corners_ras()))) < FARTHEST_MM


def quaternion_length(fields: npt.NDArray) -> float:
    """Return the length of (b, c, d) of a header, which is at most 1 but for rounding."""
    return float(np.linalg.norm(fields["quatern"].astype(np.float64)))


def _refuse_shear(header: NiftiHeader, chosen: str | None) -> None:
    """Refuse a sheared sform unless the qform was chosen.

    ITK's reader of NIfTI, which Slicer uses, takes no such sform, though volumes in memory and NRRD hold one.
    Beside an orthonormal qform it takes that one without a word, which puts voxels tens of millimetres
    from where they belong.
    """
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if sform is None or not sform.is_sheared or chosen == "qform":
        return
    sentence = Sentence(
        f"{header.path} has a sheared sform: its axes are {degrees(sform.shear_degrees)} degrees off a right angle "
        "(as from a CT with tilted gantry), which Slicer cannot read from NIfTI, whatever the format of the slabs. "
        "Resample it to a regular grid first, or save it as NRRD and export that as NRRD"
    )
    if qform is not None:
        sentence += Sentence(
            "; or take its qform with ",
            Option.to("nifti_transform", "qform"),
            f", which places voxels up to {millimetres(sform.corner_distance(qform))} mm away from the sform",
        )
    raise InputError(sentence + ".")


def same_form_mm(sform: VolumeGeometry) -> float:
    """Return how far a qform may lie from the sform beside it and still say the same, in mm.

    A quaternion cannot hold axes that are off a right angle. Where those of the sform are, by the
    rounding of a header, programs write the nearest rotation about one corner or about the centre.
    """
    return SAME_MM if sform.is_sheared else SAME_MM + 2 * sform.corner_distance(sform.squared())


def itk_freedom_mm(header: NiftiHeader) -> float:
    """Return how far ITK may place a volume from ``header_geometry``, where nothing contradicts itself, in mm."""
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if sform is None or qform is None:
        return 0.0 if sform is None else sform.corner_distance(sform.squared())
    distance = sform.corner_distance(qform)
    return distance if distance <= same_form_mm(sform) else 0.0


def form_used(header: NiftiHeader, chosen: str | None = None) -> str | None:
    """Return "sform" or "qform", whichever gives the affine; None where the header states neither.

    Where both are stated and differ, the choice is that of ITK, and so of Slicer: the sform only if
    its code is that of scanner coordinates. Where they do not differ the sform is taken, as by nibabel.
    """
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if chosen is not None or sform is None or qform is None:
        return chosen or ("sform" if sform is not None else "qform" if qform is not None else None)
    takes_sform = int(header.fields["sform_code"]) == _SCANNER or sform.corner_distance(qform) <= same_form_mm(sform)
    return "sform" if takes_sform else "qform"


def header_geometry(header: NiftiHeader, chosen: str | None = None) -> VolumeGeometry:
    """Return the geometry that a header states, in the file's index order, exactly as its numbers say.

    Args:
        header: one that ``refuse_unusable`` has let pass.
        chosen: "sform" or "qform" to insist on one; None: ``form_used`` decides.

    Raises:
        InputError: the form cannot place voxels.
    """
    form = form_used(header, chosen)
    if form is not None:
        affine = header.sform if form == "sform" else header.qform
    else:
        # Nothing is stated: ITK's guess is LPS, the first voxel at the origin.
        affine = np.diag([*header.fields["pixdim"][1:4].astype(np.float64) * header.unit_mm * (-1, -1, 1), 1.0])
    if affine is None:
        raise InputError(f"{header.path} has no {form}.")
    return VolumeGeometry(header.shape_ijk, affine)


def transform_warnings(header: NiftiHeader, chosen: str | None = None) -> list[str]:
    """Sentences about a geometry that deserves a look: forms that differ, none at all, odd units, odd voxel sizes."""
    warnings = []
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if header.sform is None and header.qform is None:
        warnings.append(
            "The header states no orientation (qform and sform codes are 0): left and right, and all positions, "
            "are a guess; programs guess differently."
        )
    if sform is not None and qform is not None:
        difference = sform.difference(qform)
        if difference.mm > same_form_mm(sform):
            mirrored = " and one is the mirror image of the other" if difference.is_mirrored else ""
            warnings.append(
                f"sform and qform disagree by up to {difference.mm:.1f} mm{mirrored}; "
                f"the {form_used(header, chosen)} was used." + CHOICE
            )
    warnings += contradictions(header, chosen)
    if header.unit_mm != 1.0:
        warnings.append(
            "The header counts in metres or micrometres; converted to mm as ITK does (nibabel does not convert)."
        )
    elif int(header.fields["xyzt_units"]) & 7 > 3:
        warnings.append(f"The header's unit of length is unknown (code {int(header.fields['xyzt_units']) & 7}): mm?")
    return warnings


def contradictions(header: NiftiHeader, chosen: str | None = None) -> list[str]:
    """Sentences about "pixdim", by which ITK mirrors or stretches what the forms state."""
    used, form = header_geometry(header, chosen), form_used(header, chosen)
    stored = header.fields["pixdim"][1:4].astype(np.float64) * header.unit_mm
    for n, size in enumerate(stored):
        if size < 0:
            axis = _MIRRORED[used.ras_axis_of_index[n][0]]
            return [
                f"pixdim[{n + 1}] of the header is negative ({size:g} mm): ITK, and so Slicer, shows this file as its "
                f"mirror image ({axis}). The slabs lie as the {form} states."
            ]
    warnings = []
    stretched = not np.all(np.abs(stored - used.spacing) * np.array(used.shape_ijk) <= SAME_MM)
    if form == "sform" and stretched:
        warnings.append(
            f"The voxel sizes of the header ({lengths(stored)} mm) contradict its sform ({lengths(used.spacing)} mm), "
            "and programs choose differently (ITK and Slicer the former). The slabs lie as the sform states."
        )
    if form == "qform" and (apart := _half_turn_apart(header, used)) > SAME_MM:
        warnings.append(
            f"The qform is so near to a half turn that programs read it up to {millimetres(apart)} mm apart; "
            "the slabs lie as ITK and Slicer have it."
        )
    if header.qform is not None and (length := quaternion_length(header.fields)) > READABLE_LENGTH:
        warnings.append(
            f"The quaternion of the qform is longer than 1 ({length:.7g}), by which nibabel does not open the file; "
            "that of the slabs is shortened, as ITK does."
        )
    qfac = float(header.fields["pixdim"][0])
    if form == "qform" and qfac not in (-1.0, 0.0, 1.0):
        warnings.append(
            f"pixdim[0] of the header is {qfac:g}, neither 1 nor -1: programs may read the qform as a mirror image."
        )
    return warnings


def _half_turn_apart(header: NiftiHeader, used: VolumeGeometry) -> float:
    """Return how far in mm a qform and the half turn for which nibabel takes it lie apart; 0 where it does not."""
    bcd = header.fields["quatern"].astype(np.float64)
    if not HALF_TURN <= 1.0 - float(bcd @ bcd) < _NIBABELS_HALF_TURN:
        return 0.0
    affine = used.affine_ras.copy()
    half = rotation_of(bcd / np.linalg.norm(bcd))
    affine[:3, :3] = half @ rotation_of(bcd).T @ affine[:3, :3]
    return used.corner_distance(VolumeGeometry(used.shape_ijk, affine))
