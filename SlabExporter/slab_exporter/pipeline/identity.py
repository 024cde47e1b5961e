"""What a deidentified case keeps of its sources: voxels, geometry, numbers; no name, path or free text.

Texts of a file's header are dropped whatever they say: nobody can tell a name from another word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.text import counted
from ..core.volume import DERIVED_FROM, PREPARED, SourceVolume
from ..mrml.volume_files import geometry_warnings

# What the manifest may say of a source besides geometry: how it was made, and of how many files.
_KEPT_RECORDS = (
    PREPARED,
    "files",
    "resampled",
    "allow_uneven_mm",
    "file_shape_ijk",
    "file_affine_ras",
    "placed",
    "read_as",
)


def without_identity(volume: SourceVolume, name: str) -> SourceVolume:
    """Return a volume of which nothing but voxels, geometry and numbers is known.

    The headers of a DICOM source stay, since the slabs' attributes are made of them; ``dicom.writing``
    applies the profile to each.

    Args:
        volume: as it was read.
        name: to call it by instead.

    >>> import numpy as np
    >>> from slab_exporter.core.geometry import VolumeGeometry
    >>> ct = SourceVolume("/in/smith.nii", "/in/smith.nii", "5e1f", VolumeGeometry((1, 1, 1), np.eye(4)), np.zeros(1))
    >>> kept = without_identity(replace(ct, warnings=("smith.nii is odd.", "Left is right.")), "case-0001")
    >>> kept.name, kept.path
    ('case-0001', None)
    >>> kept.warnings
    ('Left is right.', '1 sentence about the source was shown when it was exported and is not kept: it may name it.')
    """
    return replace(
        volume,
        name=name,
        path=None,
        header=None if volume.header is None else _without_texts(volume.header),
        record={key: value for key, value in volume.record.items() if key in _KEPT_RECORDS} | _nameless_records(volume),
        segments=(),
        colours=(),
        warnings=_nameless(volume),
        frames=None if volume.frames is None else volume.frames.without_index(),
    )


def _nameless_records(volume: SourceVolume) -> dict[str, Any]:
    """Return what else is told of a series: that images are lost or damaged, that it was changed; without its name."""
    kept: dict[str, Any] = {}
    if "allow_damaged" in volume.record:
        kept["allow_damaged"] = "images are lost or damaged"
    if DERIVED_FROM in volume.record:
        kept[DERIVED_FROM] = {key: volume.record[DERIVED_FROM][key] for key in ("files", "done")}
    return kept


def _without_texts(header: Any) -> Any:
    """Return a NIfTI header record with its texts (descrip, aux_file, db_name, intent_name ...) empty."""
    kept = header.copy()
    for field in kept.dtype.names:
        if kept.dtype[field].kind == "S":
            kept[field] = b""
    return kept


def _nameless(volume: SourceVolume) -> tuple[str, ...]:
    """Return the sentences that tell of geometry and numbers alone, and how many others there were."""
    if volume.path is None:  # of Slicer's scene, whose nodes and segments have names
        kept = tuple(text for text in volume.warnings if text in geometry_warnings(volume.geometry))
    elif volume.dicom is not None:  # the series' own sentences tell of files by name
        own = (*volume.dicom.series.warnings, volume.name, volume.path)
        files = {Path(path).name for path in (*volume.dicom.series.files, *_own_file(volume))}
        kept = tuple(text for text in volume.warnings if not _mentions(text, own) and not _names_one(text, files))
    else:
        kept = tuple(text for text in volume.warnings if not _mentions(text, (volume.path, Path(volume.path).name)))
    left = len(volume.warnings) - len(kept)
    if not left:
        return kept
    was, they = ("was", "it") if left == 1 else ("were", "they")
    text = f"{counted(left, 'sentence')} about the source {was} shown when it was exported and"
    return (*kept, f"{text} {'is' if left == 1 else 'are'} not kept: {they} may name it.")


def _own_file(volume: SourceVolume) -> tuple[str, ...]:
    """Return the file of a volume that only descends from its series."""
    return (str(volume.path),) if DERIVED_FROM in volume.record else ()


def _names_one(text: str, files: set[str]) -> bool:
    """Return whether a sentence names one of the files, whose names may hold spaces and be as short as a number."""
    found = (match.span() for name in files if name in text for match in re.finditer(re.escape(name), text))
    return any(not (text[:start][-1:].isalnum() or text[end:][:1].isalnum()) for start, end in found)


def _mentions(text: str, names: Sequence[str]) -> bool:
    return any(name and name in text for name in names)
