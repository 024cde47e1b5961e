"""Leave out the pieces of a plan that hold too little of what is to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..cases.case import Case
from ..core.errors import RequestError, VerificationError
from ..core.geometry import Box
from ..core.options import ExportRequest
from ..core.pieces.keeping import KeepOptions
from ..core.pieces.records import LeftOut, LeftOutRecord
from ..core.planning import SlabPlan
from ..core.text import Option
from ..core.volume import SourceVolume
from ..volumes.body import body_mask


def require_labels(cases: Sequence[Case], request: ExportRequest) -> None:
    """Refuse to keep what is labelled where no case has a label map.

    Raises:
        RequestError: with what to add.
    """
    if request.keep.keep == "labelled" and not any(case.labels for case in cases):
        raise RequestError(Option.to("keep", "labelled"), " needs label maps; add ", Option("labels"), ".")


def keep_pieces(plan: SlabPlan, image: SourceVolume, labels: Sequence[SourceVolume], options: KeepOptions) -> SlabPlan:
    """Return the plan without the pieces that hold too little; the others keep their numbers.

    Args:
        plan: all pieces.
        image: the volume.
        labels: label maps on its grid.
        options: what is to be kept.

    Raises:
        RequestError: no piece is left, or labels are asked for where there are none.
    """
    return plan if options.keep == "all" else keep_wanted(plan, wanted_voxels(image, labels, options), options)


def keep_wanted(plan: SlabPlan, wanted: npt.NDArray[np.bool_], options: KeepOptions) -> SlabPlan:
    """Return the plan without the pieces that hold too little of the voxels (KJI) that are wanted.

    Raises:
        RequestError: no piece is left.
    """
    left = []
    for slab in plan.all_slabs:
        inside = slab.box.intersection(plan.geometry.box)
        held = count_inside(wanted, inside)
        if not options.is_enough(held, int(np.prod(inside.shape))):
            left.append(LeftOut(slab.index, slab.box, held))
    if not left:
        return plan
    record = LeftOutRecord(options, tuple(left))
    if len(left) == len(plan.all_slabs):
        raise RequestError(
            record.note(len(left), plan.kind).without_full_stop(),
            ": nothing would be written. Choose ",
            Option.to("keep", "all"),
            ", or a smaller ",
            Option("min_fraction"),
            ".",
        )
    return replace(plan, left_out=record)


def wanted_voxels(image: SourceVolume, labels: Sequence[SourceVolume], options: KeepOptions) -> npt.NDArray[np.bool_]:
    """Return which voxels (KJI) are to be kept: those of any label map, or of the body.

    Raises:
        RequestError: there is no label map.
    """
    if options.keep == "body":
        return body_mask(image.voxels_kji)
    if not labels:
        raise RequestError(f"{image.name} has no label map, and ", Option.to("keep", "labelled"), " needs one.")
    first, *others = map(labelled_anywhere, labels)
    for other in others:
        first |= other
    return first


def require_rightly_left_out(record: LeftOutRecord, kind: str, source: SourceVolume, is_label: bool) -> None:
    """Compare what pieces that were left out hold with what is recorded of them.

    Args:
        record: of the manifest.
        kind: what the pieces are called.
        source: the image, or one label map, of which pieces hold no more than of all together.
        is_label: which of them it is.

    Raises:
        VerificationError: with the first piece that differs.
    """
    if is_label != (record.options.keep == "labelled"):
        return
    wanted = labelled_anywhere(source) if is_label else body_mask(source.voxels_kji)
    for piece in record.pieces:
        held = count_inside(wanted, piece.box.intersection(source.geometry.box))
        if held > piece.voxels or (not is_label and held != piece.voxels):
            what = "labels" if is_label else "the body"
            raise VerificationError(
                f"{kind} {piece.index} was left out with {piece.voxels} voxels of {what}; "
                f"{source.name} has {held} there."
            )


def count_inside(wanted: npt.NDArray[np.bool_], inside: Box) -> int:
    """Return how many of the voxels lie in a box of the volume."""
    return int(np.count_nonzero(wanted[inside.slices_kji()]))


def labelled_anywhere(label: SourceVolume) -> npt.NDArray[np.bool_]:
    """Return which voxels (KJI) of a label map are labelled, in any of its frames."""
    first, *others = map(labelled_voxels, label.frames_kji)
    for other in others:
        first |= other
    return first


def labelled_voxels(voxels_kji: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Return which voxels of a label map are labelled: neither 0 nor NaN."""
    labelled: npt.NDArray[np.bool_] = voxels_kji != 0
    if voxels_kji.dtype.kind == "f":
        labelled &= ~np.isnan(voxels_kji)
    return labelled
