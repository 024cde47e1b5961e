"""Why a label map does not lie on its image, and the remedy that is right for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from ..geometry import FloatArray, VolumeGeometry
from ..index_map import IndexMap, order_of_axes
from ..text import Option, Sentence, degrees, lengths, millimetres, sizes
from ..volume import is_identity
from .lattice import placement_on

Kind = Literal[
    "other-transform",
    "affine-lost",
    "origin-lost",
    "mirrored",
    "other-order",
    "half-voxel",
    "shifted",
    "other-spacing",
    "rotated",
    "elsewhere",
]

# Numbers of a header, in voxels or mm, that are equal but for rounding.
_CLOSE = 0.02
_ROTATED_DEGREES = 0.1
_AXIS_WORDS = ("left-right", "front-back", "up-down")

_RESAMPLE = (
    "Resample it onto the image by nearest neighbour (Slicer: module Resample Image (BRAINS), reference = image)."
)
_SAME_VOXELS = (
    "If it was made voxel for voxel from this image, take the image's geometry with ",
    Option.to("label_affine", "image"),
    ".",
)


@dataclass(frozen=True)
class Reason:
    """Why a label map does not lie on its image.

    Attributes:
        kind: in a word, for programs.
        what: is the case, as the end of a sentence.
        remedy: a sentence.
    """

    kind: Kind
    what: Sentence
    remedy: Sentence

    @property
    def sentence(self) -> Sentence:
        """Both, to be said after "does not lie on the grid of ...: "."""
        return Sentence(self.what, ". ", self.remedy)


def reason_for(
    image: VolumeGeometry,
    label: VolumeGeometry,
    label_forms: Mapping[str, VolumeGeometry] | None = None,
    image_forms: Mapping[str, VolumeGeometry] | None = None,
) -> Reason:
    """Return why ``placement_on`` finds no place for a label map.

    Args:
        image: as it was read.
        label: likewise.
        label_forms: where the label map's file says that it lies, by "sform" and "qform"; None for other files.
        image_forms: the same of the image.

    >>> image = VolumeGeometry((10, 12, 30), np.diag([1.0, 1, 3, 1]))
    >>> reason_for(image, VolumeGeometry((10, 12, 30), np.eye(4))).kind
    'affine-lost'
    """
    found = (
        _other_transform(image, label, label_forms or {}, image_forms or {})
        or _identity(image, label)
        or _origin_lost(image, label)
        or _mirrored(image, label)
    )
    if found is not None:
        return found
    order = order_of_axes(label, image)
    if order is not None:
        return _parallel(image, label, order)
    return _spacing(image, label) or _rotated_or_elsewhere(image, label)


def _reason(kind: Kind, what: str | Sentence, *remedy: str | Option) -> Reason:
    return Reason(kind, Sentence(what), Sentence(*remedy))


def _other_transform(
    image: VolumeGeometry,
    label: VolumeGeometry,
    label_forms: Mapping[str, VolumeGeometry],
    image_forms: Mapping[str, VolumeGeometry],
) -> Reason | None:
    """One of two transforms in a NIfTI header fits: programs that move a label map often write one of them only."""
    for form, stated in label_forms.items():
        if not _is_close(stated, label) and placement_on(image, stated) is not None:
            other = "qform" if form == "sform" else "sform"
            what = f"by its {form} it lies on the image, by its {other}, which was used, {_apart(image, label)}"
            return _reason("other-transform", what, "Read both by the ", form, " with ", _transform(form), ".")
    for form, stated in image_forms.items():
        if not _is_close(stated, image) and placement_on(stated, label) is not None:
            what = f"it lies where the image's {form} says, and the image was read by its other transform"
            return _reason("other-transform", what, "Read both by the ", form, " with ", _transform(form), ".")
    return None


def _transform(form: str) -> Option:
    return Option.to("nifti_transform", form)


def _identity(image: VolumeGeometry, label: VolumeGeometry) -> Reason | None:
    if is_identity(image):
        what = "the image's affine is the identity, which programs write that have lost the real one"
        return _reason("affine-lost", what, *_of_same_shape(image, label))
    ones = np.allclose(np.abs(label.affine_ras[:3, :3]), np.eye(3), rtol=0, atol=1e-6)
    if not ones or label.affine_ras[:3, 3].any():
        return None
    what = "its affine is the identity" if is_identity(label) else "its affine has voxels of 1 mm at the origin"
    what += ", which programs write that have lost the real one (spacing, orientation and position)"
    if image.shape_ijk == label.shape_ijk:
        return _reason("affine-lost", f"{what}; {_apart(image, label)}", *_of_same_shape(image, label))
    return _reason("affine-lost", f"{what}; {_shapes(image, label)}", *_of_same_shape(image, label))


def _of_same_shape(image: VolumeGeometry, label: VolumeGeometry) -> tuple[str | Option, ...]:
    """Return the remedy for a lost affine, which depends on what the shapes say of the order."""
    if image.shape_ijk == label.shape_ijk:
        return ("It needs the image's geometry, not resampling. ", *_SAME_VOXELS)
    if label.shape_ijk == image.shape_ijk[::-1]:
        return ("Its axes seem to be in numpy's order k, j, i: save it transposed, with the affine of the image.",)
    return ("Save it again from the program that made it, with the affine of the image that it was drawn on.",)


def _origin_lost(image: VolumeGeometry, label: VolumeGeometry) -> Reason | None:
    """The steps are the image's, and the position is 0."""
    if np.any(np.abs(label.affine_ras[:3, 3]) > 1e-6) or not np.any(np.abs(image.affine_ras[:3, 3]) > 1e-6):
        return None
    if label.shape_ijk != image.shape_ijk or _steps_apart(image, label) > _CLOSE:
        return None
    what = f"its origin is (0, 0, 0): the position was lost, {_apart(image, label)}"
    return _reason("origin-lost", what, "It needs the image's geometry, not resampling. ", *_SAME_VOXELS)


