"""What can be said of label maps from their headers, before an export."""

from __future__ import annotations

from ...core.geometry import VolumeGeometry
from ...core.options.labels import LabelOptions
from ...core.placing.placed import place_warnings
from ...dicom.labels.segmentation import segmentation_geometry
from ..choice import label_file
from ..reading import peek_volume
from .layers import layers_geometry
from .masks import mask_files
from .opening import LabelFile, label_kind
from .placing import place_of

Peek = tuple[int, tuple[str, ...]]


def peek_labels(file: LabelFile, image: tuple[str, VolumeGeometry], label_set: str, options: LabelOptions) -> Peek:
    """Return bytes per voxel of the label map that would be made, and what is to be said of it.

    Args:
        file: which.
        image: name and grid.
        label_set: the name of the set, for sentences.
        options: how label maps are taken.

    Raises:
        InputError: a header is damaged, or the labels do not lie on the image.
    """
    kind = label_kind(file.path)
    if kind == "volume":
        label = peek_volume(file.label_map())
        placed = _placed(str(file.path), label.geometry, image, label_set, options)
        return label.bytes_per_voxel, (*label.warnings, *placed)
    if kind == "masks":
        said: list[str] = []
        for path in mask_files(file.path):
            mask = peek_volume(label_file(path, file.transform, file.allow_outside))
            said += [*mask.warnings, *_placed(str(path), mask.geometry, image, label_set, options)]
        return 1, tuple(said)
    if kind == "rtstruct":  # lies on the image by the way it is read
        return 1, ()
    grid = layers_geometry(file.path)[0] if kind == "layers" else segmentation_geometry(file.path, image[1])
    return 1, _placed(str(file.path), grid, image, label_set, options, sparse=kind == "dicom-seg")


def _placed(
    name: str,
    grid: VolumeGeometry,
    image: tuple[str, VolumeGeometry],
    label_set: str,
    options: LabelOptions,
    sparse: bool = False,
) -> tuple[str, ...]:
    return place_warnings(name, place_of((name, grid), image, label_set, options), sparse=sparse)
