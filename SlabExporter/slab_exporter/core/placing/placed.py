"""Label maps put on an image's voxels, with what the manifest and the user are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputError
from ..geometry import VolumeGeometry
from ..geometry_difference import SAME_GRID_VOXELS
from ..index_map import IDENTITY_AXES, NO_REVERSAL, IndexMap
from ..options.labels import LabelOptions
from ..text import Option, Sentence, counted, sizes
from ..volume import SourceVolume
from .lattice import Placement, placement_on
from .reasons import reason_for

Forms = Mapping[str, VolumeGeometry]


@dataclass(frozen=True)
class Place:
    """Where a label map is put, and by which leave.

    Attributes:
        placement: onto the image's voxels.
        affine: "image" where the image's geometry was given to it.
        tolerance: in voxels, where one was asked for and needed.
    """

    placement: Placement
    affine: str | None = None
    tolerance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        entry = {"done": self.placement.to_json(), "affine": self.affine, "tolerance": self.tolerance}
        return {key: value for key, value in entry.items() if value is not None}


@dataclass(frozen=True)
class Named:
    """A grid with the name of its file, for sentences.

    Attributes:
        name: of the file or node.
        geometry: as it was read.
        forms: by "sform" and "qform" where a NIfTI header says that it lies; empty for other files.
    """

    name: str
    geometry: VolumeGeometry
    forms: Forms = field(default_factory=dict)


def place_on(image: Named, label: Named, label_set: str, options: LabelOptions) -> Place:
    """Return where a label map is put on its image.

    Args:
        image: its grid.
        label: likewise.
        label_set: the name of the set, for the sentence.
        options: whose geometry counts, and how far off it may be.

    Raises:
        InputError: it does not lie on the image; with the true reason and a remedy.
    """
    found = placement_on(image.geometry, label.geometry)
    if found is not None:
        return Place(found)
    if options.label_tolerance is not None:
        found = placement_on(image.geometry, label.geometry, max(options.label_tolerance, SAME_GRID_VOXELS))
        if found is not None:
            return Place(found, tolerance=options.label_tolerance)
    if options.label_affine == "image" and label.geometry.shape_ijk == image.geometry.shape_ijk:
        same = IndexMap(IDENTITY_AXES, NO_REVERSAL, (0, 0, 0))
        return Place(Placement(label.geometry, same, image.geometry), affine="image")
    reason = reason_for(image.geometry, label.geometry, label.forms, image.forms)
    what = f"The label map {label.name} ({label_set}) does not lie on the grid of {image.name}: "
    raise InputError(what, reason.sentence)


def placed_volume(label: SourceVolume, place: Place) -> SourceVolume:
    """Return a label map on its image's voxels; the same one where nothing is to be done."""
    placement = place.placement
    if placement.keeps_all:
        return label
    outside = sum(map(placement.labelled_outside, label.frames_kji))
    record = {
        **label.record,
        "file_shape_ijk": list(label.geometry.shape_ijk),
        "file_affine_ras": label.geometry.affine_ras.tolist(),
        "placed": place.to_json() | ({"labelled_outside": outside} if placement.is_cut else {}),
    }
    moved = label.each_frame(lambda frame: replace(frame, voxels_kji=placement.placed(frame.voxels_kji)))
    return replace(
        moved,
        geometry=placement.geometry,
        header=None,
        loaded_affine_ras=None,
        record=record,
        warnings=(*label.warnings, *place_warnings(label.name, place, outside, is_sparse(label))),
    )


def placed_again(label: SourceVolume, image: Named, label_set: str, placed: Mapping[str, Any]) -> SourceVolume:
    """Return a label map on its image's voxels, by what a manifest says was done.

    Args:
        label: as its file states it now.
        image: the recorded grid of the image.
        label_set: the name of the set.
        placed: the record of its place; empty for what is accepted of any label map.

    Raises:
        InputError: the file's grid does not lie there.
    """
    tolerance = placed.get("tolerance")
    options = LabelOptions(
        "image" if placed.get("affine") == "image" else "file", None if tolerance is None else float(tolerance)
    )
    return placed_volume(label, place_on(image, Named(label.name, label.geometry), label_set, options))


def require_same_grid(image: SourceVolume, label: SourceVolume, name: str) -> None:
    """Refuse a label map that does not lie voxel on voxel on the image, in the same order.

    Raises:
        InputError: with the reason.
    """
    if not image.geometry.difference(label.geometry).is_same_grid():
        place_on(Named(image.name, image.geometry), Named(label.name, label.geometry), name, LabelOptions())
        raise InputError(f"The label map {label.name} ({name}) counts its voxels otherwise than {image.name}.")


def require_channel_grid(image: SourceVolume, channel: SourceVolume, name: str) -> None:
    """Refuse a further image of a case that does not lie voxel on voxel on the first, in the same order.

    Raises:
        InputError: with the reason.
    """
    difference = image.geometry.difference(channel.geometry)
    if difference.is_same_grid():
        return
    what = f"The channel {channel.name} ({name}) does not lie on the grid of {image.name}: "
    (ours, theirs), (ours_run, theirs_run) = difference.shapes, difference.orientations
    if ours != theirs:
        why = f"it has {theirs} voxels where the first channel has {ours}"
    else:
        axes = "" if ours_run == theirs_run else f", its axes run {theirs_run}, the first channel's {ours_run}"
        why = f"its corners are up to {difference} away{axes}"
    raise InputError(f"{what}{why}. Resample it onto the first channel before, or leave it out.")


def is_sparse(label: SourceVolume) -> bool:
    """Return whether a label map is of a file that leaves out planes without labels, as DICOM segmentations do."""
    return bool(label.record.get("read_as", {}).get("kind") == "dicom-seg")


def place_warnings(name: str, place: Place, outside: int | None = None, sparse: bool = False) -> tuple[str, ...]:
    """Return what a user should know about how a label map was put on its image.

    Args:
        name: of the label map.
        place: where.
        outside: how many of its labelled voxels lie outside the image; None: not counted, from headers alone.
        sparse: that it covers a part of the image only goes without saying.
    """
    placement = place.placement
    said = []
    if place.affine is not None:
        lost = (
            f"{name} has the image's shape and does not lie on it: it is given the image's geometry, voxel for voxel ("
        )
        said.append(Sentence(lost, Option.to("label_affine", "image"), ")."))
    if place.tolerance is not None:
        by = f"{name} does not lie quite on the image's voxels: each of its voxels is taken for the nearest ("
        said.append(Sentence(by, Option.to("label_tolerance", place.tolerance), ")."))
    own, covered = placement.file.shape_ijk, placement.covered
    if placement.is_extended and not sparse:
        said.append(
            Sentence(
                f"{name} covers {sizes(covered.shape)} of the image's {sizes(placement.geometry.shape_ijk)} voxels: "
                "the rest is background."
            )
        )
    if placement.is_cut:
        lost = "" if outside is None else f"; {counted(outside, 'labelled voxel')} outside are left out"
        said.append(
            Sentence(f"{name} ({sizes(own)} voxels) reaches beyond the image: it is cut at the image's edges{lost}.")
        )
    return tuple(said)
