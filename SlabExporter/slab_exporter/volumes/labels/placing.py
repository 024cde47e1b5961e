"""Label maps on the voxels of their image, wherever both come from: files, series or a scene."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...core.errors import InputError, SlabExporterError
from ...core.geometry import VolumeGeometry
from ...core.options.labels import LabelOptions
from ...core.placing.placed import Named, Place, place_on, placed_volume
from ...core.volume import SourceVolume
from ...files.nifti import read_header
from ...mrml.volume_files import geometry_warnings, is_nifti


def on_image(label: SourceVolume, image: SourceVolume, label_set: str, options: LabelOptions) -> SourceVolume:
    """Return a label map on its image's voxels, in the order of the image's axes.

    Args:
        label: as it was read.
        image: likewise.
        label_set: the name of the set, for the sentence.
        options: whose geometry counts, and how far off it may be.

    Raises:
        InputError: it does not lie on the image; with the true reason and a remedy.
    """
    place = place_of((label.name, label.geometry), (image.name, image.geometry), label_set, options)
    if place.affine is not None:  # what is unusual about its own geometry does not matter any more
        own = geometry_warnings(label.geometry)
        label = replace(label, warnings=tuple(text for text in label.warnings if text not in own))
    return placed_volume(label, place)


def place_of(
    label: tuple[str, VolumeGeometry], image: tuple[str, VolumeGeometry], label_set: str, options: LabelOptions
) -> Place:
    """Return where a label map is put on its image, by their names and grids alone.

    Raises:
        InputError: it does not lie on the image; with the true reason and a remedy.
    """
    try:
        return place_on(Named(*image), Named(*label), label_set, options)
    except InputError:
        return place_on(_with_forms(*image), _with_forms(*label), label_set, options)


def _with_forms(name: str, geometry: VolumeGeometry) -> Named:
    """Return a grid with both transforms of its header, which are looked up only where something is wrong."""
    path = Path(name)
    try:
        if not is_nifti(path) or not path.is_file():
            return Named(name, geometry)
        header = read_header(path)
        stated = {form: header.geometry(form) for form in ("sform", "qform")}
    except (SlabExporterError, OSError):
        return Named(name, geometry)
    return Named(name, geometry, {form: grid for form, grid in stated.items() if grid is not None})