def _steps_apart(image: VolumeGeometry, label: VolumeGeometry) -> float:
    """Return the largest difference of the steps along i, j, k, in parts of a voxel."""
    difference: FloatArray = np.linalg.inv(image.affine_ras[:3, :3]) @ label.affine_ras[:3, :3] - np.eye(3)
    return float(np.max(np.abs(difference)))


def _mirrored(image: VolumeGeometry, label: VolumeGeometry) -> Reason | None:
    """The label map lies on the image when coordinates along axes of the patient are negated."""
    for signs in sorted(product((1, -1), repeat=3), key=lambda signs: (-sum(signs), signs))[1:]:
        negated = VolumeGeometry(label.shape_ijk, np.diag([*signs, 1.0]) @ label.affine_ras)
        if placement_on(image, negated) is None:
            continue
        axes = " and ".join(word for word, sign in zip(_AXIS_WORDS, signs, strict=True) if sign < 0)
        what = f"it lies mirrored {axes}: with those coordinates negated it would lie on the image"
        if signs == (-1, -1, 1):
            what += ", as where LPS numbers (DICOM, ITK) were written as RAS ones (NIfTI)"
        remedy = _if_same_shape(image, label)
        return _reason("mirrored", what, "Do not resample it, which would keep it mirrored. ", *remedy)
    return None


def _if_same_shape(image: VolumeGeometry, label: VolumeGeometry) -> tuple[str | Option, ...]:
    if image.shape_ijk == label.shape_ijk:
        return _SAME_VOXELS
    return ("Write it again with the image's coordinates.",)


def _parallel(image: VolumeGeometry, label: VolumeGeometry, order: IndexMap) -> Reason:
    """Axes along the image's and voxels of the same size: the positions differ."""
    reordered = order.reordered(label)
    shift = image.ijk(reordered.affine_ras[:3, 3])
    same_shape = reordered.shape_ijk == image.shape_ijk
    part = np.abs(shift - np.round(shift))
    run = _runs(image, label)
    far = f"{_apart(image, label)}{run}" if image.shape_ijk == label.shape_ijk else f"{_shapes(image, label)}{run}"
    if same_shape and not order.keeps_order:
        what = f"its axes were reordered without moving the origin: {far}; in the image's order it would fit"
        if np.max(np.abs(label.affine_ras[:3, 3] - image.affine_ras[:3, 3])) > _CLOSE * float(min(image.spacing)):
            what = f"{far}; in the image's order it would have as many voxels, but {_shifted(image, reordered)}"
        return _reason("other-order", what, "Save it with the affine that belongs to its order. ", *_SAME_VOXELS)
    if not _overlap(image, label):
        return _elsewhere(image, label)
    if np.all((part < _CLOSE) | (np.abs(part - 0.5) < _CLOSE)) and np.any(part > _CLOSE):
        what = f"it is shifted by half a voxel ({_list(shift)} voxels), as where corners were taken for centres: {far}"
        remedy = _SAME_VOXELS if same_shape else _tolerated(0.5)
        return _reason("half-voxel", what, "It need not be resampled. ", *remedy)
    if np.max(part) < _CLOSE:  # whole voxels, and as many as the image's
        what = f"it has as many voxels as the image and is shifted by ({_list(shift)}) voxels: {far}"
        return _reason("shifted", what, "Something was counted wrongly. ", *_SAME_VOXELS)
    if same_shape and np.max(np.abs(shift)) < 1:
        remedy = (*_tolerated(float(np.max(np.abs(shift)))), " Or resample it onto the image by nearest neighbour.")
        return _reason("shifted", f"it is shifted by a part of a voxel: {far}", *remedy)
    return _reason("shifted", f"it lies between the image's voxels: {far}", _RESAMPLE)


