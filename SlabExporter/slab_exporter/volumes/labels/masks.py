"""Folders of one mask for each structure, as TotalSegmentator writes them, and BIDS derivatives."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.naming import DATA_ONLY_EXTENSIONS, volume_extension, volume_stem
from ...core.options.labels import LabelOptions
from ...core.segments.segmented import Segmented, Stated, told_apart
from ...core.values import label_objection
from ...core.volume import SourceVolume
from ...files.detached import source_sha256
from ...mrml.runtime import SlicerRuntime
from ..choice import label_file
from ..reading import open_volume
from .placing import on_image


def is_mask_pattern(path: Path) -> bool:
    """Return whether a path stands for several masks: a folder, or a pattern such as ``sub-1_desc-*_mask.nii.gz``."""
    return "*" in path.name or path.is_dir()


def mask_files(path: Path) -> list[Path]:
    """Return the masks in a folder (not below it), or that a pattern of names fits, in order of name.

    >>> mask_files(Path("no such folder"))
    []
    """
    found = path.parent.glob(path.name) if "*" in path.name else path.iterdir() if path.is_dir() else ()
    return sorted(
        file
        for file in found
        if volume_extension(file) not in (None, *DATA_ONLY_EXTENSIONS) and file.is_file() and file.name[0] != "."
    )


def mask_name(file: Path) -> str:
    """Return the structure that a mask is of, by its file's name or the BIDS entity that says it.

    >>> mask_name(Path("segmentations/liver.nii.gz")), mask_name(Path("sub-1_space-T1w_desc-liver_dseg.nii.gz"))
    ('liver', 'liver')
    """
    stem = volume_stem(file)
    for entity in ("label", "desc"):
        found = re.search(rf"(?:^|_){entity}-([A-Za-z0-9+]+)(?=_)", stem)
        if found and stem.startswith("sub-"):
            return found.group(1)
    return stem.removesuffix(".seg")


def masks_sha256(path: Path) -> str:
    """Return a check sum over the masks' names and contents."""
    digest = hashlib.sha256()
    for file in mask_files(path):
        digest.update(f"{file.name}\0{source_sha256(file)}\n".encode())
    return digest.hexdigest()


def read_masks(
    runtime: SlicerRuntime,
    path: Path,
    image: SourceVolume,
    label_set: str,
    options: LabelOptions,
    transform: str | None = None,
) -> Segmented:
    """Read one mask after the other, each put on the image's voxels.

    Args:
        runtime: Slicer's classes.
        path: folder, or pattern of names.
        image: which they are of.
        label_set: the name of the set, for sentences.
        options: how each one is put on the image.
        transform: "sform" or "qform" to insist on one.

    Raises:
        InputError: there are none, or (from ``masks``) one is no mask or does not lie on the image.
    """
    files = mask_files(path)
    if not files:
        raise InputError(f"{path} holds no masks (.nii.gz, .nrrd and so on).")
    said: list[str] = []

    def masks() -> Iterator[npt.NDArray[np.bool_]]:
        for file in files:
            volume = on_image(open_volume(runtime, label_file(file, transform)), image, label_set, options)
            said.extend(volume.warnings)
            yield _as_mask(file, volume.voxels_kji)

    stated = tuple(map(Stated, told_apart([mask_name(file) for file in files])))
    return Segmented(image.geometry, stated, masks, notes=lambda: tuple(dict.fromkeys(said)))


def _as_mask(file: Path, voxels_kji: npt.NDArray) -> npt.NDArray[np.bool_]:
    objection = label_objection(voxels_kji)
    if objection is not None:
        raise InputError(
            f"{file} is not a mask: it {objection}. Probabilities need a threshold first: save it as 0 and 1."
        )
    values = np.unique(voxels_kji)
    if len(values[values != 0]) > 1 or values.min() < 0:
        shown = ", ".join(f"{value:g}" for value in values[:5])
        raise InputError(
            f"{file} is not a mask of one structure: it holds the values {shown}{' ...' if len(values) > 5 else ''}. "
            "Give it as a label map of its own."
        )
    return np.asarray(voxels_kji != 0)