def _tolerated(voxels: float) -> tuple[str | Option, ...]:
    up = min(1.0, round(np.floor(voxels * 100 + 1e-6) + 1) / 100)
    return ("To take each of its voxels for the nearest of the image, allow it with ", _tolerance(up), ".")


def _tolerance(voxels: float) -> Option:
    return Option.to("label_tolerance", voxels)


def _spacing(image: VolumeGeometry, label: VolumeGeometry) -> Reason | None:
    """Axes along the image's and voxels of another size."""
    steps = image.directions.T @ label.directions
    if np.max(np.abs(steps - np.round(steps))) > np.sin(np.radians(_ROTATED_DEGREES)):
        return None
    if not _overlap(image, label):
        return _elsewhere(image, label)
    own, theirs = lengths(label.spacing), lengths(image.spacing)
    what = f"its voxels are {own} mm, the image's {theirs} mm: {_shapes(image, label)}{_runs(image, label)}"
    return _reason("other-spacing", what, _RESAMPLE)


def _rotated_or_elsewhere(image: VolumeGeometry, label: VolumeGeometry) -> Reason:
    if not _overlap(image, label):
        return _elsewhere(image, label)
    steps = np.abs(image.directions.T @ label.directions)
    angle = float(np.degrees(np.arccos(np.clip(np.min(np.max(steps, axis=0)), 0, 1))))
    what = f"its axes are {degrees(angle)} degrees askew to the image's: {_shapes(image, label)}{_runs(image, label)}"
    return _reason("rotated", what, _RESAMPLE)


def _elsewhere(image: VolumeGeometry, label: VolumeGeometry) -> Reason:
    gap = millimetres(float(np.linalg.norm(_centre(image) - _centre(label))))
    what = f"the two have no place in common, their centres are {gap} mm apart ({_shapes(image, label)})"
    who = "It seems to belong to another image (another patient, study or session): choose the one it was drawn on"
    if image.shape_ijk == label.shape_ijk:
        keep = (Option.to("label_affine", "image"), ".")
        return _reason("elsewhere", what, f"{who}; if it is this one, take the image's geometry with ", *keep)
    return _reason("elsewhere", what, f"{who}.")


def _centre(grid: VolumeGeometry) -> FloatArray:
    return grid.ras((np.array(grid.shape_ijk) - 1) / 2)


def _overlap(image: VolumeGeometry, label: VolumeGeometry) -> bool:
    """Return whether the boxes around both, along the image's axes, have a place in common."""
    ends = image.ijk(label.corners_ras())
    low, high = ends.min(axis=0), ends.max(axis=0)
    return bool(np.all(high > -0.5) and np.all(low < np.array(image.shape_ijk) - 0.5))


def _is_close(one: VolumeGeometry, other: VolumeGeometry) -> bool:
    return one.difference(other).is_same_grid()


def _apart(image: VolumeGeometry, label: VolumeGeometry) -> str:
    found = image.difference(label)
    return f"its corners are up to {found} away" if found.same_shape else _shapes(image, label)


def _shifted(image: VolumeGeometry, reordered: VolumeGeometry) -> str:
    return f"{image.difference(reordered)} away"


def _shapes(image: VolumeGeometry, label: VolumeGeometry) -> str:
    if image.shape_ijk == label.shape_ijk:
        return f"both have {sizes(label.shape_ijk)} voxels"
    return f"it has {sizes(label.shape_ijk)} voxels where the image has {sizes(image.shape_ijk)}"


def _runs(image: VolumeGeometry, label: VolumeGeometry) -> str:
    ours, theirs = image.orientation, label.orientation
    return "" if ours == theirs else f"; its axes run {theirs}, the image's {ours}"


def _list(shift: FloatArray) -> str:
    return ", ".join(f"{value:.4g}" for value in np.round(shift, 3) + 0.0)
